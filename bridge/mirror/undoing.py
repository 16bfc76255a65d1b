"""Undoing a run: what the source had said before is held again, as far as nothing has been built on the run since.

It is done with the facts, and the records follow from them, so that a later reconciliation finds no difference between
the two. Undoing is a run of its own: it is logged, it tells subscribers, it moves stamps forward, and it can be undone.
The rules are in ``docs/decisions/0010-undo.md``.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlite_utils import Database

from bridge import storage
from bridge.clock import Clock
from bridge.mirror.applying import context_fact, facts_about, leads, members_touched
from bridge.mirror.documents import Documents
from bridge.mirror.mirror import Mirror
from bridge.mirror.runs import Outcome, Run, finish
from bridge.mirror.staged import fact_hash
from bridge.mirror.undone import RecordKey, RunRecords, Undone
from bridge.mirror.writes import next_changed, stamp
from bridge.roster.plan import ChangeKind, Plan
from bridge.roster.ports import Derivation, Derived, Fact, FactKind, Stated
from bridge.wording import counted

_BATCH = 500

# What is to be held again (NULL: nothing), and what the run has left.
_TABLES = """
CREATE TEMP TABLE undoing (
    kind TEXT NOT NULL, subject TEXT NOT NULL, change TEXT NOT NULL, raw TEXT, present TEXT NOT NULL,
    lead INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (subject, kind)
) STRICT, WITHOUT ROWID;
CREATE TEMP TABLE touched (subject TEXT NOT NULL PRIMARY KEY) STRICT, WITHOUT ROWID;
"""
_TABLE_NAMES = ("undoing", "undone", "touched")

# The facts that are still as the run left them.
_GATHER = """
INSERT INTO temp.undoing (kind, subject, change, raw, present)
SELECT c.kind, c.subject, c.change, CASE c.change WHEN 'added' THEN NULL WHEN 'changed' THEN c.raw ELSE f.raw END, f.raw
FROM fact_changes AS c
JOIN facts AS f ON f.source = :source AND f.context = :context AND f.kind = c.kind AND f.subject = c.subject
WHERE c.run = :undoes AND CASE c.change WHEN 'removed' THEN f.gone = :undoes ELSE f.run = :undoes AND f.gone IS NULL END
"""
_LOG = """
INSERT INTO fact_changes (run, kind, subject, change, raw)
SELECT :run, kind, subject,
    CASE change WHEN 'added' THEN 'removed' WHEN 'removed' THEN 'added' ELSE change END,
    CASE change WHEN 'changed' THEN present END
FROM temp.undoing
"""
_RETIRE = """
UPDATE facts SET gone = :run
WHERE source = :source AND context = :context
    AND (kind, subject) IN (SELECT kind, subject FROM temp.undoing WHERE raw IS NULL)
