"""A snapshot beside the mirror: what a source says now, before anything is changed.

The stream goes into temporary tables of the connection (:mod:`bridge.mirror.staged`), and is then compared with the
facts in key order. Memory does not grow with the roster, the mirror's file is not written, and no lock is held while
the network is read.
"""

from collections.abc import Iterator
from typing import Any, Self

from bridge.errors import SourceUnavailable
from bridge.mirror.emptied import emptied_rosters
from bridge.mirror.gathering import gathered
from bridge.mirror.mirror import Mirror
from bridge.mirror.ownership import Ownership
from bridge.mirror.plan_counts import PlanCounts
from bridge.mirror.repeated import IN_ORDER, Repeated
from bridge.mirror.staged import NAMES, REJECT, TABLES, Staged, transaction
from bridge.roster.identity import ContextKey
from bridge.roster.plan import ChangeKind, Plan, Quarantined, change_of, says_the_same
from bridge.roster.ports import Derivation, Fact, FactKind, Listed, PageRead, Snapshot, Stated

_TELL_EVERY = 1000
"""Members between two reports of progress."""

_TABLES = """
CREATE TEMP TABLE planned (
    kind TEXT NOT NULL, subject TEXT NOT NULL, change TEXT NOT NULL, lead INTEGER NOT NULL, roster TEXT,
    PRIMARY KEY (kind, subject)
) STRICT, WITHOUT ROWID;
CREATE INDEX temp.planned_by_roster ON planned (roster, change) WHERE roster IS NOT NULL;
CREATE TEMP TABLE upheaved (subject TEXT NOT NULL PRIMARY KEY) STRICT, WITHOUT ROWID;
CREATE TEMP TABLE touched (subject TEXT NOT NULL PRIMARY KEY) STRICT, WITHOUT ROWID;
"""
_NAMES = ("planned", "upheaved", "touched")

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
_LEFT = """
SELECT f.kind, f.subject, f.raw FROM facts AS f INDEXED BY {index}
WHERE f.source = :source AND f.context = :context AND f.kind = '{kind}' AND f.gone IS NULL
    AND NOT EXISTS (SELECT 1 FROM temp.repeated AS r WHERE r.fact = f.id)
    AND NOT EXISTS (SELECT 1 FROM temp.staged AS s WHERE s.kind = f.kind AND s.subject = f.subject)
    AND (:complete OR EXISTS (SELECT 1 FROM temp.departed AS d WHERE d.subject = f.subject))
    AND NOT EXISTS (SELECT 1 FROM temp.rejected AS r WHERE r.subject = f.subject)
"""
_OUTDATED = """
SELECT f.kind, f.subject, f.raw FROM facts AS f
WHERE f.source = :source AND f.context = :context AND f.kind IN ('launch', 'tombstone') AND f.gone IS NULL
    AND NOT EXISTS (SELECT 1 FROM temp.staged AS s WHERE s.kind = f.kind AND s.subject = f.subject)
    AND (f.kind = 'launch' OR :complete
        OR EXISTS (SELECT 1 FROM temp.staged AS s WHERE s.kind = 'record' AND s.subject = f.subject)
        OR EXISTS (SELECT 1 FROM facts AS l JOIN temp.repeated AS r ON r.fact = l.id
            WHERE l.source = f.source AND l.context = f.context AND l.kind = 'record' AND l.subject = f.subject))
"""
_MISSING = " UNION ALL ".join((_OUTDATED, *(_LEFT.format(kind=kind, index=index) for kind, index in IN_ORDER.items())))
# What is held and of which the plan says nothing so far: unreadable now, or not in an incomplete snapshot.
_UNPLANNED = """
SELECT f.kind, f.subject, f.raw
FROM facts AS f
WHERE f.source = :source AND f.context = :context AND f.kind IN ('member', 'record', 'tombstone') AND f.gone IS NULL
    AND NOT EXISTS (SELECT 1 FROM temp.planned AS p WHERE p.kind = f.kind AND p.subject = f.subject)
ORDER BY f.kind, f.subject
"""
_COUNT = """
(SELECT count(*) FROM facts INDEXED BY {index}
    WHERE source = :source AND context = :context AND kind = '{kind}' AND gone IS NULL)
"""
_HELD = "SELECT " + " + ".join(_COUNT.format(kind=kind, index=index) for kind, index in IN_ORDER.items())
_STAGED = """
SELECT (SELECT count(*) FROM temp.staged WHERE kind IN ('member', 'record')) + (SELECT count(*) FROM temp.repeated)
"""
_HELD_BY_COLLECTION = """
SELECT substr(subject, 1, instr(subject, '/') - 1), count(*) FROM facts
WHERE source = :source AND context = :context AND kind = 'record' AND gone IS NULL
GROUP BY 1
"""


