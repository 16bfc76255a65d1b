"""Where time comes from, and the one way in which it is written.

Timestamps are UTC with milliseconds and a ``Z``, everywhere, so that the order of the texts is the order of
the instants. Code that needs the time takes a :data:`Clock`, so that a test can turn it.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The present, in UTC."""
    return datetime.now(UTC)


def to_stamp(instant: datetime) -> str:
    """Write an instant as ``2026-11-20T21:05:09.123Z``, cut (not rounded) to milliseconds.

    >>> to_stamp(datetime(2026, 11, 20, 21, 5, 9, 123999, tzinfo=UTC))
    '2026-11-20T21:05:09.123Z'
    """
    # Not by strftime: it writes years below 1000 without their leading zeros.
    return instant.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def from_stamp(stamp: str) -> datetime:
    """Read what :func:`to_stamp` wrote."""
    return datetime.fromisoformat(stamp)


def to_unix_ms(instant: datetime) -> int:
    """Milliseconds since 1970, cut like a stamp."""
    return (instant - _EPOCH) // timedelta(milliseconds=1)


def from_unix_ms(milliseconds: int) -> datetime:
    """Read what :func:`to_unix_ms` gave."""
    return _EPOCH + timedelta(milliseconds=milliseconds)
