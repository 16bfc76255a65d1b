"""What operators have done on the pages: who, when, what, and about what. It is kept for 400 days."""

from dataclasses import dataclass
from datetime import timedelta

from sqlite_utils import Database

from bridge.clock import Clock, to_stamp

_KEPT_FOR = timedelta(days=400)


@dataclass(frozen=True, slots=True)
class Deed:
    """One thing that was done.

    :param action: in words, such as ``rotated the secret of``.
    :param subject: about what: an id or a number, never a person's name.
    """

    id: int
    at: str
    operator: str
    action: str
    subject: str


class Activity:
    """The record, newest first."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    def add(self, operator: str, action: str, subject: str = "") -> None:
        """Record that an operator has done something."""
        now = self._clock()
        self._db.execute("DELETE FROM activity WHERE at < ?", (to_stamp(now - _KEPT_FOR),))
        self._db.execute(
            "INSERT INTO activity (at, operator, action, subject) VALUES (?, ?, ?, ?)",
            (to_stamp(now), operator, action, subject),
        )

    def latest(self, limit: int, before: int | None = None) -> list[Deed]:
        """The latest, newest first.

        :param before: only those recorded before the one with this id.
        """
        rows = self._db.execute(
            "SELECT id, at, operator, action, subject FROM activity WHERE ? IS NULL OR id < ? ORDER BY id DESC LIMIT ?",
            (before, before, limit),
        )
        return [Deed(*row) for row in rows]
