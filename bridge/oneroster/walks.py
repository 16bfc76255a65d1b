"""Where clients that count offsets have come to.

A client that follows ``next`` carries its place itself. One that adds its page size to ``offset`` does not: if a record
leaves a filtered collection between two of its pages, everything behind moves up by one and somebody is skipped. So
the place after each page is remembered, by client and query, and a page that begins where one ended continues there.

It is a memory and nothing more: the file may be deleted while the bridge does not run, what is older than a day is
forgotten, and a page is served whether or not its place could be kept. A request at offset 0 begins anew. Two crawls of
the same query by one client at the same time are not told apart: such clients should follow ``next``.
"""

import hashlib
import sqlite3
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Self

import structlog
from sqlite_utils import Database

from bridge import storage
from bridge.clock import Clock, to_stamp, utc_now
from bridge.migrations import migrate
from bridge.oneroster.paging import Served, Walk
from bridge.roster.query import Place

log = structlog.get_logger(__name__)

KEPT_FOR = timedelta(days=1)

_WAIT = 1.0
"""Seconds for another process to finish writing: a page is not worth more."""
_WRITES_BETWEEN_CLEARING = 1_000


class Walks:
    """The places of all clients, on one connection."""

    def __init__(self, db: Database, clock: Clock = utc_now) -> None:
        self.db = db
        self._clock = clock
        self._writes = 0

    @classmethod
    def open(cls, path: Path, clock: Clock = utc_now) -> Self:
        """Open the file, made if need be.

        :raises bridge.errors.ConfigError: if it cannot be used.
        """
        db = storage.open_database(path, busy_timeout=_WAIT)
        migrate(db, "bridge.oneroster.migrations")
        db.conn.execute("PRAGMA synchronous = OFF")  # what a crash loses, nobody misses
        return cls(db, clock)

    def close(self) -> None:
        self.db.close()

    def forget_all(self) -> None:
        """Forget every place, inside the write transaction that the caller holds."""
        self.db.execute("DELETE FROM places")

    def find(self, client_id: str, query: str, offset: int) -> Walk | None:
        """The walk that has come to this offset, if one is remembered."""
        row = self.db.conn.execute(
            "SELECT seq, key, total FROM places WHERE client = ? AND query = ? AND offset = ?",
            (client_id, _digest(query), offset),
        ).fetchone()
        return None if row is None else Walk(Place(row[0], row[1]), offset, row[2])

    def keep(self, client_id: str, query: str, served: Served) -> None:
        """Keep the place at the end of a page. A page at offset 0 ends what was before.

        An empty page ends the walk for whoever asks for it again: she counts on from what there is now.
        """
        key = (client_id, _digest(query))
        rows = [(walk.offset, walk.place.seq, walk.place.key, walk.total) for walk in served.counted_on]
        if served.offset == 0:
            known = self.db.conn.execute(
                "SELECT offset, seq, key, total FROM places WHERE client = ? AND query = ? LIMIT 2", key
            ).fetchall()
            if known == rows:
                return  # many clients look at the same first page again and again, and at nothing else
            self._write(("DELETE FROM places WHERE client = ? AND query = ?", key), key, rows)
        elif rows:
            over = None if served.count else served.offset
            self._write(("DELETE FROM places WHERE client = ? AND query = ? AND offset = ?", (*key, over)), key, rows)

    def _write(
        self,
        deletion: tuple[str, tuple[object, ...]],
        key: tuple[str, bytes],
        rows: Sequence[tuple[int, int, str | None, int]],
    ) -> None:
        now = self._clock()
        try:
            with storage.write(self.db):
                self.db.conn.execute(*deletion)
                if self._writes % _WRITES_BETWEEN_CLEARING == 0:  # the first one, too
                    self.db.conn.execute("DELETE FROM places WHERE kept < ?", (to_stamp(now - KEPT_FOR),))
                for row in rows:
                    self.db.conn.execute(
                        "INSERT OR REPLACE INTO places (client, query, offset, seq, key, total, kept)"
                        " VALUES (?, ?, ?, ?, ?, ?, ?)",
                        (*key, *row, to_stamp(now)),
                    )
        except sqlite3.OperationalError as error:
            log.warning("walk_not_kept", reason=str(error))
        self._writes += 1


def _digest(query: str) -> bytes:
    return hashlib.blake2b(query.encode(), digest_size=16).digest()
