"""Reading the mirror: pages and single records out, each as the text that goes on the wire.

Every read is one transaction, so a page and its total agree. Nothing is built per row: a record is stored as it is
served. Only of what a caller may see a part of, each document is read, and that part written.
"""

import json
import sqlite3
import time
from collections.abc import Callable, Hashable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from types import TracebackType
from typing import TypeVar

import msgspec

from bridge.errors import Busy, UnknownObject
from bridge.mirror.blanks import blanked
from bridge.mirror.documents import FORGOTTEN, encode
from bridge.mirror.facets import FacetNames, reading_without, unfilled
from bridge.mirror.horizon import Horizon, Horizons
from bridge.mirror.jumps import Jumps
from bridge.mirror.landmarks import Landmarks, LandmarksOfQueries, State, is_short, shape
from bridge.mirror.mirror import Mirror
from bridge.mirror.query_sql import OneStatement, PageStatements, compile_count, prepare_one, prepare_page, tally_of
from bridge.recall import Recall
from bridge.roster.model import COLLECTIONS, Collection
from bridge.roster.privacy import PersonDetail
from bridge.roster.query import Condition, Place, Query, collections_in
from bridge.roster.redaction import redacted
from bridge.roster.references import ROSTERING_PATH
from bridge.roster.visibility import Visibility

_STEPS_BETWEEN_CHECKS = 20_000
"""Virtual machine steps of SQLite between two looks at the clock: some tenths of a millisecond."""

T = TypeVar("T")

