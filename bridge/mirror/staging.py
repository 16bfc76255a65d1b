"""A snapshot beside the mirror: what a source says now, before anything is changed.

The stream goes into temporary tables of the connection, duplicates merged, and is then compared with the facts in key
order. Memory does not grow with the roster, the mirror's file is not written, and no lock is held while the network is
read.
"""

import hashlib
from collections.abc import Iterator
from typing import Any, Self

from bridge.mirror.emptied import emptied_rosters
from bridge.mirror.mirror import Mirror
from bridge.mirror.ownership import Ownership
from bridge.mirror.plan_counts import PlanCounts
from bridge.roster.identity import ContextKey
from bridge.roster.plan import ChangeKind, Plan, Quarantined, change_of
from bridge.roster.ports import Derivation, Fact, FactKind, Gone, PageRead, Rejected, Snapshot, Stated

_TELL_EVERY = 200
"""Members between two reports of progress."""

_TABLES = """
CREATE TEMP TABLE staged (
    kind TEXT NOT NULL, subject TEXT NOT NULL, position INTEGER NOT NULL, raw TEXT NOT NULL, hash BLOB NOT NULL,
    PRIMARY KEY (kind, subject)
) STRICT, WITHOUT ROWID;
CREATE TEMP TABLE rejected (position INTEGER NOT NULL, subject TEXT, reason TEXT NOT NULL) STRICT;
CREATE INDEX temp.rejected_by_subject ON rejected (subject);
CREATE TEMP TABLE departed (subject TEXT NOT NULL PRIMARY KEY) STRICT, WITHOUT ROWID;
CREATE TEMP TABLE planned (
    kind TEXT NOT NULL, subject TEXT NOT NULL, change TEXT NOT NULL, lead INTEGER NOT NULL, roster TEXT,
    PRIMARY KEY (kind, subject)
) STRICT, WITHOUT ROWID;
CREATE INDEX temp.planned_by_roster ON planned (roster, change) WHERE roster IS NOT NULL;
CREATE TEMP TABLE upheaved (subject TEXT NOT NULL PRIMARY KEY) STRICT, WITHOUT ROWID;
CREATE TEMP TABLE touched (subject TEXT NOT NULL PRIMARY KEY) STRICT, WITHOUT ROWID;
"""
_NAMES = ("staged", "rejected", "departed", "planned", "upheaved", "touched")

# The live facts of one context beside what is staged. Only pairs that differ come back, unless all are wanted.
_COMPARE = """
SELECT s.position, s.kind, s.subject, s.raw, s.hash, f.hash, f.raw
FROM temp.staged AS s
LEFT JOIN facts AS f
    ON f.source = :source AND f.context = :context AND f.kind = s.kind AND f.subject = s.subject AND f.gone IS NULL
WHERE :all OR f.id IS NULL OR f.hash <> s.hash
ORDER BY s.kind, s.subject
"""
# Members and records that are held and have left, by the snapshot's silence, if that means anything, or by its word;
# launches that count no more, and tombstones of what lives again.
_MISSING = """
SELECT f.kind, f.subject, f.raw
FROM facts AS f
WHERE f.source = :source AND f.context = :context AND f.gone IS NULL
    AND NOT EXISTS (SELECT 1 FROM temp.staged AS s WHERE s.kind = f.kind AND s.subject = f.subject)
    AND (
        f.kind = 'launch'
        OR f.kind = 'tombstone'
            AND (:complete OR EXISTS (SELECT 1 FROM temp.staged AS s WHERE s.kind = 'record' AND s.subject = f.subject))
        OR f.kind IN ('member', 'record')
            AND (:complete OR EXISTS (SELECT 1 FROM temp.departed AS d WHERE d.subject = f.subject))
            AND NOT EXISTS (SELECT 1 FROM temp.rejected AS r WHERE r.subject = f.subject)
    )
ORDER BY f.kind, f.subject
"""
# What is held and of which the plan says nothing so far: unreadable now, or not in an incomplete snapshot.
_UNPLANNED = """
SELECT f.kind, f.subject, f.raw
FROM facts AS f
WHERE f.source = :source AND f.context = :context AND f.kind IN ('member', 'record', 'tombstone') AND f.gone IS NULL
    AND NOT EXISTS (SELECT 1 FROM temp.planned AS p WHERE p.kind = f.kind AND p.subject = f.subject)
ORDER BY f.kind, f.subject
"""
_HELD = """
SELECT count(*) FROM facts
WHERE source = :source AND context = :context AND kind IN ('member', 'record') AND gone IS NULL
"""
_HELD_BY_COLLECTION = """
SELECT substr(subject, 1, instr(subject, '/') - 1), count(*) FROM facts
WHERE source = :source AND context = :context AND kind = 'record' AND gone IS NULL
GROUP BY 1
"""


