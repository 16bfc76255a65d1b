"""What the web asks of the reconciler: the web never writes the mirror, it puts a request here.

Delivery is at least once: what is taken and not done is handed out again after :meth:`Inbox.reopen`.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database

from bridge.clock import Clock, to_stamp

FED = "fed"
"""The kind of what LTI tools hand in."""


@dataclass(frozen=True, slots=True)
class Item:
    """One request.

    :param kind: what is asked: a roster after a ``launch``, if it is stale, what a person has ordered
        (:mod:`bridge.registry.orders`), or that what was ``fed`` be taken up.
    :param payload: about what: the ``tenant`` and ``context`` key, or the ``platform``; of a launch also the ``user``,
        as the platform names her; of what was fed also the ``person``'s key and the ``word`` about her, unless it names
        nobody.
    """

    id: int
    kind: str
    payload: Mapping[str, Any]


class Inbox:
    """The waiting requests, in order."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    def put(self, kind: str, payload: Mapping[str, Any]) -> None:
        """Ask for something, unless just that waits already."""
        self._db.execute(
            "INSERT INTO inbox (kind, payload, created) VALUES (?, ?, ?)"
            " ON CONFLICT (kind, payload) WHERE taken IS NULL DO NOTHING",
            (kind, _text(payload), to_stamp(self._clock())),
        )

    def take(self, limit: int = 100) -> list[Item]:
        """Take the oldest waiting requests: nobody else is given them."""
        rows = self._db.execute(
            "UPDATE inbox SET taken = ? WHERE id IN (SELECT id FROM inbox WHERE taken IS NULL ORDER BY id LIMIT ?)"
            " RETURNING id, kind, payload",
            (to_stamp(self._clock()), limit),
        ).fetchall()
        return [Item(id_, kind, json.loads(payload)) for id_, kind, payload in sorted(rows)]

    def done(self, items: Iterable[Item]) -> None:
        """Forget requests that were fulfilled, or that never can be."""
        self._db.execute("DELETE FROM inbox WHERE id IN (SELECT value FROM json_each(?))", (_ids(items),))

    def reopen(self) -> None:
        """Let whatever was taken and not done wait again: for a reconciler that has just got its lease."""
        self._db.execute("UPDATE OR REPLACE inbox SET taken = NULL WHERE taken IS NOT NULL")

    def waiting(self) -> int:
        """How many requests nobody has taken yet."""
        (count,) = self._db.execute("SELECT count(*) FROM inbox WHERE taken IS NULL").fetchone()
        return int(count)

    def open(self) -> list[tuple[str, Mapping[str, Any]]]:
        """The kind and payload of whatever is not done yet, taken or not, oldest first."""
        rows = self._db.execute("SELECT kind, payload FROM inbox ORDER BY id").fetchall()
        return [(kind, json.loads(payload)) for kind, payload in rows]

    def holds(self, payload: Mapping[str, Any]) -> bool:
        """Whether this context's roster, whoever it may be for, is asked for and not read yet."""
        rows = self._db.execute(
            "SELECT 1 FROM inbox WHERE payload ->> '$.tenant' = ? AND payload ->> '$.context' = ?"
            " AND kind <> ? LIMIT 1",
            (payload["tenant"], payload["context"], FED),
        ).fetchall()
        return bool(rows)


def _text(payload: Mapping[str, Any]) -> str:
    return json.dumps(payload, ensure_ascii=False, sort_keys=True)


def _ids(items: Iterable[Item]) -> str:
    return json.dumps([item.id for item in items])
