"""Webhooks: who is told of changes, by whose word, how far each has come and how it goes.

A place is the number of an event in the mirror's outbox, and means something in one epoch of the mirror only.
"""

import json
import secrets
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlite_utils import Database

from bridge.clock import Clock, to_stamp
from bridge.errors import InvalidRequest, UnknownObject
from bridge.registry.sealing import Sealing
from bridge.roster.visibility import Visibility

_SECRET_BYTES = 32
_TABLE = "webhooks"
_SELECT = (
    "SELECT name, url, secret, sources, orgs, classes, collections, epoch, position, attempted, gap, failures,"
    " failing_since, next_try, problem, stopped, last_success, created FROM webhooks "
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """One subscriber.

    :param secret: what its messages are signed with.
    :param sources: the tenants of which it is told; ``None`` means all, also later ones.
    :param orgs: the orgs of whose records it is told; none means no limit.
    :param classes: the classes of whose records it is told, beside those of the orgs.
    :param position: the last event that it has accepted.
    :param attempted: the last event of the message that is being tried: the same message is tried again.
    :param gap: whether events were dropped that it has not been told of, nor of that.
    :param failures: how often in a row the message was not accepted.
    :param failing_since: the stamp of the first of these.
    :param next_try: the stamp before which it is left alone.
    :param problem: what went wrong last; empty if nothing has.
    :param stopped: the stamp at which the bridge gave up.
    """

    name: str
    url: str
    secret: bytes
    sources: frozenset[str] | None
    orgs: frozenset[str]
    classes: frozenset[str]
    collections: tuple[str, ...]
    epoch: str
    position: int
    attempted: int | None
    gap: bool
    failures: int
    failing_since: str | None
    next_try: str | None
    problem: str
    stopped: str | None
    last_success: str | None
    created: str

    @property
    def visibility(self) -> Visibility:
        """Of which records it is told."""
        return Visibility(self.sources, self.orgs, self.classes)


class Webhooks:
    """The registered webhooks.

    :param sealing: how their secrets lie in the file.
    """

    def __init__(self, db: Database, clock: Clock, sealing: Sealing) -> None:
        self._db = db
        self._clock = clock
        self._sealing = sealing

    def add(
        self,
        name: str,
        url: str,
        *,
        sources: Iterable[str] | None,
        orgs: Iterable[str] = (),
        classes: Iterable[str] = (),
        collections: Iterable[str],
        epoch: str,
        position: int,
    ) -> Webhook:
        """Register a subscriber to what comes after an event.

        :raises InvalidRequest: if the name is taken.
        """
        try:
            self._db.execute(
                "INSERT INTO webhooks"
                " (name, url, secret, sources, orgs, classes, collections, epoch, position, created)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    name,
                    url,
                    self._sealing.seal(secrets.token_bytes(_SECRET_BYTES), _TABLE, name),
                    None if sources is None else json.dumps(sorted(sources)),
                    json.dumps(sorted(orgs)),
                    json.dumps(sorted(classes)),
                    json.dumps(list(collections)),
                    epoch,
                    position,
                    to_stamp(self._clock()),
                ),
            )
        except sqlite3.IntegrityError as error:
            raise InvalidRequest("name", f"a webhook is called {name} already") from error
        return self.get(name)

    def get(self, name: str) -> Webhook:
        """The webhook with this name.

        :raises UnknownObject: if there is none.
        """
        if found := self._select("WHERE name = ?", name):
            return found[0]
        raise UnknownObject(f"no webhook is called {name}: see 'bridge webhooks list'")

    def all(self) -> list[Webhook]:
        """Every webhook, oldest first."""
        return self._select("ORDER BY rowid")

    def due(self) -> list[Webhook]:
        """Those that may be tried now."""
        return self._select(
            "WHERE stopped IS NULL AND (next_try IS NULL OR next_try <= ?) ORDER BY rowid", to_stamp(self._clock())
        )

    def remove(self, name: str) -> None:
        """Tell it no more.

        :raises UnknownObject: if there is none.
        """
        if not self._db.execute("DELETE FROM webhooks WHERE name = ?", (name,)).rowcount:
            raise UnknownObject(f"no webhook is called {name}: see 'bridge webhooks list'")

    def move(self, name: str, *, epoch: str, position: int, gap: bool) -> Webhook:
        """Put it elsewhere in the outbox: nothing in between is for it, or, with a gap, nothing is left of that."""
        self._db.execute(
            "UPDATE webhooks SET epoch = ?, position = ?, attempted = NULL, gap = ? WHERE name = ?",
            (epoch, position, gap, name),
        )
        return self.get(name)

    def attempt(self, name: str, last: int) -> None:
        """Note which message is about to be tried, by its last event: it is tried until it is accepted."""
        self._db.execute("UPDATE webhooks SET attempted = ? WHERE name = ?", (last, name))

    def accepted(self, name: str, position: int) -> None:
        """It has accepted the message."""
        self._db.execute(
            "UPDATE webhooks SET position = ?, attempted = NULL, gap = 0, failures = 0, failing_since = NULL,"
            " next_try = NULL, problem = '', stopped = NULL, last_success = ? WHERE name = ?",
            (position, to_stamp(self._clock()), name),
        )

    def failed(self, name: str, problem: str, next_try: datetime) -> None:
        """It has not accepted the message."""
        now = to_stamp(self._clock())
        self._db.execute(
            "UPDATE webhooks SET failures = failures + 1, failing_since = coalesce(failing_since, ?), next_try = ?,"
            " problem = ? WHERE name = ?",
            (now, to_stamp(next_try), problem, name),
        )

    def revive(self, name: str) -> None:
        """It has accepted a test: it is told again, from where it was."""
        self._db.execute(
            "UPDATE webhooks SET failures = 0, failing_since = NULL, next_try = NULL, problem = '', stopped = NULL,"
            " last_success = ? WHERE name = ?",
            (to_stamp(self._clock()), name),
        )

    def stop(self, name: str) -> None:
        """Try it no more, until it has accepted a test."""
        self._db.execute("UPDATE webhooks SET stopped = ? WHERE name = ?", (to_stamp(self._clock()), name))

    def _select(self, rest: str, *parameters: str) -> list[Webhook]:
        rows = list(self._db.query(_SELECT + rest, parameters))
        return [
            Webhook(
                **{
                    **row,
                    "secret": self._sealing.open(row["secret"], _TABLE, row["name"]),
                    "sources": None if row["sources"] is None else frozenset(json.loads(row["sources"])),
                    "orgs": frozenset(json.loads(row["orgs"] or "[]")),
                    "classes": frozenset(json.loads(row["classes"] or "[]")),
                    "collections": tuple(json.loads(row["collections"])),
                    "gap": bool(row["gap"]),
                }
            )
            for row in rows
        ]
