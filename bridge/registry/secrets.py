"""Secrets that the bridge keeps from everybody, such as the key that cursors are encrypted with."""

import secrets

from sqlite_utils import Database

from bridge.clock import Clock, to_stamp
from bridge.registry.sealing import Sealing

_TABLE = "secrets"


class Secrets:
    """Random secrets by name, the same for every process.

    :param sealing: how they lie in the file.
    :raises ConfigError: from whatever reads or stores a secret, if that cannot be opened or sealed.
    """

    def __init__(self, db: Database, clock: Clock, sealing: Sealing) -> None:
        self._db = db
        self._clock = clock
        self._sealing = sealing

    def find(self, name: str) -> bytes | None:
        """The secret with this name, if it was ever asked for."""
        rows = self._db.execute("SELECT value FROM secrets WHERE name = ?", (name,)).fetchall()
        return self._sealing.open(bytes(rows[0][0]), _TABLE, name) if rows else None

    def put(self, name: str, value: bytes) -> None:
        """Take over a secret from another registry, in the place of the one with this name."""
        self._db.execute(
            "INSERT OR REPLACE INTO secrets (name, value, created) VALUES (?, ?, ?)",
            (name, self._sealing.seal(value, _TABLE, name), to_stamp(self._clock())),
        )

    def get(self, name: str) -> bytes:
        """The 32 bytes with this name, made when first asked for."""
        found = self.find(name)
        if found is None:
            self._db.execute(
                "INSERT OR IGNORE INTO secrets (name, value, created) VALUES (?, ?, ?)",
                (name, self._sealing.seal(secrets.token_bytes(32), _TABLE, name), to_stamp(self._clock())),
            )
            found = self.find(name)  # another process may have been first
            assert found is not None
        return found
