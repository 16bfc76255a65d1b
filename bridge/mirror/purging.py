"""Dropping what has been kept for long enough, a bounded transaction at a time.

Of the served records only those go that have been ``tobedeleted`` for the retention time and that nothing refers to any
more; with them their facets and their part of the tallies. Nothing else moves: no other record, no stamp, no ``seq``.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta

from bridge import storage
from bridge.clock import Clock, to_stamp
from bridge.mirror.condition_sql import ANY_SOURCE
from bridge.mirror.documents import Documents
from bridge.mirror.mirror import Mirror
from bridge.mirror.writes import last_write, next_changed, stamp
from bridge.roster.model import (
    ACADEMIC_SESSIONS,
    CLASSES,
    COLLECTIONS,
    COURSES,
    DEMOGRAPHICS,
    ENROLLMENTS,
    ORGS,
    USERS,
    Collection,
)

_BATCH = 500
"""Rows that one transaction drops (runs with all that was kept of them), or finds out whether they go: others wait."""

_OVER = "coalesce(r.status, x'') = 'tobedeleted'"  # as the index has it

_ALL = {"after": 0, "upto": 2**63 - 1}

# Who refers before whom is referred to.
_ORDER = (ENROLLMENTS, DEMOGRAPHICS, USERS, CLASSES, COURSES, ACADEMIC_SESSIONS, ORGS)

# What the fields that hold references refer to; parent and children refer to their own class.
_REFERRED: Mapping[str, Collection] = {
    "org": ORGS,
    "school": ORGS,
    "primaryOrg": ORGS,
    "roles.org": ORGS,
    "schoolYear": ACADEMIC_SESSIONS,
    "terms": ACADEMIC_SESSIONS,
    "course": COURSES,
    "class": CLASSES,
    "user": USERS,
    "agents": USERS,
}

# What came in a run is of the run's time. The bound keeps what is too young from being looked at; it decides nothing.
_FACTS = """
SELECT id FROM facts
WHERE gone < :run AND NOT EXISTS (SELECT 1 FROM runs WHERE runs.id = facts.gone AND started >= :before)
"""
_FACT_CHANGES = """
SELECT rowid FROM fact_changes
WHERE run < :run AND NOT EXISTS (SELECT 1 FROM runs WHERE runs.id = fact_changes.run AND started >= :before)
"""
_CHANGES = "SELECT id FROM changes WHERE changed <= :write"
_EVENTS = "SELECT event FROM outbox WHERE changed <= :write"
_OLD_RUNS = "SELECT id AS number FROM runs WHERE id < :run AND id > :after ORDER BY id"
# A context stands at a run, and the latest one of each is what is shown of it.
_RUNS = """
SELECT id FROM runs AS r
WHERE id < :run AND id > :after AND id <= :upto AND started < :before AND outcome <> 'running'
    AND EXISTS (SELECT 1 FROM runs AS later
        WHERE later.source = r.source AND later.context = r.context AND later.id > r.id)
    AND NOT EXISTS (SELECT 1 FROM contexts
        WHERE contexts.source = r.source AND contexts.context = r.context AND r.id IN (run, complete_run))
