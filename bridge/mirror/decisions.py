"""What people have decided about runs and contexts, and who they were."""

import json
from collections.abc import Iterable, Mapping, Sequence
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
    PAUSED = "paused"
    """A context, or a platform's contexts, are to be read no more by themselves."""
    RESUMED = "resumed"
    """They are to be read again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One decision.

    :param run: the run that it is about; ``None`` if it is about a context or a platform as a whole.
    :param led_to: the run that carried it out; ``None`` if there was nothing to carry out.
    :param about: which class or platform, if neither run tells; else empty.
    """

    kind: DecisionKind
    made: str
    made_by: str
    run: int | None
    led_to: int | None
    about: str = ""


_COLUMNS = "kind, made, made_by, run, led_to, about"


class Decisions:
    """The decisions in one mirror."""

    def __init__(self, mirror: Mirror, clock: Clock) -> None:
        self._db = mirror.db
        self._clock = clock

    def reject(self, run: int, made_by: str) -> None:
        """Record that a held plan is not to be applied."""
        with storage.write(self._db):
            record_decision(self._db, DecisionKind.REJECTED, to_stamp(self._clock()), made_by, run=run)

    def approve(self, run: int, made_by: str, *, except_removals: bool = False) -> None:
        """Record that a held plan may be applied when what it was made of is handed in again."""
        kind = DecisionKind.APPROVED_REST if except_removals else DecisionKind.APPROVED
        with storage.write(self._db):
            record_decision(self._db, kind, to_stamp(self._clock()), made_by, run=run)

    def standing(self, run: int) -> Decision | None:
        """The latest word about a held run that no run has carried out."""
        found = self._select("WHERE run = ? AND led_to IS NULL ORDER BY id DESC LIMIT 1", run)
        return next(iter(found), None)

    def record(self, kind: DecisionKind, made_by: str, about: str) -> None:
        """Record what was decided about a class or a platform, and is done by itself."""
        with storage.write(self._db):
            record_decision(self._db, kind, to_stamp(self._clock()), made_by, about=about)

    def about(self, run: int) -> Sequence[Decision]:
        """The decisions about a run, and the one that led to it, oldest first."""
        return self._select("WHERE run = ? OR led_to = ? ORDER BY id", run, run)

    def that_led_to(self, runs: Iterable[int]) -> Mapping[int, Decision]:
        """The decision that each of these runs carried out, by the run; those apart that carried out none."""
        found = self._select("WHERE led_to IN (SELECT value FROM json_each(?)) ORDER BY id", json.dumps(list(runs)))
        return {one.led_to: one for one in found if one.led_to is not None}

    def latest(self, limit: int) -> Sequence[Decision]:
        """The latest decisions, newest first."""
        return self._select("ORDER BY id DESC LIMIT ?", limit)

    def _select(self, rest: str, *parameters: int | str) -> list[Decision]:
        rows = self._db.execute(f"SELECT {_COLUMNS} FROM decisions {rest}", parameters)  # noqa: S608 - our own words
        return [
            Decision(kind=DecisionKind(kind), made=made, made_by=made_by, run=run, led_to=led_to, about=about)
            for kind, made, made_by, run, led_to, about in rows
        ]


def record_decision(
    db: Database,
    kind: DecisionKind,
    made: str,
    made_by: str,
    *,
    run: int | None = None,
    led_to: int | None = None,
    about: str = "",
) -> None:
    """Record a decision, inside the write transaction that the caller holds."""
    db.execute(
        "INSERT INTO decisions (kind, made, made_by, run, led_to, about) VALUES (?, ?, ?, ?, ?, ?)",
        (kind, made, made_by, run, led_to, about),
    )
