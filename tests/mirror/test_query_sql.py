"""Queries in SQL find what they mean, in the order they mean, at a price that does not grow with the mirror."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.mirror import query_sql
from bridge.mirror.query_sql import Statement, compile_count, prepare_one, prepare_page, tally_of
from bridge.oneroster.filters import parse_filter
from bridge.roster.model import ACADEMIC_SESSIONS, CLASSES, COURSES, DEMOGRAPHICS, ENROLLMENTS, ORGS, USERS, Collection
from bridge.roster.query import And, Comparison, Condition, Or, Place, Predicate, Query, Sort
from bridge.roster.visibility import Visibility
from tests.mirror.filter_oracle import Record, matching
from tests.mirror.small_mirror import SOURCES, STAMPS, SmallMirror, collections, conditions, records, texts

ALL = Visibility.of_all()
MIRROR = SmallMirror()


def record(seq: int, document: dict[str, Any], *, source: str = "north", stamp: str = STAMPS[0]) -> Record:
    return Record(seq, source, stamp, {"sourcedId": str(seq), "status": "active", **document})


def found(collection: Collection, filter_: str | Condition, rows: list[Record], **rest: Any) -> list[int]:
    """The seqs that a filter finds among these records."""
    where = parse_filter(filter_, collection) if isinstance(filter_, str) else filter_
    query = Query(collection=collection, visibility=ALL, limit=1000, where=where, **rest)
    with MIRROR.holding(collection, rows):
        seqs = [seq for seq, _, _ in MIRROR.page(query)]
        assert MIRROR.count(query) == len(seqs)
    return seqs


# What comparisons mean -------------------------------------------------------------------------------------------


def enrollments() -> list[Record]:
    return [
        record(1, {"class": {"sourcedId": "biology"}, "role": "teacher", "beginDate": "2026-01-01"}),
        record(2, {"class": {"sourcedId": "biology"}, "role": "student"}, stamp=STAMPS[4]),
        record(3, {"class": {"sourcedId": "chemistry"}, "role": "student", "status": "tobedeleted"}),
        record(4, {"role": "proctor", "metadata": {"lti.status": "Inactive", "weight": 2.50}}),
    ]


@pytest.mark.parametrize(
    ("filter_", "seqs"),
    [
        pytest.param(
            "(role='teacher' OR role='student') AND status='active'", [1, 2], id="alternatives-in-parentheses"
        ),
        pytest.param("dateLastModified>='2026-01-02'", [2], id="changed-since-a-date"),
        pytest.param("dateLastModified<'2026-01-02'", [1, 3, 4], id="changed-before-a-date"),
        pytest.param("dateLastModified='2026-01-02T01:00:00 01:00'", [2], id="changed-at-an-instant"),
        pytest.param("dateLastModified!='2026-01-02'", [1, 3, 4], id="not-changed-at-an-instant"),
        pytest.param("dateLastModified~'2026'", [2], id="stamp-contains"),
        pytest.param("class.sourcedId='biology'", [1, 2], id="reference"),
        pytest.param("class.sourcedId!='biology'", [3, 4], id="another-reference-or-none"),
        pytest.param("class.sourcedId~'chem'", [3], id="reference-contains"),
        pytest.param("class.sourcedId='biology' AND role='student'", [2], id="reference-and-role"),
        pytest.param("class.sourcedId='biology' OR class.sourcedId='chemistry'", [1, 2, 3], id="two-references"),
        pytest.param("class.sourcedId='chemistry' OR role='proctor'", [3, 4], id="reference-or-role"),
        pytest.param("metadata.lti.status='Inactive'", [4], id="metadata-key-with-a-dot"),
        pytest.param("metadata.weight='2.5'", [4], id="metadata-number-by-its-json-text"),
        pytest.param("metadata.absent!='x'", [1, 2, 3, 4], id="no-such-metadata-is-unequal"),
        pytest.param("beginDate<'2027-01-01'", [1], id="missing-date-is-not-before"),
        pytest.param("beginDate!='2026-01-01'", [2, 3, 4], id="missing-date-is-unequal"),
        pytest.param("beginDate='2026-01-01T00:00:00.000Z'", [1], id="date-is-its-midnight"),
        pytest.param("beginDate<'2026-01-01T09:00:00Z'", [1], id="date-before-an-instant-of-its-day"),
        pytest.param("role='Teacher'", [], id="letter-case-counts"),
        pytest.param("sourcedId='2' AND class.sourcedId='biology'", [2], id="by-id-and-reference"),
    ],
)
def test_enrollment_filters(filter_: str, seqs: list[int]) -> None:
    assert found(ENROLLMENTS, filter_, enrollments()) == seqs


def users() -> list[Record]:
    return [
        record(1, {"roles": [{"role": "teacher", "beginDate": "2026-01-01"}, {"role": "aide"}], "grades": []}),
        record(2, {"roles": [{"role": "teacher"}], "grades": ["09", "10"]}),
        record(3, {"roles": [{"role": "student", "beginDate": "2026-02-01"}], "grades": ["10"]}),
        record(4, {"agents": [{"sourcedId": "1", "href": "https://a.example.org/1"}]}),
    ]


@pytest.mark.parametrize(
    ("filter_", "seqs"),
    [
        pytest.param("roles.role='teacher'", [1, 2], id="any-element"),
        pytest.param("roles.role!='teacher'", [3, 4], id="no-element"),
        pytest.param("roles.role>'student'", [1, 2], id="any-element-is-greater"),
        pytest.param("roles.role~'ach'", [1, 2], id="any-element-contains"),
        pytest.param("roles.role='aide,teacher'", [1], id="same-set-in-any-order"),
        pytest.param("roles.role!='aide,teacher'", [2, 3, 4], id="another-set"),
        pytest.param("roles.role~'aide,student'", [1, 3], id="an-element-in-common"),
        pytest.param("roles.role='teacher' OR roles.role='student'", [1, 2, 3], id="either-kind"),
        pytest.param("grades='10'", [2, 3], id="list-of-texts"),
        pytest.param("grades='10,09'", [2], id="set-of-texts"),
        pytest.param("grades>'09'", [2, 3], id="list-of-texts-in-order"),
        pytest.param("agents.href~'example.org'", [4], id="list-without-facets"),
        pytest.param("agents.href='https://a.example.org/1'", [4], id="equality-without-facets"),
        pytest.param("roles.beginDate<='2026-01-01'", [1], id="dates-in-a-list"),
        pytest.param("roles.beginDate='2026-01-01,2026-01-01T00:00:00Z'", [1], id="set-of-dates"),
    ],
)
def test_user_filters(filter_: str, seqs: list[int]) -> None:
    assert found(USERS, filter_, users()) == seqs


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_sql_finds_what_plain_python_finds(data: st.DataObject) -> None:
    collection = data.draw(collections)
    rows = data.draw(records(collection))
    query = Query(
        collection=collection,
        visibility=data.draw(st.sampled_from([ALL, Visibility.of("north"), Visibility.of("north", "west", "gone")])),
        limit=1000,
        preset=data.draw(st.none() | conditions(collection)),
        where=data.draw(conditions(collection)),
        search=data.draw(st.none() | texts),
    )
    expected = [row.seq for row in matching(query, rows)]
    with MIRROR.holding(collection, rows):
        assert [seq for seq, _, _ in MIRROR.page(query)] == expected
        assert MIRROR.count(query) == len(expected)


# Order and walking -----------------------------------------------------------------------------------------------


def sorts(collection: Collection) -> st.SearchStrategy[Sort]:
    names = [path.name for path in collection.paths if not path.many] + ["metadata.k"]
    return st.builds(Sort, st.sampled_from(names), st.booleans())


def walk(query: Query, mirror: SmallMirror = MIRROR) -> Iterator[int]:
    """Every seq, page after page, each continuing behind the last."""
    page = mirror.page(query)
    while page:
        yield from (seq for seq, _, _ in page)
        seq, key, _ = page[-1]
        page = mirror.page(replace(query, after=Place(seq, key)))


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_walk_gives_every_record_once_in_order(data: st.DataObject) -> None:
    collection = data.draw(collections)
    rows = data.draw(records(collection))
    query = Query(
        collection=collection,
        visibility=ALL,
        limit=data.draw(st.integers(1, 4)),
        where=data.draw(st.none() | conditions(collection)),
        sort=data.draw(st.none() | sorts(collection)),
        descending=data.draw(st.booleans()),
    )
    expected = [row.seq for row in matching(query, rows)]
    with MIRROR.holding(collection, rows):
        assert list(walk(query)) == expected


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_offset_skips_from_the_start_of_the_same_order(data: st.DataObject) -> None:
    rows = data.draw(records(ORGS))
    offset = data.draw(st.integers(0, 10))
    query = Query(collection=ORGS, visibility=ALL, limit=3, offset=offset, sort=data.draw(st.none() | sorts(ORGS)))
    expected = [row.seq for row in matching(query, rows)]
    with MIRROR.holding(ORGS, rows):
        assert [seq for seq, _, _ in MIRROR.page(query)] == expected[offset : offset + 3]


def test_missing_sort_field_comes_last_and_first_when_descending() -> None:
    rows = [record(1, {"name": "b"}), record(2, {}), record(3, {"name": "\U0010ffff"}), record(4, {"name": "a"})]
    assert found(ORGS, "status='active'", rows, sort=Sort("name")) == [4, 1, 3, 2]
    assert found(ORGS, "status='active'", rows, sort=Sort("name", descending=True)) == [2, 3, 1, 4]


def test_largest_offset_gives_an_empty_page() -> None:
    query = Query(collection=ORGS, visibility=ALL, limit=1000, offset=2**63 - 1)
    with MIRROR.holding(ORGS, [record(1, {})]):
        assert MIRROR.page(query) == []


def test_sort_by_a_list_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(LookupError, match="grades"):
        prepare_page(Query(collection=USERS, visibility=ALL, limit=1, sort=Sort("grades")), SOURCES)


def test_condition_on_an_unknown_field_is_a_mistake_of_the_caller() -> None:
    where = Comparison("shoeSize", Predicate.EQUAL, "42")
    with pytest.raises(LookupError, match="shoeSize"):
        prepare_page(Query(collection=USERS, visibility=ALL, limit=1, where=where), SOURCES)


# Documents -------------------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_served_document_is_the_stored_one_with_its_stamp(data: st.DataObject) -> None:
    collection = data.draw(collections)
    rows = data.draw(records(collection))
    with MIRROR.holding(collection, rows):
        served = MIRROR.page(Query(collection=collection, visibility=ALL, limit=1000))
    assert [json.loads(text) for _, _, text in served] == [
        {**row.document, "dateLastModified": row.stamp} for row in rows
    ]


def test_stamp_comes_before_the_rest() -> None:
    with MIRROR.holding(ORGS, [record(1, {"sourcedId": 'odd",', "name": "North"})]):
        ((_, _, text),) = MIRROR.page(Query(collection=ORGS, visibility=ALL, limit=1))
    assert text.startswith(r'{"dateLastModified":"2025-12-31T23:59:59.999Z","sourcedId":"odd\",","status":"active"')


@pytest.mark.parametrize(
    ("visibility", "preset", "is_found"),
    [
        pytest.param(ALL, None, True, id="everything-visible"),
        pytest.param(Visibility.of("north"), None, True, id="its-source-visible"),
        pytest.param(Visibility.of("south", "west"), None, False, id="other-sources-visible"),
        pytest.param(Visibility.of(), None, False, id="nothing-visible"),
        pytest.param(ALL, Comparison("roles.role", Predicate.EQUAL, "teacher"), True, id="of-the-kind"),
        pytest.param(ALL, Comparison("roles.role", Predicate.EQUAL, "student"), False, id="of-another-kind"),
    ],
)
def test_one_record(visibility: Visibility, preset: Condition | None, is_found: bool) -> None:
    with MIRROR.holding(USERS, users()):
        one = prepare_one(USERS, visibility, SOURCES, preset)
        rows = MIRROR.run(Statement(one.sql, one.bind("1", preset)))
    assert [json.loads(text)["sourcedId"] for (text,) in rows] == (["1"] if is_found else [])


# Visibility and search -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("visibility", "seqs"),
    [
        pytest.param(ALL, [1, 2, 3], id="all"),
        pytest.param(Visibility.of("south"), [2], id="one-source"),
        pytest.param(Visibility.of("north", "west"), [1, 3], id="two-sources"),
        pytest.param(Visibility.of("gone"), [], id="a-source-that-is-no-more"),
        pytest.param(Visibility.of(), [], id="no-source"),
    ],
)
def test_only_visible_sources_are_found_and_counted(visibility: Visibility, seqs: list[int]) -> None:
    rows = [record(1, {}), record(2, {}, source="south"), record(3, {}, source="west")]
    query = Query(collection=ORGS, visibility=visibility, limit=10)
    with MIRROR.holding(ORGS, rows):
        assert [seq for seq, _, _ in MIRROR.page(query)] == seqs
        assert MIRROR.count(query) == len(seqs)


@pytest.mark.parametrize(
    ("search", "seqs"),
    [
        pytest.param("STRASSE", [1], id="case-is-folded-beyond-ascii"),
        pytest.param("åse", [2], id="other-letters"),
        pytest.param("%", [], id="no-wildcards"),
    ],
)
def test_search_ignores_case(search: str, seqs: list[int]) -> None:
    rows = [record(1, {"familyName": "Straße"}), record(2, {"givenName": "ÅSE"}), record(3, {"phone": "strasse"})]
    assert found(USERS, "status='active'", rows, search=search) == seqs


# Totals from tallies ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("collection", "filter_", "tally"),
    [
        pytest.param(ORGS, None, (None, None), id="no-filter"),
        pytest.param(ORGS, "status='active'", ("active", None), id="status"),
        pytest.param(ORGS, "type='school'", (None, "school"), id="kind"),
        pytest.param(USERS, "status='active' AND roles.role='teacher'", ("active", "teacher"), id="status-and-kind"),
        pytest.param(ORGS, "type='school' AND type='district'", None, id="two-kinds"),
        pytest.param(ORGS, "status!='active'", None, id="not-an-equality"),
        pytest.param(ORGS, "status='active' OR type='school'", None, id="alternatives"),
        pytest.param(ORGS, "name='North'", None, id="another-field"),
        pytest.param(ORGS, "type=''", None, id="empty-kind"),
        pytest.param(USERS, "roles.role='teacher,aide'", None, id="set-of-kinds"),
        pytest.param(DEMOGRAPHICS, "status='active'", ("active", None), id="collection-without-kinds"),
        pytest.param(DEMOGRAPHICS, "sex='other'", None, id="field-of-a-collection-without-kinds"),
    ],
)
def test_tallies_answer(
    collection: Collection, filter_: str | None, tally: tuple[str | None, str | None] | None
) -> None:
    where = None if filter_ is None else parse_filter(filter_, collection)
    assert tally_of(Query(collection=collection, visibility=ALL, limit=1, where=where)) == tally


def test_preset_and_filter_share_a_tally() -> None:
    preset = Comparison("type", Predicate.EQUAL, "term")
    where = parse_filter("status='active' AND type='term'", ACADEMIC_SESSIONS)
    query = Query(collection=ACADEMIC_SESSIONS, visibility=ALL, limit=1, preset=preset, where=where)
    assert tally_of(query) == ("active", "term")


def test_search_is_not_tallied() -> None:
    assert tally_of(Query(collection=ORGS, visibility=ALL, limit=1, search="north")) is None


# Limits and price ------------------------------------------------------------------------------------------------


def test_deepest_filter_is_within_what_sqlite_parses() -> None:
    text = "title='x'"
    for level in range(50):
        word, join = ("AND", "OR") if level % 2 else ("OR", "AND")
        text = f"(title='{level}' {word} subjects='b' {word} terms.href~'c' {join} {text})"
    assert found(CLASSES, text, [record(1, {"title": "48"})]) is not None


def test_widest_filter_is_within_what_sqlite_parses() -> None:
    text = " OR ".join(f"metadata.k{i}!='x' AND subjects='a,{i}'" for i in range(100))
    assert found(COURSES, text, [record(1, {"subjects": ["7", "a"]})]) == [1]


def test_thousands_of_alternatives_are_one_list() -> None:
    preset = Or(tuple(Comparison("sourcedId", Predicate.EQUAL, str(i)) for i in range(0, 5000, 2)))
    assert found(ORGS, "status='active'", [record(i, {}) for i in range(1, 7)], preset=preset) == [2, 4, 6]


@pytest.fixture(scope="module")
def large() -> Iterator[SmallMirror]:
    """Enough enrollments that looking at each would show: every tenth in one class, three changed lately."""
    mirror = SmallMirror()
    mirror.insert(
        ENROLLMENTS,
        [
            record(
                seq,
                {"class": {"sourcedId": f"c{seq % 10}"}, "school": {"sourcedId": "s"}, "role": "student"},
                stamp=STAMPS[4] if seq % 2000 == 0 else STAMPS[seq % 4],
            )
            for seq in range(1, 6001)
        ],
    )
    yield mirror
    mirror.connection.close()


def steps(mirror: SmallMirror, statement: Statement) -> tuple[int, list[Any]]:
    """What a statement costs in steps of SQLite's virtual machine, and its rows."""
    taken = 0

    def step() -> bool:
        nonlocal taken
        taken += 1
        return False

    mirror.connection.set_progress_handler(step, 1)
    rows = mirror.run(statement)
    mirror.connection.set_progress_handler(None, 1)
    return taken, rows


