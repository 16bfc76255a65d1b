"""The one place that changes served records.

A record's row, its facets, the tallies, the change log and the outbox change together, here, inside a write transaction
that the caller holds. What is already so is left alone: a no-op moves nothing.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any, NamedTuple

import msgspec
from sqlite_utils import Database

from bridge.errors import SourceRefused
from bridge.roster.identity import SourcedId
from bridge.roster.model import COLLECTIONS, Collection
from bridge.roster.ports import Derived
from bridge.roster.values import values_at

_BATCH = 500
_FACET_GONE = "DELETE FROM facets WHERE field = ? AND source = ? AND value = ? AND seq = ?"
_Facet = tuple[int, int, str, int]

FORGOTTEN = "forgotten"
"""What the mirror notes as the last write that removed records for good."""


class RecordChange(StrEnum):
    """What happened to a record, as the change log and the outbox call it."""

    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"
    """It became ``tobedeleted``."""
    RESTORED = "restored"
    """It was ``tobedeleted`` and is active again."""


class Differing(NamedTuple):
    """A record that is not what was derived.

    :param changed: the number of the write that last changed it; ``None`` if it is not there.
    """

    collection: str
    sourced_id: str
    changed: int | None


class _Stored(NamedTuple):
    seq: int
    source: int
    document: str
    changed: int


class _Log(NamedTuple):
    collection: str
    sourced_id: str
    kind: RecordChange
    before: str | None


def encode(body: Any) -> str:
    """A document as it is stored: compact JSON, ``sourcedId`` first."""
    return msgspec.json.encode(body).decode()


class Documents:
    """The records of one source, within one write transaction.

    :param source: the source's number.
    :param changed: the number of the write transaction.
    """

    def __init__(self, db: Database, source: int, changed: int) -> None:
        self._db = db
        self._source = source
        self._changed = changed
        self._next_seq: dict[str, int] = {}
        self._fields: dict[str, list[tuple[int, str]]] = defaultdict(list)
        for field, collection, path in db.execute("SELECT field, collection, path FROM facet_fields"):
            self._fields[collection].append((field, path))
        self._tallies: Counter[tuple[str, str, str]] = Counter()
        self._touched: set[str] = set()
        self.counts: Counter[tuple[str, RecordChange]] = Counter()

    def put(self, derived: Sequence[Derived]) -> None:
        """Make the records be what was derived.

        What is derived as nothing becomes ``tobedeleted`` if it is there.

        :raises SourceRefused: if a sourcedId already belongs to a record of another source.
        """
        by_collection: dict[str, list[Derived]] = defaultdict(list)
        for one in derived:
            by_collection[one.collection].append(one)
        for name, group in by_collection.items():
            for start in range(0, len(group), _BATCH):
                self._put(COLLECTIONS[name], group[start : start + _BATCH])

    def _put(self, collection: Collection, group: Sequence[Derived]) -> None:
        stored = self._stored(collection, [one.sourced_id for one in group])
        inserts: list[tuple[int, int, str, int, str]] = []
        updates: list[tuple[str, int, int]] = []
        facets_gone: list[_Facet] = []
        facets_new: list[_Facet] = []
        log: list[_Log] = []
        for one in group:
            old = stored.get(one.sourced_id)
            if old is not None and old.source != self._source:
                raise SourceRefused(f"a sourcedId in {collection.name} is taken by another source")
            before = msgspec.json.decode(old.document) if old else None
            body = one.body if one.body is not None else _retired(before, one.parting)
            if body is None:
                continue
            text = encode(body)
            if old is not None and old.document == text:
                continue
            if old is None:
                seq = self._take_seq(collection)
                inserts.append((seq, self._source, one.sourced_id, self._changed, text))
            else:
                seq = old.seq
                updates.append((text, self._changed, seq))
            had, has = self._facets(collection, before), self._facets(collection, body)
            facets_gone.extend((field, self._source, value, seq) for field, value in had - has)
            facets_new.extend((field, self._source, value, seq) for field, value in has - had)
            self._tally(collection, before, -1)
            self._tally(collection, body, +1)
            log.append(_Log(collection.name, one.sourced_id, _change(before, body), old.document if old else None))
        execute = self._db.conn.executemany
        execute(
            f'INSERT INTO "{collection.name}" (seq, source, sourcedId, changed, document) VALUES (?, ?, ?, ?, ?)',  # noqa: S608
            inserts,
        )
        execute(f'UPDATE "{collection.name}" SET document = ?, changed = ? WHERE seq = ?', updates)  # noqa: S608
        execute(_FACET_GONE, facets_gone)
        # Of one that is not full yet, an older version may have left something.
        execute("INSERT OR IGNORE INTO facets (field, source, value, seq) VALUES (?, ?, ?, ?)", facets_new)
        self._record(log)

    def differing(self, derived: Sequence[Derived]) -> list[Differing]:
        """Which records :meth:`put` would change."""
        found = []
        for one in derived:
            collection = COLLECTIONS[one.collection]
            old = self._stored(collection, [one.sourced_id]).get(one.sourced_id)
            before = msgspec.json.decode(old.document) if old else None
            body = one.body if one.body is not None else _retired(before, one.parting)
            if body is not None and (old is None or old.document != encode(body)):
                found.append(Differing(one.collection, one.sourced_id, old.changed if old else None))
        return found

    def forget(self, collection: Collection, seqs: Sequence[int]) -> None:
        """Remove records for good, with their facets, and count them no more; nobody is told.

        What is said here of other records does not change. To be called for records that have been ``tobedeleted``
        for so long that whoever had to hear of it has.
        """
        marks = ", ".join("?" * len(seqs))
        rows = self._db.execute(
            f'SELECT seq, document FROM "{collection.name}" WHERE source = ? AND seq IN ({marks})',  # noqa: S608
            (self._source, *seqs),
        ).fetchall()
        facets_gone: list[_Facet] = []
        if rows:
            self._touched.add(collection.name)
            # Of other changes the records tell, or the change log.
            self._db.execute("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", (FORGOTTEN, str(self._changed)))
        for seq, document in rows:
            body = msgspec.json.decode(document)
            facets_gone.extend((field, self._source, value, seq) for field, value in self._facets(collection, body))
            self._tally(collection, body, -1)
        execute = self._db.conn.executemany
        execute(_FACET_GONE, facets_gone)
        execute(f'DELETE FROM "{collection.name}" WHERE seq = ?', [(seq,) for seq, _ in rows])  # noqa: S608

    def _stored(self, collection: Collection, sourced_ids: Sequence[SourcedId]) -> dict[str, _Stored]:
        marks = ", ".join("?" * len(sourced_ids))
        rows = self._db.execute(
            f'SELECT sourcedId, seq, source, document, changed FROM "{collection.name}" WHERE sourcedId IN ({marks})',  # noqa: S608
            sourced_ids,
        )
        return {sourced_id: _Stored(*rest) for sourced_id, *rest in rows}

    def _take_seq(self, collection: Collection) -> int:
        # Never reused, not even after a purge: AUTOINCREMENT's own memory is asked, not the table's highest row.
        if collection.name not in self._next_seq:
            row = self._db.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", (collection.name,)).fetchone()
            self._next_seq[collection.name] = (row[0] if row else 0) + 1
        seq = self._next_seq[collection.name]
        self._next_seq[collection.name] += 1
        return seq

    def _facets(self, collection: Collection, body: Any) -> set[tuple[int, str]]:
        if body is None:
            return set()
        return {(field, value) for field, path in self._fields[collection.name] for value in values_at(body, path)}

    def _tally(self, collection: Collection, body: Any, step: int) -> None:
        for kind in tallied_kinds(collection, body):
            self._tallies[collection.name, body["status"], kind] += step

    def _record(self, log: Iterable[_Log]) -> None:
        entries = list(log)
        self.counts.update((entry.collection, entry.kind) for entry in entries)
        self._touched.update(entry.collection for entry in entries)
        self._db.conn.executemany(
            "INSERT INTO changes (changed, source, collection, sourcedId, kind, before) VALUES (?, ?, ?, ?, ?, ?)",
            [(self._changed, self._source, *entry) for entry in entries],
        )
        self._db.conn.executemany(
            "INSERT INTO outbox (changed, source, collection, sourcedId, kind) VALUES (?, ?, ?, ?, ?)",
            [(self._changed, self._source, *entry[:3]) for entry in entries],
        )

    def finish(self) -> None:
        """Write the tallies and the marks. To be called once, after the last :meth:`put`."""
        self._db.conn.executemany(
            "INSERT OR REPLACE INTO marks (source, collection, changed) VALUES (?, ?, ?)",
            [(self._source, collection, self._changed) for collection in self._touched],
        )
        self._db.conn.executemany(
            "INSERT INTO tallies (source, collection, status, kind, count) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT DO UPDATE SET count = count + excluded.count",
            [(self._source, *key, step) for key, step in self._tallies.items() if step],
        )


def tallied_kinds(collection: Collection, body: Any) -> set[str]:
    """Under which kinds a record counts: always ``""``, and each of its roles or its type."""
    if body is None:
        return set()
    kinds = set(values_at(body, collection.kind)) if collection.kind else set()
    return {"", *kinds}


def _retired(before: Any, parting: Mapping[str, str]) -> Any:
    if before is None:
        return None
    ended = {**before, "status": "tobedeleted"}
    if parting:
        ended["metadata"] = {**before.get("metadata", {}), **parting}
    return None if ended == before else ended


def _change(before: Any, after: Any) -> RecordChange:
    if before is None:
        return RecordChange.ADDED
    match before["status"], after["status"]:
        case "active", "tobedeleted":
            return RecordChange.REMOVED
        case "tobedeleted", "active":
            return RecordChange.RESTORED
        case _:
            return RecordChange.CHANGED
