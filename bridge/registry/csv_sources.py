"""Sources whose records come in CSV files that somebody hands over, and no network is asked for."""

from dataclasses import dataclass

from sqlite_utils import Database

from bridge.clock import Clock, to_stamp
from bridge.errors import InvalidRequest
from bridge.registry.sources import check_prefix
from bridge.registry.tenants import check_tenant
from bridge.roster.identity import ContextKey
from bridge.roster.records import WHOLE_SOURCE
from bridge.storage import write


@dataclass(frozen=True, slots=True)
class CsvSource:
    """A source of imports.

    :param name: the source's name in the mirror, which visibility goes by.
    :param prefix: goes before every sourcedId; it stays as it was at the first import.
    """

    name: str
    prefix: str = ""

    @property
    def tenant(self) -> str:
        """The source."""
        return self.name

    @property
    def key(self) -> ContextKey:
        """Its one context: all of it."""
        return WHOLE_SOURCE

    @property
    def lease(self) -> str:
        """The name of the lease that whoever reconciles it holds: the same as a registered provider's."""
        return f"source {self.name}"


class CsvSources:
    """The sources of imports."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    def resolve(self, name: str, prefix: str | None = None) -> CsvSource:
        """The source of this name, which need not be known yet; nothing is stored.

        The files of a provider that is registered may be imported too: they are then its word, with its prefix.

        :param prefix: the one that is expected; ``None`` is whichever there is, and none for a new source.
        :raises InvalidRequest: if the name or the prefix is impossible, if the source has another prefix, or if the
            name is an LMS's.
        """
        try:
            check_tenant(name)
        except InvalidRequest as error:
            raise InvalidRequest("source", error.reason) from None
        check_prefix(prefix or "")
        if self._db.execute("SELECT 1 FROM platforms WHERE tenant = ?", (name,)).fetchone():
            raise InvalidRequest("source", f"{name} is the tenant of a platform: choose another name")
        known = self._db.execute(
            "SELECT prefix FROM sources WHERE name = :name UNION ALL SELECT prefix FROM csv_sources WHERE name = :name",
            {"name": name},
        ).fetchone()
        if known is None:
            return CsvSource(name, prefix or "")
        if prefix is not None and prefix != known[0]:
            raise InvalidRequest("prefix", f"source {name} has another prefix, or none, and keeps it: leave it out")
        return CsvSource(name, str(known[0]))

    def find(self, name: str) -> CsvSource | None:
        """The source of this name, if files of it were imported."""
        row = self._db.execute("SELECT name, prefix FROM csv_sources WHERE name = ?", (name,)).fetchone()
        return None if row is None else CsvSource(*row)

    def all(self) -> list[CsvSource]:
        """Every one, by name."""
        return [CsvSource(*row) for row in self._db.execute("SELECT name, prefix FROM csv_sources ORDER BY name")]

    def add(self, source: CsvSource) -> None:
        """Keep a source's prefix for the imports to come. Once more does no harm."""
        now = to_stamp(self._clock())
        with write(self._db):
            self._db.execute("INSERT OR IGNORE INTO tenants (name, created) VALUES (?, ?)", (source.name, now))
            self._db.execute(
                "INSERT OR IGNORE INTO csv_sources (name, prefix, created) VALUES (?, ?, ?)",
                (source.name, source.prefix, now),
            )
