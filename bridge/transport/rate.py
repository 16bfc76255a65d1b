"""How fast a peer is asked: so many requests a minute, for each peer by itself.

A token bucket that holds ten seconds' worth, so that a few rosters are read at once without waiting and thousands are
spread out. Requests reserve their moments in order; whoever reserves late waits longer.
"""

import threading
import time
from collections.abc import Callable, Hashable

_BURST = 10.0
"""Seconds' worth of requests that may come at once."""


class Rates:
    """The pace of each peer. Serves all threads.

    :param ticks: counts seconds.
    """

    def __init__(self, *, sleep: Callable[[float], None] = time.sleep, ticks: Callable[[], float] = time.monotonic):
        self._sleep = sleep
        self._ticks = ticks
        self._lock = threading.Lock()
        self._used: dict[Hashable, float] = {}  # by peer: until when all moments are reserved

    def wait(self, peer: Hashable, per_minute: int) -> None:
        """Wait until a peer may be asked once more."""
        with self._lock:
            now = self._ticks()
            used = max(self._used.get(peer, now - _BURST), now - _BURST) + 60.0 / per_minute
            self._used[peer] = used
        if used > now:
            self._sleep(used - now)
