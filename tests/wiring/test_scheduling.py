"""What the scheduler reads, and when: what is due, and what was asked for."""

import threading
from datetime import date, time

import pytest

from bridge.mirror.runs import Outcome
from bridge.scheduling import Scheduling
from bridge.settings import Calendar, Sync
from bridge.sync.policy import Reason
from tests.wiring.world import ask, due, outcomes, refresh, runs, take_inbox, work

BY_DAY = Sync(nightly_at=None)
LONG = 30
"""Seconds after which a test has failed."""


def state(wiring, context):
    return Scheduling(wiring).verdicts()[context].reason


# -- what is due


def test_context_that_was_never_read_is_due(wiring, add_context):
    context = add_context()

    assert due(wiring) == [context]


@pytest.mark.parametrize(
    ("hours", "is_due"), [pytest.param(19, False, id="before"), pytest.param(24, True, id="at-the-target")]
)
def test_context_is_due_again_at_the_freshness_target(make_wiring, clock, add_context, hours, is_due):
    wiring = make_wiring(sync=BY_DAY)
    wiring.sync(add_context())
    clock.turn(hours=hours)

    assert bool(due(wiring)) is is_due


def test_freshness_target_is_a_setting(make_wiring, wiring, clock, add_context):
    wiring.sync(add_context())
    clock.turn(hours=1)

    assert len(due(make_wiring(sync=Sync(freshness_hours=1)))) == 1


@pytest.mark.parametrize(
    ("minutes", "is_due"), [pytest.param(14, False, id="not-at-once"), pytest.param(19, True, id="soon")]
)
def test_lms_that_did_not_answer_is_asked_again_soon(wiring, lms, clock, add_context, minutes, is_due):
    context = add_context()
    del lms.members["2"]
    assert wiring.sync(context).outcome is Outcome.UNAVAILABLE
    clock.turn(minutes=minutes)

    assert bool(due(wiring)) is is_due


def test_run_that_was_killed_is_tried_again_soon(wiring, clock, add_context):
    context = add_context()
    runs(wiring).begin(context.tenant, context.key)
    assert due(wiring) == []
    clock.turn(minutes=15)

    assert due(wiring) == [context]


def test_held_plan_is_not_asked_for_again_before_the_freshness_target(make_wiring, lms, clock, add_context):
    wiring, context = make_wiring(sync=BY_DAY), add_context()
    wiring.sync(context)
    lms.members["2"] = []
    assert wiring.sync(context).outcome is Outcome.HELD
    clock.turn(hours=19)

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


def test_launch_reads_a_roster_that_could_not_be_read(wiring, lms, clock, add_context):
    context = add_context()
    members = lms.members.pop("2")
    wiring.sync(context)
    lms.members["2"] = members
    clock.turn(minutes=5)

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


# -- launches by somebody new


@pytest.mark.parametrize(
    ("user", "minutes", "read"),
    [
        pytest.param("27", 6, False, id="member"),
        pytest.param("28", 6, True, id="newcomer"),
        pytest.param("28", 4, False, id="newcomer-just-after-a-reading"),
    ],
)
def test_launch_by_somebody_unknown_reads_a_fresh_roster(wiring, lms, clock, add_context, user, minutes, read):
    context = add_context()
    wiring.sync(context)
    lms.asked.clear()
    clock.turn(minutes=minutes)

    ask(wiring, context, "launch", user=user)
    take_inbox(wiring)

    assert bool(lms.asked) is read


def test_newcomer_who_came_too_soon_is_not_forgotten(wiring, lms, clock, add_context, served):
    context = add_context()
    wiring.sync(context)
    lms.members["2"].append({"user_id": "28", "roles": ["Learner"]})
    scheduling = Scheduling(wiring)
    with scheduling.workers():
        ask(wiring, context, "launch", user="28")
        scheduling.take_inbox()
        scheduling.wait()
        assert len(served("users")) == 1
        clock.turn(minutes=5)

        scheduling.refresh()
        scheduling.wait()

    assert len(served("users")) == 2


def test_whole_class_that_launches_reads_its_roster_once(wiring, lms, add_context):
    context = add_context("2", *({"user_id": str(number)} for number in range(30)))
    for number in range(30):
        ask(wiring, context, "launch", user=str(number))

    take_inbox(wiring)

    assert lms.asked == ["course=2"]
    assert wiring.registry.inbox.waiting() == 0


# -- nights, quiet hours, blackouts


