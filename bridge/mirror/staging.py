"""A snapshot beside the mirror: what a source says now, before anything is changed.

The stream goes into temporary tables of the connection, duplicates merged, and is then compared with the facts in key
order. Memory does not grow with the roster, the mirror's file is not written, and no lock is held while the network is
read.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator
from typing import Any, Self

from bridge.mirror.mirror import Mirror
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
    kind TEXT NOT NULL, subject TEXT NOT NULL, change TEXT NOT NULL, lead INTEGER NOT NULL, PRIMARY KEY (kind, subject)
) STRICT, WITHOUT ROWID;
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
# Members who are held and have left, by the snapshot's silence, if that means anything, or by its word; and launches
# that count no more.
_MISSING = """
SELECT f.kind, f.subject, f.hash
FROM facts AS f
WHERE f.source = :source AND f.context = :context AND f.gone IS NULL
    AND NOT EXISTS (SELECT 1 FROM temp.staged AS s WHERE s.kind = f.kind AND s.subject = f.subject)
    AND (
        f.kind = 'launch'
        OR f.kind = 'member'
            AND (:complete OR EXISTS (SELECT 1 FROM temp.departed AS d WHERE d.subject = f.subject))
            AND NOT EXISTS (SELECT 1 FROM temp.rejected AS r WHERE r.subject = f.subject)
    )
ORDER BY f.kind, f.subject
"""
# Members who are held and of whom the plan says nothing so far: unreadable now, or not in an incomplete snapshot.
_UNPLANNED = """
SELECT f.subject, f.raw
FROM facts AS f
WHERE f.source = :source AND f.context = :context AND f.kind = 'member' AND f.gone IS NULL
    AND NOT EXISTS (SELECT 1 FROM temp.planned AS p WHERE p.kind = f.kind AND p.subject = f.subject)
ORDER BY f.subject
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
            if not isinstance(item, Stated) or item.kind is FactKind.MEMBER:
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
            self._reject(position, again.subject, "is listed more than once, and not every entry can be read")
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
            counts, context_changed, details = self._compare(derivation, {**key, "all": rederive})
            # Somebody unreadable may be anybody: then nobody is missed.
            unknown = self._db.execute("SELECT 1 FROM temp.rejected WHERE subject IS NULL LIMIT 1").fetchone()
            complete = self._snapshot.complete and unknown is None
            missing, launches_changed = self._missing(key, complete=complete)
            counts.update(missing)
            if rederive:
                self._keep_unplanned(derivation, key)
            (held,) = self._db.execute(
                "SELECT count(*) FROM facts WHERE source = :source AND context = :context AND kind = 'member'"
                " AND gone IS NULL",
                key,
            ).fetchone()
            (staged,) = self._db.execute("SELECT count(*) FROM temp.staged WHERE kind = 'member'").fetchone()
        finally:
            self._db.execute("COMMIT")
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
            context_changed=context_changed or launches_changed,
            held_before=held,
            bookmark=self._snapshot.bookmark,
            counts=counts,
            details=details,
            quarantined=tuple(Quarantined(*row) for row in quarantined),
        )

    def _compare(self, derivation: Derivation, key: dict[str, Any]) -> tuple[Counter[ChangeKind], bool, int]:
        counts: Counter[ChangeKind] = Counter()
        context_changed = False
        details = 0
        for position, kind, subject, raw, stated, held, held_raw in self._db.execute(_COMPARE, key):
            item = Stated(FactKind(kind), subject, raw.encode())
            if (reason := derivation.reject(item)) is not None:
                self._reject(position, subject, reason)
                # The row that was just read: that one may go while the others are still being read.
                self._db.execute("DELETE FROM temp.staged WHERE kind = ? AND subject = ?", (kind, subject))
                continue
            change = change_of(held, stated, complete=True)
            assert change is not None, "something was stated"
            self._plan(kind, subject, change, lead=derivation.claims_lead(item))
            if item.kind is FactKind.MEMBER:
                counts[change] += 1
                if change is ChangeKind.CHANGED:
                    held_fact = Fact(FactKind.MEMBER, self.context, subject, held_raw.encode())
                    if derivation.same_standing(held_fact, item):
                        details += 1
                    else:
                        self._db.execute("INSERT INTO temp.upheaved VALUES (?)", (subject,))
            else:
                context_changed |= change is not ChangeKind.KEPT
        return counts, context_changed, details

    def _missing(self, key: dict[str, Any], *, complete: bool) -> tuple[Counter[ChangeKind], bool]:
        counts: Counter[ChangeKind] = Counter()
        launches_changed = False
        for kind, subject, held in self._db.execute(_MISSING, {**key, "complete": complete}):
            change = change_of(held, None, complete=True)
            assert change is not None, "it is held"
            self._plan(kind, subject, change, lead=False)
            if kind == FactKind.MEMBER:
                counts[change] += 1
            else:
                launches_changed = True
        return counts, launches_changed

    def _keep_unplanned(self, derivation: Derivation, key: dict[str, Any]) -> None:
        """Under a new mapping everybody who is held is looked at again, also who was not stated now."""
        for subject, raw in self._db.execute(_UNPLANNED, key):
            fact = Fact(FactKind.MEMBER, self.context, subject, raw.encode())
            self._plan(FactKind.MEMBER, subject, ChangeKind.KEPT, lead=derivation.claims_lead(fact))

    def _plan(self, kind: str, subject: str, change: ChangeKind, *, lead: bool) -> None:
        self._db.execute("INSERT INTO temp.planned VALUES (?, ?, ?, ?)", (kind, subject, change, lead))

    def removals(self) -> set[str]:
        """Whom the plan would remove."""
        rows = self._db.execute("SELECT subject FROM temp.planned WHERE kind = 'member' AND change = 'removed'")
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
        self._db.execute("DELETE FROM temp.planned WHERE kind = 'member' AND change = 'removed'")
        if plan.rederive:
            source = self._mirror.source_ids().get(self.source)
            self._keep_unplanned(derivation, {"source": source, "context": self.context})

    def _drop(self) -> None:
        for name in _NAMES:
            self._db.execute(f"DROP TABLE IF EXISTS temp.{name}")
