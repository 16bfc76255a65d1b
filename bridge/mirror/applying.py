"""Applying a plan: facts, documents, change log and outbox in one short write transaction.

Either all of it is there afterwards or none. The transaction refuses a plan whose context has moved since, so a process
that slept past its lease harms nothing.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from sqlite_utils import Database

from bridge import storage
from bridge.clock import Clock
from bridge.mirror.documents import Documents
from bridge.mirror.mirror import Mirror
from bridge.mirror.past_sessions import past_sessions
from bridge.mirror.runs import Outcome, finish
from bridge.mirror.staging import moved_on
from bridge.mirror.writes import next_changed, stamp
from bridge.roster.identity import ContextKey
from bridge.roster.plan import Plan
from bridge.roster.ports import Derivation, Derived, Fact, FactKind

_BATCH = 500

# Planned facts, as they were staged, in the order in which they were stated; a fact that was gone lives again.
_UPSERT_FACTS = """
INSERT INTO facts (source, context, kind, subject, raw, hash, lead, run)
SELECT :source, :context, s.kind, s.subject, s.raw, s.hash, p.lead, :run
FROM temp.planned AS p JOIN temp.staged AS s ON s.kind = p.kind AND s.subject = p.subject
WHERE p.change IN ('added', 'changed')
ORDER BY s.position
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
# What the plan is about to replace, for whoever undoes the run.
_LOG_FACTS = """
INSERT INTO fact_changes (run, kind, subject, change, raw)
SELECT :run, p.kind, p.subject, p.change, CASE p.change WHEN 'changed' THEN f.raw END
FROM temp.planned AS p
LEFT JOIN facts AS f
    ON f.source = :source AND f.context = :context AND f.kind = p.kind AND f.subject = p.subject AND f.gone IS NULL
WHERE p.change <> 'kept'
"""
_LEADS = "SELECT subject FROM facts WHERE source = :source AND context = :context AND lead = 1 AND gone IS NULL"


def apply(
    mirror: Mirror,
    plan: Plan,
    derivation: Derivation,
    run: int,
    clock: Clock,
    *,
    message: str = "",
    held: Collection[str] = (),
) -> None:
    """Apply what is staged on this connection according to its plan, and finish the run's record with it.

    :param message: what the run's record is to say beside the counts.
    :param held: whom the plan would have removed, had they not been spared: the run then ends as held.
    :raises SourceUnavailable: if the context has been reconciled by somebody else since the plan was made: try again.
    """
    db = mirror.db
    with storage.write(db):
        source = mirror.add_source(plan.source)
        _check_fence(db, source, plan)
        changed = next_changed(db)
        documents = Documents(db, source, changed)
        key = {"source": source, "context": plan.context, "run": run}

        before = leads(db, key)
        db.execute(_LOG_FACTS, key)
        db.execute(_UPSERT_FACTS, key)
        db.execute(_RETIRE_FACTS, key)
        db.execute(_REMARK_LEADS, key)
        after = leads(db, key)

        db.execute(
            "INSERT INTO contexts (source, context, run, fingerprint, complete_run, bookmark)"
            " VALUES (:source, :context, :run, :fingerprint, :complete_run, :bookmark)"
            " ON CONFLICT DO UPDATE SET run = excluded.run, fingerprint = excluded.fingerprint,"
            " complete_run = coalesce(excluded.complete_run, complete_run),"
            # Changes since the old one are asked for again while removals that they told of wait.
            " bookmark = CASE WHEN :held THEN bookmark ELSE excluded.bookmark END",
            {
                **key,
                "fingerprint": derivation.fingerprint,
                "complete_run": run if plan.complete and not held else None,
                "bookmark": plan.bookmark,
                "held": bool(held),
            },
        )

        supplied = derivation.of_source()
        documents.put(supplied)
        documents.put(derivation.of_context(context_fact(db, key), plan.context))
        documents.put(past_sessions(db, source, {one.sourced_id for one in supplied}))
        _touch(db, before, after)
        if plan.based_on is None:
            _touch_fed(db, key)
        for derived in members_touched(db, source, plan.context, derivation, sole_lead=len(after) == 1):
            documents.put(derived)
        documents.finish()

        outcome = Outcome.UNCHANGED if plan.is_empty and not documents.counts else Outcome.APPLIED
        if held:
            outcome = Outcome.HELD
        finish(db, run, outcome, clock, plan=plan, records=documents.counts, message=message, held=held)
        if documents.counts:
            stamp(db, changed, run, clock)


def _check_fence(db: Database, source: int, plan: Plan) -> None:
    row = db.execute("SELECT run FROM contexts WHERE source = ? AND context = ?", (source, plan.context)).fetchone()
    if (row[0] if row else None) != plan.based_on:
        raise moved_on()


def leads(db: Database, key: dict[str, Any]) -> set[str]:
    return {subject for (subject,) in db.execute(_LEADS, key)}


def context_fact(db: Database, key: dict[str, Any]) -> Fact | None:
    row = db.execute(
        "SELECT raw FROM facts WHERE source = :source AND context = :context AND kind = 'context' AND gone IS NULL", key
    ).fetchone()
    return Fact(FactKind.CONTEXT, ContextKey(str(key["context"])), "", row[0].encode()) if row else None


def _touch(db: Database, before: set[str], after: set[str]) -> None:
    """Gather whose documents may differ now."""
    db.execute("INSERT OR IGNORE INTO temp.touched SELECT subject FROM temp.planned WHERE kind <> 'context'")
    if (len(before) == 1) != (len(after) == 1):
        db.conn.executemany("INSERT OR IGNORE INTO temp.touched VALUES (?)", [(one,) for one in before | after])


def _touch_fed(db: Database, key: dict[str, Any]) -> None:
    """Gather those of whom only launches have been handed in: the context's first roster has just taken their place."""
    db.execute(
        "INSERT OR IGNORE INTO temp.touched SELECT subject FROM facts"
        " WHERE source = :source AND context = :context AND kind = 'fed'",
        key,
    )


def members_touched(
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
        facts = facts_about(db, source, subjects)
        yield [
            derived
            for subject in subjects
            for derived in derivation.of_member(subject, context, facts[subject], sole_lead=sole_lead)
        ]


def facts_about(db: Database, source: int, subjects: Sequence[str]) -> Mapping[str, list[Fact]]:
    """Every live fact that counts about each of some people: what was fed of a context only while it has no roster."""
    facts: dict[str, list[Fact]] = defaultdict(list)
    marks = ", ".join("?" * len(subjects))
    rows = db.execute(
        "SELECT kind, subject, context, raw FROM facts"  # noqa: S608 - marks are question marks
        f" WHERE source = ? AND subject IN ({marks}) AND subject <> '' AND gone IS NULL"
        " AND (kind <> 'fed' OR NOT EXISTS (SELECT 1 FROM contexts AS c"
        " WHERE c.source = facts.source AND c.context = facts.context))",
        (source, *subjects),
    )
    for kind, subject, context, raw in rows:
        facts[subject].append(Fact(FactKind(kind), ContextKey(context), subject, raw.encode()))
    return facts
