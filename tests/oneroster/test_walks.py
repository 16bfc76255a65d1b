"""The memory of counting clients, on its own: what it keeps, for how long, and that it never stands in the way."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.oneroster.paging import Served, Walk
from bridge.oneroster.walks import KEPT_FOR, Walks
from bridge.roster.query import Place

ROOT = Path(__file__).parents[2]


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
    return tmp_path / "walks"


@pytest.fixture
def walks(path, clock):
    return Walks.open(path, clock)


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


def test_same_first_page_again_is_not_written_again(walks, path, clock):
    walks.keep("client", "query", served(0))
    before = path.read_bytes()
    clock.now += timedelta(seconds=30)

    walks.keep("client", "query", served(0))
    walks.keep("client", "single", served(0, 4, more=False))

    assert path.read_bytes() == before


def test_walk_that_goes_on_is_kept_and_nothing_outlives_a_day(walks, clock):
    walks.keep("client", "query", served(0))
    clock.now += KEPT_FOR - timedelta(seconds=1)
    walks.keep("client", "query", served(10))
    clock.now += timedelta(seconds=2)
    assert walks.find("client", "query", 10) is not None

    clock.now += KEPT_FOR

    assert walks.find("client", "query", 20) is None


def test_client_that_asks_for_a_first_page_again_and_again_may_count_on_from_it(walks, clock):
    for _ in range(3):
        walks.keep("client", "query", served(0))
        clock.now += KEPT_FOR / 2

    assert walks.find("client", "query", 10) is not None


def test_retried_page_and_those_before_it_are_found(walks):
    for offset in (0, 10, 20, 30, 20):
        walks.keep("client", "query", served(offset, behind=Place(offset, f"key {offset}")))

    assert [walks.find("client", "query", offset).place.seq for offset in (10, 20, 30, 40)] == [0, 10, 20, 30]


def test_place_with_a_key_that_is_too_long_is_lost_and_nothing_else(walks):
    walks.keep("client", "query", served(0))
    walks.keep("client", "query", served(10, behind=Place(8, "x" * 3_000)))

    assert walks.find("client", "query", 10) is not None
    assert walks.find("client", "query", 20) is None


def in_another_process(path, code):
    """What another process, which has the same file, prints."""
    prelude = (
        "import sys; from pathlib import Path; from bridge.oneroster.paging import Served;"
        "from bridge.oneroster.walks import Walks; from bridge.roster.query import Place;"
        "walks = Walks.open(Path(sys.argv[1]));"
    )
    done = subprocess.run(
        [sys.executable, "-c", prelude + code, str(path)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_all_processes_share_it(path):
    walks = Walks.open(path)
    walks.keep("client", "query", served(0))

    seen = in_another_process(
        path,
        "print(walks.find('client', 'query', 10).place);"
        "walks.keep('client', 'query', "
        "Served(behind=Place(8, 'other'), offset=10, count=10, limit=10, total=50, more=True))",
    )

    assert seen == str(PLACE)
    assert walks.find("client", "query", 20) == Walk(Place(8, "other"), 20, 50)
    assert walks.find("client", "query", 10) == Walk(PLACE, 10, 50)


def test_texts_that_were_asked_for_are_not_in_the_file(walks, path):
    walks.keep("client", "familyName='Abara'", served(0))

    assert b"Abara" not in path.read_bytes()
    assert PLACE.key.encode() in path.read_bytes()


def test_nothing_of_a_name_is_left_when_all_is_forgotten(walks, path):
    for offset in range(0, 100, 10):
        walks.keep("client", "sorted by name", served(offset, behind=Place(offset, "Abara")))

    walks.forget_all()

    assert b"Abara" not in path.read_bytes()
    assert walks.find("client", "sorted by name", 100) is None


pages = st.builds(
    served,
    st.sampled_from([0, 0, 10, 20, 30, 40]),
    st.integers(0, 10),
    more=st.booleans(),
    behind=st.none() | st.builds(Place, st.integers(1, 2**63 - 1), st.none() | st.text(max_size=20)),
)


@given(kept=st.lists(st.tuples(st.sampled_from(["one", "two"]), st.sampled_from(["a", "b"]), pages), max_size=30))
@settings(max_examples=50, deadline=None)
def test_two_processes_find_what_whoever_keeps_all_would(tmp_path_factory, kept):
    path = tmp_path_factory.mktemp("walks") / "walks"
    both = [Walks.open(path), Walks.open(path)]
    known = {}
    for turn, (client, query, page) in enumerate(kept):
        both[turn % 2].keep(client, query, page)
        if page.offset == 0:
            known[client, query] = {}
        elif page.count == 0 and page.counted_on:
            known.get((client, query), {}).pop(page.offset, None)
        known.setdefault((client, query), {}).update({walk.offset: walk for walk in page.counted_on})

    for (client, query), walks in known.items():
        for offset in range(60):
            assert both[0].find(client, query, offset) == both[1].find(client, query, offset) == walks.get(offset)
    path.unlink()
