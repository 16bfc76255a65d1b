"""Members who are said to be gone, and how far the mirror may be behind because nobody says so."""

import pytest

from bridge.mirror.runs import Outcome
from bridge.mirror.standings import Standings
from bridge.roster.ports import Gone, Rejected
from tests.mirror.rosters_in_memory import stated


@pytest.fixture
def changes(biology):
    """The same course, telling only what has changed."""
    biology.complete = False
    biology.members.clear()
    return biology


@pytest.fixture
def reconciled(school, biology):
    school.reconcile(biology)
    return school


def test_who_is_said_to_be_gone_is_removed_though_the_snapshot_is_not_complete(reconciled, changes):
    changes.also = [Gone("ann")]

    run = reconciled.reconcile(changes)

    assert (run.outcome, run.complete, run.removed) == (Outcome.APPLIED, False, 1)
    assert reconciled.enrollment("ann", changes)["status"] == "tobedeleted"
    assert reconciled.enrollment("ben", changes)["status"] == "active"


def test_who_is_stated_as_well_has_not_gone(reconciled, changes):
    changes.also = [Gone("ann"), stated("ann", given_name="Ann", family_name="Again"), Gone("ann")]

    run = reconciled.reconcile(changes)

    assert (run.removed, run.changed) == (0, 1)
    assert reconciled.user("ann")["familyName"] == "Again"


def test_who_cannot_be_read_elsewhere_has_not_gone(reconciled, changes):
    changes.also = [Gone("ann"), Rejected(1, "ann", "roles is not a list of texts")]

    assert reconciled.reconcile(changes).removed == 0


def test_who_was_never_there_cannot_go(reconciled, changes):
    changes.also = [Gone("nobody"), Gone("nobody")]

    assert reconciled.reconcile(changes).outcome is Outcome.UNCHANGED
    assert reconciled.count("users") == 3


def test_the_last_ones_gone_are_held_like_any_others(reconciled, changes):
    changes.also = [Gone("ann"), Gone("ben"), Gone("tea")]

    assert reconciled.reconcile(changes).outcome is Outcome.HELD


class TestStanding:
    def test_there_is_none_before_the_first_run_that_was_applied(self, school, biology):
        assert Standings(school.mirror).of("north", biology.key) is None

    def test_removals_are_as_fresh_as_the_last_complete_run(self, school, biology):
        first = school.reconcile(biology)
        school.clock.turn(hours=1)
        biology.complete = False
        school.reconcile(biology)

        standing = Standings(school.mirror).of("north", biology.key)

        assert (standing.full_pull, standing.members) == (first.started, 3)

    def test_somebody_unreadable_keeps_a_pull_from_being_full(self, school, biology):
        biology.also = [Rejected(3, None, "user_id is missing or cannot be read")]
        school.reconcile(biology)

        assert Standings(school.mirror).of("north", biology.key).full_pull is None

    def test_those_who_left_are_not_counted(self, school, biology):
        school.reconcile(biology)
        biology.leave("ann")
        school.reconcile(biology)

        assert Standings(school.mirror).by_context()[("north", biology.key)].members == 2