def page_steps(mirror: SmallMirror, query: Query) -> tuple[int, list[int]]:
    page = prepare_page(query, SOURCES)
    taken, rows = steps(mirror, Statement(page.places, page.bind(query)))
    return taken, [seq for seq, *_ in rows]


@pytest.mark.parametrize(
    ("filter_", "first"),
    [
        pytest.param("status='active'", [1, 2, 3], id="status"),
        pytest.param("role='student' AND status='active'", [1, 2, 3], id="kind-and-status"),
        pytest.param("(role='student' OR role='teacher') AND status='active'", [1, 2, 3], id="kinds-and-status"),
        pytest.param("role='student' OR role='teacher'", [1, 2, 3], id="kinds"),
        pytest.param("school.sourcedId='s'", [1, 2, 3], id="common-reference"),
        pytest.param("school.sourcedId='s' AND status='active'", [1, 2, 3], id="common-reference-and-status"),
        pytest.param("class.sourcedId='c3' AND school.sourcedId='s'", [3, 13, 23], id="two-references"),
        pytest.param("sourcedId='77' AND school.sourcedId='s'", [77], id="one-record"),
        pytest.param("sourcedId='77' OR sourcedId='78'", [77, 78], id="a-few-records"),
        pytest.param("dateLastModified>='2026-01-02'", [2000, 4000, 6000], id="changed-lately"),
        pytest.param("dateLastModified>='2026-01-02' AND status='active'", [2000, 4000, 6000], id="lately-and-status"),
    ],
)
def test_page_costs_its_own_rows(large: SmallMirror, filter_: str, first: list[int]) -> None:
    where = parse_filter(filter_, ENROLLMENTS)
    taken, seqs = page_steps(large, Query(collection=ENROLLMENTS, visibility=ALL, limit=3, where=where))
    assert seqs == first
    assert taken < 1500  # looking at all 6,000 takes several steps each


