"""The record of every reconciliation: when, how it ended, what it did, whom it could not use."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum

from sqlite_utils import Database

from bridge import storage
from bridge.clock import Clock, to_stamp
from bridge.mirror.documents import RecordChange
from bridge.mirror.mirror import Mirror
from bridge.roster.identity import ContextKey
from bridge.roster.plan import ChangeKind, Plan, Quarantined


class Outcome(StrEnum):
    """How a run ended."""

    RUNNING = "running"
    APPLIED = "applied"
    UNCHANGED = "unchanged"
    HELD = "held"
    """The plan waits for a person."""
    UNAVAILABLE = "unavailable"
    """The source did not answer usefully; nothing was changed."""
    REFUSED = "refused"
    """The source said no, or its answer cannot be trusted; nothing was changed."""
    BROKEN = "broken"
    """The bridge itself failed, or was stopped; nothing was changed."""


GOOD = frozenset({Outcome.APPLIED, Outcome.UNCHANGED})
"""The mirror agrees with the source."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One reconciliation of one context. The counts are of members.

    :param records: served records by collection and kind of change.
    """

    id: int
    source: str
    context: ContextKey
    started: str
    finished: str | None
    outcome: Outcome
    complete: bool
    added: int
    changed: int
    removed: int
    unchanged: int
    quarantined: int
    records: dict[str, dict[str, int]]
    message: str


_FIELDS = tuple(field.name for field in fields(Run))
_COLUMNS = (
    "runs.id, sources.name, context, started, finished, outcome, complete, added, changed, removed, unchanged,"
    " quarantined, documents, message"
)


class Runs:
    """The runs of one mirror."""

    def __init__(self, mirror: Mirror, clock: Clock) -> None:
        self._mirror = mirror
        self._db = mirror.db
        self._clock = clock

    def begin(self, source: str, context: ContextKey) -> int:
        """Record that a run starts; returns its number.

        An earlier run of the context that still seems to run was stopped: whoever begins holds the context's lease.
        """
        with storage.write(self._db):
            number = self._mirror.add_source(source)
            self._db.execute(
                "UPDATE runs SET outcome = ?, finished = ?, message = ?"
                " WHERE source = ? AND context = ? AND outcome = ?",
                (
                    Outcome.BROKEN,
                    to_stamp(self._clock()),
                    "stopped before it ended; nothing was changed",
                    number,
                    context,
                    Outcome.RUNNING,
                ),
            )
            cursor = self._db.execute(
                "INSERT INTO runs (source, context, started) VALUES (?, ?, ?)",
                (number, context, to_stamp(self._clock())),
            )
            assert cursor.lastrowid is not None
            return cursor.lastrowid

    def fail(self, run: int, outcome: Outcome, message: str) -> None:
        """Record that a run ended without changing anything."""
        with storage.write(self._db):
            finish(self._db, run, outcome, self._clock, message=message)

    def hold(self, run: int, plan: Plan, removals: Iterable[str], message: str) -> None:
        """Record that a plan waits for a person, and whom it would remove."""
        with storage.write(self._db):
            finish(self._db, run, Outcome.HELD, self._clock, plan=plan, message=message)
            self._db.conn.executemany(
                "INSERT INTO held (run, subject) VALUES (?, ?)", [(run, subject) for subject in removals]
            )

    def get(self, run: int) -> Run | None:
        """One run, if there is such a one."""
        return next(self._select("WHERE runs.id = ?", (run,)), None)

    def latest(self, limit: int = 20, *, context: tuple[str, ContextKey] | None = None) -> list[Run]:
        """The latest runs, newest first, of one (source, context) or of all."""
        if context is None:
            return list(self._select("ORDER BY runs.id DESC LIMIT ?", (limit,)))
        return list(
            self._select("WHERE sources.name = ? AND context = ? ORDER BY runs.id DESC LIMIT ?", (*context, limit))
        )

    def latest_by_context(self) -> dict[tuple[str, ContextKey], Run]:
        """The latest run of each context."""
        rest = "WHERE runs.id IN (SELECT max(id) FROM runs GROUP BY source, context)"
        return {(run.source, run.context): run for run in self._select(rest, ())}

    def quarantined(self, run: int) -> list[Quarantined]:
        """Whom a run could not use, and why."""
        rows = self._db.execute(
            "SELECT position, subject, reason FROM quarantine WHERE run = ? ORDER BY position", (run,)
        )
        return [Quarantined(*row) for row in rows]

    def held_removals(self, run: int) -> set[str]:
        """Whom a held plan would remove."""
        return {subject for (subject,) in self._db.execute("SELECT subject FROM held WHERE run = ?", (run,))}

    def _select(self, rest: str, parameters: Sequence[object]) -> Iterator[Run]:
        rows = self._db.execute(
            f"SELECT {_COLUMNS} FROM runs JOIN sources ON sources.id = runs.source {rest}",  # noqa: S608
            parameters,
        )
        for row in rows:
            values = dict(zip(_FIELDS, row, strict=True))
            values["outcome"] = Outcome(values["outcome"])
            values["complete"] = bool(values["complete"])
            values["records"] = json.loads(values["records"])
            yield Run(**values)


def finish(
    db: Database,
    run: int,
    outcome: Outcome,
    clock: Clock,
    *,
    plan: Plan | None = None,
    records: Mapping[tuple[str, RecordChange], int] | None = None,
    message: str = "",
) -> None:
    """Record how a run ended, inside the write transaction that the caller holds."""
    counts = plan.counts if plan else {}
    quarantined = plan.quarantined if plan else ()
    nested: dict[str, dict[str, int]] = {}
    for (collection, kind), count in sorted((records or {}).items()):
        nested.setdefault(collection, {})[kind] = count
    db.execute(
        "UPDATE runs SET finished = ?, outcome = ?, complete = ?, added = ?, changed = ?, removed = ?,"
        " unchanged = ?, quarantined = ?, documents = ?, message = ? WHERE id = ?",
        (
            to_stamp(clock()),
            outcome,
            plan.complete if plan else False,
            counts.get(ChangeKind.ADDED, 0),
            counts.get(ChangeKind.CHANGED, 0),
            counts.get(ChangeKind.REMOVED, 0),
            counts.get(ChangeKind.KEPT, 0),
            len(quarantined),
            json.dumps(nested),
            message,
            run,
        ),
    )
    db.conn.executemany(
        "INSERT OR IGNORE INTO quarantine (run, position, subject, reason) VALUES (?, ?, ?, ?)",
        [(run, one.position, one.subject, one.reason) for one in quarantined],
    )
