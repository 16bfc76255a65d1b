"""Access tokens that the bridge has issued, by their hash: the file gives no token away."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from sqlite_utils import Database

from bridge.clock import Clock, to_stamp


@dataclass(frozen=True, slots=True)
class StoredToken:
    """Whose token it is, and what it is good for."""

    client_id: str
    scopes: frozenset[str]


class Tokens:
    """The issued tokens."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    def add(self, token_hash: bytes, client_id: str, scopes: Iterable[str], lifetime: timedelta) -> None:
        """Store a token for its lifetime, and forget those that have expired."""
        now = self._clock()
        self._db.execute("DELETE FROM tokens WHERE expires <= ?", (to_stamp(now),))
        self._db.execute(
            "INSERT INTO tokens (hash, client_id, scopes, expires) VALUES (?, ?, ?, ?)",
            (token_hash, client_id, json.dumps(sorted(scopes)), to_stamp(now + lifetime)),
        )

    def find(self, token_hash: bytes) -> StoredToken | None:
        """The token with this hash, unless it has expired."""
        rows = self._db.execute(
            "SELECT client_id, scopes FROM tokens WHERE hash = ? AND expires > ?",
            (token_hash, to_stamp(self._clock())),
        ).fetchall()
        return StoredToken(rows[0][0], frozenset(json.loads(rows[0][1]))) if rows else None
