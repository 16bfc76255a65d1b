"""When a context is read, and why not now: what the operator reads in ``bridge contexts list``."""

import itertools
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from bridge.mirror.attempts import Attempt
from bridge.mirror.runs import GOOD, Outcome
from bridge.sync.hours import Hours
from bridge.sync.policy import Pace, Reason, by_itself, is_gone, on_launch, place_of

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
NO_NIGHTS = Hours(zone=ZoneInfo("UTC"))
NIGHTS = Hours(zone=ZoneInfo("UTC"), night=time(2, 0), night_length=timedelta(hours=4))


def ago(**by):
    return NOW - timedelta(**by)


def pace(**options):
    return Pace(**{"fresh_for": timedelta(hours=24), "place": 0.5, "hours": NO_NIGHTS, **options})


def read(outcome=Outcome.UNCHANGED, *, failures=0, **by):
    """The last attempt, so long ago."""
    started = ago(**by)
    return Attempt(
        run=1, started=started, outcome=outcome, failures=failures, good=started if outcome in GOOD else None
    )


def undone(outcome=Outcome.APPLIED, *, not_before=None, **by):
    """What was read was undone, so long ago, an hour after the last attempt."""
    started = ago(**by) - timedelta(hours=1)
    good = started if outcome in GOOD else started - timedelta(days=1)
    return Attempt(run=2, started=started, outcome=outcome, good=good, undone=ago(**by), not_before=not_before)


def failed_after_undone(**by):
    """The last attempt failed, so long ago, an hour after what was read was undone."""
    return Attempt(
        run=3, started=ago(**by), outcome=Outcome.UNAVAILABLE, failures=1, undone=ago(**by) - timedelta(hours=1)
    )


def verdict(attempt, pace, *, paused=False):
    return by_itself(attempt, pace, NOW, added=ago(days=30), paused=paused)


# Freshness


@pytest.mark.parametrize(
    ("attempt", "reason", "due"),
    [
        pytest.param(None, Reason.NEVER_READ, True, id="never-read"),
        pytest.param(undone(minutes=1), Reason.UNDONE, True, id="a-run-was-undone"),
        pytest.param(undone(Outcome.UNAVAILABLE, minutes=1), Reason.UNDONE, True, id="undone-after-a-failure"),
        pytest.param(
            undone(minutes=1, not_before=NOW + timedelta(minutes=1)),
            Reason.WAITING,
            False,
            id="undone-and-asked-to-wait",
        ),
        pytest.param(failed_after_undone(minutes=14), Reason.WAITING, False, id="failed-since-a-run-was-undone"),
        pytest.param(read(hours=1), Reason.FRESH, False, id="just-read"),
        pytest.param(read(hours=21.5), Reason.FRESH, False, id="a-little-before-its-early-turn"),
        pytest.param(read(hours=21.6), Reason.STALE, True, id="at-its-early-turn"),
        pytest.param(read(days=40), Reason.STALE, True, id="after-a-standstill"),
        pytest.param(read(Outcome.HELD, hours=12), Reason.FRESH, False, id="held"),
        pytest.param(read(Outcome.HELD, hours=24), Reason.STALE, True, id="held-and-stale"),
        pytest.param(read(Outcome.REFUSED, hours=12, failures=9), Reason.FRESH, False, id="refused"),
        pytest.param(read(Outcome.REFUSED, hours=24, failures=9), Reason.STALE, True, id="refused-and-stale"),
        pytest.param(read(Outcome.GONE, hours=24, failures=1), Reason.STALE, True, id="gone-for-the-first-time"),
        pytest.param(read(Outcome.RUNNING, minutes=14), Reason.RUNNING, False, id="being-read"),
        pytest.param(read(Outcome.RUNNING, minutes=15), Reason.RETRY, True, id="its-process-has-died"),
    ],
)
def test_freshness(attempt, reason, due):
    found = verdict(attempt, pace())

    assert (found.reason, found.due) == (reason, due)