"""
_RESTORE = """
UPDATE facts SET raw = :raw, hash = :hash, lead = :lead, run = :run, gone = NULL
WHERE source = :source AND context = :context AND kind = :kind AND subject = :subject
"""
# A plan made before must not be applied any more, and the roster is to be read in full when it is read again: changes
# since the last reading would not tell of what was undone.
_STANDING = """
UPDATE contexts SET run = :run, complete_run = NULL, bookmark = NULL WHERE source = :source AND context = :context
"""


def undo(mirror: Mirror, run: Run, derivation: Derivation, number: int, clock: Clock) -> Undone:
    """Undo a run in one write transaction, and finish the record of run ``number``, which is the undoing, with it.

    :param number: of a run that was begun by the decision to undo.
    """
    with _tables(mirror.db), storage.write(mirror.db):
        return _Undoing(mirror, run, derivation, number, clock).do()


def rehearse_undo(mirror: Mirror, run: Run, derivation: Derivation, clock: Clock) -> Undone:
    """What :func:`undo` would do now; nothing is changed."""
    with _tables(mirror.db), storage.rehearse(mirror.db):
        return _Undoing(mirror, run, derivation, 0, clock).do()


@contextmanager
def _tables(db: Database) -> Iterator[None]:
    _drop(db)
    db.conn.executescript(_TABLES + RunRecords.TABLE)
    try:
        yield
    finally:
        _drop(db)


def _drop(db: Database) -> None:
    for name in _TABLE_NAMES:
        db.execute(f"DROP TABLE IF EXISTS temp.{name}")


class _Undoing:
    def __init__(self, mirror: Mirror, run: Run, derivation: Derivation, number: int, clock: Clock) -> None:
        self._db = mirror.db
        self._run = run
        self._derivation = derivation
        self._clock = clock
        source = mirror.source_ids()[run.source]
        self._key: dict[str, Any] = {"source": source, "context": run.context, "run": number, "undoes": run.id}
        self._changed = next_changed(self._db)
        self._documents = Documents(self._db, source, self._changed)
        self._records = RunRecords(self._db, run)
        self._reasons: dict[RecordKey, str] = {}

    def do(self) -> Undone:
        self._db.execute(_GATHER, self._key)
        self._read_former()
        before = leads(self._db, self._key)
        self._hold_back(before)
        counts = self._restore_facts()
        self._derive(before)
        report = self._records.report(self._reasons)
        self._finish(counts, report)
        return report

    def _read_former(self) -> None:
        """Find out what the former facts claim, and leave out those that cannot be read any more."""
        for kind, subject, raw in self._each("kind, subject, raw"):
            if raw is None:
                continue
            former = Stated(FactKind(kind), subject, raw.encode())
            reason = self._derivation.reject(former)
            if reason is not None:
                self._leave_out(subject, f"what was said before cannot be used any more: it {reason}")
            elif self._derivation.claims_lead(former):
                self._db.execute("UPDATE temp.undoing SET lead = 1 WHERE kind = ? AND subject = ?", (kind, subject))

    def _hold_back(self, before: set[str]) -> None:
        """Leave out whoever's records would change although they have been changed since."""
        claiming = {subject for (subject,) in self._db.execute("SELECT subject FROM temp.undoing WHERE lead = 1")}
        sole_lead = len(claiming | {one for one in before if FactKind.MEMBER not in self._former([one])[one]}) == 1
        for subjects in self._batches():
            held = facts_about(self._db, self._key["source"], subjects)
            former = self._former(subjects)
            for subject in subjects:
                if subject:
                    facts = self._as_before(held[subject], former[subject])
                    derived = self._derivation.of_member(subject, self._run.context, facts, sole_lead=sole_lead)
                else:
                    fact = next(iter(former[subject].values()))
                    derived = self._derivation.of_context(fact, self._run.context)
                self._check(subject, derived)

    def _check(self, subject: str, derived: Sequence[Derived]) -> None:
        for record in self._documents.differing(derived):
            if record.changed is not None and self._records.since(record.changed):
                reason = f"goes with {record.collection} {record.sourced_id}, which has been changed since"
                self._leave_out(subject, reason, derived)
                return

    def _leave_out(self, subject: str, reason: str, derived: Sequence[Derived] = ()) -> None:
        self._db.execute("DELETE FROM temp.undoing WHERE subject = ?", (subject,))
        self._reasons.update({(one.collection, one.sourced_id): reason for one in derived})

    def _former(self, subjects: Sequence[str]) -> Mapping[str, dict[str, Fact | None]]:
        """What is to be held again of each subject, by kind; ``None`` where nothing was."""
        found: dict[str, dict[str, Fact | None]] = defaultdict(dict)
        for kind, subject, raw in self._rows("kind, subject, raw", subjects):
            fact = None if raw is None else Fact(FactKind(kind), self._run.context, subject, raw.encode())
            found[subject][kind] = fact
        return found

    def _as_before(self, held: Sequence[Fact], former: Mapping[str, Fact | None]) -> list[Fact]:
        kept = [fact for fact in held if fact.context != self._run.context or fact.kind not in former]
        return [*kept, *(fact for fact in former.values() if fact is not None)]

    def _restore_facts(self) -> Counter[ChangeKind]:
        self._db.execute(_LOG, self._key)
        self._db.execute(_RETIRE, self._key)
        for kind, subject, raw, lead in self._each("kind, subject, raw, lead"):
            if raw is None:
                continue
            values = {"kind": kind, "subject": subject, "raw": raw, "hash": fact_hash(raw.encode()), "lead": lead}
            self._db.execute(_RESTORE, {**self._key, **values})
        rows = self._db.execute(
            "SELECT change, count(*) FROM fact_changes WHERE run = :run AND kind IN ('member', 'record')"
            " GROUP BY change",
            self._key,
        )
        return Counter({ChangeKind(change): count for change, count in rows})

    def _derive(self, before: set[str]) -> None:
        after = leads(self._db, self._key)
        self._db.execute("INSERT OR IGNORE INTO temp.touched SELECT subject FROM temp.undoing WHERE subject <> ''")
        if (len(before) == 1) != (len(after) == 1):
            self._db.conn.executemany(
                "INSERT OR IGNORE INTO temp.touched VALUES (?)", [(one,) for one in before | after]
            )
        source, context = self._key["source"], self._run.context
        self._put_surroundings(context_fact(self._db, self._key))
        for derived in members_touched(self._db, source, context, self._derivation, sole_lead=len(after) == 1):
            self._documents.put(derived)
        self._documents.finish()

    def _put_surroundings(self, fact: Fact | None) -> None:
        """School, calendar, course and class, as far as the run changed them and nobody has since."""
        of_context = self._derivation.of_context(fact, self._run.context)
        for derived in (*self._derivation.of_source(), *of_context):
            key = (derived.collection, derived.sourced_id)
            if key not in self._reasons and self._records.is_as_left(key):
                self._documents.put([derived])

    def _finish(self, counts: Counter[ChangeKind], report: Undone) -> None:
        done = bool(counts) or bool(self._documents.counts)
        restored = counted(len(report.restored), "record")
        plan = Plan(
            source=self._run.source,
            context=self._run.context,
            based_on=None,
            complete=False,
            rederive=False,
            context_changed=False,
            held_before=0,
            counts=counts,
        )
        finish(
            self._db,
            self._key["run"],
            Outcome.APPLIED if done else Outcome.UNCHANGED,
            self._clock,
            plan=plan,
            records=self._documents.counts,
            message=f"undid run {self._run.id}: {restored} restored, {len(report.left)} left",
        )
        if done:
            self._db.execute(_STANDING, self._key)
        if self._documents.counts:
            stamp(self._db, self._changed, self._key["run"], self._clock)

    def _rows(self, columns: str, subjects: Sequence[str]) -> list[Any]:
        return self._db.execute(
            f"SELECT {columns} FROM temp.undoing"  # noqa: S608 - our own names
            " WHERE subject IN (SELECT value FROM json_each(?)) ORDER BY subject, kind",
            (json.dumps(subjects),),
        ).fetchall()

    def _each(self, columns: str) -> Iterator[Any]:
        for subjects in self._batches():
            yield from self._rows(columns, subjects)

    def _batches(self) -> Iterator[list[str]]:
        """The subjects, some at a time; rows may be changed meanwhile."""
        last: str | None = None
        while True:
            rows = self._db.execute(
                "SELECT DISTINCT subject FROM temp.undoing WHERE :last IS NULL OR subject > :last"
                " ORDER BY subject LIMIT :batch",
                {"last": last, "batch": _BATCH},
            ).fetchall()
            if not rows:
                return
            yield [subject for (subject,) in rows]
            ((last,),) = rows[-1:]
