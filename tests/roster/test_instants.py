"""Instants as callers write them, and the stored form before them."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.clock import to_stamp
from bridge.roster.instants import floor_to_date, floor_to_stamp, parse_instant


@pytest.mark.parametrize(
    ("text", "stamp"),
    [
        pytest.param("2026-11-20", "2026-11-20T00:00:00.000Z", id="date"),
        pytest.param("2026-11-20T21:05", "2026-11-20T21:05:00.000Z", id="minutes-without-zone"),
        pytest.param("2026-11-20t21:05:09z", "2026-11-20T21:05:09.000Z", id="small-letters"),
        pytest.param("2026-11-20 21:05:09.5", "2026-11-20T21:05:09.500Z", id="blank-before-the-time"),
        pytest.param("2026-11-20T21:05:09.123456789+02:00", "2026-11-20T19:05:09.123Z", id="nanoseconds-and-offset"),
        pytest.param("2026-11-20T21:05:09 02:00", "2026-11-20T19:05:09.000Z", id="blank-for-plus"),
        pytest.param("2026-11-20T21:05:09-0330", "2026-11-21T00:35:09.000Z", id="offset-west"),
        pytest.param("2026-11-20T21:05:09+02", "2026-11-20T19:05:09.000Z", id="offset-in-hours"),
        pytest.param("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000Z", id="first-year-keeps-its-zeros"),
    ],
)
def test_instant_is_read(text: str, stamp: str) -> None:
    assert floor_to_stamp(parse_instant(text))[0] == stamp


@given(st.datetimes(min_value=datetime(1000, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 - the strategy wants it bare
def test_stamp_below_is_the_clocks(instant: datetime) -> None:
    assert floor_to_stamp(instant)[0] == to_stamp(instant)


@pytest.mark.parametrize(
    ("text", "date", "stamp"),
    [
        pytest.param("2026-11-20", True, True, id="midnight"),
        pytest.param("2026-11-20T00:00:00.001Z", False, True, id="a-millisecond-later"),
        pytest.param("2026-11-20T00:00:00.0005Z", False, False, id="half-a-millisecond-later"),
    ],
)
def test_whether_the_stored_form_is_exact(text: str, date: bool, stamp: bool) -> None:
    instant = parse_instant(text)
    assert floor_to_date(instant) == ("2026-11-20", date)
    assert floor_to_stamp(instant)[1] == stamp


@given(st.text(max_size=30) | st.from_regex(r"[0-9T:. +Z-]{8,30}"))
def test_any_text_is_an_instant_or_a_value_error(text: str) -> None:
    try:
        assert parse_instant(text).tzinfo is UTC
    except ValueError:
        return
