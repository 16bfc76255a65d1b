"""What the scheduler reads, and when: what is due, and what was asked for."""

import pytest

from bridge.mirror.runs import Outcome
from bridge.settings import Sync
from tests.wiring.world import ask, due, outcomes, refresh, runs, take_inbox

# -- what is due


def test_context_that_was_never_read_is_due(wiring, add_context):
    context = add_context()

    assert due(wiring) == [context]


@pytest.mark.parametrize(
    ("hours", "due"), [pytest.param(23.9, False, id="before"), pytest.param(24, True, id="at-the-target")]
)
def test_context_is_due_again_at_the_freshness_target(wiring, clock, add_context, hours, due):
    wiring.sync(add_context())
    clock.turn(hours=hours)

    assert bool(due(wiring)) is due


def test_freshness_target_is_a_setting(make_wiring, wiring, clock, add_context):
    wiring.sync(add_context())
    clock.turn(hours=1)

    assert len(due(make_wiring(sync=Sync(freshness_hours=1)))) == 1


@pytest.mark.parametrize(
    ("minutes", "due"), [pytest.param(14, False, id="not-at-once"), pytest.param(15, True, id="soon")]
)
def test_lms_that_did_not_answer_is_asked_again_soon(wiring, lms, clock, add_context, minutes, due):
    context = add_context()
    del lms.members["2"]
    assert wiring.sync(context).outcome is Outcome.UNAVAILABLE
    clock.turn(minutes=minutes)

    assert bool(due(wiring)) is due


def test_run_that_was_killed_is_tried_again_soon(wiring, clock, add_context):
    context = add_context()
    runs(wiring).begin(context.tenant, context.key)
    assert due(wiring) == []
    clock.turn(minutes=15)

    assert due(wiring) == [context]


def test_held_plan_is_not_asked_for_again_before_the_freshness_target(wiring, lms, clock, add_context):
    context = add_context()
    wiring.sync(context)
    lms.members["2"] = []
    assert wiring.sync(context).outcome is Outcome.HELD
    clock.turn(hours=23)

    assert due(wiring) == []


def test_context_that_was_removed_is_not_due(wiring, add_context):
    context = add_context()
    wiring.registry.contexts.remove(context.tenant, context.key)

    assert due(wiring) == []


def test_refresh_reads_what_is_due_and_nothing_else(wiring, lms, add_context):
    wiring.sync(add_context("2"))
    add_context("3")
    lms.asked.clear()

    refresh(wiring)

    assert lms.asked == ["course=3"]
    assert due(wiring) == []


# -- the inbox


def test_what_the_web_asks_for_is_done_once(wiring, lms, add_context):
    ask(wiring, add_context())

    take_inbox(wiring)
    take_inbox(wiring)

    assert lms.asked == ["course=2"]
    assert wiring.registry.inbox.waiting() == 0


def test_item_of_a_removed_context_is_put_away(wiring, lms, add_context):
    context = add_context()
    ask(wiring, context)
    wiring.registry.contexts.remove(context.tenant, context.key)

    take_inbox(wiring)

    assert (lms.asked, wiring.registry.inbox.waiting(), outcomes(wiring)) == ([], 0, [])


def test_item_of_a_busy_context_waits_until_it_is_free(wiring, make_wiring, lms, add_context):
    context, other = add_context(), make_wiring()
    ask(wiring, context)
    lms.meanwhile = lambda: take_inbox(wiring)

    other.sync(context)

    assert wiring.registry.inbox.waiting() == 1
    lms.meanwhile = lambda: None
    take_inbox(wiring)
    assert outcomes(wiring) == [Outcome.UNCHANGED, Outcome.APPLIED]


@pytest.mark.parametrize(
    ("kind", "minutes", "read"),
    [
        pytest.param("launch", 1, False, id="launch-just-after"),
        pytest.param("launch", 15, True, id="launch-later"),
        pytest.param("sync", 1, True, id="asked-for-by-a-person"),
    ],
)
def test_launch_reads_a_roster_only_if_it_was_not_read_lately(wiring, lms, clock, add_context, kind, minutes, read):
    context = add_context()
    wiring.sync(context)
    lms.asked.clear()
    clock.turn(minutes=minutes)

    ask(wiring, context, kind)
    take_inbox(wiring)

    assert bool(lms.asked) is read
    assert wiring.registry.inbox.waiting() == 0


def test_launch_reads_a_roster_that_could_not_be_read(wiring, lms, add_context):
    context = add_context()
    members = lms.members.pop("2")
    wiring.sync(context)
    lms.members["2"] = members

    ask(wiring, context, "launch")
    take_inbox(wiring)

    assert outcomes(wiring) == [Outcome.APPLIED, Outcome.UNAVAILABLE]


def test_one_bad_item_keeps_no_other_waiting(wiring, lms, add_context):
    for context in (add_context("2"), add_context("3")):
        ask(wiring, context)
    del lms.members["2"]

    take_inbox(wiring)

    assert sorted(outcomes(wiring)) == [Outcome.APPLIED, Outcome.UNAVAILABLE]
    assert wiring.registry.inbox.waiting() == 0
