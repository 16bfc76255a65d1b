"""How many requests a client may make: a token bucket each, in memory.

A bucket holds one second's worth of requests and fills all the time, so a client that keeps below its rate never
notices. Every web process counts for itself: what all of them let through together is that many times as much.
"""

import math
import threading
import time
from collections.abc import Callable

from bridge.errors import Busy

_MOST_BUCKETS = 10_000
"""How many clients or addresses are told apart at a time."""


class RateLimit:
    """The buckets of all clients. Safe to use from several threads.

    :param per_second: requests that each client may make in a second; 0 for any number.
    :param now: tells seconds, from any beginning.
    """

    def __init__(self, per_second: int, now: Callable[[], float] = time.monotonic) -> None:
        self._rate = per_second
        self._now = now
        self._lock = threading.Lock()
        self._buckets: dict[str, tuple[float, float]] = {}  # what is in it, and since when

    def take(self, client_id: str) -> None:
        """Count one request.

        :raises Busy: if the client's bucket is empty, with the whole seconds after which it no longer is.
        """
        if self._rate == 0:
            return
        with self._lock:
            now = self._now()
            held, since = self._buckets.get(client_id, (self._rate, now))
            held = min(self._rate, held + (now - since) * self._rate)
            allowed = held >= 1
            if len(self._buckets) >= _MOST_BUCKETS and client_id not in self._buckets:
                self._buckets.clear()  # nobody is refused wrongly by that, and it costs little however many there are
            self._buckets[client_id] = (held - 1 if allowed else held, now)
        if not allowed:
            raise Busy(
                f"this client may make {self._rate} requests a second",
                retry_after=math.ceil((1 - held) / self._rate),
            )
