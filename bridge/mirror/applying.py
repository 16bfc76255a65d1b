"""Applying a plan: facts, documents, change log and outbox in one short write transaction.

Either all of it is there afterwards or none. The transaction refuses a plan whose context has moved since, so a process
that slept past its lease harms nothing.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlite_utils import Database

from bridge import storage
from bridge.clock import Clock, from_stamp, to_stamp
from bridge.errors import SourceUnavailable
from bridge.mirror.documents import Documents
from bridge.mirror.mirror import Mirror
from bridge.mirror.runs import Outcome, finish
from bridge.roster.identity import ContextKey
from bridge.roster.plan import Plan
from bridge.roster.ports import Derivation, Derived, Fact, FactKind

_BATCH = 500

# Planned facts, as they were staged; a fact that was gone lives again.
_UPSERT_FACTS = """
INSERT INTO facts (source, context, kind, subject, raw, hash, lead, run)
SELECT :source, :context, s.kind, s.subject, s.raw, s.hash, p.lead, :run
FROM temp.planned AS p JOIN temp.staged AS s ON s.kind = p.kind AND s.subject = p.subject
WHERE p.change IN ('added', 'changed')
ON CONFLICT (source, context, kind, subject) DO UPDATE
SET raw = excluded.raw, hash = excluded.hash, lead = excluded.lead, run = excluded.run, gone = NULL
"""
_RETIRE_FACTS = """
UPDATE facts SET gone = :run
WHERE source = :source AND context = :context
    AND (kind, subject) IN (SELECT kind, subject FROM temp.planned WHERE change = 'removed')
"""
# Under a new mapping, members who said the same as before may claim something else.
_REMARK_LEADS = """
UPDATE facts SET lead = p.lead FROM temp.planned AS p
WHERE facts.source = :source AND facts.context = :context AND facts.kind = p.kind AND facts.subject = p.subject
    AND p.change = 'kept' AND facts.lead <> p.lead
"""
_LEADS = "SELECT subject FROM facts WHERE source = :source AND context = :context AND lead = 1 AND gone IS NULL"


def apply(mirror: Mirror, plan: Plan, derivation: Derivation, run: int, clock: Clock) -> None:
    """Apply what is staged on this connection according to its plan, and finish the run's record with it.

    :raises SourceUnavailable: if the context has been reconciled by somebody else since the plan was made: try again.
    """
    db = mirror.db
    with storage.write(db):
        source = mirror.add_source(plan.source)
        _check_fence(db, source, plan)
        changed = _next_changed(db)
        documents = Documents(db, source, changed)
        key = {"source": source, "context": plan.context, "run": run}

        before = _leads(db, key)
        db.execute(_UPSERT_FACTS, key)
        db.execute(_RETIRE_FACTS, key)
        db.execute(_REMARK_LEADS, key)
        after = _leads(db, key)

        documents.put(derivation.of_source())
        documents.put(derivation.of_context(_context_fact(db, key), plan.context))
        _touch(db, before, after)
        for derived in _members(db, source, plan.context, derivation, sole_lead=len(after) == 1):
            documents.put(derived)
        documents.finish()

        db.execute(
            "INSERT INTO contexts (source, context, run, fingerprint, complete_run, bookmark)"
            " VALUES (:source, :context, :run, :fingerprint, :complete_run, :bookmark)"
            " ON CONFLICT DO UPDATE SET run = excluded.run, fingerprint = excluded.fingerprint,"
            " complete_run = coalesce(excluded.complete_run, complete_run), bookmark = excluded.bookmark",
            {
                **key,
                "fingerprint": derivation.fingerprint,
                "complete_run": run if plan.complete else None,
                "bookmark": plan.bookmark,
            },
        )
        outcome = Outcome.UNCHANGED if plan.is_empty and not documents.counts else Outcome.APPLIED
        finish(db, run, outcome, clock, plan=plan, records=documents.counts)
        if documents.counts:
            _stamp(db, changed, run, clock)


def _check_fence(db: Database, source: int, plan: Plan) -> None:
    row = db.execute("SELECT run FROM contexts WHERE source = ? AND context = ?", (source, plan.context)).fetchone()
    if (row[0] if row else None) != plan.based_on:
        raise SourceUnavailable("the context was reconciled by another process in the meantime; it will be tried again")


def _next_changed(db: Database) -> int:
    return int(db.execute("SELECT coalesce(max(changed), 0) + 1 FROM writes").fetchone()[0])


def _stamp(db: Database, changed: int, run: int, clock: Clock) -> None:
    """The last statement before the commit, so that whoever polls by time misses nothing that was committed later."""
    latest = db.execute("SELECT stamp FROM writes ORDER BY changed DESC LIMIT 1").fetchone()
    stamp = to_stamp(clock())
    if latest is not None and stamp <= latest[0]:
        stamp = to_stamp(from_stamp(latest[0]) + timedelta(milliseconds=1))
    db.execute("INSERT INTO writes (changed, stamp, run) VALUES (?, ?, ?)", (changed, stamp, run))


def _leads(db: Database, key: dict[str, Any]) -> set[str]:
    return {subject for (subject,) in db.execute(_LEADS, key)}


def _context_fact(db: Database, key: dict[str, Any]) -> Fact | None:
    row = db.execute(
        "SELECT raw FROM facts WHERE source = :source AND context = :context AND kind = 'context' AND gone IS NULL", key
    ).fetchone()
    return Fact(FactKind.CONTEXT, ContextKey(str(key["context"])), "", row[0].encode()) if row else None


def _touch(db: Database, before: set[str], after: set[str]) -> None:
    """Gather whose documents may differ now."""
    db.execute("INSERT OR IGNORE INTO temp.touched SELECT subject FROM temp.planned WHERE kind <> 'context'")
    if (len(before) == 1) != (len(after) == 1):
        db.conn.executemany("INSERT OR IGNORE INTO temp.touched VALUES (?)", [(one,) for one in before | after])


def _members(
    db: Database, source: int, context: ContextKey, derivation: Derivation, *, sole_lead: bool
) -> Iterator[list[Derived]]:
    """The records of everybody touched, a batch at a time, in key order."""
    last = ""
    while subjects := [
        subject
        for (subject,) in db.execute(
            "SELECT subject FROM temp.touched WHERE subject > ? ORDER BY subject LIMIT ?", (last, _BATCH)
        )
    ]:
        last = subjects[-1]
        facts = _facts_about(db, source, subjects)
        yield [
            derived
            for subject in subjects
            for derived in derivation.of_member(subject, context, facts[subject], sole_lead=sole_lead)
        ]


def _facts_about(db: Database, source: int, subjects: Sequence[str]) -> Mapping[str, list[Fact]]:
    facts: dict[str, list[Fact]] = defaultdict(list)
    marks = ", ".join("?" * len(subjects))
    rows = db.execute(
        "SELECT kind, subject, context, raw FROM facts"  # noqa: S608 - marks are question marks
        f" WHERE source = ? AND subject IN ({marks}) AND subject <> '' AND gone IS NULL",
        (source, *subjects),
    )
    for kind, subject, context, raw in rows:
        facts[subject].append(Fact(FactKind(kind), ContextKey(context), subject, raw.encode()))
    return facts
