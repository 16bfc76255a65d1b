"""The memory of counting clients, on its own: what it keeps, for how long, and that it never stands in the way."""

from datetime import UTC, datetime, timedelta

import pytest

from bridge.oneroster.paging import Served, Walk
from bridge.oneroster.walks import KEPT_FOR, Walks
from bridge.roster.query import Place


class Clock:
    def __init__(self):
        self.now = datetime(2026, 11, 20, tzinfo=UTC)

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "walks.sqlite"


@pytest.fixture
def walks(path, clock):
    opened = Walks.open(path, clock)
    yield opened
    opened.close()


PLACE = Place(7, "key")


def served(offset, count=10, *, more=True, behind=PLACE):
    return Served(behind=behind, offset=offset, count=count, limit=10, total=50, more=more)


def test_page_is_found_where_the_one_before_it_ended(walks):
    walks.keep("client", "query", served(20))

    assert walks.find("client", "query", 30) == Walk(PLACE, 30, 50)
    for other in (("client", "query", 20), ("client", "other", 30), ("other", "query", 30)):
        assert walks.find(*other) is None


def test_at_the_end_a_client_may_count_on_in_two_ways(walks):
    walks.keep("client", "query", served(20, 3, more=False))

    assert walks.find("client", "query", 23) is not None
    assert walks.find("client", "query", 30) is not None


def test_empty_page_ends_the_walk_there_and_not_further_on(walks):
    walks.keep("client", "query", served(20, 3, more=False))
    walks.keep("client", "query", served(23, 0, more=False))

    assert walks.find("client", "query", 23) is None
    assert walks.find("client", "query", 33) is not None


def test_first_page_ends_what_was_before(walks):
    walks.keep("client", "query", served(0))
    walks.keep("client", "query", served(10))
    walks.keep("client", "query", served(0))

    assert walks.find("client", "query", 10) is not None
    assert walks.find("client", "query", 20) is None


def test_single_page_leaves_nothing(walks):
    walks.keep("client", "query", served(0))
    walks.keep("client", "query", served(0, 4, more=False))

    assert all(walks.find("client", "query", offset) is None for offset in (4, 10))


def test_page_behind_the_end_that_continues_nothing_leaves_nothing(walks):
    walks.keep("client", "query", served(900, 0, more=False, behind=None))

    assert walks.find("client", "query", 910) is None


def test_same_first_page_again_is_not_written_again(walks, path):
    other = Walks.open(path)
    walks.keep("client", "query", served(0))
    before = other.db.execute("PRAGMA data_version").fetchone()

    walks.keep("client", "query", served(0))
    walks.keep("client", "single", served(0, 4, more=False))

    assert other.db.execute("PRAGMA data_version").fetchone() == before
    other.close()


def test_all_processes_share_it_and_nothing_outlives_a_day(walks, path, clock):
    walks.keep("client", "query", served(0))
    other = Walks.open(path, clock)
    assert other.find("client", "query", 10) is not None

    clock.now += KEPT_FOR + timedelta(seconds=1)
    other.keep("client", "other", served(0))

    assert other.find("client", "query", 10) is None
    assert other.find("client", "other", 10) is not None
    other.close()


def test_place_that_cannot_be_kept_is_lost_and_nothing_else(walks, path):
    other = Walks.open(path)
    other.db.execute("BEGIN IMMEDIATE")

    walks.keep("client", "query", served(0))

    other.db.execute("ROLLBACK")
    assert walks.find("client", "query", 10) is None
    walks.keep("client", "query", served(0))
    assert walks.find("client", "query", 10) is not None
    other.close()


def test_texts_that_were_asked_for_are_not_in_the_file(walks, path):
    walks.keep("client", "familyName='Abara'", served(0))
    walks.close()

    assert b"Abara" not in path.read_bytes()
