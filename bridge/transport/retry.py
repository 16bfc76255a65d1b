"""Asking again: what a peer says about when, and how long the bridge goes on.

Knows no protocol: whatever an attempt raises as :class:`bridge.errors.SourceUnavailable` is tried again.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from random import SystemRandom
from typing import TypeVar

from bridge.errors import SourceUnavailable
from bridge.transport.http import Answer

T = TypeVar("T")

_RANDOM = SystemRandom()
_TRY_LATER = frozenset({408, 425, 429})


def asks_to_wait(status: int) -> bool:
    """Whether a status means that the same request may succeed later."""
    return status in _TRY_LATER or status >= 500


def retry_after(answer: Answer, now: datetime) -> float | None:
    """The seconds that an answer asks to wait, in either form of RFC 9110 section 10.2.3; ``None`` if it does not."""
    value = answer.headers.get("Retry-After", "").strip()
    if re.fullmatch(r"[0-9]{1,9}", value):
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    if moment.tzinfo is None:  # "-0000": no zone named, and HTTP dates are GMT
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - now).total_seconds())


class Patience:
    """How long to go on for one piece of work of many requests, such as the pages of one roster.

    :param sleep: waits so many seconds.
    :param attempts: the most times that one request is tried.
    :param max_wait: seconds of waiting that all its requests together may cost.
    """

    def __init__(self, *, sleep: Callable[[float], None], attempts: int, max_wait: float) -> None:
        self._sleep = sleep
        self._attempts = attempts
        self._left = max_wait

    def insist(self, attempt: Callable[[], T]) -> T:
        """What ``attempt`` returns, tried again while it raises :class:`SourceUnavailable`.

        Waits as long as the peer asked, else one, two, four … seconds, of which up to half is left to chance, so that
        clients that were refused together do not come back together.

        :raises SourceUnavailable: the last attempt's, when attempts or patience are used up. A wait that is longer than
            the patience left is not begun.
        """
        number = 1
        while True:
            try:
                return attempt()
            except SourceUnavailable as refusal:
                wait = refusal.retry_after
                if wait is None:
                    wait = 2.0 ** (number - 1) * _RANDOM.uniform(0.5, 1.0)
                if number >= self._attempts or wait > self._left:
                    raise
            self._left -= wait
            self._sleep(wait)
            number += 1
