"""The guards: which plans wait for a person."""

import pytest

from bridge.roster.identity import ContextKey
from bridge.roster.plan import ChangeKind, Plan
from bridge.sync.guards import Guards


def plan(*, held, removed, added=0):
    return Plan(
        source="north",
        context=ContextKey('["1"]'),
        based_on=1,
        complete=True,
        rederive=False,
        context_changed=False,
        held_before=held,
        counts={ChangeKind.REMOVED: removed, ChangeKind.ADDED: added},
    )


@pytest.mark.parametrize(
    ("held", "removed", "added"),
    [
        pytest.param(0, 0, 0, id="empty-and-stays-so"),
        pytest.param(30, 0, 5, id="nobody-leaves"),
        pytest.param(5, 4, 0, id="few-people-though-a-great-share"),
        pytest.param(11, 10, 0, id="ten-people"),
        pytest.param(110, 11, 0, id="a-tenth-exactly"),
        pytest.param(1000, 100, 0, id="a-tenth-of-many"),
        pytest.param(3, 3, 1, id="small-class-that-is-replaced"),
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
