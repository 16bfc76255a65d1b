"""Access tokens that are kept until shortly before they expire, and asked for once, whoever needs them."""

import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)

_RENEW_BEFORE = 60.0


@dataclass(slots=True)
class _Slot:
    """One key's place; whoever holds the lock may ask for its token."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    token: str | None = None
    good_until: float = 0.0


class TokenCache(Generic[K]):
    """Tokens by what they are for.

    Serves all threads: of those that need the same token at the same time one asks and the others wait for it.

    :param ticks: counts seconds.
    """

    def __init__(self, ticks: Callable[[], float] = time.monotonic) -> None:
        self._ticks = ticks
        self._slots: dict[K, _Slot] = {}
        self._lock = threading.Lock()

    def get(self, key: K, ask: Callable[[], tuple[str, float]]) -> str:
        """The token at hand, or the one that ``ask`` gives, with its lifetime in seconds."""
        slot = self._slot(key)
        with slot.lock:
            if slot.token is None or self._ticks() >= slot.good_until:
                asked_at = self._ticks()
                slot.token, lifetime = ask()
                # A short-lived token still serves for half of its life.
                slot.good_until = asked_at + lifetime - min(_RENEW_BEFORE, lifetime / 2)
            return slot.token

    def forget(self, key: K, token: str) -> None:
        """Ask anew the next time; nothing, if another thread has renewed the token already."""
        slot = self._slot(key)
        with slot.lock:
            if slot.token == token:
                slot.token = None

    def _slot(self, key: K) -> _Slot:
        with self._lock:
            return self._slots.setdefault(key, _Slot())