@pytest.mark.parametrize("visibility", [ALL, Visibility.of("north")], ids=["all", "one-source"])
@pytest.mark.parametrize("descending", [False, True], ids=["ascending", "descending"])
@pytest.mark.parametrize("field", ["sourcedId", "role", "dateLastModified"])
def test_sorted_page_of_a_common_reference_costs_no_sort_of_them_all(
    large: SmallMirror, monkeypatch: pytest.MonkeyPatch, field: str, descending: bool, visibility: Visibility
) -> None:
    where = parse_filter("school.sourcedId='s' AND status='active'", ENROLLMENTS)
    query = Query(
        collection=ENROLLMENTS, visibility=visibility, limit=700, where=where, sort=Sort(field, descending=descending)
    )
    sorted_all = [place for place, *_ in large.page(replace(query, limit=6000))]
    monkeypatch.setattr(query_sql, "_FEW_ENTRIES", 100)

    walked: list[int] = []
    after = None
    while page := large.page(replace(query, after=after)):
        walked.extend(seq for seq, *_ in page)
        after = Place(*page[-1][:2])
    taken, first = page_steps(large, replace(query, limit=3))

    assert walked == sorted_all
    assert first == sorted_all[:3]
    assert taken < 4000  # sorting all 6,000 takes over 100,000


