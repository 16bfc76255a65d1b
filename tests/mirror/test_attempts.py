"""How reading each context goes, as the scheduler sees it."""

from datetime import timedelta

import pytest

from bridge.errors import SourceGone, SourceRefused, SourceUnavailable
from bridge.mirror.attempts import Attempts
from bridge.mirror.decisions import DecisionKind, Decisions
from bridge.mirror.runs import Outcome

BUSY = SourceUnavailable("lms.example.org answers 503")
REFUSED = SourceRefused("lms.example.org repeats a page")
GONE = SourceGone("lms.example.org answers 404")


@pytest.fixture
def read(school, biology):
    """Reconciles a course that ends so, one after the other, an hour apart; returns how it stands."""

    def read(*endings):
        for ending in endings:
            biology.also = [] if ending is None else [ending]
            school.reconcile(biology)
            school.clock.turn(hours=1)
        return Attempts(school.mirror).of("north", biology.key)

    return read


def test_course_that_was_never_tried(school, biology):
    assert Attempts(school.mirror).of("north", biology.key) is None
    assert Attempts(school.mirror).by_context() == {}


@pytest.mark.parametrize(
    ("endings", "outcome", "failures", "gone"),
    [
        pytest.param([None], Outcome.APPLIED, 0, 0, id="read"),
        pytest.param([None, BUSY], Outcome.UNAVAILABLE, 1, 0, id="failed"),
        pytest.param([BUSY, REFUSED, GONE, GONE, BUSY], Outcome.UNAVAILABLE, 5, 2, id="failed-in-every-way"),
        pytest.param([BUSY, GONE, None], Outcome.APPLIED, 0, 0, id="recovered"),
        pytest.param([None, BUSY, None, GONE], Outcome.GONE, 1, 1, id="failed-again"),
    ],
)
def test_failures_count_since_the_last_answer(read, endings, outcome, failures, gone):
    attempt = read(*endings)

    assert (attempt.outcome, attempt.failures, attempt.gone) == (outcome, failures, gone)


def test_last_good_run_is_remembered_through_failures(school, read):
    start = school.clock.now

    assert read(BUSY, None, BUSY, BUSY).good == start + timedelta(hours=1)


def test_first_time_that_it_was_gone_is_remembered(school, read):
    start = school.clock.now

    assert read(None, GONE, BUSY, GONE).gone_since == start + timedelta(hours=1)
    assert read(None).gone_since is None


def test_held_plan_is_an_answer_and_not_good(school, biology, read):
    read(None, BUSY)
    biology.members.clear()

    attempt = read(None)

    assert (attempt.outcome, attempt.failures, attempt.good < attempt.started) == (Outcome.HELD, 0, True)


@pytest.mark.parametrize(
    ("seconds", "hours"), [pytest.param(7200, 2, id="as-asked"), pytest.param(9e9, 24, id="within-reason")]
)
def test_source_that_asks_for_more_time_is_heard(school, read, seconds, hours):
    start = school.clock.now

    attempt = read(SourceUnavailable("lms.example.org answers 429", retry_after=seconds))

    assert attempt.not_before == start + timedelta(hours=hours)
    assert read(None).not_before is None


def test_run_that_was_killed_counts_as_a_failure(school, biology, read):
    school.runs.begin("north", biology.key)
    assert read().outcome is Outcome.RUNNING

    attempt = read(BUSY)

    assert (attempt.outcome, attempt.failures) == (Outcome.UNAVAILABLE, 2)


def test_attempts_are_those_of_one_course(school, biology, chemistry, read):
    school.reconcile(chemistry)
    read(BUSY)

    outcomes = {key: attempt.outcome for key, attempt in Attempts(school.mirror).by_context().items()}
    assert outcomes == {("north", biology.key): Outcome.UNAVAILABLE, ("north", chemistry.key): Outcome.APPLIED}


# Decisions


def test_approval_is_recorded_with_the_run_it_led_to(school, biology):
    school.reconcile(biology)
    biology.members.clear()
    held = school.reconcile(biology)

    run = school.reconcile(biology, approved=school.runs.held_removals(held.id), about=held.id)

    (decision,) = Decisions(school.mirror, school.clock).about(held.id)
    assert (decision.kind, decision.made_by, decision.run, decision.led_to) == (
        DecisionKind.APPROVED,
        "operator",
        held.id,
        run.id,
    )
    assert Decisions(school.mirror, school.clock).about(run.id) == [decision]
    assert (held.decided_by, run.decided_by) == (None, "operator")


def test_rejected_plan_waits_no_more(school, biology):
    school.reconcile(biology)
    biology.members.clear()
    held = school.reconcile(biology)
    decisions = Decisions(school.mirror, school.clock)

    decisions.reject(held.id, "operator")

    assert [(each.kind, each.made_by, each.led_to) for each in decisions.about(held.id)] == [
        (DecisionKind.REJECTED, "operator", None)
    ]
    assert school.runs.waiting() == []
    assert school.reconcile(biology).outcome is Outcome.HELD
    assert len(school.runs.waiting()) == 1
