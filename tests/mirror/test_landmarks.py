"""What is kept between two pages is true only until something changes, and only for whoever sees the same."""

import pytest

from bridge.mirror.landmarks import LandmarksOfQueries
from bridge.mirror.query_sql import place_before
from bridge.roster.model import ENROLLMENTS
from bridge.roster.query import Place, Query, Sort
from bridge.roster.visibility import Visibility

ALL, NORTH = Visibility.of_all(), Visibility.of("north")


def query(offset=0, visibility=ALL, **rest):
    return Query(collection=ENROLLMENTS, visibility=visibility, limit=10, offset=offset, **rest)


@pytest.fixture
def queries():
    found = LandmarksOfQueries()
    found.of(query(), mark=1).keep(query(1_000), Place(5_000))
    return found


def test_page_behind_a_landmark_is_found_from_there(queries):
    nearer = queries.of(query(), mark=1).shorten(query(1_030))

    assert (nearer.after, nearer.offset) == (Place(4_999), 30)


def test_page_before_every_landmark_is_found_from_the_start(queries):
    assert queries.of(query(), mark=1).shorten(query(999)) == query(999)


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(query(1_030, visibility=NORTH), id="who-sees-something-else"),
        pytest.param(query(1_030, sort=Sort("role")), id="in-another-order"),
        pytest.param(query(1_030, descending=True), id="the-other-way-round"),
        pytest.param(query(1_030, search="x"), id="who-searches"),
    ],
)
def test_landmarks_serve_no_other_query(queries, other):
    assert queries.of(other, mark=1).shorten(other) == other


def test_landmarks_end_with_the_mark(queries):
    queries.of(query(), mark=2)

    assert queries.of(query(), mark=1).shorten(query(1_030)) == query(1_030)


def test_page_that_continues_a_walk_is_left_alone(queries):
    walking = query(after=Place(7))

    assert queries.of(query(), mark=1).shorten(walking) == walking


def test_few_rows_from_a_landmark_no_other_is_kept(queries):
    kept = queries.of(query(), mark=1)
    kept.keep(query(1_100), Place(9_000))

    assert kept.shorten(query(1_100)).after == Place(4_999)


def test_place_before_a_record_depends_on_the_way():
    assert place_before(query(), Place(5)) == Place(4)
    assert place_before(query(sort=Sort("role", descending=True)), Place(5, "student")) == Place(6, "student")