def test_count_of_what_changed_lately_costs_its_own_rows(large: SmallMirror) -> None:
    where = parse_filter("dateLastModified>='2026-01-02' AND status='active'", ENROLLMENTS)
    statement = compile_count(Query(collection=ENROLLMENTS, visibility=ALL, limit=1, where=where), SOURCES)
    taken, rows = steps(large, statement)
    assert rows == [(3,)]
    assert taken < 1500


def test_changed_long_ago_costs_no_sort_of_the_whole(large: SmallMirror) -> None:
    where = And(
        (parse_filter("dateLastModified>'0001-01-01'", ENROLLMENTS), parse_filter("status='active'", ENROLLMENTS))
    )
    query = Query(collection=ENROLLMENTS, visibility=ALL, limit=3, where=where)
    taken, seqs = page_steps(large, query)
    assert seqs == [1, 2, 3]
    assert taken < 50_000  # most of it counts to 5,000, the border between few and many
    assert large.count(query) == 6000


@pytest.mark.parametrize("sort", [None, Sort("dateLastModified", descending=True)], ids=["unsorted", "latest-first"])
def test_walk_of_all_that_changed_gives_every_record_once(large: SmallMirror, sort: Sort | None) -> None:
    where = parse_filter("dateLastModified>'0001-01-01'", ENROLLMENTS)
    seqs = list(walk(Query(collection=ENROLLMENTS, visibility=ALL, limit=700, where=where, sort=sort), large))
    assert sorted(seqs) == list(range(1, 6001))


def test_several_sources_are_walked_in_order(large: SmallMirror) -> None:
    taken, seqs = page_steps(large, Query(collection=ENROLLMENTS, visibility=Visibility.of("north", "west"), limit=3))
    assert seqs == [1, 2, 3]
    assert taken < 1500
