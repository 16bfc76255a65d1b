"""The record of every reconciliation: when, how it ended, what it did, whom it could not use."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime

from sqlite_utils import Database

from bridge import storage
from bridge.clock import Clock, from_stamp, to_stamp
from bridge.mirror.attempts import begin_attempt, end_attempt
from bridge.mirror.decisions import DecisionKind, record_decision
from bridge.mirror.documents import RecordChange
from bridge.mirror.mirror import Mirror
from bridge.mirror.outcomes import ANSWERED
from bridge.mirror.outcomes import GOOD as GOOD
from bridge.mirror.outcomes import Outcome as Outcome
from bridge.roster.identity import ContextKey
from bridge.roster.identity import class_sourced_id as class_of
from bridge.roster.plan import ChangeKind, Plan, Quarantined
from bridge.roster.visibility import Visibility


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One reconciliation of one context. The counts are of members.

    :param details: how many of the changed ones changed in nothing but names and the like.
    :param decided_by: who let it through where a guard, or no rule at all, would have; ``None`` if nobody had to.
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
    details: int
    decided_by: str | None
    records: dict[str, dict[str, int]]
    message: str

    @property
    def nobody_usable(self) -> bool:
        """Whether somebody was listed, and nobody of them could be used."""
        return self.quarantined > 0 and not self.added + self.changed + self.unchanged


_FIELDS = tuple(field.name for field in fields(Run))
_COLUMNS = (
    "runs.id, sources.name, context, started, finished, outcome, complete, added, changed, removed, unchanged,"
    " quarantined, details, decided_by, documents, message"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mandate:
    """A person's decision that a run carries out.

    :param run: the held run that it is about, if it is about one.
    """

    kind: DecisionKind
    made_by: str
    run: int | None = None


class Runs:
    """The runs of one mirror."""

    def __init__(self, mirror: Mirror, clock: Clock) -> None:
        self._mirror = mirror
        self._db = mirror.db
        self._clock = clock

    def begin(self, source: str, context: ContextKey, mandate: Mandate | None = None) -> int:
        """Record that a run starts, and on whose decision if on somebody's; returns its number.

        An earlier run of the context that still seems to run was stopped: whoever begins holds the context's lease.
        """
        now = to_stamp(self._clock())
        with storage.write(self._db):
            number = self._mirror.add_source(source)
            self._db.execute(
                "UPDATE runs SET outcome = ?, finished = ?, message = ?"
                " WHERE source = ? AND context = ? AND outcome = ?",
                (
                    Outcome.BROKEN,
                    now,
                    "stopped before it ended; nothing was changed",
                    number,
                    context,
                    Outcome.RUNNING,
                ),
            )
            run = self._db.execute(
                "INSERT INTO runs (source, context, started, decided_by) VALUES (?, ?, ?, ?)",
                (number, context, now, mandate.made_by if mandate else None),
            ).lastrowid
            assert run is not None
            if mandate is None or mandate.kind is not DecisionKind.UNDONE:
                begin_attempt(self._db, run, number, context, now)
            if mandate is not None:
                record_decision(self._db, mandate.kind, now, mandate.made_by, run=mandate.run, led_to=run)
            return run

    def fail(self, run: int, outcome: Outcome, message: str, *, not_before: datetime | None = None) -> None:
        """Record that a run ended without changing anything.

        :param not_before: until when the source has asked to be left alone.
        """
        with storage.write(self._db):
            finish(self._db, run, outcome, self._clock, message=message, not_before=not_before)

    def hold(
        self,
        run: int,
        plan: Plan,
        removals: Iterable[str],
        message: str,
        *,
        changes: Iterable[tuple[str, str]] = (),
    ) -> None:
        """Record that a plan waits for a person, whom it would remove, and of whom it would change role or status.

        :param changes: each with what the source says now.
        """
        with storage.write(self._db):
            finish(self._db, run, Outcome.HELD, self._clock, plan=plan, message=message, held=removals)
            self._db.conn.executemany(
                "INSERT INTO held_changes (run, subject, raw) VALUES (?, ?, ?)",
                [(run, subject, raw) for subject, raw in changes],
            )

    def get(self, run: int) -> Run | None:
        """One run, if there is such a one."""
        return next(self._select("WHERE runs.id = ?", (run,)), None)

    def latest(
        self, limit: int = 20, *, context: tuple[str, ContextKey] | None = None, before: int | None = None
    ) -> list[Run]:
        """The latest runs, newest first, of one (source, context) or of all.

        :param before: only those with a lower number than this one.
        """
        earlier, number = ("runs.id < ?", (before,)) if before is not None else ("TRUE", ())
        if context is None:
            return list(self._select(f"WHERE {earlier} ORDER BY runs.id DESC LIMIT ?", (*number, limit)))
        return list(
            self._select(
                f"WHERE sources.name = ? AND context = ? AND {earlier} ORDER BY runs.id DESC LIMIT ?",
                (*context, *number, limit),
            )
        )

    def page(
        self,
        visibility: Visibility,
        limit: int,
        *,
        before: int | None = None,
        outcome: Outcome | None = None,
        class_sourced_id: str | None = None,
    ) -> list[Run]:
        """The runs of the sources that may be seen, newest first.

        :param before: only those that began before this run did.
        :param outcome: only those that ended so.
        :param class_sourced_id: only those of the context that is this class.
        """
        conditions, parameters = ["TRUE"], []
        for condition, value in (
            ("sources.name IN (SELECT value FROM json_each(?))", _names(visibility)),
            ("runs.id < ?", before),
            ("outcome = ?", outcome),
        ):
            if value is not None:
                conditions.append(condition)
                parameters.append(value)
        if class_sourced_id is not None:
            found = [key for key in self._contexts(visibility) if class_of(*key) == class_sourced_id]
            conditions.append("(sources.name, context) IN (SELECT value ->> 0, value ->> 1 FROM json_each(?))")
            parameters.append(json.dumps(found))
        return list(
            self._select(f"WHERE {' AND '.join(conditions)} ORDER BY runs.id DESC LIMIT ?", (*parameters, limit))
        )

    def _contexts(self, visibility: Visibility) -> list[tuple[str, ContextKey]]:
        rows = self._db.execute(
            "SELECT sources.name, context FROM attempts JOIN sources ON sources.id = source"
            " WHERE :names IS NULL OR sources.name IN (SELECT value FROM json_each(:names))",
            {"names": _names(visibility)},
        )
        return [(source, ContextKey(context)) for source, context in rows]

    def latest_by_context(self) -> dict[tuple[str, ContextKey], Run]:
        """The latest run of each context."""
        # Every context has an attempt, and its latest run may be one that is none: an undoing.
        rest = (
            "WHERE runs.id IN (SELECT (SELECT max(id) FROM runs WHERE source = a.source AND context = a.context)"
            " FROM attempts AS a)"
        )
        return {(run.source, run.context): run for run in self._select(rest, ())}

    def quarantined(self, run: int) -> list[Quarantined]:
        """Whom a run could not use, and why."""
        rows = self._db.execute(
            "SELECT position, subject, reason FROM quarantine WHERE run = ? ORDER BY position", (run,)
        )
        return [Quarantined(*row) for row in rows]

    def quarantined_page(self, run: int, limit: int, after: int = -1) -> list[Quarantined]:
        """The same: a page, of those whose places in the roster come after one."""
        rows = self._db.execute(
            "SELECT position, subject, reason FROM quarantine WHERE run = ? AND position > ? ORDER BY position LIMIT ?",
            (run, after, limit),
        )
        return [Quarantined(*row) for row in rows]

    def held_removals(self, run: int) -> set[str]:
        """Whom a held plan would remove."""
        return {subject for (subject,) in self._db.execute("SELECT subject FROM held WHERE run = ?", (run,))}

    def held_changes(self, run: int, limit: int, offset: int = 0) -> list[tuple[str, bytes]]:
        """Of whom a held plan would change role or status, and what the source said of each: a page, in order."""
        rows = self._db.execute(
            "SELECT subject, raw FROM held_changes WHERE run = ? ORDER BY subject LIMIT ? OFFSET ?",
            (run, limit, offset),
        )
        return [(subject, raw.encode()) for subject, raw in rows]

    def held_removals_page(self, run: int, limit: int, offset: int = 0) -> list[str]:
        """Whom a held plan would remove: a page, in order."""
        rows = self._db.execute(
            "SELECT subject FROM held WHERE run = ? ORDER BY subject LIMIT ? OFFSET ?", (run, limit, offset)
        )
        return [subject for (subject,) in rows]

    def waiting(self, source: str | None = None) -> list[Run]:
        """The held plans, of one source or of all, that nobody has decided about and that no later run has replaced."""
        answered = ", ".join(f"'{outcome}'" for outcome in sorted(ANSWERED))
        return list(
            self._select(
                "WHERE outcome = 'held' AND (:source IS NULL OR sources.name = :source)"  # noqa: S608 - our own words
                " AND NOT EXISTS (SELECT 1 FROM runs AS later WHERE later.source = runs.source"
                f" AND later.context = runs.context AND later.id > runs.id AND later.outcome IN ({answered}))"
                " AND NOT EXISTS (SELECT 1 FROM decisions WHERE decisions.run = runs.id AND led_to IS NULL)"
                " ORDER BY +runs.id",  # by the index of held runs: few of many are, and those are sorted quickly
                {"source": source},
            )
        )

    def waits(self, run: Run) -> bool:
        """Whether a run's plan is among those that wait."""
        return any(waiting.id == run.id for waiting in self.waiting(run.source))

    def answered_after(self, run: Run) -> int | None:
        """The first run after this one to which the same source answered, about the same context."""
        answered = ", ".join(f"'{outcome}'" for outcome in sorted(ANSWERED))
        (number,) = self._db.execute(
            "SELECT min(runs.id) FROM runs JOIN sources ON sources.id = runs.source"  # noqa: S608 - our own words
            f" WHERE sources.name = ? AND context = ? AND runs.id > ? AND outcome IN ({answered})",
            (run.source, run.context, run.id),
        ).fetchone()
        return None if number is None else int(number)

    def latest_answered(self, source: str, context: ContextKey) -> Run | None:
        """The latest run of a context in which the source has said what it had to say."""
        answered = ", ".join(f"'{outcome}'" for outcome in sorted(ANSWERED))
        rest = f"WHERE sources.name = ? AND context = ? AND outcome IN ({answered}) ORDER BY runs.id DESC LIMIT 1"
        return next(self._select(rest, (source, context)), None)

    def failing_since(self, source: str, context: ContextKey) -> datetime | None:
        """When the first run of a context began that brought no usable answer, if none has brought one since.

        An undoing asks for none.
        """
        answered = ", ".join(f"'{outcome}'" for outcome in sorted(ANSWERED))
        (began,) = self._db.execute(
            "SELECT min(started) FROM runs WHERE source = (SELECT id FROM sources WHERE name = :source)"  # noqa: S608
            " AND context = :context AND outcome <> 'running' AND id > coalesce((SELECT max(id) FROM runs"
            " WHERE source = (SELECT id FROM sources WHERE name = :source) AND context = :context"
            f" AND outcome IN ({answered})"
            "  AND id NOT IN (SELECT led_to FROM decisions WHERE kind = :undone AND led_to IS NOT NULL)), 0)",
            {"source": source, "context": context, "undone": DecisionKind.UNDONE},
        ).fetchone()
        return from_stamp(began) if began else None

    def removed_since(self, source: str, since: datetime) -> int:
        """How many members the runs that began since then have removed of a source, by no person's decision."""
        (count,) = self._db.execute(
            "SELECT coalesce(sum(removed), 0) FROM runs WHERE source = (SELECT id FROM sources WHERE name = ?)"
            " AND started >= ? AND outcome = 'applied' AND decided_by IS NULL",
            (source, to_stamp(since)),
        ).fetchone()
        return int(count)

    def members_of(self, source: str) -> int:
        """How many members all contexts of a source hold together."""
        (count,) = self._db.execute(
            "SELECT count(*) FROM facts WHERE source = (SELECT id FROM sources WHERE name = ?)"
            " AND subject <> '' AND kind IN ('member', 'record') AND gone IS NULL",
            (source,),
        ).fetchone()
        return int(count)

    def _select(self, rest: str, parameters: Sequence[object] | dict[str, object]) -> Iterator[Run]:
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


