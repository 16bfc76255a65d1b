"""Pages of the mirror: texts as they go on the wire, exact totals, and an end to what takes too long."""

import json
import tracemalloc
from itertools import product

import pytest

from bridge.errors import Busy, UnknownObject
from bridge.mirror.mirror import Mirror
from bridge.mirror.pages import Pages
from bridge.mirror.query_sql import Statement
from bridge.oneroster.filters import parse_filter
from bridge.roster.model import ACADEMIC_SESSIONS, CLASSES, COLLECTIONS, COURSES, ENROLLMENTS, USERS
from bridge.roster.query import And, Comparison, Predicate, Query
from bridge.roster.visibility import Visibility
from tests.mirror.rosters_in_memory import INSTRUCTOR, LEARNER, PUBLIC_URL, Course

ALL = Visibility.of_all()


@pytest.fixture
def open_pages(school):
    """Opens readers of the mirror as the web does: read-only, each on its own connection."""
    opened = []

    def open_pages(**options):
        mirror = Mirror.open_read_only(school.path)
        opened.append(mirror)
        return Pages(mirror, **{"public_url": PUBLIC_URL, **options})

    yield open_pages
    for mirror in opened:
        mirror.close()


@pytest.fixture
def pages(open_pages):
    return open_pages()


@pytest.fixture
def two_sources(school, biology, chemistry):
    """Records of two sources, some of them retired."""
    south = Course("art", "Art", source="south")
    south.enrol("ann")
    south.enrol("ina", INSTRUCTOR, LEARNER)
    south.enrol("old")
    for course in (biology, chemistry, south):
        school.reconcile(course)
    south.leave("old")
    biology.leave("ben")
    school.reconcile(south)
    school.reconcile(biology)


def read(page):
    return json.loads(b"[%b]" % page.documents)


def ids(page):
    return [document["sourcedId"] for document in read(page)]


def query(collection, filter_=None, *, visibility=ALL, limit=100, **rest):
    where = parse_filter(filter_, collection) if filter_ else None
    return Query(collection=collection, visibility=visibility, limit=limit, where=where, **rest)


def test_document_begins_with_its_stamp(school, pages, biology):
    school.reconcile(biology)

    page = pages.page(query(COURSES))

    stored = school.course(biology)
    (served,) = read(page)
    assert list(served)[:3] == ["dateLastModified", "sourcedId", "status"]
    assert served == {**stored, "dateLastModified": "2026-11-20T08:00:00.000Z"}


def test_pages_follow_one_another(pages, two_sources):
    first = pages.page(query(USERS, limit=4))
    second = pages.page(query(USERS, limit=4, after=first.last))

    assert (first.count, first.total, first.more) == (4, 7, True)
    assert (second.count, second.total, second.more) == (3, 7, False)
    assert len(set(ids(first) + ids(second))) == 7


def test_last_page_that_is_full_has_nothing_behind_it(pages, two_sources):
    assert not pages.page(query(USERS, limit=7)).more


def test_empty_page(pages):
    page = pages.page(query(USERS))

    assert (page.documents, page.count, page.total, page.last, page.more) == (b"", 0, 0, None, False)


FILTERS = {
    "everything": lambda _: None,
    "active": lambda _: Comparison("status", Predicate.EQUAL, "active"),
    "retired": lambda _: Comparison("status", Predicate.EQUAL, "tobedeleted"),
    "one-kind": lambda kind: kind and Comparison(kind, Predicate.EQUAL, "student"),
    "one-kind-and-status": lambda kind: (
        kind and And((Comparison(kind, Predicate.EQUAL, "teacher"), Comparison("status", Predicate.EQUAL, "active")))
    ),
    "no-such-kind": lambda kind: kind and Comparison(kind, Predicate.EQUAL, "nobody"),
    "not-a-tally": lambda _: Comparison("sourcedId", Predicate.GREATER, "8"),
}


