"""The circuit breaker of each platform: whether one that fails is asked at all.

*Closed*, it is asked. When several contexts in a row, all of them fine before, cannot be read, the platform itself is
in trouble, and the circuit *opens*: its other contexts are spared their attempts, and it is spared them. After a while
it is *half-open*: one attempt is let through. If that brings an answer the circuit closes, else it opens again, for
twice as long.

The state is in the registry, so that all processes share it, and an operator can see it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from sqlite_utils import Database

from bridge.clock import Clock, from_stamp, to_stamp
from bridge.storage import write

DEFAULT_THRESHOLD = 5
_FIRST_OPENING = timedelta(minutes=2)
_LONGEST_OPENING = timedelta(hours=1)
_TRIAL = timedelta(minutes=15)


class CircuitState(StrEnum):
    """Whether a platform is asked."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


@dataclass(frozen=True, slots=True)
class Circuit:
    """One platform's breaker: a value, and what becomes of it.

    :param failures: how many contexts in a row, while closed, failed that had been fine.
    :param openings: how often in a row it has opened.
    :param until: of an open one, when it is tried again; of a half-open one, when its trial counts as lost.
    """

    state: CircuitState = CircuitState.CLOSED
    failures: int = 0
    openings: int = 0
    until: datetime | None = None

    def admits(self, now: datetime) -> bool:
        """Whether an attempt may be made; of a circuit that is not closed, it is the trial."""
        return self.state is CircuitState.CLOSED or self.until is None or self.until <= now

    def on_trial(self, now: datetime) -> "Circuit":
        """After an attempt was let through."""
        if self.state is CircuitState.CLOSED:
            return self
        return replace(self, state=CircuitState.HALF_OPEN, until=now + _TRIAL)

    def after_failure(
        self, now: datetime, *, news: bool, threshold: int, not_before: datetime | None = None
    ) -> "Circuit":
        """After an attempt brought no answer.

        :param news: whether the context had been fine: one that fails for weeks says nothing about its platform.
        :param not_before: until when the platform has asked to be left alone.
        """
        failures = self.failures + news
        if self.state is CircuitState.CLOSED and failures < threshold:
            return replace(self, failures=failures)
        if self.state is CircuitState.OPEN:
            return self  # somebody asked in spite of it
        until = now + min(_FIRST_OPENING * 2**self.openings, _LONGEST_OPENING)
        if not_before is not None:
            until = max(until, not_before)
        return Circuit(CircuitState.OPEN, failures, min(self.openings + 1, 16), until)


class Circuits:
    """The breakers, by platform."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    def all(self) -> Mapping[int, Circuit]:
        """Those that are not closed, or have something to remember."""
        rows = self._db.execute("SELECT platform, state, failures, openings, until FROM circuits").fetchall()
        return {platform: _circuit(*rest) for platform, *rest in rows}

    def of(self, platform_id: int) -> Circuit:
        """One platform's breaker."""
        row = self._db.execute(
            "SELECT state, failures, openings, until FROM circuits WHERE platform = ?", (platform_id,)
        ).fetchone()
        return _circuit(*row) if row else Circuit()

    def admit(self, platform_id: int) -> bool:
        """Whether an attempt may be made now. If the circuit is not closed, this was the one trial."""
        now = self._clock()
        if self.of(platform_id).state is CircuitState.CLOSED:
            return True
        with write(self._db):
            circuit = self.of(platform_id)
            if not circuit.admits(now):
                return False
            self._put(platform_id, circuit.on_trial(now))
            return True

    def answered(self, platform_id: int) -> None:
        """Note that a platform has answered: the circuit closes."""
        self._db.execute("DELETE FROM circuits WHERE platform = ?", (platform_id,))

    def failed(
        self,
        platform_id: int,
        *,
        news: bool,
        threshold: int = DEFAULT_THRESHOLD,
        not_before: datetime | None = None,
    ) -> Circuit:
        """Note that a platform has not: see :meth:`Circuit.after_failure`. Returns what became of the circuit."""
        now = self._clock()
        with write(self._db):
            circuit = self.of(platform_id).after_failure(now, news=news, threshold=threshold, not_before=not_before)
            self._put(platform_id, circuit)
        return circuit

    def _put(self, platform_id: int, circuit: Circuit) -> None:
        # Nothing for a platform that was removed meanwhile.
        self._db.execute(
            "INSERT OR REPLACE INTO circuits (platform, state, failures, openings, until)"
            " SELECT id, ?, ?, ?, ? FROM platforms WHERE id = ?",
            (
                circuit.state,
                circuit.failures,
                circuit.openings,
                to_stamp(circuit.until) if circuit.until else None,
                platform_id,
            ),
        )


def _circuit(state: str, failures: int, openings: int, until: str | None) -> Circuit:
    return Circuit(CircuitState(state), failures, openings, from_stamp(until) if until else None)
