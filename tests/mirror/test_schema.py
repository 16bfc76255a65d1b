"""The mirror's schema says what the model says, and the usual questions find their index."""

import json
import sqlite3

import pytest

from bridge.mirror.condition_sql import ordered_fields
from bridge.mirror.query_sql import Statement, prepare_one, prepare_page
from bridge.oneroster.filters import parse_filter
from bridge.oneroster.operations import OPERATIONS
from bridge.roster.model import COLLECTIONS, ENROLLMENTS, USERS
from bridge.roster.query import Place, Query, Sort
from bridge.roster.visibility import Visibility

SOURCES = {"north": 1, "south": 2}

each_collection = pytest.mark.parametrize("collection", COLLECTIONS.values(), ids=COLLECTIONS)


def rows(school, sql, *parameters):
    return school.mirror.db.execute(sql, parameters).fetchall()


def columns_of(collection):
    """The model's paths that live in the document and hold one value; the sourcedId has a column of its own."""
    return [path.name for path in collection.columns if path.name != "sourcedId"]


def test_every_table_is_strict(school):
    loose = rows(
        school, "SELECT name FROM pragma_table_list WHERE schema = 'main' AND strict = 0 AND name NOT LIKE 'sqlite_%'"
    )
    assert loose == []


def test_there_is_a_table_for_every_collection_and_for_no_other(school):
    with_documents = rows(
        school,
        "SELECT m.name FROM sqlite_schema AS m JOIN pragma_table_xinfo(m.name) AS c"
        " WHERE m.type = 'table' AND c.name = 'document' AND m.name <> 'runs'",
    )
    assert {name for (name,) in with_documents} == set(COLLECTIONS)


@each_collection
def test_generated_columns_are_the_models(school, collection):
    virtual = rows(school, "SELECT name FROM pragma_table_xinfo(?) WHERE hidden = 2", collection.name)

    assert sorted(name for (name,) in virtual) == sorted(columns_of(collection))


@each_collection
def test_each_generated_column_shows_its_path(school, collection):
    document = {"sourcedId": "x"}
    for name in columns_of(collection):
        *way, last = name.split(".")
        place = document
        for step in way:
            place = place.setdefault(step, {})
        place[last] = f"value of {name}"
    school.mirror.add_source("north")
    school.mirror.db.execute(
        f'INSERT INTO "{collection.name}" (source, sourcedId, changed, document) VALUES (1, ?, 1, ?)',
        ["x", json.dumps(document)],
    )

    shown = school.mirror.db.query(f'SELECT * FROM "{collection.name}"')

    assert [row | dict.fromkeys(("seq", "document")) for row in shown] == [
        {"seq": None, "source": 1, "sourcedId": "x", "changed": 1, "document": None}
        | {name: f"value of {name}" for name in columns_of(collection)}
    ]


def test_facet_fields_are_the_models(school):
    assert set(rows(school, "SELECT collection, path FROM facet_fields")) == {
        (collection.name, path.name) for collection in COLLECTIONS.values() for path in collection.facets
    }


@each_collection
def test_every_collection_is_held_in_order(school, collection):
    found = {}
    for (name,) in rows(
        school, "SELECT name FROM sqlite_schema WHERE type = 'index' AND tbl_name = ?", collection.name
    ):
        found[name] = [column for (column,) in rows(school, "SELECT name FROM pragma_index_info(?)", name)]
    key = None  # an expression
    wanted = {
        f"sqlite_autoindex_{collection.name}_1": ["sourcedId"],
        f"{collection.name}_by_source": ["source"],
        f"{collection.name}_by_seq": ["seq", "source"],
        f"{collection.name}_by_changed": ["changed", "seq", "source"],
        f"{collection.name}_by_sourcedId": ["sourcedId", "seq", "source"],
    }
    wanted |= {
        f"{collection.name}_by_{field}": [key, "seq", "source"]
        for field in ordered_fields(collection)
        if field != "sourcedId"
    }
    if collection.kind in columns_of(collection):
        wanted[f"{collection.name}_by_kind_and_status"] = [key, key, "seq", "source"]
    if collection is USERS:
        wanted["users_by_address"] = ["email", "source"]  # for people who are in several sources
    if collection is ENROLLMENTS:
        wanted["enrollments_in_class"] = ["source", "class.sourcedId", "role", "status", "user.sourcedId"]
    assert found == wanted


@pytest.mark.parametrize("descending", [False, True], ids=["ascending", "descending"])
@pytest.mark.parametrize("after", [None, Place(5, "5")], ids=["first-page", "next-page"])
@pytest.mark.parametrize("visibility", [Visibility.of_all(), Visibility.of("north")], ids=["all", "one-source"])
@pytest.mark.parametrize(
    ("collection", "field"),
    [
        pytest.param(collection, field, id=f"{collection.name}-{field}")
        for collection in COLLECTIONS.values()
        for field in ("dateLastModified", *ordered_fields(collection))
    ],
)
def test_sorted_page_is_found_by_the_index_of_its_field(school, collection, field, visibility, after, descending):
    query = Query(
        collection=collection, visibility=visibility, limit=9, after=after, sort=Sort(field, descending=descending)
    )

    plan = rows(
        school, f"EXPLAIN QUERY PLAN {prepare_page(query, SOURCES).places}", *prepare_page(query, SOURCES).bind(query)
    )

    index = f"{collection.name}_by_{'changed' if field == 'dateLastModified' else field}"
    steps = [step for *_, step in plan if step.startswith(("SCAN r", "SEARCH r"))]
    assert steps
    assert all(f"INDEX {index}" in step for step in steps)
    if after is None:
        assert not [step for *_, step in plan if "TEMP B-TREE" in step]


