"""What is kept between two pages serves only whoever sees the same, and is bounded."""

from dataclasses import replace

import pytest

from bridge.mirror.landmarks import Landmarks, LandmarksOfQueries, State
from bridge.mirror.query_sql import place_before
from bridge.roster.model import ENROLLMENTS, USERS
from bridge.roster.query import Comparison, Place, Predicate, Query, Sort
from bridge.roster.visibility import Visibility

ALL, NORTH = Visibility.of_all(), Visibility.of("north")


def query(offset=0, visibility=ALL, **rest):
    return Query(collection=ENROLLMENTS, visibility=visibility, limit=10, offset=offset, **rest)


STATE = State(1, "epoch")
STUDENTS = Comparison("role", Predicate.EQUAL, "student")


@pytest.fixture
def landmarks():
    found = Landmarks(STATE)
    found.add(1_000, Place(4_999))
    return found


def test_page_behind_a_landmark_is_found_from_there(landmarks):
    nearer = landmarks.shorten(query(1_030))

    assert (nearer.after, nearer.offset) == (Place(4_999), 30)


def test_page_before_every_landmark_is_found_from_the_start(landmarks):
    assert landmarks.shorten(query(999)) == query(999)


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(query(1_030, visibility=NORTH), id="who-sees-something-else"),
        pytest.param(query(1_030, sort=Sort("role")), id="in-another-order"),
        pytest.param(query(1_030, descending=True), id="the-other-way-round"),
        pytest.param(query(1_030, search="x"), id="who-searches"),
        pytest.param(query(1_030, where=STUDENTS), id="who-filters"),
        pytest.param(query(1_030, preset=STUDENTS), id="of-another-operation"),
        pytest.param(replace(query(1_030), collection=USERS), id="of-another-class"),
    ],
)
def test_landmarks_serve_no_other_query(landmarks, other):
    queries = LandmarksOfQueries()
    queries.put(query(), landmarks)

    assert queries.find(query(1_030)) is landmarks
    assert queries.find(other) is None


def test_page_that_continues_a_walk_is_left_alone(landmarks):
    walking = query(after=Place(7))

    assert landmarks.shorten(walking) == walking


def test_few_rows_from_a_landmark_no_other_is_kept(landmarks):
    landmarks.add(1_100, Place(9_000))

    assert len(landmarks) == 1
    assert landmarks.shorten(query(1_100)).after == Place(4_999)


@pytest.mark.parametrize(
    ("page", "costly", "kept"),
    [
        (query(1_000), True, 1),
        (query(1_000), False, 0),
        (query(0), False, 0),
        (query(0, visibility=NORTH), False, 1),
        (query(0, visibility=NORTH, after=Place(7)), False, 0),
    ],
    ids=["where-strides-cost-much", "where-walks-leave-landmarks", "first", "first-of-one-source", "of-a-walk"],
)
def test_where_a_page_began_is_kept_if_nothing_else_would_tell(page, costly, kept):
    landmarks = Landmarks(STATE)
    landmarks.costly = costly

    added = landmarks.keep(page, Place(5_000))

    assert (added, len(landmarks)) == (bool(kept), kept)


def test_of_very_many_landmarks_every_other_is_kept():
    landmarks = Landmarks(STATE)
    for number in range(1, 9_001):
        landmarks.add(number * 500, Place(number))

    assert len(landmarks) < 8_001
    assert landmarks.apart == 1_000
    assert landmarks.shorten(query(3_321_750)).offset < 1_000


@pytest.mark.parametrize(
    ("total", "apart"), [(None, 500), (4_000_000, 500), (10_000_000, 1_250)], ids=["unknown", "long", "very-long"]
)
def test_landmarks_of_very_many_records_lie_further_apart_from_the_start(total, apart):
    landmarks = Landmarks(STATE)
    landmarks.total = total

    landmarks.spread()

    assert landmarks.apart == apart


def test_landmarks_that_are_there_are_not_set_further_apart(landmarks):
    landmarks.total = 10_000_000

    landmarks.spread()

    assert landmarks.apart == 500


def with_landmarks(count):
    landmarks = Landmarks(STATE)
    for offset in range(1, count + 1):
        landmarks.add(offset * 1_000, Place(offset))
    return landmarks


def test_queries_that_were_asked_long_ago_are_forgotten():
    queries = LandmarksOfQueries()
    for number in range(40):
        queries.put(query(search=str(number)), with_landmarks(5_000))

    kept = [number for number in range(40) if queries.find(query(search=str(number)))]
    assert kept == list(range(21, 40))


def test_queries_are_forgotten_for_what_those_that_are_kept_have_more():
    queries = LandmarksOfQueries()
    for number in range(18):
        queries.put(query(search=str(number)), with_landmarks(5_000))
    growing = with_landmarks(0)
    queries.put(query(), growing)
    for offset in range(1, 5_001):
        growing.add(offset * 1_000, Place(offset))
        queries.note_added(1)
    queries.put(query(search="another"), with_landmarks(5_001))

    assert queries.find(query()) is growing
    assert [number for number in range(18) if queries.find(query(search=str(number)))] == list(range(3, 18))


def test_not_all_are_looked_at_for_one_query_more():
    looked = []

    class Counted(Landmarks):
        def __len__(self):
            looked.append(1)
            return super().__len__()

    queries = LandmarksOfQueries()
    for number in range(1_000):
        queries.put(query(search=str(number)), Counted(STATE))
        queries.note_added(1)

    assert len(looked) <= 2 * 1_000
    assert queries.find(query(search="499")) is None
    assert queries.find(query(search="500")) is not None


@pytest.mark.parametrize(
    ("order", "places", "positions"),
    [
        ({}, [Place(10), Place(20)], [Place(10), Place(11), Place(20), Place(21)]),
        ({"descending": True}, [Place(20), Place(10)], [Place(20), Place(19), Place(10), Place(9)]),
        (
            {"sort": Sort("role")},
            [Place(20, "student"), Place(5, None)],
            [Place(20, "student"), Place(1, "teacher"), Place(5, None), Place(6, None)],
        ),
        (
            {"sort": Sort("role", descending=True)},
            [Place(5, None), Place(20, "student")],
            [Place(6, None), Place(4, None), Place(21, "student"), Place(30, "aide")],
        ),
    ],
    ids=["by-seq", "latest-first", "sorted", "sorted-down"],
)
def test_position_stands_in_the_stretch_whose_landmark_is_not_before_it(order, places, positions):
    asked = query(**order)
    stretches = replace(Landmarks(STATE).stretches(asked), offsets=(1_000, 2_000), places=tuple(places))

    assert stretches.around(positions) == [0, 1, 1, 2]


def test_place_before_a_record_depends_on_the_way():
    assert place_before(query(), Place(5)) == Place(4)
    assert place_before(query(sort=Sort("role", descending=True)), Place(5, "student")) == Place(6, "student")
