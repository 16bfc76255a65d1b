"""API keys, by which LTI tools talk to the bridge's own interface.

A key is random, shown once and kept as a hash. Two of a tool's may be live at a time, so that it can change one for the
other without a pause.
"""

import hashlib
import secrets
from dataclasses import dataclass

from sqlite_utils import Database

from bridge.clock import Clock, to_stamp
from bridge.errors import InvalidRequest, UnknownObject
from bridge.storage import write

MOST_LIVE = 2


@dataclass(frozen=True, slots=True)
class ToolKey:
    """One API key, without the key.

    :param id: its number, by which it is revoked.
    """

    id: int
    tool: str
    created: str
    revoked: str | None


class ToolKeys:
    """The API keys of all tools."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    def issue(self, tool: str) -> str:
        """Give a tool a new key, which cannot be shown again.

        :raises InvalidRequest: if the tool has two live ones already.
        """
        key = secrets.token_urlsafe(32)
        with write(self._db):
            live = [each for each in self.of(tool) if each.revoked is None]
            if len(live) >= MOST_LIVE:
                ids = " or ".join(str(each.id) for each in live)
                raise InvalidRequest("key", f"the tool has {MOST_LIVE} keys already: revoke {ids} first")
            self._db.execute(
                "INSERT INTO tool_keys (tool, hash, created) VALUES (?, ?, ?)",
                (tool, _hash(key), to_stamp(self._clock())),
            )
        return key

    def find(self, key: str) -> ToolKey | None:
        """What a presented key is, unless it is unknown or revoked."""
        found = self._select("WHERE hash = ? AND revoked IS NULL", _hash(key))
        return found[0] if found else None

    def of(self, tool: str) -> list[ToolKey]:
        """A tool's keys, oldest first, revoked ones included."""
        return self._select("WHERE tool = ? ORDER BY id", tool)

    def revoke(self, tool: str, key_id: int) -> None:
        """Let nobody in by this key any more.

        :raises UnknownObject: if the tool has no such live key.
        """
        revoked = self._db.execute(
            "UPDATE tool_keys SET revoked = ? WHERE tool = ? AND id = ? AND revoked IS NULL",
            (to_stamp(self._clock()), tool, key_id),
        ).rowcount
        if not revoked:
            raise UnknownObject(f"the tool has no live key {key_id}: see 'bridge feeders list'")

    def _select(self, rest: str, *parameters: object) -> list[ToolKey]:
        rows = self._db.execute(f"SELECT id, tool, created, revoked FROM tool_keys {rest}", parameters)  # noqa: S608
        return [ToolKey(*row) for row in rows.fetchall()]


def _hash(key: str) -> bytes:
    return hashlib.sha256(key.encode(errors="surrogatepass")).digest()