def fact_hash(raw: str) -> bytes:
    """What tells whether a source still says the same."""
    return hashlib.blake2b(raw.encode(), digest_size=16).digest()


class Staging:
    """One snapshot, staged on a mirror's connection; a connection holds one at a time.

    Use as a context manager: the temporary tables go when it ends.
    """

    def __init__(self, mirror: Mirror, snapshot: Snapshot) -> None:
        self._db = mirror.db
        self._mirror = mirror
        self._snapshot = snapshot
        self.source: str = snapshot.source
        self.context: ContextKey = snapshot.context

    def __enter__(self) -> Self:
        self._drop()
        self._db.conn.executescript(_TABLES)
        return self

    def __exit__(self, *exc: object) -> None:
        self._drop()

    def read(self) -> Iterator[int]:
        """Stage everything the source says; yields the number of members so far, now and then and for every page.

        :raises bridge.errors.SourceUnavailable: as the snapshot does; what is staged must not be used then.
        :raises bridge.errors.SourceRefused: likewise.
        """
        members = 0
        for item in self._snapshot:
            match item:
                case PageRead():
                    yield members
                    continue
                case Rejected():
                    self._reject(item.position, item.subject, item.reason)
                case Gone():
                    self._db.execute("INSERT OR IGNORE INTO temp.departed VALUES (?)", (item.subject,))
                case Stated():
                    self._stage(item, members)
            if not isinstance(item, Stated) or item.kind.counted:
                members += 1
                if members % _TELL_EVERY == 0:
                    yield members
        yield members

    def _stage(self, item: Stated, position: int) -> None:
        try:
            raw = item.raw.decode()
        except UnicodeDecodeError:
            self._reject(position, item.subject, "is not UTF-8")
            return
        inserted = self._db.execute(
            "INSERT INTO temp.staged VALUES (?, ?, ?, ?, ?) ON CONFLICT (kind, subject) DO NOTHING",
            (item.kind, item.subject, position, raw, fact_hash(raw)),
        ).rowcount
        if not inserted:
            self._merge(item, position)

    def _merge(self, again: Stated, position: int) -> None:
        """Stage what a source says about somebody of whom it has spoken before."""
        key = (again.kind, again.subject)
        (earlier,) = self._db.execute("SELECT raw FROM temp.staged WHERE kind = ? AND subject = ?", key).fetchone()
        if earlier.encode() == again.raw:
            return
        try:
            raw = self._snapshot.merge(earlier.encode(), again.raw).decode()
        except ValueError:
            self._reject(position, again.subject, "is listed more than once, in ways that do not go together")
            return
        self._db.execute(
            "UPDATE temp.staged SET raw = ?, hash = ? WHERE kind = ? AND subject = ?", (raw, fact_hash(raw), *key)
        )

    def _reject(self, position: int, subject: str | None, reason: str) -> None:
        self._db.execute("INSERT INTO temp.rejected VALUES (?, ?, ?)", (position, subject, reason))

    def plan(self, derivation: Derivation) -> Plan:
        """Compare what is staged with what is held; nothing is changed.

        Members whose JSON is the same as before, under the same mapping, are not looked at again.
        """
        source = self._mirror.source_ids().get(self.source)
        standing = self._db.execute(
            "SELECT run, fingerprint FROM contexts WHERE source = ? AND context = ?", (source, self.context)
        ).fetchone()
        rederive = standing is None or standing[1] != derivation.fingerprint
        key: dict[str, Any] = {"source": source, "context": self.context}
        self._db.execute("BEGIN")
        try:
            tally = PlanCounts()
            self._compare(derivation, Ownership(self._db, source), {**key, "all": rederive}, tally)
            # Somebody unreadable may be anybody: then nobody is missed.
            unknown = self._db.execute("SELECT 1 FROM temp.rejected WHERE subject IS NULL LIMIT 1").fetchone()
            complete = self._snapshot.complete and unknown is None
            self._missing(derivation, {**key, "complete": complete}, tally)
            if rederive:
                self._keep_unplanned(derivation, key)
            (held,) = self._db.execute(_HELD, key).fetchone()
            by_collection = tally.parts(dict(self._db.execute(_HELD_BY_COLLECTION, key).fetchall()))
            (staged,) = self._db.execute(
                "SELECT count(*) FROM temp.staged WHERE kind IN ('member', 'record')"
            ).fetchone()
            emptied = emptied_rosters(self._db)
        finally:
            self._db.execute("COMMIT")
        counts = tally.counts
        counts[ChangeKind.KEPT] = staged - counts[ChangeKind.ADDED] - counts[ChangeKind.CHANGED]
        quarantined = self._db.execute(
            "SELECT position, subject, reason FROM temp.rejected ORDER BY position, reason"
        ).fetchall()
        return Plan(
            source=self.source,
            context=self.context,
            based_on=standing[0] if standing else None,
            complete=complete,
            rederive=rederive,
            context_changed=tally.else_changed,
            held_before=held,
            bookmark=self._snapshot.bookmark,
            counts=counts,
            details=tally.details.total(),
            by_collection=by_collection,
            emptied=emptied,
            quarantined=tuple(Quarantined(*row) for row in quarantined),
        )

    def _compare(self, derivation: Derivation, ownership: Ownership, key: dict[str, Any], tally: PlanCounts) -> None:
        for position, kind, subject, raw, stated, held, held_raw in self._db.execute(_COMPARE, key):
            item = Stated(FactKind(kind), subject, raw.encode())
            if (reason := derivation.reject(item) or ownership.objection(derivation.mentions(item))) is not None:
                self._reject(position, subject, reason)
                # The row that was just read: that one may go while the others are still being read.
                self._db.execute("DELETE FROM temp.staged WHERE kind = ? AND subject = ?", (kind, subject))
                continue
            change = change_of(held, stated, complete=True)
            assert change is not None, "something was stated"
            self._plan(item, change, derivation)
            detail = False
            if item.kind.counted and change is ChangeKind.CHANGED:
                held_fact = Fact(item.kind, self.context, subject, held_raw.encode())
                detail = derivation.same_standing(held_fact, item)
                if item.kind is FactKind.MEMBER and not detail:
                    self._db.execute("INSERT INTO temp.upheaved VALUES (?)", (subject,))
            tally.note(item, change, detail=detail)

    def _missing(self, derivation: Derivation, key: dict[str, Any], tally: PlanCounts) -> None:
        for kind, subject, raw in self._db.execute(_MISSING, key):
            fact = Stated(FactKind(kind), subject, raw.encode())
            self._plan(fact, ChangeKind.REMOVED, derivation)
            tally.note(fact, ChangeKind.REMOVED)

    def _keep_unplanned(self, derivation: Derivation, key: dict[str, Any]) -> None:
        """Under a new mapping all that is held is looked at again, also what was not stated now."""
        for kind, subject, raw in self._db.execute(_UNPLANNED, key):
            self._plan(Stated(FactKind(kind), subject, raw.encode()), ChangeKind.KEPT, derivation)

    def _plan(self, item: Stated, change: ChangeKind, derivation: Derivation) -> None:
        lead = change is not ChangeKind.REMOVED and derivation.claims_lead(item)
        self._db.execute(
            "INSERT INTO temp.planned VALUES (?, ?, ?, ?, ?)",
            (item.kind, item.subject, change, lead, derivation.roster_of(item)),
        )

    def removals(self) -> set[str]:
        """Whom the plan would remove."""
        rows = self._db.execute(
            "SELECT subject FROM temp.planned WHERE kind IN ('member', 'record') AND change = 'removed'"
        )
        return {subject for (subject,) in rows}

    def upheavals(self) -> list[tuple[str, str]]:
        """Whose role or status the plan would change, and what the source says of each now."""
        return self._db.execute(
            "SELECT subject, raw FROM temp.upheaved JOIN temp.staged USING (subject) WHERE kind = 'member'"
        ).fetchall()

    def spare_removals(self, plan: Plan, derivation: Derivation) -> None:
        """Take the removals out of what is planned: whoever is missing stays for now.

        Under a new mapping she is derived anew like everybody else who stays: the context's fingerprint moves on, so
        nobody would come back to her.

        :param plan: what :meth:`plan` gave for this derivation.
        """
        self._db.execute("DELETE FROM temp.planned WHERE kind IN ('member', 'record') AND change = 'removed'")
        if plan.rederive:
            source = self._mirror.source_ids().get(self.source)
            self._keep_unplanned(derivation, {"source": source, "context": self.context})

    def _drop(self) -> None:
        for name in _NAMES:
            self._db.execute(f"DROP TABLE IF EXISTS temp.{name}")