@pytest.mark.parametrize(
    "sources",
    [None, (), ("north",), ("south",), ("north", "south"), ("elsewhere",)],
    ids=["all", "none", "north", "south", "both", "unknown"],
)
def test_totals_are_what_a_walk_finds(pages, two_sources, sources):
    visibility = ALL if sources is None else Visibility.of(*sources)
    for collection, where in product(COLLECTIONS.values(), FILTERS.values()):
        asked = Query(collection=collection, visibility=visibility, limit=1000, where=where(collection.kind))

        page = pages.page(asked)

        assert page.total == page.count, asked


def test_source_shows_exactly_its_own(school, pages, two_sources):
    for collection in COLLECTIONS.values():
        rows = school.mirror.db.execute(
            f'SELECT r.sourcedId, s.name FROM "{collection.name}" AS r JOIN sources AS s ON s.id = source ORDER BY seq'
        ).fetchall()
        for source in ("north", "south"):
            page = pages.page(query(collection, visibility=Visibility.of(source)))
            assert ids(page) == [sourced_id for sourced_id, name in rows if name == source]


def test_one_record(school, pages, biology):
    school.reconcile(biology)
    ann = school.user("ann")

    assert json.loads(pages.one(USERS, ann["sourcedId"], ALL)) == {
        **ann,
        "dateLastModified": "2026-11-20T08:00:00.000Z",
    }


def test_retired_record_is_still_there(school, pages, biology):
    school.reconcile(biology)
    biology.leave("ann")
    school.reconcile(biology)

    assert json.loads(pages.one(USERS, school.user("ann")["sourcedId"], ALL))["status"] == "tobedeleted"


def test_record_of_a_hidden_source_is_not_there(school, pages, biology):
    school.reconcile(biology)

    with pytest.raises(UnknownObject, match="there is no user with this sourcedId"):
        pages.one(USERS, school.user("ann")["sourcedId"], Visibility.of("south"))


def test_record_outside_the_operation_is_not_there(school, pages, biology):
    school.reconcile(biology)
    (term,) = ids(pages.page(query(ACADEMIC_SESSIONS, "type='term'")))
    years = Comparison("type", Predicate.EQUAL, "schoolYear")

    assert pages.one(ACADEMIC_SESSIONS, term, ALL)
    with pytest.raises(UnknownObject):
        pages.one(ACADEMIC_SESSIONS, term, ALL, years)


def test_page_and_total_are_of_one_moment(school, biology):
    """A write between the two statements of a page changes neither."""
    school.reconcile(biology)
    mirror = Mirror.open_read_only(school.path)
    pages = Pages(mirror, public_url=PUBLIC_URL)

    def interfere(statement):
        if "FROM tallies" in statement:
            biology.enrol("dan")
            school.reconcile(biology)

    mirror.db.conn.set_trace_callback(interfere)
    page = pages.page(query(USERS, limit=2))
    mirror.db.conn.set_trace_callback(None)

    assert (page.count, page.total) == (2, 3)
    assert pages.page(query(USERS)).total == 4
    mirror.close()


# Time ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def thousand(school):
    course = Course("large")
    for number in range(1000):
        course.enrol(f"s{number:03}", given_name="Ann", family_name=f"Abara {number}")
    school.reconcile(course)


def test_query_past_its_time_is_ended(open_pages, thousand):
    pages = open_pages(time_limit=0.0)

    with pytest.raises(Busy, match="takes longer than 0 s; ask again"):
        pages.page(query(USERS, search="z"))


def test_connection_is_usable_after_a_query_was_ended(open_pages, thousand):
    pages = open_pages(time_limit=0.0)
    with pytest.raises(Busy):
        pages.page(query(USERS, search="z"))

    assert pages.page(query(USERS, limit=1)).total == 1000


def test_query_within_its_time_is_answered(pages, thousand):
    assert pages.page(query(USERS, "familyName~' 77'", search="abara 77")).total == 11