"""
_OF_RUNS = (
    ("quarantine", "run"),
    ("held", "run"),
    ("held_changes", "run"),
    ("decisions", "run"),
    ("decisions", "led_to"),
    ("runs", "id"),
)

# What was said of people, like the change log.
_HELD_CHANGES = """
SELECT DISTINCT run FROM held_changes
WHERE run < :run AND NOT EXISTS (SELECT 1 FROM runs WHERE runs.id = held_changes.run AND started >= :before)
"""

# Those about runs go with the runs.
_DECISIONS = "SELECT id FROM decisions WHERE run IS NULL AND led_to IS NULL AND made < :before"


@dataclass(frozen=True, slots=True, kw_only=True)
class Keep:
    """For how long things are kept.

    :param tombstones: records that are ``tobedeleted``.
    :param facts: what sources said of members who are gone.
    :param changes: the change log, and what undoing a run needs.
    :param events: what subscribers can still be told.
    :param runs: the reports of reconciliations, and what was decided about them.
    """

    tombstones: timedelta
    facts: timedelta
    changes: timedelta
    events: timedelta
    runs: timedelta


@dataclass(slots=True)
class Purged:
    """How many of each were dropped, or would be."""

    records: int = 0
    facts: int = 0
    changes: int = 0
    events: int = 0
    runs: int = 0

    def as_dict(self) -> dict[str, int]:
        return asdict(self)


class Purge:
    """One purge of one mirror.

    :param between: called between two transactions, so that a long purge can keep its lease or give way.
    """

    def __init__(self, mirror: Mirror, keep: Keep, clock: Clock, between: Callable[[], None] = lambda: None) -> None:
        self._mirror = mirror
        self._db = mirror.db
        self._keep = keep
        self._clock = clock
        self._now = clock()
        self._between = between

    def count(self) -> Purged:
        """What :meth:`do` would drop; nothing is changed."""
        tombstones = self._since(self._keep.tombstones) | _ALL
        return Purged(
            records=sum(self._count(_tombstones(each), tombstones) for each in _ORDER),
            facts=self._count(_FACTS, self._since(self._keep.facts)),
            changes=self._count(_CHANGES, self._since(self._keep.changes)),
            events=self._count(_EVENTS, self._since(self._keep.events)),
            runs=self._count(_RUNS, self._since(self._keep.runs) | _ALL),
        )

    def do(self) -> Purged:
        """Drop it. What is dropped is overwritten in the file."""
        self._db.execute("PRAGMA secure_delete = ON")
        try:
            return self._do()
        finally:
            self._db.execute("PRAGMA secure_delete = OFF")

    def _do(self) -> Purged:
        purged = Purged()
        tombstones = self._since(self._keep.tombstones)
        for collection in _ORDER:
            purged.records += self._drop_tombstones(collection, tombstones)
        purged.facts = self._drop(_FACTS, self._since(self._keep.facts), ("facts", "id"))
        changes = self._since(self._keep.changes)
        self._drop(_FACT_CHANGES, changes, ("fact_changes", "rowid"))
        self._drop(_HELD_CHANGES, changes, ("held_changes", "run"))
        purged.changes = self._drop(_CHANGES, changes, ("changes", "id"))
        purged.events = self._drop_events()
        self._drop(_DECISIONS, self._since(self._keep.runs), ("decisions", "id"))
        purged.runs = self._drop_runs()
        return purged

    def _since(self, kept: timedelta) -> dict[str, object]:
        """Before when something is too old, the last write of that time, and the first run that is not of it.

        Later runs have higher numbers, but where the clock was turned back: then some things stay a little longer. Runs
        that began in the future, by a clock that was ahead, make nothing wait for them.
        """
        before, now = to_stamp(self._now - kept), to_stamp(self._now)
        (write, run) = self._db.execute(
            f"SELECT {last_write('<')}, coalesce("  # noqa: S608 - our own SQL
            " (SELECT min((SELECT id FROM runs WHERE source = sources.id AND started >= ? AND started <= ?"
            "  ORDER BY started LIMIT 1)) FROM sources),"
            " (SELECT coalesce(max(id), 0) + 1 FROM runs))",
            (before, before, now),
        ).fetchone()
        return {"before": before, "write": write, "run": run}

    def _count(self, select: str, since: dict[str, object]) -> int:
        return int(self._db.execute(f"SELECT count(*) FROM ({select})", since).fetchone()[0])  # noqa: S608

    def _drop(self, select: str, since: dict[str, object], *tables: tuple[str, str]) -> int:
        """Delete all that is selected from tables, each by the column that holds what is selected."""
        total = 0
        while True:
            with storage.write(self._db):
                found = self._delete(f"{select} LIMIT {_BATCH}", since, tables)
            total += found
            if found < _BATCH:
                return total
            self._between()

    def _delete(self, select: str, parameters: dict[str, object], tables: Iterable[tuple[str, str]]) -> int:
        found = self._db.execute(select, parameters).fetchall()
        for table, column in tables:
            self._db.conn.executemany(f"DELETE FROM {table} WHERE {column} = ?", found)  # noqa: S608
        return len(found)

    def _windows(self, numbers: str, since: dict[str, object]) -> Iterator[dict[str, object]]:
        """Go through rows of which some stay, each looked at once: a window is from :after to :upto.

        :param numbers: selects those of the rows behind :after, in order.
        """
        after = 0
        while True:
            window = since | {"after": after}
            (upto,) = self._db.execute(f"SELECT max(number) FROM ({numbers} LIMIT {_BATCH})", window).fetchone()  # noqa: S608
            if upto is None:
                return
            if after:
                self._between()
            yield window | {"upto": upto}
            after = upto

    def _drop_runs(self) -> int:
        total = 0
        for window in self._windows(_OLD_RUNS, self._since(self._keep.runs)):
            with storage.write(self._db):
                total += self._delete(_RUNS, window, _OF_RUNS)
        return total

    def _drop_events(self) -> int:
        since = self._since(self._keep.events)
        with storage.write(self._db):
            # Before the first goes: whoever comes back from before this moment is told that something is missing.
            # By the index of the writes, in whose order events are: a maximum would walk all that stay.
            (gone,) = self._db.execute(
                "SELECT coalesce((SELECT event FROM outbox WHERE changed <= :write"
                " ORDER BY changed DESC, event DESC LIMIT 1), 0)",
                since,
            ).fetchone()
            self._db.execute(
                "UPDATE meta SET value = max(CAST(value AS INTEGER), ?) WHERE key = 'events_gone'", (gone,)
            )
            self._db.execute(
                "UPDATE meta SET value = max(value, ?) WHERE key = 'events_gone_before'", (since["before"],)
            )
        return self._drop(_EVENTS, since, ("outbox", "event"))

    def _drop_tombstones(self, collection: Collection, since: dict[str, object]) -> int:
        total = 0
        numbers = f'SELECT seq AS number FROM "{collection.name}" AS r WHERE {_OVER} AND seq > :after ORDER BY seq'  # noqa: S608
        for window in self._windows(numbers, since):
            with storage.write(self._db):
                found = self._db.execute(_tombstones(collection), window).fetchall()
                changed = next_changed(self._db)
                seqs: dict[int, list[int]] = defaultdict(list)
                for seq, source in found:
                    seqs[source].append(seq)
                for source, of_source in seqs.items():
                    documents = Documents(self._db, source, changed)
                    documents.forget(collection, of_source)
                    documents.finish()
                if found:  # no record's stamp, but the mirror's: it is not what it was
                    stamp(self._db, changed, None, self._clock)
            total += len(found)
        return total


def _tombstones(collection: Collection) -> str:
    """The records of a collection, of a window, that may go: none that stays refers to them."""
    stays = "".join(
        "\n    AND NOT EXISTS (SELECT 1 FROM facets AS f"  # noqa: S608 - our own names
        f" JOIN \"{other.name}\" AS o ON o.seq = f.seq AND NOT (o.status = 'tobedeleted' AND o.changed <= :write)"
        f" WHERE f.value = r.sourcedId AND f.source IN ({ANY_SOURCE.sql}) AND f.field ="
        f" (SELECT field FROM facet_fields WHERE collection = '{other.name}' AND path = '{path}'))"
        for other, path in _referring(collection)
    )
    return (
        f'SELECT r.seq, r.source FROM "{collection.name}" AS r'  # noqa: S608 - our own names
        f" WHERE {_OVER} AND r.seq > :after AND r.seq <= :upto AND r.changed <= :write{stays}"
    )


def _referring(collection: Collection) -> Iterator[tuple[Collection, str]]:
    """Where records refer to those of a collection: in which class, and in which field."""
    for other in COLLECTIONS.values():
        for path in other.facets:
            name, _, last = path.name.rpartition(".")
            if last == "sourcedId" and "@" not in name and (_REFERRED.get(name) or other) is collection:
                yield other, path.name
