"""Leases: who alone may do a thing for a while.

A holder that sleeps past its lease may wake and still believe in it. So each new holding has a higher ``fence``,
and what is guarded refuses a fence lower than the highest that it has seen.
"""

from dataclasses import dataclass
from datetime import timedelta

from sqlite_utils import Database

from bridge.clock import Clock, to_stamp

_LONG_AGO = "1970-01-01T00:00:00.000Z"
"""When a lease that was let go has ended: not now, for the clock may be put back."""


@dataclass(frozen=True, slots=True)
class Lease:
    """One holding of a lease.

    :param holder: who holds it, unique per process.
    :param expires: the stamp at which it ends unless renewed.
    :param progress: how far the holder has come, in whatever it counts; ``None`` if it has not said.
    """

    name: str
    holder: str
    expires: str
    fence: int
    progress: int | None = None


class Leases:
    """The leases, by name."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    def acquire(self, name: str, holder: str, duration: timedelta) -> Lease | None:
        """Get a lease that nobody holds; ``None`` while somebody does, be it the same holder."""
        now = self._clock()
        return self._one(
            "INSERT INTO leases (name, holder, expires, fence) VALUES (:name, :holder, :expires, 1)"
            " ON CONFLICT (name) DO UPDATE SET"
            " holder = :holder, expires = :expires, fence = fence + 1, progress = NULL"
            " WHERE expires <= :now",
            name=name,
            holder=holder,
            expires=to_stamp(now + duration),
            now=to_stamp(now),
        )

    def renew(self, lease: Lease, duration: timedelta, progress: int | None = None) -> Lease | None:
        """Hold on to a lease; ``None`` if it has ended, even if nobody has taken it since.

        :param progress: how far its holder has come, for whoever watches.
        """
        now = self._clock()
        return self._one(
            "UPDATE leases SET expires = :expires, progress = :progress"
            " WHERE name = :name AND holder = :holder AND fence = :fence AND expires > :now",
            name=lease.name,
            holder=lease.holder,
            fence=lease.fence,
            expires=to_stamp(now + duration),
            progress=progress,
            now=to_stamp(now),
        )

    def release(self, lease: Lease) -> None:
        """Let a lease go before it ends; nothing happens if it is somebody else's by now."""
        self._one(
            "UPDATE leases SET expires = :past WHERE name = :name AND holder = :holder AND fence = :fence",
            name=lease.name,
            holder=lease.holder,
            fence=lease.fence,
            past=_LONG_AGO,
        )

    def end_all(self) -> None:
        """End every holding: for a registry that was restored, whose holders are no more."""
        self._db.execute("UPDATE leases SET expires = ?", (_LONG_AGO,))

    def held(self, name: str) -> Lease | None:
        """The present holding of a lease, if any."""
        rows = self._db.execute(
            "SELECT name, holder, expires, fence, progress FROM leases WHERE name = ? AND expires > ?",
            (name, to_stamp(self._clock())),
        ).fetchall()
        return Lease(*rows[0]) if rows else None

    def _one(self, statement: str, **parameters: object) -> Lease | None:
        rows = self._db.execute(f"{statement} RETURNING name, holder, expires, fence, progress", parameters).fetchall()
        return Lease(*rows[0]) if rows else None
