"""What a caller asks for by reference or by id costs the same, whatever other sources hold.

Costs are counted in steps of SQLite's virtual machine, so that they are the same on every machine.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from bridge.mirror.query_sql import Statement, compile_count, prepare_page
from bridge.oneroster.filters import parse_filter
from bridge.roster.model import CLASSES, ENROLLMENTS, USERS
from bridge.roster.query import Among, And, Comparison, Predicate, Query
from bridge.roster.visibility import Visibility
from tests.mirror.filter_oracle import Record
from tests.mirror.small_mirror import SOURCES, STAMPS, SmallMirror

NORTH = Visibility.of("north")
IN_CLASS = Among(ENROLLMENTS, "user.sourcedId", Comparison("class.sourcedId", Predicate.EQUAL, "guessed"))


def enrolled(seq: int, source: str, class_: str) -> Record:
    references = {"class": {"sourcedId": class_}, "user": {"sourcedId": f"u{seq}"}, "school": {"sourcedId": "s"}}
    return Record(seq, source, STAMPS[0], {"sourcedId": f"e{seq}", "status": "active", "role": "student", **references})


def known(seq: int, source: str, role: str) -> Record:
    roles = [{"role": role, "org": {"sourcedId": "s"}}]
    return Record(seq, source, STAMPS[0], {"sourcedId": f"u{seq}", "status": "active", "roles": roles})


def mirror_with(others: int) -> SmallMirror:
    """Ten records of the north, and between them these many of the south, who use every value that the north uses."""
    mirror = SmallMirror()
    visible = [(10 * number, "north", "own" if number % 2 else "other") for number in range(1, 11)]
    hidden = [(seq, "south", ("own", "guessed")[seq % 2]) for seq in range(201, 201 + others)]
    hidden += [(10 * number + 1, "south", "own") for number in range(1, min(others, 11))]
    mirror.insert(ENROLLMENTS, [enrolled(*each) for each in visible + hidden])
    mirror.insert(USERS, [known(seq, source, "student") for seq, source, _ in visible + hidden])
    classes = [(1, "north", "own"), (2, "north", "other"), *([(3, "south", "guessed")] if others else [])]
    mirror.insert(CLASSES, [Record(seq, source, STAMPS[0], {"sourcedId": name}) for seq, source, name in classes])
    return mirror


@pytest.fixture(scope="module")
def worlds() -> Iterator[tuple[SmallMirror, ...]]:
    """The same north alone, beside a little and beside much."""
    opened = tuple(mirror_with(others) for others in (0, 60, 600))
    yield opened
    for mirror in opened:
        mirror.connection.close()


def cost(mirror: SmallMirror, statement: Statement) -> tuple[int, list[Any]]:
    taken = 0

    def step() -> bool:
        nonlocal taken
        taken += 1
        return False

    mirror.connection.set_progress_handler(step, 1)
    rows = mirror.run(statement)
    mirror.connection.set_progress_handler(None, 1)
    return taken, rows


QUERIES = {
    "class-of-nobody": (ENROLLMENTS, "class.sourcedId='nobody'"),
    "class-of-another-source": (ENROLLMENTS, "class.sourcedId='guessed'"),
    "class-that-both-name": (ENROLLMENTS, "class.sourcedId='own'"),
    "school-and-status": (ENROLLMENTS, "school.sourcedId='s' AND status='active'"),
    "one-of-two-classes": (ENROLLMENTS, "class.sourcedId='own' OR class.sourcedId='guessed'"),
    "not-that-class": (ENROLLMENTS, "class.sourcedId='own' AND user.sourcedId!='u10'"),
    "role": (USERS, "roles.role='student'"),
    "role-at-an-org": (USERS, "roles.org.sourcedId='s' AND roles.role='student'"),
    "list-that-is-a-set": (USERS, "roles.role='student,teacher'"),
    "everything": (USERS, None),
}


@pytest.mark.parametrize("compiled", ["page", "count"])
@pytest.mark.parametrize("name", QUERIES)
def test_question_costs_the_same_whatever_other_sources_hold(worlds, name, compiled):
    collection, text = QUERIES[name]
    query = Query(
        collection=collection,
        visibility=NORTH,
        limit=4,
        where=parse_filter(text, collection) if text else None,
    )

    costs, answers = zip(*(_cost(world, query, compiled) for world in worlds), strict=True)

    assert max(costs) - min(costs) <= 2  # whether anything follows in an index takes a step to see
    assert len(set(answers)) == 1


@pytest.mark.parametrize("compiled", ["page", "count"])
def test_class_of_another_source_costs_what_one_costs_that_is_nowhere(worlds, compiled):
    def query(class_: str) -> Query:
        where = parse_filter(f"class.sourcedId='{class_}'", ENROLLMENTS)
        return Query(collection=ENROLLMENTS, visibility=NORTH, limit=4, where=where)

    *_, much = worlds

    assert _cost(much, query("guessed"), compiled) == _cost(much, query("nobody"), compiled)


@pytest.mark.parametrize("compiled", ["page", "count"])
def test_people_of_a_class_of_another_source_cost_what_those_of_none_cost(worlds, compiled):
    of_nobody = Among(ENROLLMENTS, "user.sourcedId", Comparison("class.sourcedId", Predicate.EQUAL, "nobody"))
    *_, much = worlds

    costs = {
        _cost(much, Query(collection=USERS, visibility=NORTH, limit=4, preset=And((each,))), compiled)
        for each in (IN_CLASS, of_nobody)
    }

    assert len(costs) == 1


def _cost(world: SmallMirror, query: Query, compiled: str) -> tuple[int, str]:
    if compiled == "count":
        statement = compile_count(query, SOURCES)
    else:
        page = prepare_page(query, SOURCES)
        statement = Statement(page.served, page.bind(query))
    taken, rows = cost(world, statement)
    return taken, repr(rows)


def test_many_sources_are_walked_in_one_order(worlds):
    """Side by side, whoever the caller is."""
    *_, much = worlds
    where = parse_filter("school.sourcedId='s'", ENROLLMENTS)
    query = Query(collection=ENROLLMENTS, visibility=Visibility.of_all(), limit=8, where=where)
    page = prepare_page(query, SOURCES)

    taken, rows = cost(much, Statement(page.places, page.bind(query)))

    assert [seq for seq, _ in rows] == [10, 11, 20, 21, 30, 31, 40, 41]
    assert taken < 1000


@pytest.mark.parametrize(
    "text", ["school.sourcedId='s'", "class.sourcedId='guessed'", "class.sourcedId='own' AND status='active'"]
)
def test_more_sources_than_are_walked_side_by_side_give_the_same(worlds, text):
    *_, much = worlds
    where = parse_filter(text, ENROLLMENTS)
    query = Query(collection=ENROLLMENTS, visibility=Visibility.of_all(), limit=1000, where=where)
    few = prepare_page(query, SOURCES)
    many = prepare_page(query, SOURCES | {f"source {number}": number for number in range(10, 200)})

    found = [much.run(Statement(page.places, page.bind(query))) for page in (few, many)]

    assert found[0] == found[1] != []