def test_record_needs_a_source(school):
    with pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY"):
        school.mirror.db.execute("INSERT INTO orgs (source, sourcedId, changed, document) VALUES (9, 'x', 1, '{}')")


def test_two_mirrors_have_two_epochs(school, tmp_path):
    other = type(school)(tmp_path / "other.sqlite")

    assert len(school.mirror.epoch) == 32
    assert school.mirror.epoch != other.mirror.epoch
    other.close()


def page_of(query):
    page = prepare_page(query, SOURCES)
    return Statement(page.served, page.bind(query))


def plan_of(school, statement):
    """The steps of SQLite's plan. Whether an index covers, versions of SQLite tell differently."""
    plan = rows(school, f"EXPLAIN QUERY PLAN {statement.sql}", *statement.parameters)
    return [step.replace("COVERING ", "") for *_, step in plan]


@pytest.mark.parametrize(
    ("collection", "filter_", "rest", "step"),
    [
        pytest.param(USERS, None, {}, "SCAN r USING INDEX users_by_seq", id="first-page"),
        pytest.param(USERS, None, {"after": Place(5)}, "SEARCH r USING INDEX users_by_seq (seq>?)", id="next-page"),
        pytest.param(
            USERS,
            None,
            {"visibility": Visibility.of("north")},
            "SEARCH r USING INDEX users_by_source (source=?)",
            id="one-source",
        ),
        pytest.param(
            USERS,
            "username='ann'",
            {"visibility": Visibility.of("north")},
            "SEARCH r USING INDEX users_by_username (<expr>=?)",
            id="one-value-of-one-source",
        ),
        pytest.param(USERS, "status='active'", {}, "SEARCH r USING INDEX users_by_status (<expr>=?)", id="status"),
        pytest.param(
            ENROLLMENTS, "role='teacher'", {}, "SEARCH r USING INDEX enrollments_by_role (<expr>=?)", id="role"
        ),
        pytest.param(
            ENROLLMENTS,
            "role='teacher' AND status='active'",
            {"after": Place(5)},
            "SEARCH r USING INDEX enrollments_by_kind_and_status (<expr>=? AND <expr>=? AND seq>?)",
            id="role-and-status",
        ),
        pytest.param(
            ENROLLMENTS,
            "class.sourcedId='c'",
            {},
            "SEARCH f USING PRIMARY KEY (field=? AND source=? AND value=?)",
            id="reference",
        ),
        pytest.param(
            USERS,
            "roles.role='teacher'",
            {},
            "SEARCH f USING PRIMARY KEY (field=? AND source=? AND value=?)",
            id="value-in-a-list",
        ),
        pytest.param(
            USERS,
            "dateLastModified>='2026-01-01'",
            {},
            "SEARCH r USING INDEX users_by_changed (changed>?)",
            id="changed-since",
        ),
        pytest.param(
            USERS,
            "dateLastModified>='2026-01-01'",
            {},
            "SEARCH w USING INDEX sqlite_autoindex_writes_1 (stamp<?)",
            id="last-write-before",
        ),
    ],
)
def test_page_is_found_by_its_index(school, collection, filter_, rest, step):
    query = Query(
        **{"collection": collection, "visibility": Visibility.of_all(), "limit": 100, **rest},
        where=parse_filter(filter_, collection) if filter_ else None,
    )

    assert step in plan_of(school, page_of(query))


def test_changes_in_their_order_are_walked_without_being_counted_before(school):
    since = parse_filter("dateLastModified>='2026-01-01'", USERS)
    query = Query(collection=USERS, visibility=Visibility.of_all(), limit=9, where=since, sort=Sort("dateLastModified"))

    walks = [step for step in plan_of(school, page_of(query)) if "users_by_changed" in step]

    assert walks == ["SEARCH r USING INDEX users_by_changed (changed>?)"]


@pytest.mark.parametrize("visibility", [Visibility.of_all(), Visibility.of("north")], ids=["all", "one-source"])
def test_people_of_a_class_are_found_by_it(school, visibility):
    (operation,) = [each for each in OPERATIONS if each.operation_id == "getStudentsForClass"]
    query = Query(collection=USERS, visibility=visibility, limit=100, preset=operation.condition(("c",)))

    plan = plan_of(school, page_of(query))

    wanted = "source=? AND class.sourcedId=? AND role=? AND status=?"
    assert f"SEARCH r USING INDEX enrollments_in_class ({wanted})" in plan


def test_one_record_is_found_by_its_id(school):
    one = prepare_one(USERS, Visibility.of("north"), SOURCES)

    plan = plan_of(school, Statement(one.sql, one.bind("x", None)))

    assert plan[0] == "SEARCH r USING INDEX sqlite_autoindex_users_1 (sourcedId=?)"
