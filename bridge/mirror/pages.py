"""Reading the mirror: pages and single records out, each as the text that goes on the wire.

Every read is one transaction, so a page and its total agree. Nothing is built per row: a record is stored as it is
served. Only of what a caller may see a part of, each document is read, and that part written.
"""

import json
import sqlite3
import time
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TypeVar

import msgspec

from bridge.errors import Busy, UnknownObject
from bridge.mirror.documents import encode
from bridge.mirror.horizon import Horizon, Horizons
from bridge.mirror.landmarks import LandmarksOfQueries, asked
from bridge.mirror.mirror import Mirror
from bridge.mirror.query_sql import PageStatements, compile_count, compile_one, prepare_page, tally_of
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

    :param documents: the records as JSON, each with its ``dateLastModified``, joined by commas.
    :param count: how many they are.
    :param total: how many records match, on all pages.
    :param last: the place of the last record, to continue behind; ``None`` on an empty page.
    :param more: whether a record follows.
    """

    documents: str
    count: int
    total: int
    last: Place | None
    more: bool


class Pages:
    """Reads one mirror, on one connection.

    What an answer needs beside its records (marks, tallies, counts, stamps) is read once and recalled until something
    is committed (:class:`bridge.recall.Recall`); where pages begin, until something changes that the query depends on
    (:class:`bridge.mirror.landmarks.LandmarksOfQueries`).

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
        self._landmarks = landmarks or LandmarksOfQueries()
        self._horizons = horizons or Horizons()
        self._horizon: Horizon | None = None  # of whoever is being answered, if she is limited
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
        with self.reading():
            changed = max([self._mark(visibility, name) for name in collections])
            return self._recall.get(("stamp", changed), lambda: self._stamp(changed))

    def _stamp(self, changed: int) -> str:
        row = self._db.execute("SELECT stamp FROM writes WHERE changed = ?", (changed,)).fetchone()
        return str(row[0] if row else changed)

    def _mark(self, visibility: Visibility, collection: str) -> int:
        def read() -> int:
            sql, parameters = "SELECT max(changed) FROM marks WHERE collection = ?", [collection]
            if visibility.sources is not None:
                sql += f" AND source IN ({_VISIBLE})"
                parameters.append(_names(visibility))
            (mark,) = self._db.execute(sql, parameters).fetchone()
            return mark or 0

        return self._recall.get(("mark", visibility, collection), read)

    def holds(self, collection: Collection) -> bool:
        """Whether there is any record of this class, whosever it is."""
        with self.reading():
            return self._db.execute(f'SELECT 1 FROM "{collection.name}" LIMIT 1').fetchone() is not None  # noqa: S608 - a name of ours

    def page(self, query: Query) -> Page:
        """One page, and how many records there are.

        :raises Busy: if it takes longer than the time limit.
        """
        with self.reading():
            self._look(query.visibility)
            mark = max([self._mark(query.visibility, name) for name in _depends_on(query)])
            landmarks = self._landmarks.of(query, (self.epoch, mark))
            found = self._find(landmarks.shorten(query))
            if found.first is not None:
                landmarks.keep(query, found.first)
            if landmarks.total is None:
                landmarks.total = self._total(query)
            # Total and page are of one snapshot; behind a place, nobody knows how many have gone before.
            more = query.offset + found.count < landmarks.total if query.after is None else self._follows(query, found)
            documents = self._as_seen(self._moved(found.documents), query.collection, query.visibility)
        return Page(documents, found.count, landmarks.total, found.last, more)

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
        return self._recall.get(("page", asked(query), query.after is None), prepare)

    def one(
        self, collection: Collection, sourced_id: str, visibility: Visibility, preset: Condition | None = None
    ) -> str:
        """One record.

        :param preset: what the operation restricts to: ``/terms/{id}`` finds terms only.
        :raises UnknownObject: if there is none that this caller may see.
        """
        with self.reading():
            horizon = self._look(visibility)
            sources = self._source_ids()
            statement = compile_one(collection, sourced_id, visibility, sources, preset, horizon)
            row = self._db.execute(statement.sql, statement.parameters).fetchone()
            if row is None:
                raise UnknownObject(f"there is no {collection.singular} with this sourcedId")
            return self._as_seen(self._moved(str(row[0])), collection, visibility)

    def _look(self, visibility: Visibility) -> Horizon | None:
        """Find out how far the caller sees who is answered now; ``None`` if that is all of her sources."""
        self._horizon = self._horizons.of(self._mirror.db, visibility) if visibility.is_limited else None
        return self._horizon

    def _visible_part(self, collection: str, document: str) -> str:
        """A document as a limited caller may see it, for SQL."""
        assert self._horizon is not None
        return encode(redacted(msgspec.json.decode(document), COLLECTIONS[collection], self._horizon.sees))

    def _as_seen(self, documents: str, collection: Collection, visibility: Visibility) -> str:
        """The documents, joined by commas, as a caller may see them: the same text for whoever may see all of them."""
        if not visibility.is_limited and visibility.privacy is PersonDetail.PUBLIC:
            return documents
        shown = visibility.shown(COLLECTIONS[collection.name])
        sees = self._horizon.sees if self._horizon else None
        return ",".join(encode(redacted(body, shown, sees)) for body in msgspec.json.decode(f"[{documents}]"))

    def _total(self, query: Query) -> int:
        tally = tally_of(query)
        if tally is None or query.visibility.is_limited:
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

    def _moved(self, documents: str) -> str:
        old = self.moved_from
        if old is None:
            return documents
        return documents.replace(f'"href":"{old}{ROSTERING_PATH}/', f'"href":"{self._public_url}{ROSTERING_PATH}/')

    @contextmanager
    def reading(self) -> Iterator[None]:
        """One read transaction for all that is read inside the block, so that it agrees.

        :raises Busy: if it takes longer than the time limit.
        """
        if self._db.in_transaction:
            yield
            return
        self._deadline = time.monotonic() + self._time_limit
        self._db.execute("BEGIN")
        try:
            self._recall.refresh()
            yield
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
                raise Busy(
                    f"this query takes longer than {self._time_limit:g} s; ask for less, or for an indexed field"
                ) from error
            raise
        finally:
            self._deadline = float("inf")
            self._db.execute("ROLLBACK")

    def _is_late(self) -> bool:
        return time.monotonic() > self._deadline


@dataclass(frozen=True, slots=True)
class _Found:
    """The records of a page, and the places of the first and the last of them."""

    documents: str
    count: int
    first: Place | None
    last: Place | None


def _depends_on(query: Query) -> set[str]:
    """The collections that decide which records a query finds."""
    if query.visibility.is_limited:
        return set(COLLECTIONS)  # what is seen of one depends on the others
    return {query.collection.name, *collections_in(query.preset), *collections_in(query.where)}


def _names(visibility: Visibility) -> str:
    return json.dumps(sorted(visibility.sources or ()))