def test_nights_are_in_the_schools_time_zone(make_wiring, clock, add_context):
    wiring = make_wiring(
        sync=Sync(nightly_at=time(2, 0), nightly_hours=0), calendar=Calendar(time_zone="America/New_York")
    )
    wiring.sync(add_context())
    clock.turn(hours=22.9)  # 06:54 UTC, 01:54 in New York
    assert due(wiring) == []
    clock.turn(hours=0.1)

    assert len(due(wiring)) == 1


@pytest.mark.parametrize(
    ("setting", "reason"),
    [
        pytest.param({"quiet_hours": ((time(7, 0), time(9, 0)),)}, Reason.QUIET, id="quiet-hours"),
        pytest.param({"blackouts": ((date(2026, 11, 20), date(2026, 11, 20)),)}, Reason.BLACKOUT, id="blackout"),
    ],
)
def test_nothing_begins_by_itself_when_it_is_not_wanted(make_wiring, lms, clock, add_context, setting, reason):
    wiring, context = make_wiring(sync=Sync(**setting)), add_context()

    refresh(wiring)

    assert (lms.asked, state(wiring, context)) == ([], reason)
    clock.turn(hours=16)
    refresh(wiring)
    assert lms.asked == ["course=2"]


def test_person_is_served_even_in_a_blackout(make_wiring, lms, add_context):
    wiring = make_wiring(sync=Sync(blackouts=((date(2026, 11, 20), date(2026, 11, 20)),)))
    ask(wiring, add_context("2"))
    ask(wiring, add_context("3"), "launch")

    take_inbox(wiring)

    assert lms.asked == ["course=2"]


# -- targets, and pauses


def test_target_of_a_platform_goes_before_the_configurations(make_wiring, clock, add_platform, add_context):
    wiring = make_wiring(sync=BY_DAY)
    slow = add_context("2", platform=add_platform("north", freshness_hours=168))
    fast = add_context("3", platform=add_platform("south", client_id="bridge-2", freshness_hours=2))
    for context in (slow, fast):
        wiring.sync(context)
    clock.turn(hours=24)

    assert due(wiring) == [fast]


def test_target_of_a_context_goes_before_its_platforms(make_wiring, clock, add_platform, add_context):
    wiring, platform = make_wiring(sync=BY_DAY), add_platform(freshness_hours=168)
    usual, special = add_context("2", platform=platform), add_context("3", platform=platform)
    for context in (usual, special):
        wiring.sync(context)
    wiring.registry.targets.set(special.tenant, special.key, 1)
    clock.turn(hours=1)
    assert due(wiring) == [special]

    wiring.registry.targets.clear(special.tenant, special.key)

    assert due(wiring) == []


@pytest.mark.parametrize("what", ["context", "platform"])
def test_what_is_paused_is_not_read_until_it_is_resumed(wiring, lms, add_context, what):
    context, pauses = add_context(), wiring.registry.pauses
    if what == "context":
        pauses.pause_context(context.tenant, context.key, "operator", "exams")
    else:
        pauses.pause_platform(context.platform_id, "operator")
    ask(wiring, context, "launch")

    work(wiring, Scheduling.take_inbox, Scheduling.refresh)

    assert (lms.asked, state(wiring, context)) == ([], Reason.PAUSED)
    if what == "context":
        assert pauses.resume_context(context.tenant, context.key)
    else:
        assert pauses.resume_platform(context.platform_id)
    refresh(wiring)
    assert lms.asked == ["course=2"]


def test_person_is_served_even_if_it_is_paused(wiring, lms, add_context):
    context = add_context()
    wiring.registry.pauses.pause_context(context.tenant, context.key, "operator")
    ask(wiring, context)

    take_inbox(wiring)

    assert lms.asked == ["course=2"]


# -- many contexts, and slow ones


def test_after_a_standstill_the_oldest_is_read_first(make_wiring, lms, clock, add_context):
    wiring = make_wiring(sync=Sync(nightly_at=None, concurrency=1))
    for name in ("2", "3", "4"):
        wiring.sync(add_context(name))
        clock.turn(hours=3)
    clock.turn(days=9)
    lms.asked.clear()

    refresh(wiring)
    refresh(wiring)

    assert lms.asked == ["course=2", "course=3", "course=4"]


