"""The clock on the school's wall: nights, quiet hours and blackouts, summer time included."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from bridge.sync.hours import Hours

OSLO = ZoneInfo("Europe/Oslo")  # two hours ahead of UTC in summer, one in winter


def utc(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def hours(**options):
    return Hours(zone=OSLO, **{"night": time(2, 0), "night_length": timedelta(hours=4), **options})


@pytest.mark.parametrize(
    ("place", "after", "until", "turn"),
    [
        pytest.param(0.0, "2026-11-20T08:00", "2026-11-21T08:00", "2026-11-21T01:00", id="begin-of-the-night"),
        pytest.param(0.5, "2026-11-20T08:00", "2026-11-21T08:00", "2026-11-21T03:00", id="middle"),
        pytest.param(0.5, "2026-11-20T08:00", "2026-11-21T02:59", None, id="not-yet"),
        pytest.param(0.5, "2026-11-21T03:00", "2026-11-21T23:00", None, id="over"),
        pytest.param(0.5, "2026-11-20T08:00", "2026-11-27T08:00", "2026-11-27T03:00", id="last-of-several"),
        pytest.param(0.0, "2026-07-20T08:00", "2026-07-21T08:00", "2026-07-21T00:00", id="summer"),
        pytest.param(0.0, "2026-03-28T08:00", "2026-03-29T08:00", "2026-03-29T01:00", id="hour-that-does-not-exist"),
        pytest.param(0.0, "2026-10-24T08:00", "2026-10-25T08:00", "2026-10-25T00:00", id="hour-that-comes-twice"),
    ],
)
def test_turn_of_the_night(place, after, until, turn):
    assert hours().turn(place, after=utc(after), until=utc(until)) == (utc(turn) if turn else None)


def test_night_that_goes_over_midnight_belongs_to_the_day_it_began():
    late = hours(night=time(23, 0))

    assert late.turn(0.9, after=utc("2026-11-20T08:00"), until=utc("2026-11-21T08:00")) == utc("2026-11-21T01:36")


def test_without_nights_there_is_no_turn():
    assert hours(night=None).turn(0.5, after=utc("2026-11-01T00:00"), until=utc("2026-11-30T00:00")) is None


@pytest.mark.parametrize(
    ("now", "end"),
    [
        pytest.param("2026-11-20T06:29", None, id="before"),
        pytest.param("2026-11-20T06:30", "2026-11-20T08:00", id="at-its-begin"),
        pytest.param("2026-11-20T07:59", "2026-11-20T08:00", id="at-its-end"),
        pytest.param("2026-11-20T08:00", None, id="after"),
        pytest.param("2026-11-20T21:30", "2026-11-21T00:30", id="before-midnight"),
        pytest.param("2026-11-20T23:30", "2026-11-21T00:30", id="after-midnight"),
        pytest.param("2026-07-20T05:30", "2026-07-20T07:00", id="summer"),
    ],
)
def test_quiet_hours(now, end):
    quiet = hours(quiet=((time(7, 30), time(9, 0)), (time(22, 0), time(1, 30))))

    assert quiet.quiet_ends(utc(now)) == (utc(end) if end else None)


@pytest.mark.parametrize(
    ("now", "end"),
    [
        pytest.param("2026-07-24T21:59", None, id="the-day-before"),
        pytest.param("2026-07-24T22:00", "2026-08-02T22:00", id="its-first-moment"),
        pytest.param("2026-08-02T21:59", "2026-08-02T22:00", id="its-last-day"),
        pytest.param("2026-08-02T22:00", None, id="over"),
    ],
)
def test_blackout(now, end):
    out = hours(blackouts=((date(2026, 7, 25), date(2026, 8, 2)),))

    assert out.blackout_ends(utc(now)) == (utc(end) if end else None)
