"""Dates and date-times as callers write them, and how they compare with what is stored.

A caller may write any ISO 8601 date or date-time of the common kinds. What is stored is coarser: dates are whole days,
stamps whole milliseconds, both in UTC and both in a form whose text order is their order. So an instant is compared
with them by the last stored form not after it, and by whether that form is exactly the instant.
"""

import re
from datetime import UTC, datetime, time, timedelta, timezone

_INSTANT = re.compile(
    r"(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:[Tt ](?P<hour>[0-9]{2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?:[.,](?P<fraction>[0-9]{1,12}))?)?"
    r"(?P<zone>[Zz]|(?P<sign>[-+ ])(?P<zone_hours>[0-9]{2})(?::?(?P<zone_minutes>[0-9]{2}))?)?)?"
)


def parse_instant(text: str) -> datetime:
    """Read a date or a date-time, and give it in UTC.

    A bare date is midnight UTC, and a date-time without a zone is in UTC. A blank before the offset is read as ``+``:
    that is what an unencoded ``+`` in a query string turns into. Digits beyond the microsecond are dropped.

    >>> parse_instant("2026-01-01T02:30:00 02:00")
    datetime.datetime(2026, 1, 1, 0, 30, tzinfo=datetime.timezone.utc)

    :raises ValueError: if it is neither, or lies outside the years 1 to 9999.
    """
    match = _INSTANT.fullmatch(text)
    if match is None:
        raise ValueError("not a date or date-time")
    part = match.groupdict(default="0")
    clock = time(int(part["hour"]), int(part["minute"]), int(part["second"]), int(f"{part['fraction']:0<6}"[:6]))
    try:
        instant = datetime.combine(datetime.fromisoformat(part["date"]), clock, _zone(part))
        return instant.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("outside the years 1 to 9999") from error


def _zone(part: dict[str, str]) -> timezone:
    hours, minutes = int(part["zone_hours"]), int(part["zone_minutes"])
    if minutes > 59:
        raise ValueError("an offset has at most 59 minutes")
    offset = timedelta(hours=hours, minutes=minutes)
    return timezone(-offset if part["sign"] == "-" else offset)


def floor_to_date(instant: datetime) -> tuple[str, bool]:
    """The day in UTC that the instant falls in, as ``2026-11-20``, and whether it is that day's midnight."""
    instant = instant.astimezone(UTC)
    return instant.date().isoformat(), instant.time() == time()


def floor_to_stamp(instant: datetime) -> tuple[str, bool]:
    """The millisecond that the instant falls in, as a stamp (see :mod:`bridge.clock`), and whether it is exactly that.

    Years below 1000 keep their leading zeros, so that ``0001-01-01`` is before everything here as well.
    """
    instant = instant.astimezone(UTC).replace(tzinfo=None)
    return instant.isoformat(timespec="milliseconds") + "Z", instant.microsecond % 1000 == 0
