"""Reading the mirror: pages and single records out, each as the text that goes on the wire.

Every read is one transaction, so a page and its total agree. Nothing is built per row: a record is stored as it is
served.
"""

import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from bridge.errors import Busy, UnknownObject
from bridge.mirror.mirror import Mirror
from bridge.mirror.query_sql import compile_count, compile_one, compile_page, tally_of
from bridge.roster.model import Collection
from bridge.roster.query import Condition, Place, Query
from bridge.roster.references import ROSTERING_PATH
from bridge.roster.visibility import Visibility

_STEPS_BETWEEN_CHECKS = 20_000
"""Virtual machine steps of SQLite between two looks at the clock: some tenths of a millisecond."""


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
    """

    def __init__(self, mirror: Mirror, *, public_url: str, time_limit: float = 10.0) -> None:
        self._mirror = mirror
        self._db = mirror.db
        self._public_url = public_url
        self._time_limit = time_limit
        self._deadline = float("inf")
        mirror.db.conn.set_progress_handler(self._is_late, _STEPS_BETWEEN_CHECKS)

    @property
    def epoch(self) -> str:
        return self._mirror.epoch

    def latest_stamp(self) -> str | None:
        """When the mirror last changed; ``None`` while it is empty."""
        with self._read():
            row = self._db.execute("SELECT stamp FROM writes ORDER BY changed DESC LIMIT 1").fetchone()
        return str(row[0]) if row else None

    def page(self, query: Query) -> Page:
        """One page, and how many records there are.

        :raises Busy: if it takes longer than the time limit.
        """
        with self._read():
            sources = self._mirror.source_ids()
            statement = compile_page(replace(query, limit=query.limit + 1), sources)
            rows = self._db.execute(statement.sql, statement.parameters).fetchall()
            total = self._total(query)
            moved_from = self._moved_from()
        more = len(rows) > query.limit
        rows = rows[: query.limit]
        documents = [row[2] for row in rows]
        if moved_from is not None:
            documents = [self._moved(document, moved_from) for document in documents]
        last = Place(rows[-1][0], rows[-1][1]) if rows else None
        return Page(documents, total, last, more)

    def one(
        self, collection: Collection, sourced_id: str, visibility: Visibility, preset: Condition | None = None
    ) -> str:
        """One record.

        :param preset: what the operation restricts to: ``/terms/{id}`` finds terms only.
        :raises UnknownObject: if there is none that this caller may see.
        """
        with self._read():
            statement = compile_one(collection, sourced_id, visibility, self._mirror.source_ids(), preset)
            row = self._db.execute(statement.sql, statement.parameters).fetchone()
            moved_from = self._moved_from()
        if row is None:
            raise UnknownObject(f"there is no {collection.singular} with this sourcedId")
        document = str(row[0])
        return document if moved_from is None else self._moved(document, moved_from)

    def _total(self, query: Query) -> int:
        tally = tally_of(query)
        if tally is None:
            statement = compile_count(query, self._mirror.source_ids())
            return int(self._db.execute(statement.sql, statement.parameters).fetchone()[0])
        status, kind = tally
        conditions, parameters = ["collection = ?", "kind = ?"], [query.collection.name, kind or ""]
        if status is not None:
            conditions.append("status = ?")
            parameters.append(status)
        if query.visibility.sources is not None:
            conditions.append("source IN (SELECT id FROM sources WHERE name IN (SELECT value FROM json_each(?)))")
            parameters.append(json.dumps(sorted(query.visibility.sources)))
        where = " AND ".join(conditions)
        sql = f"SELECT coalesce(sum(count), 0) FROM tallies WHERE {where}"  # noqa: S608 - the conditions are ours
        return int(self._db.execute(sql, parameters).fetchone()[0])

    def _moved_from(self) -> str | None:
        stored = self._mirror.public_url
        return stored if stored is not None and stored != self._public_url else None

    def _moved(self, document: str, old: str) -> str:
        return document.replace(f'"href":"{old}{ROSTERING_PATH}/', f'"href":"{self._public_url}{ROSTERING_PATH}/')

    @contextmanager
    def _read(self) -> Iterator[None]:
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
