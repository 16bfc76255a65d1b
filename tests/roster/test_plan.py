"""Plans: what a snapshot means for one fact, and what the sum of it says."""

import pytest

from bridge.roster.identity import ContextKey
from bridge.roster.plan import ChangeKind, Plan, change_of


@pytest.mark.parametrize(
    ("held", "stated", "complete", "change"),
    [
        pytest.param(None, b"a", True, ChangeKind.ADDED, id="new"),
        pytest.param(None, b"a", False, ChangeKind.ADDED, id="new-in-an-incomplete-snapshot"),
        pytest.param(b"a", b"a", True, ChangeKind.KEPT, id="as-it-was"),
        pytest.param(b"a", b"b", True, ChangeKind.CHANGED, id="different"),
        pytest.param(b"a", b"b", False, ChangeKind.CHANGED, id="different-in-an-incomplete-snapshot"),
        pytest.param(b"a", None, True, ChangeKind.REMOVED, id="not-stated"),
        pytest.param(b"a", None, False, None, id="not-stated-in-an-incomplete-snapshot"),
        pytest.param(None, None, True, None, id="gone-and-not-stated"),
    ],
)
def test_what_becomes_of_a_fact(held, stated, complete, change):
    assert change_of(held, stated, complete=complete) is change


def plan(*, context_changed=False, **counts):
    return Plan(
        source="north",
        context=ContextKey('["1"]'),
        based_on=None,
        complete=True,
        rederive=False,
        context_changed=context_changed,
        held_before=10,
        counts={ChangeKind(kind): count for kind, count in counts.items()},
    )


def test_members_after_a_plan():
    assert plan(added=3, removed=4, changed=2, kept=4).held_after == 9


@pytest.mark.parametrize(
    ("planned", "empty"),
    [
        pytest.param(plan(), True, id="nothing"),
        pytest.param(plan(kept=10), True, id="all-kept"),
        pytest.param(plan(added=1), False, id="somebody-comes"),
        pytest.param(plan(changed=1), False, id="somebody-changes"),
        pytest.param(plan(removed=1), False, id="somebody-leaves"),
        pytest.param(plan(kept=10, context_changed=True), False, id="the-context-changes"),
    ],
)
def test_plan_is_empty_if_the_facts_stay(planned, empty):
    assert planned.is_empty is empty
