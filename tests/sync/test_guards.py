"""The guards: which plans wait for a person."""

import pytest

from bridge.roster.identity import ContextKey
from bridge.roster.plan import ChangeKind, Plan
from bridge.sync.guards import Guards, Toll


def plan(*, held, removed=0, added=0, changed=0, details=0):
    return Plan(
        source="north",
        context=ContextKey('["1"]'),
        based_on=1,
        complete=True,
        rederive=False,
        context_changed=False,
        held_before=held,
        counts={ChangeKind.REMOVED: removed, ChangeKind.ADDED: added, ChangeKind.CHANGED: changed},
        details=details,
    )


@pytest.mark.parametrize(
    ("held", "removed", "added"),
    [
        pytest.param(0, 0, 0, id="empty-and-stays-so"),
        pytest.param(30, 0, 5, id="nobody-leaves"),
        pytest.param(5, 3, 0, id="few-people-though-a-great-share"),
        pytest.param(14, 10, 0, id="ten-people"),
        pytest.param(110, 11, 0, id="a-tenth-exactly"),
        pytest.param(1000, 100, 0, id="a-tenth-of-many"),
    ],
)
def test_plan_that_may_be_applied(held, removed, added):
    assert Guards().objection(plan(held=held, removed=removed, added=added)) is None


@pytest.mark.parametrize(
    ("held", "removed", "added", "objection"),
    [
        pytest.param(1, 1, 0, "it would empty the roster: all 1 members would be removed", id="last-one-leaves"),
        pytest.param(500, 500, 0, "it would empty the roster: all 500 members would be removed", id="everybody-leaves"),
        pytest.param(109, 11, 0, "it would remove 11 of 109 members", id="over-a-tenth-and-over-ten"),
        pytest.param(30, 11, 40, "it would remove 11 of 30 members", id="newcomers-make-up-for-nobody"),
        pytest.param(3, 3, 1, "of 3 members it would remove 3", id="small-class-that-is-replaced"),
        pytest.param(5, 4, 0, "of 5 members it would remove 4", id="small-class-that-is-all-but-emptied"),
    ],
)
def test_plan_that_has_to_wait(held, removed, added, objection):
    assert Guards().objection(plan(held=held, removed=removed, added=added)) == objection


@pytest.mark.parametrize(
    ("guards", "waits"),
    [
        pytest.param(Guards(removal_share=0.5), False, id="greater-share-allowed"),
        pytest.param(Guards(removal_count=20), False, id="more-people-allowed"),
        pytest.param(Guards(removal_share=0.0, removal_count=0), True, id="nobody-may-leave-unseen"),
    ],
)
def test_limits_can_be_set(guards, waits):
    assert (guards.objection(plan(held=40, removed=15)) is not None) is waits


# Another role or status --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("planned", "objection"),
    [
        pytest.param(plan(held=40, changed=30), None, id="three-quarters-exactly"),
        pytest.param(plan(held=40, changed=31), "of 40 members it would give 31 another role or status", id="more"),
        pytest.param(plan(held=40, changed=40, details=40), None, id="all-but-only-their-names"),
        pytest.param(plan(held=40, changed=40, details=10), None, id="names-do-not-count"),
        pytest.param(
            plan(held=8, changed=5, removed=2),
            "of 8 members it would remove 2 and give 5 another role or status",
            id="with-removals",
        ),
        pytest.param(plan(held=2, added=40), None, id="newcomers-do-not-count"),
    ],
)
def test_upheaval_has_to_wait(planned, objection):
    assert Guards().objection(planned) == objection


@pytest.mark.parametrize(
    ("planned", "told"),
    [
        pytest.param(plan(held=40, changed=38, details=38), True, id="nearly-all"),
        pytest.param(plan(held=40, changed=30, details=30), False, id="three-quarters"),
        pytest.param(plan(held=8, changed=8, details=8), False, id="few-people"),
    ],
)
def test_changed_names_of_most_are_announced(planned, told):
    assert bool(Guards().announcement(planned)) is told


# All rosters of a source together ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("removed_before", "members_now", "removed", "waits"),
    [
        pytest.param(0, 100, 5, False, id="first-of-the-night"),
        pytest.param(5, 95, 5, False, id="ten-people-together"),
        pytest.param(9, 91, 2, True, id="eleven-of-a-hundred-together"),
        pytest.param(20, 280, 10, False, id="a-tenth-exactly"),
        pytest.param(20, 280, 11, True, id="over-a-tenth"),
        pytest.param(500, 500, 0, False, id="nobody-more"),
    ],
)
def test_small_removals_add_up(removed_before, members_now, removed, waits):
    toll = Toll(removed_before, lambda: members_now)

    assert (Guards().objection(plan(held=120, removed=removed), toll) is not None) is waits


def test_objection_names_the_sum():
    objection = Guards().objection(plan(held=40, removed=4), Toll(18, lambda: 182))

    assert objection == (
        "it would remove 4 of 40 members, and with those removed from the other rosters of north lately that is"
        " 22 of 200"
    )


def test_members_are_counted_only_if_it_matters():
    def count():
        raise AssertionError("nobody asked for it")

    assert Guards().objection(plan(held=40, removed=1), Toll(2, count)) is None
