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
from bridge.roster.ports import Derivation, FactKind, Rejected, Snapshot, Stated

_BATCH = 1000

_TABLES = """
CREATE TEMP TABLE staged (
    kind TEXT NOT NULL, subject TEXT NOT NULL, position INTEGER NOT NULL, raw TEXT NOT NULL, hash BLOB NOT NULL,
    PRIMARY KEY (kind, subject)
) STRICT, WITHOUT ROWID;
CREATE TEMP TABLE rejected (position INTEGER NOT NULL, subject TEXT, reason TEXT NOT NULL) STRICT;
CREATE INDEX temp.rejected_by_subject ON rejected (subject);
CREATE TEMP TABLE planned (
    kind TEXT NOT NULL, subject TEXT NOT NULL, change TEXT NOT NULL, lead INTEGER NOT NULL, PRIMARY KEY (kind, subject)
) STRICT, WITHOUT ROWID;
CREATE TEMP TABLE touched (subject TEXT NOT NULL PRIMARY KEY) STRICT, WITHOUT ROWID;
"""
_NAMES = ("staged", "rejected", "planned", "touched")

# The live facts of one context beside what is staged. Only pairs that differ come back, unless all are wanted.
_COMPARE = """
SELECT s.position, s.kind, s.subject, s.raw, s.hash, f.hash
FROM temp.staged AS s
LEFT JOIN facts AS f
    ON f.source = :source AND f.context = :context AND f.kind = s.kind AND f.subject = s.subject AND f.gone IS NULL
WHERE :all OR f.id IS NULL OR f.hash <> s.hash
ORDER BY s.kind, s.subject
"""
_MISSING = """
SELECT f.subject, f.hash
FROM facts AS f
WHERE f.source = :source AND f.context = :context AND f.kind = 'member' AND f.gone IS NULL
    AND NOT EXISTS (SELECT 1 FROM temp.staged AS s WHERE s.kind = f.kind AND s.subject = f.subject)
    AND NOT EXISTS (SELECT 1 FROM temp.rejected AS r WHERE r.subject = f.subject)
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
        self._rows: list[tuple[str, str, int, str, bytes]] = []
        self._rejected: list[tuple[int, str | None, str]] = []
        self._position = 0

    def __enter__(self) -> Self:
        self._drop()
        self._db.conn.executescript(_TABLES)
        self._db.conn.create_function("merged", 2, self._merged, deterministic=True)
        self._db.conn.create_function("fact_hash", 1, fact_hash, deterministic=True)
        return self

    def __exit__(self, *exc: object) -> None:
        self._drop()

    def read(self) -> Iterator[int]:
        """Stage everything the source says; yields the number of members so far, now and then.

        :raises bridge.errors.SourceUnavailable: as the snapshot does; what is staged must not be used then.
        :raises bridge.errors.SourceRefused: likewise.
        """
        for item in self._snapshot:
            self._add(item)
            if len(self._rows) >= _BATCH:
                self._flush()
                yield self._position
        self._flush()
        yield self._position

    def _add(self, item: Stated | Rejected) -> None:
        if isinstance(item, Rejected):
            self._rejected.append((item.position, item.subject, item.reason))
            self._position += 1
            return
        try:
            raw = item.raw.decode()
        except UnicodeDecodeError:
            self._rejected.append((self._position, item.subject, "is not UTF-8"))
        else:
            self._rows.append((item.kind, item.subject, self._position, raw, fact_hash(raw)))
        self._position += item.kind is FactKind.MEMBER

    def _flush(self) -> None:
        self._db.execute("BEGIN")
        try:
            self._db.conn.executemany(
                "INSERT INTO temp.staged (kind, subject, position, raw, hash) VALUES (?, ?, ?, ?, ?)"
                " ON CONFLICT (kind, subject) DO UPDATE SET raw = merged(raw, excluded.raw),"
                " hash = fact_hash(merged(raw, excluded.raw)) WHERE raw <> excluded.raw",
                self._rows,
            )
            self._db.conn.executemany("INSERT INTO temp.rejected VALUES (?, ?, ?)", self._rejected)
        finally:
            self._db.execute("COMMIT")
        self._rows.clear()
        self._rejected.clear()

    def _merged(self, earlier: str, later: str) -> str:
        return self._snapshot.merge(earlier.encode(), later.encode()).decode()

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
            counts, context_changed = self._compare(derivation, {**key, "all": rederive})
            # Somebody unreadable may be anybody: then nobody is missed.
            unknown = self._db.execute("SELECT 1 FROM temp.rejected WHERE subject IS NULL LIMIT 1").fetchone()
            complete = self._snapshot.complete and unknown is None
            counts.update(self._missing(key, complete=complete))
            (held,) = self._db.execute(
                "SELECT count(*) FROM facts WHERE source = :source AND context = :context AND kind = 'member'"
                " AND gone IS NULL",
                key,
            ).fetchone()
            (staged,) = self._db.execute(
                "SELECT count(*) FROM temp.staged AS s WHERE kind = 'member'"
                " AND NOT EXISTS (SELECT 1 FROM temp.rejected AS r WHERE r.subject = s.subject)"
            ).fetchone()
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
            context_changed=context_changed,
            held_before=held,
            counts=counts,
            quarantined=tuple(Quarantined(*row) for row in quarantined),
        )

    def _compare(self, derivation: Derivation, key: dict[str, Any]) -> tuple[Counter[ChangeKind], bool]:
        counts: Counter[ChangeKind] = Counter()
        context_changed = False
        for position, kind, subject, raw, stated, held in self._db.execute(_COMPARE, key):
            item = Stated(FactKind(kind), subject, raw.encode())
            if (reason := derivation.reject(item)) is not None:
                self._db.execute("INSERT INTO temp.rejected VALUES (?, ?, ?)", (position, subject, reason))
                continue
            change = change_of(held, stated, complete=True)
            self._db.execute(
                "INSERT INTO temp.planned VALUES (?, ?, ?, ?)", (kind, subject, change, derivation.claims_lead(item))
            )
            if item.kind is FactKind.CONTEXT:
                context_changed |= change is not ChangeKind.KEPT
            elif change is not None:
                counts[change] += 1
        return counts, context_changed

    def _missing(self, key: dict[str, Any], *, complete: bool) -> Counter[ChangeKind]:
        counts: Counter[ChangeKind] = Counter()
        for subject, held in self._db.execute(_MISSING, key):
            change = change_of(held, None, complete=complete)
            if change is None:
                break
            self._db.execute("INSERT INTO temp.planned VALUES ('member', ?, ?, 0)", (subject, change))
            counts[change] += 1
        return counts

    def removals(self) -> set[str]:
        """Whom the plan would remove."""
        return self.subjects(ChangeKind.REMOVED)

    def subjects(self, change: ChangeKind) -> set[str]:
        """Whom the plan would do this to."""
        return {
            subject
            for (subject,) in self._db.execute(
                "SELECT subject FROM temp.planned WHERE kind = 'member' AND change = ?", (change,)
            )
        }

    def _drop(self) -> None:
        for name in _NAMES:
            self._db.execute(f"DROP TABLE IF EXISTS temp.{name}")
