"""What people have decided about runs and contexts, and who they were."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlite_utils import Database

from bridge import storage
from bridge.clock import Clock, to_stamp
from bridge.mirror.mirror import Mirror


class DecisionKind(StrEnum):
    """What was decided."""

    APPROVED = "approved"
    """A held plan may be applied: these people may go."""
    APPROVED_REST = "approved except removals"
    """A held plan's additions and changes may be applied; its removals go on waiting."""
    REJECTED = "rejected"
    """A held plan is not to be applied."""
    RETIRED = "retired"
    """A context's records are to end."""
    UNDONE = "undone"
    """What a run did is to be undone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One decision.

    :param run: the run that it is about; ``None`` if it is about a context as a whole.
    :param led_to: the run that carried it out; ``None`` if there was nothing to carry out.
    """

    kind: DecisionKind
    made: str
    made_by: str
    run: int | None
    led_to: int | None


class Decisions:
    """The decisions in one mirror."""

    def __init__(self, mirror: Mirror, clock: Clock) -> None:
        self._db = mirror.db
        self._clock = clock

    def reject(self, run: int, made_by: str) -> None:
        """Record that a held plan is not to be applied."""
        with storage.write(self._db):
            record_decision(self._db, DecisionKind.REJECTED, to_stamp(self._clock()), made_by, run=run)

    def about(self, run: int) -> Sequence[Decision]:
        """The decisions about a run, and the one that led to it, oldest first."""
        rows = self._db.execute(
            "SELECT kind, made, made_by, run, led_to FROM decisions WHERE run = :run OR led_to = :run ORDER BY id",
            {"run": run},
        )
        return [
            Decision(kind=DecisionKind(kind), made=made, made_by=made_by, run=about, led_to=led_to)
            for kind, made, made_by, about, led_to in rows
        ]


def record_decision(
    db: Database, kind: DecisionKind, made: str, made_by: str, *, run: int | None, led_to: int | None = None
) -> None:
    """Record a decision, inside the write transaction that the caller holds."""
    db.execute(
        "INSERT INTO decisions (kind, made, made_by, run, led_to) VALUES (?, ?, ?, ?, ?)",
        (kind, made, made_by, run, led_to),
    )
