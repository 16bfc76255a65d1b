"""Access tokens that the bridge has issued, by their hash: the file gives no token away."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from sqlite_utils import Database

from bridge.clock import Clock, to_stamp

_OWNERS = {"tokens": "clients", "tool_tokens": "tools"}


@dataclass(frozen=True, slots=True)
class StoredToken:
    """Whose token it is, and what it is good for."""

    client_id: str
    scopes: frozenset[str]


class Tokens:
    """The issued tokens of one kind of caller.

    :param table: where they are: ``tokens`` of OneRoster consumers, ``tool_tokens`` of LTI tools.
    """

    def __init__(self, db: Database, clock: Clock, table: str = "tokens") -> None:
        self._db = db
        self._clock = clock
        self._table = table

    def add(self, token_hash: bytes, client_id: str, scopes: Iterable[str], lifetime: timedelta) -> None:
        """Store a token for its lifetime, note that its client has got one, and forget those that have expired."""
        now = self._clock()
        self._db.execute(f"DELETE FROM {self._table} WHERE expires <= ?", (to_stamp(now),))  # noqa: S608 - a name of ours
        self._db.execute(
            f"INSERT INTO {self._table} (hash, client_id, scopes, expires) VALUES (?, ?, ?, ?)",  # noqa: S608 - likewise
            (token_hash, client_id, json.dumps(sorted(scopes)), to_stamp(now + lifetime)),
        )
        owners = _OWNERS[self._table]
        self._db.execute(f"UPDATE {owners} SET last_token = ? WHERE client_id = ?", (to_stamp(now), client_id))  # noqa: S608

    def find(self, token_hash: bytes) -> StoredToken | None:
        """The token with this hash, unless it has expired."""
        rows = self._db.execute(
            f"SELECT client_id, scopes FROM {self._table} WHERE hash = ? AND expires > ?",  # noqa: S608 - likewise
            (token_hash, to_stamp(self._clock())),
        ).fetchall()
        return StoredToken(rows[0][0], frozenset(json.loads(rows[0][1]))) if rows else None