_VISIBLE = "SELECT id FROM sources WHERE name IN (SELECT value FROM json_each(?))"


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a collection.

    :param documents: the records as JSON in UTF-8, each with its ``dateLastModified``, joined by commas.
    :param count: how many they are.
    :param total: how many records match, on all pages.
    :param last: the place of the last record, to continue behind; ``None`` on an empty page.
    :param more: whether a record follows.
    """

    documents: bytes
    count: int
    total: int
    last: Place | None
    more: bool


class Pages:
    """Reads one mirror, on one connection.

    What an answer needs beside its records (marks, tallies, counts, stamps) is read once and recalled until something
    is committed (:class:`bridge.recall.Recall`); where pages begin is brought through commits
    (:class:`bridge.mirror.jumps.Jumps`).

    :param public_url: the bridge's public root: references that are stored on another one are corrected on the way out.
    :param time_limit: seconds that one read may take.
    :param horizons: what is known already of what limited callers may see.
    :param landmarks: those that all threads of the process share.
    """

    def __init__(
        self,
        mirror: Mirror,
        *,
        public_url: str,
        time_limit: float = 3.0,
        horizons: Horizons | None = None,
        landmarks: LandmarksOfQueries | None = None,
    ) -> None:
        self._mirror = mirror
        self._db = mirror.db.conn
        self._public_url = public_url
        self._time_limit = time_limit
        self._deadline = float("inf")
        self._recall = Recall(self._db)
        self._jumps = Jumps(self._db, self._recall, landmarks or LandmarksOfQueries(), self._prepared)
        self._horizons = horizons or Horizons()
        self._horizon: Horizon | None = None  # of whoever is being answered, if she is limited
        self._reading = _Reading(self._db, self._begin, self._end)
        self._db.create_function("visible_part", 2, self._visible_part)
        self._db.set_progress_handler(self._is_late, _STEPS_BETWEEN_CHECKS)

    @property
    def epoch(self) -> str:
        return self._recalled("epoch", lambda: self._mirror.epoch)

    def mark(self, visibility: Visibility, collections: Iterable[str]) -> str:
        """A text that changes when, and only when, something changes in these collections of the sources that this
        caller may see: the stamp of that change.

        Of a caller who is limited to some of their records it tells more than she may know.
        """
        with self._reading:
            changed = self._changed(visibility, frozenset(collections))
            return self._recall.get(("stamp", changed), lambda: self._stamp(changed))

    def _stamp(self, changed: int) -> str:
        row = self._db.execute("SELECT stamp FROM writes WHERE changed = ?", (changed,)).fetchone()
        return str(row[0] if row else changed)

    def _changed(self, visibility: Visibility, collections: frozenset[str]) -> int:
        """The last write that changed anything of these collections of the sources that this caller may see."""

        def read() -> int:
            sql = "SELECT max(changed) FROM marks WHERE collection IN (SELECT value FROM json_each(?))"
            parameters = [json.dumps(sorted(collections))]
            if visibility.sources is not None:
                sql += f" AND source IN ({_VISIBLE})"
                parameters.append(_names(visibility))
            (changed,) = self._db.execute(sql, parameters).fetchone()
            return changed or 0

        return self._recall.get(("changed", visibility, collections), read)

    def holds(self, collection: Collection) -> bool:
        """Whether there is any record of this class, whosever it is."""
        with self._reading:
            return self._db.execute(f'SELECT 1 FROM "{collection.name}" LIMIT 1').fetchone() is not None  # noqa: S608 - a name of ours

    def page(self, query: Query) -> Page:
        """One page, and how many records there are.

        :raises Busy: if it takes longer than the time limit.
        """
        with self._reading:
            self._look(query.visibility)
            query = reading_without(query, self._unfilled)
            state = self._state_of(query)
            landmarks = self._jumps.landmarks(query, state)
            if landmarks.total is not None and query.after is None and query.offset >= landmarks.total:
                return Page(b"", 0, landmarks.total, None, more=False)
            found = self._find(self._jumps.shorten(query, landmarks))
            if found.first is not None:
                self._jumps.keep(query, landmarks, found.first)
            if landmarks.total is None:
                landmarks.total = _total_seen(query, found) or self._total(query, landmarks)
            # Total and page are of one snapshot; behind a place, nobody knows how many have gone before.
            more = query.offset + found.count < landmarks.total if query.after is None else self._follows(query, found)
            documents = self._as_seen(self._moved(found.documents), query.collection, query.visibility)
        return Page(documents, found.count, landmarks.total, found.last, more)

    def _state_of(self, query: Query) -> State:
        """What names all that decides what a query finds, as far as its reader sees it."""
        own, visibility = query.collection.name, query.visibility

        def read() -> State:
            rest = (self.epoch, self._recall.get(FORGOTTEN, lambda: self._mirror.noted(FORGOTTEN)))
            return State(
                self._changed(visibility, frozenset({own})),
                (*rest, *(self._changed(visibility, frozenset({name})) for name in _depends_on(query))),
            )

        # The state alone is recalled: what is held of landmarks is bounded for all connections together.
        return self._recall.get(("state", shape(query)), read, keep=is_short(query))

    def _find(self, query: Query) -> "_Found":
        statements = self._prepared(query)
        parameters = statements.bind(query)
        count, lowest, highest, documents = self._db.execute(statements.served, parameters).fetchone()
        if not count:
            return _Found(documents, 0, None, None)
        if query.sort is None:
            ends = (highest, lowest) if query.descending else (lowest, highest)
            return _Found(documents, count, Place(ends[0]), Place(ends[1]))
        places = self._db.execute(statements.places, parameters).fetchall()
        return _Found(documents, count, Place(*places[0]), Place(*places[-1]))

    def _follows(self, query: Query, found: "_Found") -> bool:
        """Whether a record follows a page."""
        if found.count < query.limit:
            return False
        behind = replace(query, after=found.last, offset=0, limit=1)
        statements = self._prepared(behind)
        return self._db.execute(statements.places, statements.bind(behind)).fetchone() is not None

    def _prepared(self, query: Query) -> PageStatements:
        def prepare() -> PageStatements:
            return prepare_page(query, self._source_ids(), self._horizon)

        if query.visibility.is_limited:
            return prepare()  # it holds all that she may see: not to be kept once for each of her queries
        return self._recall.get(("page", shape(query), query.after is None), prepare, keep=is_short(query))

    def one(
        self, collection: Collection, sourced_id: str, visibility: Visibility, preset: Condition | None = None
    ) -> bytes:
        """One record, as JSON in UTF-8.

        :param preset: what the operation restricts to: ``/terms/{id}`` finds terms only.
        :raises UnknownObject: if there is none that this caller may see.
        """
        with self._reading:
            self._look(visibility)
            statement = self._prepared_one(collection, visibility, preset)
            row = self._db.execute(statement.sql, statement.bind(sourced_id, preset)).fetchone()
            if row is None:
                raise UnknownObject(f"there is no {collection.singular} with this sourcedId")
            return self._as_seen(self._moved(row[0]), collection, visibility)

    def _prepared_one(self, collection: Collection, visibility: Visibility, preset: Condition | None) -> OneStatement:
        def prepare() -> OneStatement:
            query = Query(collection=collection, visibility=visibility, preset=preset, limit=1)
            query = reading_without(query, self._unfilled)
            return prepare_one(query.collection, visibility, self._source_ids(), query.preset, self._horizon)

        if visibility.is_limited:
            return prepare()  # as for pages
        return self._recall.get(("one", collection, visibility, blanked(preset)), prepare)

    @property
    def _unfilled(self) -> FacetNames:
        return self._recall.get("unfilled", lambda: unfilled(self._mirror.db))

    def _look(self, visibility: Visibility) -> None:
        """Find out how far the caller sees who is answered now."""
        self._horizon = self._horizons.of(self._mirror.db, visibility) if visibility.is_limited else None

    def _visible_part(self, collection: str, document: str) -> str:
        """A document as a limited caller may see it, for SQL."""
        assert self._horizon is not None
        return encode(redacted(msgspec.json.decode(document), COLLECTIONS[collection], self._horizon.sees))

    def _as_seen(self, documents: bytes, collection: Collection, visibility: Visibility) -> bytes:
        """The documents, joined by commas, as a caller may see them: the same text for whoever may see all of them."""
        if not visibility.is_limited and visibility.privacy is PersonDetail.PUBLIC:
            return documents
        shown = visibility.shown(COLLECTIONS[collection.name])
        sees = self._horizon.sees if self._horizon else None
        seen = [redacted(body, shown, sees) for body in msgspec.json.decode(b"[%b]" % documents)]
        return msgspec.json.encode(seen)[1:-1]

    def _total(self, query: Query, landmarks: Landmarks) -> int:
        tally = tally_of(query)
        if tally is None or query.visibility.is_limited:
            walked = self._jumps.count(query, landmarks)
            if walked is not None:
                return walked
            landmarks.recurs = True  # if time is up before that, whoever asks again counts in strides, which are kept
            statement = compile_count(query, self._source_ids(), self._horizon)
            return int(self._db.execute(statement.sql, statement.parameters).fetchone()[0])
        status, kind = tally
        conditions, parameters = ["collection = ?", "kind = ?"], [query.collection.name, kind or ""]
        if status is not None:
            conditions.append("status = ?")
            parameters.append(status)
        if query.visibility.sources is not None:
            conditions.append(f"source IN ({_VISIBLE})")
            parameters.append(_names(query.visibility))
        where = " AND ".join(conditions)
        sql = f"SELECT coalesce(sum(count), 0) FROM tallies WHERE {where}"  # noqa: S608 - the conditions are ours
        return int(self._db.execute(sql, parameters).fetchone()[0])

    def _source_ids(self) -> Mapping[str, int]:
        return self._recall.get("sources", self._mirror.source_ids)

    def _recalled(self, key: Hashable, read: Callable[[], T]) -> T:
        if not self._db.in_transaction:
            self._recall.refresh()
        return self._recall.get(key, read)

    @property
    def moved_from(self) -> str | None:
        """The root that stored references are on, if it is another than the one that is served."""
        stored = self._recalled("public_url", lambda: self._mirror.public_url)
        return stored if stored is not None and stored != self._public_url else None

    def _moved(self, documents: bytes) -> bytes:
        old = self.moved_from
        if old is None:
            return documents
        return documents.replace(
            f'"href":"{old}{ROSTERING_PATH}/'.encode(), f'"href":"{self._public_url}{ROSTERING_PATH}/'.encode()
        )

    def reading(self) -> AbstractContextManager[None]:
        """One read transaction for all that is read inside the block, so that it agrees.

        :raises Busy: if it takes longer than the time limit.
        """
        return self._reading

    def _begin(self) -> None:
        self._deadline = time.monotonic() + self._time_limit
        self._db.execute("BEGIN")
        try:
            self._recall.refresh()
        except sqlite3.Error as error:
            self._end(error)
            raise

    def _end(self, error: BaseException | None) -> None:
        self._deadline = float("inf")
        self._db.execute("ROLLBACK")
        if isinstance(error, sqlite3.OperationalError) and error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
            raise Busy(
                f"this query takes longer than {self._time_limit:g} s; ask again, which may go on from where this"
                " has stopped; or ask for less, or for an indexed field"
            ) from error

    def _is_late(self) -> bool:
        return time.monotonic() > self._deadline


class _Reading(AbstractContextManager[None]):
    """A read transaction, for as long as the outermost block runs."""

    def __init__(
        self, db: sqlite3.Connection, begin: Callable[[], None], end: Callable[[BaseException | None], None]
    ) -> None:
        self._db = db
        self._begin = begin
        self._end = end
        self._outer: list[bool] = []

    def __enter__(self) -> None:
        outermost = not self._db.in_transaction
        if outermost:
            self._begin()
        self._outer.append(outermost)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._outer.pop():
            self._end(error)


@dataclass(frozen=True, slots=True)
class _Found:
    """The records of a page, and the places of the first and the last of them."""

    documents: bytes
    count: int
    first: Place | None
    last: Place | None


def _total_seen(query: Query, found: _Found) -> int | None:
    """How many records match, if the page shows the last of them."""
    if query.after is None and 0 < found.count < query.limit:
        return query.offset + found.count
    return None


def _depends_on(query: Query) -> list[str]:
    """The collections that decide, beside each record itself, whether a query finds it."""
    if query.visibility.is_limited:
        return sorted(COLLECTIONS)  # what is seen of one depends on the others
    return sorted({*collections_in(query.preset), *collections_in(query.where)})


def _names(visibility: Visibility) -> str:
    return json.dumps(sorted(visibility.sources or ()))
