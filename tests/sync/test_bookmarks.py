"""What a source gives to be asked with next time: kept with the facts, and only with them."""

import pytest

from bridge.errors import SourceRefused, SourceUnavailable
from bridge.mirror.runs import Outcome
from bridge.mirror.standings import Standings
from tests.mirror.rosters_in_memory import Snapshot


@pytest.fixture
def read(school, biology):
    """Reconciles biology with a bookmark, and gives the run and what is kept then."""

    def read(bookmark, otherwise=None):
        snapshot = biology.snapshot()
        snapshot.bookmark = bookmark
        run = school.reconciler.reconcile(snapshot, school.derivation(biology), otherwise=otherwise)
        standing = Standings(school.mirror).of("north", biology.key)
        return run, standing and standing.bookmark

    return read


def test_the_bookmark_of_what_was_applied_is_kept(read):
    assert read("page 1")[1] == "page 1"
    assert read("page 2")[1] == "page 2"


def test_a_source_that_gives_none_is_asked_in_full(read):
    read("page 1")

    assert read(None)[1] is None


def test_a_plan_that_is_held_moves_no_bookmark(read, biology):
    read("page 1")
    biology.leave("ann", "ben", "tea")

    run, bookmark = read("page 2")

    assert (run.outcome, bookmark) == (Outcome.HELD, "page 1")


def test_a_reading_that_fails_moves_no_bookmark(read, biology):
    read("page 1")
    biology.also = [SourceUnavailable("lms.example.org: the connection was cut")]

    run, bookmark = read("page 2")

    assert (run.outcome, bookmark) == (Outcome.UNAVAILABLE, "page 1")


class TestOtherwise:
    @pytest.fixture
    def whole(self, biology):
        """The course read in full, before anything goes wrong with it."""
        snapshot = Snapshot(biology)
        snapshot.bookmark = "anew"
        return snapshot

    def test_what_is_refused_is_read_otherwise_and_none_of_it_counts(self, read, biology, whole, school):
        biology.enrol("ghost")
        biology.also = [SourceRefused("lms.example.org/since answers 410")]

        run, bookmark = read("page 2", otherwise=whole)

        assert (run.outcome, run.added, bookmark) == (Outcome.APPLIED, 3, "anew")
        assert school.user("ghost") is None

    def test_what_is_unavailable_is_not(self, read, biology, whole):
        biology.also = [SourceUnavailable("lms.example.org/since answers 503")]

        run, _ = read("page 2", otherwise=whole)

        assert run.outcome is Outcome.UNAVAILABLE

    def test_a_second_refusal_is_the_runs(self, read, biology):
        biology.also = [SourceRefused("lms.example.org answers 403")]

        run, _ = read("page 2", otherwise=biology.snapshot())

        assert (run.outcome, run.message) == (Outcome.REFUSED, "lms.example.org answers 403")