def _names(visibility: Visibility) -> str | None:
    return None if visibility.sources is None else json.dumps(sorted(visibility.sources))


def finish(
    db: Database,
    run: int,
    outcome: Outcome,
    clock: Clock,
    *,
    plan: Plan | None = None,
    records: Mapping[tuple[str, RecordChange], int] | None = None,
    message: str = "",
    held: Iterable[str] = (),
    not_before: datetime | None = None,
) -> None:
    """Record how a run ended, inside the write transaction that the caller holds.

    :param held: whom it would have removed, where that waits for a person.
    :param not_before: until when the source has asked to be left alone.
    """
    counts = plan.counts if plan else {}
    quarantined = plan.quarantined if plan else ()
    nested: dict[str, dict[str, int]] = {}
    for (collection, kind), count in sorted((records or {}).items()):
        nested.setdefault(collection, {})[kind] = count
    db.execute(
        "UPDATE runs SET finished = ?, outcome = ?, complete = ?, added = ?, changed = ?, removed = ?,"
        " unchanged = ?, quarantined = ?, details = ?, documents = ?, message = ? WHERE id = ?",
        (
            to_stamp(clock()),
            outcome,
            plan.complete if plan else False,
            counts.get(ChangeKind.ADDED, 0),
            counts.get(ChangeKind.CHANGED, 0),
            counts.get(ChangeKind.REMOVED, 0),
            counts.get(ChangeKind.KEPT, 0),
            len(quarantined),
            plan.details if plan else 0,
            json.dumps(nested),
            message,
            run,
        ),
    )
    db.conn.executemany(
        "INSERT OR IGNORE INTO quarantine (run, position, subject, reason) VALUES (?, ?, ?, ?)",
        [(run, one.position, one.subject, one.reason) for one in quarantined],
    )
    db.conn.executemany("INSERT INTO held (run, subject) VALUES (?, ?)", [(run, subject) for subject in held])
    end_attempt(db, run, outcome, not_before)
