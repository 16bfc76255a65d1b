"""The mirror's file: opening it, and what it says of itself.

One connection per thread. The web opens it read-only; only the reconciler writes.
"""

from collections.abc import Mapping
from pathlib import Path

from sqlite_utils import Database

from bridge import storage
from bridge.migrations import migrate
from bridge.mirror.facets import number_facets
from bridge.mirror.query_sql import register_functions
from bridge.mirror.told import RECORDS, begin_anew

_WRITERS_WAIT = 120.0
"""Seconds that a writer waits for others: the first plan of a large context takes seconds for every 10,000 members."""

_WRITERS_CACHE = 32 * 1024
"""KiB of pages that a writer holds: records go into many indexes, each at a place of its own."""

_READERS_CACHE = 4 * 1024
"""KiB of pages that a reader holds, at most one connection for each thread. With SQLite's own 2 MiB, records that lie
all over the file take a third longer; more than 4 MiB gain nothing, at a million enrollments or at ten."""

_LOG_KEPT = 64 * 1024 * 1024
"""Bytes that the write-ahead log keeps for the next write, once what is in it has reached the file: a large write makes
it as large, and everybody who reads looks through it."""


class Mirror:
    """One connection to the mirror.

    :param db: an open, migrated database; it belongs to the thread that opened it.
    """

    def __init__(self, db: Database) -> None:
        self.db = db
        register_functions(db.conn)

    @classmethod
    def open(cls, path: Path) -> "Mirror":
        """Open for writing, made or migrated if need be.

        :raises bridge.errors.ConfigError: if the file cannot be used, or is newer than this version of the bridge.
        """
        db = storage.open_database(path, busy_timeout=_WRITERS_WAIT)
        migrate(db, "bridge.mirror.migrations")
        db.conn.execute(f"PRAGMA cache_size = -{_WRITERS_CACHE}")
        db.conn.execute(f"PRAGMA journal_size_limit = {_LOG_KEPT}").fetchone()
        number_facets(db)
        return cls(db)

    @classmethod
    def open_read_only(cls, path: Path) -> "Mirror":
        """Open for reading what :meth:`open` made.

        :raises bridge.errors.ConfigError: if there is no usable file.
        """
        db = storage.open_database(path, read_only=True)
        db.conn.execute(f"PRAGMA cache_size = -{_READERS_CACHE}")
        return cls(db)

    def close(self) -> None:
        self.db.close()

    @property
    def epoch(self) -> str:
        """New after every restore: marks of another epoch mean nothing here."""
        return self.noted("epoch") or ""

    @property
    def public_url(self) -> str | None:
        """The root on which the stored references are; ``None`` before the first record."""
        return self.noted("public_url")

    def rebase(self, public_url: str) -> None:
        """Move every stored reference to another public root, in one transaction, moving no stamp.

        To a consumer the records are the same: only the bridge's own address in them has changed.
        """
        if self.public_url == public_url:
            return  # without asking for the lock, which a large plan may hold for a while
        with storage.write(self.db):
            old = self.public_url
            if old is not None:
                # Nothing that tools are told holds a reference; but to the mirror every record changes.
                begin_anew(self.db, "kind = ?", RECORDS)
                before, after = (f'"href":"{root}/ims/oneroster/' for root in (old, public_url))
                for (collection,) in self.db.execute("SELECT DISTINCT collection FROM facet_fields").fetchall():
                    self.db.execute(
                        f'UPDATE "{collection}" SET document = replace(document, ?, ?)',  # noqa: S608 - our own names
                        (before, after),
                    )
            self.note("public_url", public_url)

    def source_ids(self) -> Mapping[str, int]:
        """The sources that the mirror has heard of."""
        return dict(self.db.execute("SELECT name, id FROM sources").fetchall())

    def add_source(self, name: str) -> int:
        """The number of a source, given on first use."""
        self.db.execute("INSERT OR IGNORE INTO sources (name) VALUES (?)", (name,))
        return int(self.db.execute("SELECT id FROM sources WHERE name = ?", (name,)).fetchone()[0])

    def noted(self, key: str) -> str | None:
        """Something that was noted about the mirror as a whole."""
        row = self.db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return str(row[0]) if row else None

    def note(self, key: str, value: str) -> None:
        """Note something, inside the write transaction that the caller holds."""
        self.db.execute("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", (key, value))