def test_total_that_is_not_counted_in_time_is_counted_on_by_whoever_asks_again(open_pages, thousand, monkeypatch):
    endless = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
    monkeypatch.setattr("bridge.mirror.pages.compile_count", lambda *_: Statement(endless, ()))
    pages = open_pages(time_limit=1.0)
    asked = query(ENROLLMENTS, "status!='tobedeleted'")
    with pytest.raises(Busy):
        pages.page(asked)

    assert pages.page(asked).total == 1000


# Addresses -------------------------------------------------------------------------------------------------------

ELSEWHERE = "https://rosters.example.org/bridge"


def hrefs(value):
    """Every address in a document, at any depth."""
    if isinstance(value, list):
        return [href for item in value for href in hrefs(item)]
    if isinstance(value, dict):
        return [href for item in value.values() for href in hrefs(item)] + ([value["href"]] if "href" in value else [])
    return []


def test_references_are_corrected_when_served_while_the_setting_differs(school, open_pages, biology):
    school.reconcile(biology)
    pages = open_pages(public_url=ELSEWHERE)
    documents = read(pages.page(query(ENROLLMENTS)))
    documents.append(json.loads(pages.one(ENROLLMENTS, documents[0]["sourcedId"], ALL)))

    assert {href[: len(ELSEWHERE) + 5] for document in documents for href in hrefs(document)} == {f"{ELSEWHERE}/ims/"}
    assert school.mirror.public_url == PUBLIC_URL


def test_rebase_moves_every_reference_and_no_stamp(school, pages, biology, open_pages):
    school.reconcile(biology)
    before = school.dump(without=("meta", *COLLECTIONS))
    stored = {name: school.dump()[name] for name in COLLECTIONS}
    served = [pages.page(query(collection)).documents for collection in COLLECTIONS.values()]

    school.mirror.rebase(ELSEWHERE)

    assert school.mirror.public_url == ELSEWHERE
    assert school.dump(without=("meta", *COLLECTIONS)) == before
    for name in COLLECTIONS:
        moved = [tuple(str(value).replace(PUBLIC_URL, ELSEWHERE) for value in row) for row in stored[name]]
        assert [tuple(map(str, row)) for row in school.dump()[name]] == moved
    again = open_pages(public_url=ELSEWHERE)
    assert [again.page(query(collection)).documents for collection in COLLECTIONS.values()] == [
        documents.replace(PUBLIC_URL.encode(), ELSEWHERE.encode()) for documents in served
    ]


def test_name_that_looks_like_a_reference_is_not_moved(school, open_pages, biology):
    name = f'"href":"{PUBLIC_URL}/ims/oneroster/rostering/v1p2/users/1"'
    biology.enrol("eve", given_name="Eve", family_name=name)
    school.reconcile(biology)
    eve = school.user("eve")["sourcedId"]

    assert json.loads(open_pages(public_url=ELSEWHERE).one(USERS, eve, ALL))["familyName"] == name
    school.mirror.rebase(ELSEWHERE)
    assert school.user("eve")["familyName"] == name


def test_rebase_to_where_it_is_needs_no_lock(school, biology):
    other = type(school)(school.path)
    other.mirror.db.execute("BEGIN IMMEDIATE")
    school.mirror.db.execute("PRAGMA busy_timeout = 0")

    school.mirror.rebase(PUBLIC_URL)

    other.mirror.db.execute("ROLLBACK")
    other.close()


def test_what_is_kept_of_long_queries_does_not_add_up(pages):
    tracemalloc.start()
    try:
        for number in range(800):
            long = Comparison("givenName", Predicate.EQUAL, f"{number}".zfill(8_000))
            pages.page(Query(collection=USERS, visibility=ALL, limit=1, where=long))
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert held < 6_000_000  # where some hundreds of them begin is kept, and not what each is


def test_long_queries_that_are_asked_once_leave_little_behind(pages, two_sources):
    def ask(number):
        sets = " OR ".join(f"subjects='{number},{other}'" for other in range(200))
        pages.page(query(CLASSES, sets))

    ask(0)
    tracemalloc.start()
    try:
        for number in range(1, 11):
            ask(number)
        assert tracemalloc.get_traced_memory()[0] < 2_000_000
    finally:
        tracemalloc.stop()