@pytest.mark.parametrize(
    ("options", "most"), [({}, 2), ({"concurrency": 1}, 1)], ids=["configuration", "platforms-option"]
)
def test_no_more_of_a_platform_are_read_at_a_time_than_set(make_wiring, lms, add_platform, add_context, options, most):
    wiring = make_wiring(sync=Sync(concurrency=8, platform_concurrency=2))
    platform = add_platform(**options)
    for number in range(2, 8):
        add_context(str(number), platform=platform)
    counting, at_once, seen = threading.Lock(), 0, []
    full = threading.Event()

    def meanwhile():
        nonlocal at_once
        with counting:
            at_once += 1
            seen.append(at_once)
            if at_once == most:
                full.set()
        assert full.wait(LONG)
        with counting:
            at_once -= 1

    lms.meanwhile = meanwhile

    refresh(wiring)

    assert max(seen) == most
    assert len(lms.asked) == 6


def test_slow_platform_holds_up_neither_others_nor_what_is_asked_for(wiring, lms, add_platform, add_context):
    """Every roster of one platform hangs, more of them than there are workers; meanwhile the others are read."""
    slow, other = add_platform("slow"), add_platform("other", client_id="bridge-2")
    for number in range(10, 30):
        add_context(str(number), platform=slow)
    add_context("2", platform=other)
    asked_for = add_context("3", platform=other)
    end, read = threading.Event(), {"2": threading.Event(), "3": threading.Event()}

    def meanwhile():
        course = lms.asked[-1].removeprefix("course=")
        if course in read:
            read[course].set()
        else:
            end.wait(LONG)

    lms.meanwhile = meanwhile
    wiring.sync(asked_for)
    read["3"].clear()
    scheduling = Scheduling(wiring)
    with scheduling.workers():
        scheduling.refresh()
        assert read["2"].wait(LONG)
        ask(wiring, asked_for)

        scheduling.take_inbox()

        assert read["3"].wait(LONG)
        end.set()
        scheduling.wait()


# -- platforms that do not answer


def test_platform_that_answers_nobody_is_left_alone(make_wiring, lms, clock, add_context):
    wiring = make_wiring(sync=Sync(concurrency=1, circuit_failures=2))
    contexts = [add_context(str(number)) for number in range(2, 8)]
    lms.members.clear()

    refresh(wiring)

    assert outcomes(wiring) == [Outcome.UNAVAILABLE] * 2
    assert state(wiring, contexts[5]) is Reason.CIRCUIT_OPEN
    refresh(wiring)
    assert len(outcomes(wiring)) == 2


def test_platform_that_answers_again_is_read_after_one_trial(make_wiring, lms, clock, add_context):
    wiring = make_wiring(sync=Sync(concurrency=1, circuit_failures=2))
    for number in range(2, 8):
        add_context(str(number))
    members, lms.members = lms.members, {}
    refresh(wiring)
    lms.members |= members
    clock.turn(minutes=2)

    refresh(wiring)

    assert outcomes(wiring) == [Outcome.APPLIED] * 4 + [Outcome.UNAVAILABLE] * 2
    assert wiring.registry.circuits.all() == {}


def test_context_that_fails_alone_opens_nothing(make_wiring, lms, clock, add_context):
    wiring = make_wiring(sync=Sync(circuit_failures=2))
    add_context("2")
    broken = add_context("3")
    del lms.members["3"]
    for _ in range(6):
        refresh(wiring)
        clock.turn(hours=25)

    assert runs(wiring).latest_by_context()[broken.tenant, broken.key].outcome is Outcome.UNAVAILABLE
    assert state(wiring, broken) is Reason.RETRY


# -- contexts that are gone


def test_context_that_is_gone_is_read_no_more(wiring, lms, clock, add_context):
    context = add_context()
    wiring.sync(context)
    lms.gone.add("2")
    for _ in range(4):
        clock.turn(days=1)
        refresh(wiring)
    assert outcomes(wiring) == [Outcome.GONE] * 3 + [Outcome.APPLIED]
    clock.turn(days=30)

    refresh(wiring)

    assert (state(wiring, context), len(outcomes(wiring))) == (Reason.GONE, 4)


def test_context_that_was_gone_and_is_launched_is_read_again(wiring, lms, clock, add_context):
    context = add_context()
    lms.gone.add("2")
    for _ in range(4):
        refresh(wiring)
        clock.turn(days=1)
    assert state(wiring, context) is Reason.GONE
    lms.gone.clear()

    ask(wiring, context, "launch", user="27")
    take_inbox(wiring)

    assert (outcomes(wiring)[0], state(wiring, context)) == (Outcome.APPLIED, Reason.FRESH)


def test_message_of_a_context_that_is_gone_names_where_and_what_to_do(wiring, lms, add_context):
    lms.gone.add("2")

    run = wiring.sync(add_context())

    assert "/members answers 404: it knows no such roster" in run.message
    assert "the course may be gone" in run.message