@pytest.mark.parametrize("place", [0.0, 0.3, 0.999999])
def test_no_context_grows_older_than_its_target(place):
    assert verdict(read(hours=24), pace(place=place)).due
    assert not verdict(read(hours=19), pace(place=place)).due


def test_contexts_that_were_read_together_are_read_apart():
    places = [place_of(f"class {number}") for number in range(1000)]
    turns = sorted(verdict(read(hours=1), pace(place=place)).until for place in places)

    assert len(set(turns)) == 1000
    per_quarter = [sum(quarter * 0.25 <= place < (quarter + 1) * 0.25 for place in places) for quarter in range(4)]
    assert min(per_quarter) > 200
    assert turns[-1] - turns[0] > timedelta(hours=4.7)


def test_place_of_a_context_is_always_the_same():
    assert place_of("class 1") == 0.5218004195485264  # in every process


def test_verdict_says_when_it_changes():
    assert verdict(read(hours=1), pace(place=0.0)).until == NOW + timedelta(hours=23)
    assert verdict(read(hours=30), pace(place=0.0)).since == ago(hours=6)


# Nights


@pytest.mark.parametrize(
    ("hours", "since_read", "reason", "due"),
    [
        pytest.param(24, timedelta(hours=7), Reason.FRESH, False, id="read-tonight-already"),
        pytest.param(24, timedelta(hours=9), Reason.NIGHT, True, id="was-not-read-tonight"),
        pytest.param(24, timedelta(hours=20), Reason.NIGHT, True, id="read-yesterday"),
        pytest.param(6, timedelta(hours=3), Reason.FRESH, False, id="short-target-by-day"),
        pytest.param(6, timedelta(hours=6), Reason.STALE, True, id="short-target-reached-by-day"),
        pytest.param(168, timedelta(days=6), Reason.FRESH, False, id="weekly-before-its-last-night"),
        pytest.param(168, timedelta(days=6, hours=20), Reason.NIGHT, True, id="weekly-in-its-last-night"),
    ],
)
def test_nights(hours, since_read, reason, due):
    """It is noon, and the turn is at four in the morning."""
    attempt = Attempt(run=1, started=NOW - since_read, outcome=Outcome.APPLIED, good=NOW - since_read)
    found = verdict(attempt, pace(hours=NIGHTS, fresh_for=timedelta(hours=hours)))

    assert (found.reason, found.due) == (reason, due)


def test_daily_target_is_met_by_one_reading_a_night():
    started, readings = datetime(2026, 11, 20, 8, 0, tzinfo=UTC), []
    nightly = pace(hours=NIGHTS)
    attempt = Attempt(run=1, started=started, outcome=Outcome.UNCHANGED, good=started)
    for minutes in range(0, 5 * 24 * 60, 10):
        now = started + timedelta(minutes=minutes)
        if by_itself(attempt, nightly, now, added=started, paused=False).due:
            readings.append(now)
            attempt = Attempt(run=1, started=now, outcome=Outcome.UNCHANGED, good=now)

    assert [(moment.hour, moment.minute) for moment in readings] == [(4, 0)] * 5


# Failures


@pytest.mark.parametrize(
    ("failures", "minutes"),
    [(1, 15), (2, 30), (3, 60), (7, 960), (8, 1440), (50, 1440)],
    ids=lambda value: str(value),
)
def test_pause_after_failures_doubles_up_to_the_target(failures, minutes):
    def due(after):
        return verdict(read(Outcome.UNAVAILABLE, failures=failures, minutes=after), pace(place=0.0)).due

    assert (due(minutes - 1), due(minutes)) == (False, True)


def test_pauses_of_contexts_that_failed_together_differ():
    attempt = read(Outcome.UNAVAILABLE, failures=1, minutes=0)
    until = [verdict(attempt, pace(place=place_of(str(number)))).until for number in range(100)]

    assert len(set(until)) == 100
    assert NOW + timedelta(minutes=15) <= min(until) < max(until) <= NOW + timedelta(minutes=18.75)


def test_platform_that_asks_for_more_time_is_given_it():
    attempt = Attempt(
        run=1, started=ago(hours=1), outcome=Outcome.UNAVAILABLE, failures=1, not_before=NOW + timedelta(hours=2)
    )

    assert verdict(attempt, pace()).until == NOW + timedelta(hours=2)