def moved_on() -> SourceUnavailable:
    """That a context no longer stands where it did when its source was read."""
    return SourceUnavailable("the context was reconciled by another process in the meantime; it will be tried again")


class Staging:
    """One snapshot, staged on a mirror's connection; a connection holds one at a time.

    Use as a context manager: the temporary tables go when it ends.

    :param derivation: how its facts become documents.
    """

    def __init__(self, mirror: Mirror, snapshot: Snapshot, derivation: Derivation) -> None:
        self._db = mirror.db
        self._mirror = mirror
        self._snapshot = snapshot
        self._derivation = derivation
        self.source: str = snapshot.source
        self.context: ContextKey = snapshot.context
        self._based_on: int | None = None
        self._rederive = True

    def __enter__(self) -> Self:
        self._drop()
        self._db.conn.executescript(TABLES + _TABLES)
        return self

    def __exit__(self, *exc: object) -> None:
        self._drop()

    def read(self) -> Iterator[int]:
        """Stage everything the source says; yields the number of members so far, now and then and for every page.

        :raises bridge.errors.SourceUnavailable: as the snapshot does; what is staged must not be used then.
        :raises bridge.errors.SourceRefused: likewise.
        """
        self._based_on, fingerprint = self._standing()
        self._rederive = fingerprint != self._derivation.fingerprint
        # Under another mapping, or as another version read it, even what is said again is looked at again.
        source = None if self._rederive else self._mirror.source_ids().get(self.source)
        staged = Staged(self._db, Repeated(self._db, source, self.context))
        members = 0
        for item in gathered(self._snapshot):
            if isinstance(item, PageRead):
                yield members
            elif isinstance(item, Listed):
                for begin in range(0, len(item.raws), _TELL_EVERY):
                    if begin:
                        yield members
                    end = min(begin + _TELL_EVERY, len(item.raws))
                    staged.take_listed(item, begin, end, members)
                    members += end - begin
            else:
                staged.take(item, members)
                if not isinstance(item, Stated):  # what is counted of those comes in lists
                    members += 1
                    if members % _TELL_EVERY == 0:
                        yield members
        staged.settle(self._snapshot.merge)
        yield members

    def _standing(self) -> tuple[int | None, str | None]:
        """The run that the context stands at, and the fingerprint of its documents."""
        found = self._db.execute(
            "SELECT run, fingerprint FROM contexts"
            " WHERE source = (SELECT id FROM sources WHERE name = ?) AND context = ?",
            (self.source, self.context),
        ).fetchone()
        return found or (None, None)

    def plan(self) -> Plan:
        """Compare what is staged with what is held; nothing is changed.

        Members whose JSON is the same as before, under the same mapping, are not looked at again.

        :raises SourceUnavailable: if the context has been reconciled by somebody else since reading began: try again.
        """
        source = self._mirror.source_ids().get(self.source)
        with transaction(self._db):
            if self._standing()[0] != self._based_on:
                raise moved_on()  # what was held while the source was read may be held no more
            key: dict[str, Any] = {"source": source, "context": self.context}
            tally = PlanCounts()
            self._compare(Ownership(self._db, source), {**key, "all": self._rederive}, tally)
            # Somebody unreadable may be anybody: then nobody is missed.
            unknown = self._db.execute("SELECT 1 FROM temp.rejected WHERE subject IS NULL LIMIT 1").fetchone()
            complete = self._snapshot.complete and unknown is None
            self._missing({**key, "complete": complete}, tally)
            if self._rederive:
                self._keep_unplanned(key)
            (held,) = self._db.execute(_HELD, key).fetchone()
            by_collection = tally.parts(dict(self._db.execute(_HELD_BY_COLLECTION, key).fetchall()))
            (staged,) = self._db.execute(_STAGED).fetchone()
            emptied = emptied_rosters(self._db)
        counts = tally.counts
        counts[ChangeKind.KEPT] = staged - counts[ChangeKind.ADDED] - counts[ChangeKind.CHANGED]
        quarantined = self._db.execute(
            "SELECT position, subject, reason FROM temp.rejected ORDER BY position, reason"
        ).fetchall()
        return Plan(
            source=self.source,
            context=self.context,
            based_on=self._based_on,
            complete=complete,
            rederive=self._rederive,
            context_changed=tally.else_changed,
            held_before=held,
            bookmark=self._snapshot.bookmark,
            counts=counts,
            details=tally.details.total(),
            by_collection=by_collection,
            emptied=emptied,
            quarantined=tuple(Quarantined(*row) for row in quarantined),
        )

    def _compare(self, ownership: Ownership, key: dict[str, Any], tally: PlanCounts) -> None:
        derivation = self._derivation
        for position, kind, subject, raw, stated, held, held_raw in self._db.execute(_COMPARE, key):
            item = Stated(FactKind(kind), subject, raw.encode())
            reason = derivation.reject(item) or ownership.objection(derivation.mentions(item))
            if reason is not None:
                self._db.execute(REJECT, (position, subject, reason))
                # The row that was just read: that one may go while the others are still being read.
                self._db.execute("DELETE FROM temp.staged WHERE kind = ? AND subject = ?", (kind, subject))
                continue
            change = change_of(held, stated, complete=True)
            assert change is not None, "something was stated"
            if change is ChangeKind.CHANGED and says_the_same(held_raw, raw):
                change = ChangeKind.KEPT
                if not self._rederive:
                    continue
            self._plan(item, change)
            detail = False
            if item.kind.counted and change is ChangeKind.CHANGED:
                held_fact = Fact(item.kind, self.context, subject, held_raw.encode())
                detail = derivation.same_standing(held_fact, item)
                if item.kind is FactKind.MEMBER and not detail:
                    self._db.execute("INSERT INTO temp.upheaved VALUES (?)", (subject,))
            tally.note(item, change, detail=detail)

    def _missing(self, key: dict[str, Any], tally: PlanCounts) -> None:
        for kind, subject, raw in self._db.execute(f"{_MISSING} ORDER BY 1, 2", key):
            fact = Stated(FactKind(kind), subject, raw.encode())
            self._plan(fact, ChangeKind.REMOVED)
            tally.note(fact, ChangeKind.REMOVED)

    def _keep_unplanned(self, key: dict[str, Any]) -> None:
        """Under a new mapping all that is held is looked at again, also what was not stated now."""
        for kind, subject, raw in self._db.execute(_UNPLANNED, key):
            self._plan(Stated(FactKind(kind), subject, raw.encode()), ChangeKind.KEPT)

    def _plan(self, item: Stated, change: ChangeKind) -> None:
        lead = change is not ChangeKind.REMOVED and self._derivation.claims_lead(item)
        self._db.execute(
            "INSERT INTO temp.planned VALUES (?, ?, ?, ?, ?)",
            (item.kind, item.subject, change, lead, self._derivation.roster_of(item)),
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

    def spare_removals(self) -> None:
        """Take the removals out of what is planned: whoever is missing stays for now.

        Under a new mapping she is derived anew like everybody else who stays: the context's fingerprint moves on, so
        nobody would come back to her.
        """
        self._db.execute("DELETE FROM temp.planned WHERE kind IN ('member', 'record') AND change = 'removed'")
        if self._rederive:
            source = self._mirror.source_ids().get(self.source)
            self._keep_unplanned({"source": source, "context": self.context})

    def _drop(self) -> None:
        for name in (*NAMES, *_NAMES):
            self._db.execute(f"DROP TABLE IF EXISTS temp.{name}")
