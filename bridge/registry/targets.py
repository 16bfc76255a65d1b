"""Freshness targets of single contexts, which go before the platform's and the configuration's."""

from collections.abc import Mapping

from sqlite_utils import Database

from bridge.roster.identity import ContextKey


class Targets:
    """The contexts' own freshness targets, in hours."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def set(self, tenant: str, key: ContextKey, hours: int) -> None:
        """Give a context a target of its own."""
        self._db.execute(
            "INSERT OR REPLACE INTO context_targets (tenant, key, freshness_hours) VALUES (?, ?, ?)",
            (tenant, key, hours),
        )

    def clear(self, tenant: str, key: ContextKey) -> None:
        """Go back to the platform's target, or the configuration's."""
        self._db.execute("DELETE FROM context_targets WHERE tenant = ? AND key = ?", (tenant, key))

    def of(self, tenant: str, key: ContextKey) -> int | None:
        """A context's own target, if it has one."""
        row = self._db.execute(
            "SELECT freshness_hours FROM context_targets WHERE tenant = ? AND key = ?", (tenant, key)
        ).fetchone()
        return int(row[0]) if row else None

    def all(self) -> Mapping[tuple[str, ContextKey], int]:
        """Every target of a context's own."""
        rows = self._db.execute("SELECT tenant, key, freshness_hours FROM context_targets").fetchall()
        return {(tenant, ContextKey(key)): hours for tenant, key, hours in rows}
