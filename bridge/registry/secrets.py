"""Secrets that the bridge keeps from everybody, such as the key that cursors are encrypted with."""

import secrets

from sqlite_utils import Database

from bridge.clock import Clock, to_stamp


class Secrets:
    """Random secrets by name, the same for every process."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    def find(self, name: str) -> bytes | None:
        """The secret with this name, if it was ever asked for."""
        rows = self._db.execute("SELECT value FROM secrets WHERE name = ?", (name,)).fetchall()
        return bytes(rows[0][0]) if rows else None

    def put(self, name: str, value: bytes) -> None:
        """Take over a secret from another registry, in the place of the one with this name."""
        self._db.execute(
            "INSERT OR REPLACE INTO secrets (name, value, created) VALUES (?, ?, ?)",
            (name, value, to_stamp(self._clock())),
        )

    def get(self, name: str) -> bytes:
        """The 32 bytes with this name, made when first asked for."""
        self._db.execute(
            "INSERT OR IGNORE INTO secrets (name, value, created) VALUES (?, ?, ?)",
            (name, secrets.token_bytes(32), to_stamp(self._clock())),
        )
        ((value,),) = self._db.execute("SELECT value FROM secrets WHERE name = ?", (name,)).fetchall()
        return bytes(value)
