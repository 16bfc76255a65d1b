"""What a person orders through the web, carried out by the scheduler."""

import pytest
import structlog

from bridge.mirror.decisions import DecisionKind, Decisions
from bridge.mirror.runs import Outcome
from bridge.registry.orders import OrderKind
from tests.wiring.world import outcomes, runs, take_inbox


@pytest.fixture
def orders(wiring):
    return wiring.registry.orders


@pytest.fixture
def context(add_context):
    return add_context("2", *({"user_id": str(number), "roles": ["Learner"]} for number in range(40)))


@pytest.fixture
def held(wiring, lms, context):
    """A run in which 11 of 40 were to go, and which waits."""
    wiring.sync(context)
    del lms.members["2"][29:]
    run = wiring.sync(context)
    assert run.outcome is Outcome.HELD
    return run


@pytest.fixture
def decisions(wiring):
    def decisions():
        latest = Decisions(wiring.mirror, wiring.clock).latest(10)
        return [(each.kind, each.made_by, each.run, each.led_to, each.about) for each in latest]

    return decisions


def test_approval_that_was_ordered_applies_what_was_held(wiring, orders, held, context, decisions):
    orders.approve(context.tenant, context.key, held.id, "mallory")

    take_inbox(wiring)

    latest = runs(wiring).latest()[0]
    assert (latest.outcome, latest.removed, latest.decided_by) == (Outcome.APPLIED, 11, "mallory")
    assert decisions() == [(DecisionKind.APPROVED, "mallory", held.id, latest.id, "")]
    assert orders.open() == []


def test_approval_that_was_ordered_lets_nobody_go_who_was_not_in_the_held_set(wiring, lms, orders, held, context):
    orders.approve(context.tenant, context.key, held.id, "mallory")
    lms.members["2"].pop()

    take_inbox(wiring)

    assert outcomes(wiring)[0] is Outcome.HELD


def test_approval_except_removals_that_was_ordered_lets_the_rest_through(wiring, lms, orders, held, context, decisions):
    orders.approve(context.tenant, context.key, held.id, "mallory", except_removals=True)
    lms.members["2"].append({"user_id": "new", "roles": ["Learner"]})

    take_inbox(wiring)

    latest = runs(wiring).latest()[0]
    assert (latest.outcome, latest.added) == (Outcome.HELD, 1)
    assert decisions()[0][0] is DecisionKind.APPROVED_REST


def test_approval_of_a_run_that_is_not_held_is_dropped(wiring, lms, orders, context, decisions):
    run = wiring.sync(context)
    lms.asked.clear()
    orders.approve(context.tenant, context.key, run.id, "mallory")

    with structlog.testing.capture_logs() as logs:
        take_inbox(wiring)

    assert (lms.asked, decisions(), orders.open()) == ([], [], [])
    assert [(line["event"], line["order"]) for line in logs] == [("order_dropped", OrderKind.APPROVE)]


def test_approval_of_a_context_that_cannot_be_read_is_recorded_all_the_same(wiring, orders, held, context, decisions):
    wiring.registry.db.execute('UPDATE platforms SET options = \'{"page_limit": "many"}\'')
    orders.approve(context.tenant, context.key, held.id, "mallory")

    take_inbox(wiring)

    assert outcomes(wiring)[0] is Outcome.REFUSED
    assert decisions()[0][:3] == (DecisionKind.APPROVED, "mallory", held.id)


def test_approval_for_a_busy_context_waits_until_it_is_free(wiring, make_wiring, lms, orders, held, context):
    orders.approve(context.tenant, context.key, held.id, "mallory")
    lms.meanwhile = lambda: take_inbox(wiring)

    make_wiring().sync(context)

    assert [order.run for order in orders.open()] == [held.id]
    lms.meanwhile = lambda: None
    take_inbox(wiring)
    assert outcomes(wiring)[0] is Outcome.APPLIED


def test_rejection_that_was_ordered_is_recorded_and_reads_nothing(wiring, lms, orders, held, context, decisions):
    lms.asked.clear()
    orders.reject(context.tenant, context.key, held.id, "mallory")

    take_inbox(wiring)

    assert decisions() == [(DecisionKind.REJECTED, "mallory", held.id, None, "")]
    assert (runs(wiring).waiting(), lms.asked) == ([], [])


def test_context_is_paused_and_resumed_by_order(wiring, orders, context, decisions):
    orders.pause_context(context, "mallory", "exams")
    take_inbox(wiring)
    pause = wiring.registry.pauses.contexts()[context.tenant, context.key]
    assert (pause.paused_by, pause.reason) == ("mallory", "exams")

    orders.resume_context(context, "trent")
    take_inbox(wiring)

    assert wiring.registry.pauses.contexts() == {}
    about = f"class {context.class_sourced_id}"
    assert decisions() == [
        (DecisionKind.RESUMED, "trent", None, None, about),
        (DecisionKind.PAUSED, "mallory", None, None, about),
    ]


def test_platform_is_paused_and_resumed_by_order(wiring, orders, add_platform, decisions):
    platform = add_platform()
    orders.pause_platform(platform.id, "mallory")
    take_inbox(wiring)
    assert list(wiring.registry.pauses.platforms()) == [platform.id]

    orders.resume_platform(platform.id, "trent")
    take_inbox(wiring)

    assert wiring.registry.pauses.platforms() == {}
    assert [(kind, by, about) for kind, by, _, _, about in decisions()] == [
        (DecisionKind.RESUMED, "trent", "platform school bridge-1"),
        (DecisionKind.PAUSED, "mallory", "platform school bridge-1"),
    ]


def test_pausing_what_is_paused_decides_nothing(wiring, orders, context, decisions):
    for _ in range(2):
        orders.pause_context(context, "mallory")
        take_inbox(wiring)

    assert len(decisions()) == 1


def test_order_about_what_is_gone_is_dropped_and_keeps_no_other_waiting(wiring, orders, context):
    orders.pause_platform(99, "mallory")
    orders.reject(context.tenant, context.key, 99, "mallory")
    orders.sync(context, "mallory")

    take_inbox(wiring)

    assert orders.open() == []
    assert outcomes(wiring) == [Outcome.APPLIED]


def test_context_is_read_by_order_even_if_it_is_fresh_and_paused(wiring, lms, orders, context):
    wiring.sync(context)
    wiring.registry.pauses.pause_context(context.tenant, context.key, "trent")
    lms.asked.clear()
    orders.sync(context, "mallory")
    orders.sync(context, "trent")
    assert [order.by for order in orders.open()] == ["mallory", "trent"]

    take_inbox(wiring)

    assert lms.asked == ["course=2"]  # both at once
