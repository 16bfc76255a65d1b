"""Reading the mirror: pages and single records out, each as the text that goes on the wire.

Every read is one transaction, so a page and its total agree. Nothing is built per row: a record is stored as it is
served. Only of what a caller may see a part of, each document is read, and that part written.
"""

import json
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import msgspec

from bridge.errors import Busy, UnknownObject
from bridge.mirror.documents import encode
from bridge.mirror.horizon import Horizon, Horizons
from bridge.mirror.mirror import Mirror
from bridge.mirror.query_sql import compile_count, compile_one, compile_page, tally_of
from bridge.roster.model import COLLECTIONS, Collection
from bridge.roster.privacy import PersonDetail
from bridge.roster.query import Condition, Place, Query, collections_in
from bridge.roster.redaction import redacted
from bridge.roster.references import ROSTERING_PATH
from bridge.roster.visibility import Visibility

_STEPS_BETWEEN_CHECKS = 20_000
"""Virtual machine steps of SQLite between two looks at the clock: some tenths of a millisecond."""

_COUNTS_KEPT = 500

_VISIBLE = "SELECT id FROM sources WHERE name IN (SELECT value FROM json_each(?))"


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a collection.

    :param documents: the records, each a JSON text with its ``dateLastModified``.
    :param total: how many records match, on all pages.
    :param last: the place of the last record, to continue behind; ``None`` on an empty page.
    :param more: whether a record follows.
    """

    documents: list[str]
    total: int
    last: Place | None
    more: bool


class Pages:
    """Reads one mirror, on one connection.

    :param public_url: the bridge's public root: references that are stored on another one are corrected on the way out.
    :param time_limit: seconds that one read may take.
    :param horizons: what is known already of what limited callers may see.
    """

    def __init__(
        self, mirror: Mirror, *, public_url: str, time_limit: float = 3.0, horizons: Horizons | None = None
    ) -> None:
        self._mirror = mirror
        self._db = mirror.db
        self._public_url = public_url
        self._time_limit = time_limit
        self._deadline = float("inf")
        self._counts: dict[object, tuple[str, int]] = {}
        self._horizons = horizons or Horizons()
        self._horizon: Horizon | None = None  # of whoever is being answered, if she is limited
        mirror.db.conn.create_function("visible_part", 2, self._visible_part)
        mirror.db.conn.set_progress_handler(self._is_late, _STEPS_BETWEEN_CHECKS)

    @property
    def epoch(self) -> str:
        return self._mirror.epoch

    def mark(self, visibility: Visibility, collections: Iterable[str]) -> str:
        """A text that changes when, and only when, something changes in these collections of the sources that this
        caller may see: the stamp of that change.

        Of a caller who is limited to some of their records it tells more than she may know.
        """
        with self.reading():
            changed = max(self._mark(visibility, name) for name in collections)
            row = self._db.execute("SELECT stamp FROM writes WHERE changed = ?", (changed,)).fetchone()
            return str(row[0] if row else changed)

    def _mark(self, visibility: Visibility, collection: str) -> int:
        sql, parameters = "SELECT max(changed) FROM marks WHERE collection = ?", [collection]
        if visibility.sources is not None:
            sql += f" AND source IN ({_VISIBLE})"
            parameters.append(_names(visibility))
        (mark,) = self._db.execute(sql, parameters).fetchone()
        return mark or 0

    def holds(self, collection: Collection) -> bool:
        """Whether there is any record of this class, whosever it is."""
        with self.reading():
            return self._db.execute(f'SELECT 1 FROM "{collection.name}" LIMIT 1').fetchone() is not None  # noqa: S608 - a name of ours

    def page(self, query: Query) -> Page:
        """One page, and how many records there are.

        :raises Busy: if it takes longer than the time limit.
        """
        with self.reading():
            horizon = self._look(query.visibility)
            sources = self._source_ids(query.visibility)
            statement = compile_page(replace(query, limit=query.limit + 1), sources, horizon)
            rows = self._db.execute(statement.sql, statement.parameters).fetchall()
            total = self._total(query)
            moved_from = self.moved_from
        more = len(rows) > query.limit
        rows = rows[: query.limit]
        documents = [row[2] for row in rows]
        if moved_from is not None:
            documents = [self._moved(document, moved_from) for document in documents]
        last = Place(rows[-1][0], rows[-1][1]) if rows else None
        return Page(self._as_seen(documents, query.collection, query.visibility), total, last, more)

    def one(
        self, collection: Collection, sourced_id: str, visibility: Visibility, preset: Condition | None = None
    ) -> str:
        """One record.

        :param preset: what the operation restricts to: ``/terms/{id}`` finds terms only.
        :raises UnknownObject: if there is none that this caller may see.
        """
        with self.reading():
            horizon = self._look(visibility)
            sources = self._source_ids(visibility)
            statement = compile_one(collection, sourced_id, visibility, sources, preset, horizon)
            row = self._db.execute(statement.sql, statement.parameters).fetchone()
            moved_from = self.moved_from
        if row is None:
            raise UnknownObject(f"there is no {collection.singular} with this sourcedId")
        document = str(row[0]) if moved_from is None else self._moved(str(row[0]), moved_from)
        (seen,) = self._as_seen([document], collection, visibility)
        return seen

    def _look(self, visibility: Visibility) -> Horizon | None:
        """Find out how far the caller sees who is answered now; ``None`` if that is all of her sources."""
        self._horizon = self._horizons.of(self._db, visibility) if visibility.is_limited else None
        return self._horizon

    def _visible_part(self, collection: str, document: str) -> str:
        """A document as a limited caller may see it, for SQL."""
        assert self._horizon is not None
        return encode(redacted(msgspec.json.decode(document), COLLECTIONS[collection], self._horizon.sees))

    def _as_seen(self, documents: Sequence[str], collection: Collection, visibility: Visibility) -> list[str]:
        """The documents as a caller may see them: the same texts for whoever may see all of them."""
        if not visibility.is_limited and visibility.privacy is PersonDetail.PUBLIC:
            return list(documents)
        shown = visibility.shown(COLLECTIONS[collection.name])
        sees = self._horizon.sees if self._horizon else None
        return [encode(redacted(msgspec.json.decode(document), shown, sees)) for document in documents]

    def _total(self, query: Query) -> int:
        tally = tally_of(query)
        if tally is None or query.visibility.is_limited:
            return self._count(query)
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

    def _count(self, query: Query) -> int:
        """Counted once, until something changes that the count depends on: a walk asks again on every page."""
        where = (query.preset, query.where, query.search)
        key = (query.collection.name, query.visibility, where)
        depends_on = {query.collection.name, *collections_in(query.preset), *collections_in(query.where)}
        if query.visibility.is_limited:
            depends_on = set(COLLECTIONS)  # what is seen of one depends on the others
        mark = self.mark(query.visibility, depends_on)
        known = self._counts.get(key)
        if known is not None and known[0] == mark:
            return known[1]
        statement = compile_count(query, self._source_ids(query.visibility), self._horizon)
        total = int(self._db.execute(statement.sql, statement.parameters).fetchone()[0])
        if len(self._counts) >= _COUNTS_KEPT:
            self._counts.clear()
        self._counts[key] = (mark, total)
        return total

    def _source_ids(self, visibility: Visibility) -> Mapping[str, int]:
        return {} if visibility.sources is None else self._mirror.source_ids()

    @property
    def moved_from(self) -> str | None:
        """The root that stored references are on, if it is another than the one that is served."""
        stored = self._mirror.public_url
        return stored if stored is not None and stored != self._public_url else None

    def _moved(self, document: str, old: str) -> str:
        return document.replace(f'"href":"{old}{ROSTERING_PATH}/', f'"href":"{self._public_url}{ROSTERING_PATH}/')

    @contextmanager
    def reading(self) -> Iterator[None]:
        """One read transaction for all that is read inside the block, so that it agrees.

        :raises Busy: if it takes longer than the time limit.
        """
        if self._db.conn.in_transaction:
            yield
            return
        self._deadline = time.monotonic() + self._time_limit
        self._db.execute("BEGIN")
        try:
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


def _names(visibility: Visibility) -> str:
    return json.dumps(sorted(visibility.sources or ()))
