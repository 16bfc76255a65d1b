"""One statement finds what is nested in any record: the sourcedIds of a path are bound into it."""

import sqlite3
from contextlib import closing

import pytest

from bridge.mirror.blanks import Slot, blanked
from bridge.mirror.query_sql import prepare_one, prepare_page
from bridge.oneroster.operations import OPERATIONS
from bridge.roster.query import Query
from bridge.roster.visibility import Visibility

NESTED = [operation for operation in OPERATIONS if operation.parents]
SOURCES = {"north": 1, "south": 2}
SEEN = [Visibility.of_all(), Visibility.of("north")]


def query(operation, ids, visibility):
    return Query(collection=operation.collection, visibility=visibility, preset=operation.condition(ids), limit=10)


@pytest.mark.parametrize("visibility", SEEN, ids=["all", "one-source"])
@pytest.mark.parametrize("operation", NESTED, ids=lambda operation: operation.operation_id)
def test_statement_that_was_prepared_for_one_record_finds_what_is_in_another(operation, visibility):
    prepared = prepare_page(query(operation, ("first", "first in it"), visibility), SOURCES)

    bound = prepared.bind(query(operation, ("student", "0"), visibility))

    anew = prepare_page(query(operation, ("student", "0"), visibility), SOURCES)
    assert (prepared.served, prepared.places) == (anew.served, anew.places)
    asked = operation.condition(("student", "0"))
    assert not any("first" in str(each) for each in bound)
    assert {"student", "student@student", "teacher@student", "0"} & set(bound)
    assert blanked(asked) == blanked(operation.condition(("first", "first in it")))


@pytest.mark.parametrize("operation", NESTED, ids=lambda operation: operation.operation_id)
def test_parents_are_found_by_one_statement(operation):
    for parent in operation.parents:
        first, other = parent.condition(("first", "in it")), parent.condition(("other", "in it"))
        prepared = prepare_one(parent.view.collection, SEEN[0], SOURCES, first)

        bound = prepared.bind("wanted", other)

        assert "wanted" in bound
        assert "first" not in bound
        assert ("other" in bound) == (parent.of_outer is not None)


def test_text_that_was_not_bound_is_refused_by_sqlite():
    prepared = prepare_page(query(NESTED[0], ("first", "first in it"), SEEN[0]), SOURCES)
    (slot, *_) = [each for each in prepared.parameters if isinstance(each, Slot)]

    with closing(sqlite3.connect(":memory:")) as db, pytest.raises(sqlite3.Error):
        db.execute("SELECT ?", (slot,))
