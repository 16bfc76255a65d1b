"""How many requests of one client are in hand at the same time, so that its costly ones leave threads to the others."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from bridge.errors import Busy


class AtOnce:
    """The requests in hand in this process. Safe to use from several threads.

    :param most: how many each client may have.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._in_hand: Counter[str] = Counter()

    @contextmanager
    def one_more(self, client_id: str) -> Iterator[None]:
        """Count a request while the block runs.

        :raises Busy: if the client has as many in hand as it may: it is told so and waits for nothing.
        """
        with self._lock:
            if self._in_hand[client_id] >= self._most:
                raise Busy(f"this client has {self._most} requests in hand already: wait for some of them")
            self._in_hand[client_id] += 1
        try:
            yield
        finally:
            with self._lock:
                self._in_hand[client_id] -= 1
                if not self._in_hand[client_id]:
                    del self._in_hand[client_id]