@pytest.mark.parametrize(
    ("times", "days", "gone"),
    [
        pytest.param(3, 3, True, id="often-and-long-enough"),
        pytest.param(2, 30, False, id="not-often-enough"),
        pytest.param(30, 2.9, False, id="not-long-enough"),
    ],
)
def test_context_is_gone_after_some_answers_over_some_days(times, days, gone):
    attempt = Attempt(
        run=1, started=ago(hours=30), outcome=Outcome.GONE, failures=times, gone=times, gone_since=ago(days=days)
    )

    assert is_gone(attempt, pace(), NOW) is gone
    found = verdict(attempt, pace())
    assert (found.reason is Reason.GONE, found.due) == (gone, not gone)


# What keeps a context from being read


QUIET = Hours(zone=ZoneInfo("UTC"), quiet=((time(11, 0), time(13, 0)),))
BLACKOUT = Hours(zone=ZoneInfo("UTC"), blackouts=((date(2026, 11, 19), date(2026, 11, 21)),))


@pytest.mark.parametrize(
    ("paused", "hours", "reason", "until"),
    [
        pytest.param(True, NO_NIGHTS, Reason.PAUSED, None, id="paused"),
        pytest.param(True, BLACKOUT, Reason.PAUSED, None, id="paused-in-a-blackout"),
        pytest.param(False, QUIET, Reason.QUIET, NOW + timedelta(hours=1), id="quiet-hours"),
        pytest.param(False, BLACKOUT, Reason.BLACKOUT, NOW + timedelta(hours=36), id="blackout"),
    ],
)
@pytest.mark.parametrize("attempt", [None, read(days=9)], ids=["never-read", "stale"])
def test_what_keeps_a_stale_context_waiting(attempt, paused, hours, reason, until):
    found = verdict(attempt, pace(hours=hours), paused=paused)

    assert (found.due, found.reason, found.until) == (False, reason, until)


# Launches


@pytest.mark.parametrize(
    ("attempt", "known", "reason", "due"),
    [
        pytest.param(None, False, Reason.ASKED, True, id="never-read"),
        pytest.param(read(minutes=14), True, Reason.FRESH, False, id="fresh"),
        pytest.param(read(minutes=15), True, Reason.ASKED, True, id="stale"),
        pytest.param(read(minutes=14), False, Reason.ASKED, True, id="fresh-but-somebody-new"),
        pytest.param(read(minutes=4), False, Reason.WAITING, False, id="somebody-new-just-after-another"),
        pytest.param(read(Outcome.UNAVAILABLE, minutes=4), True, Reason.WAITING, False, id="has-just-failed"),
        pytest.param(read(Outcome.UNAVAILABLE, minutes=5), True, Reason.ASKED, True, id="has-failed"),
        pytest.param(read(Outcome.HELD, minutes=5), True, Reason.ASKED, True, id="held"),
        pytest.param(read(Outcome.GONE, days=9), True, Reason.ASKED, True, id="gone-and-there-again"),
        pytest.param(read(Outcome.RUNNING, minutes=4), False, Reason.WAITING, False, id="being-read"),
    ],
)
def test_launch(attempt, known, reason, due):
    found = on_launch(attempt, pace(), NOW, known=known, paused=False)

    assert (found.reason, found.due) == (reason, due)


@pytest.mark.parametrize(
    ("hours", "paused", "reason"),
    [
        pytest.param(QUIET, False, Reason.ASKED, id="quiet-hours-do-not-count"),
        pytest.param(BLACKOUT, False, Reason.BLACKOUT, id="blackout"),
        pytest.param(NO_NIGHTS, True, Reason.PAUSED, id="paused"),
    ],
)
def test_launch_at_another_time(hours, paused, reason):
    for attempt, known in itertools.product((None, read(hours=9)), (True, False)):
        assert on_launch(attempt, pace(hours=hours), NOW, known=known, paused=paused).reason is reason
