"""Platforms and contexts that are not to be read by themselves until somebody says so."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlite_utils import Database

from bridge.clock import Clock, to_stamp
from bridge.roster.identity import ContextKey


@dataclass(frozen=True, slots=True)
class Pause:
    """That something is paused.

    :param since: the stamp at which it was.
    :param paused_by: who did it.
    :param reason: why, in the operator's or the bridge's words; may be empty.
    """

    since: str
    paused_by: str
    reason: str


class Pauses:
    """What is paused. Pausing again keeps the first pause's words."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    def pause_platform(self, platform_id: int, paused_by: str, reason: str = "") -> bool:
        """Read no context of a platform by itself; whether they were read so far."""
        cursor = self._db.execute(
            "INSERT OR IGNORE INTO platform_pauses (platform, since, paused_by, reason) VALUES (?, ?, ?, ?)",
            (platform_id, to_stamp(self._clock()), paused_by, reason),
        )
        return cursor.rowcount > 0

    def resume_platform(self, platform_id: int) -> bool:
        """Read its contexts again, those apart that are paused themselves; whether it was paused."""
        return self._db.execute("DELETE FROM platform_pauses WHERE platform = ?", (platform_id,)).rowcount > 0

    def pause_context(self, tenant: str, key: ContextKey, paused_by: str, reason: str = "") -> bool:
        """Read a context by itself no more; whether it was read so far."""
        cursor = self._db.execute(
            "INSERT OR IGNORE INTO context_pauses (tenant, key, since, paused_by, reason) VALUES (?, ?, ?, ?, ?)",
            (tenant, key, to_stamp(self._clock()), paused_by, reason),
        )
        return cursor.rowcount > 0

    def resume_context(self, tenant: str, key: ContextKey) -> bool:
        """Read a context again; whether it was paused."""
        cursor = self._db.execute("DELETE FROM context_pauses WHERE tenant = ? AND key = ?", (tenant, key))
        return cursor.rowcount > 0

    def covers(self, platform_id: int, tenant: str, key: ContextKey) -> bool:
        """Whether a context is paused, itself or with its platform."""
        row = self._db.execute(
            "SELECT EXISTS (SELECT 1 FROM platform_pauses WHERE platform = ?)"
            " OR EXISTS (SELECT 1 FROM context_pauses WHERE tenant = ? AND key = ?)",
            (platform_id, tenant, key),
        ).fetchone()
        return bool(row[0])

    def platforms(self) -> Mapping[int, Pause]:
        """The paused platforms, by id."""
        rows = self._db.execute("SELECT platform, since, paused_by, reason FROM platform_pauses").fetchall()
        return {platform: Pause(*rest) for platform, *rest in rows}

    def contexts(self) -> Mapping[tuple[str, ContextKey], Pause]:
        """The contexts that are paused themselves, by tenant and key."""
        rows = self._db.execute("SELECT tenant, key, since, paused_by, reason FROM context_pauses").fetchall()
        return {(tenant, ContextKey(key)): Pause(*rest) for tenant, key, *rest in rows}
