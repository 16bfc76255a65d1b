"""OneRoster consumers that may ask the bridge for tokens.

Ids and secrets are made here, long and random, from ``A-Z a-z 0-9 _ -`` only: RFC 6749 section 2.3.1 has clients
percent-encode both before Basic authentication, which many skip, and with these letters it makes no difference.
Because a secret is random and not chosen, one round of SHA-256 is enough to store it.
"""

import hashlib
import hmac
import json
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from sqlite_utils import Database

from bridge.clock import Clock, to_stamp
from bridge.errors import InvalidRequest, UnknownObject
from bridge.roster.privacy import PersonDetail
from bridge.roster.visibility import Visibility
from bridge.storage import write

_SELECT = (
    "SELECT client_id, name, scopes, sources, orgs, classes, privacy, body_style, created, former_until, revoked,"
    " last_token FROM clients "
)
_NOBODY = hashlib.sha256(b"").digest()


class BodyStyle(StrEnum):
    """Whether the counters stand in the bodies of collections, beside the headers."""

    COUNTERS = "counters"
    STRICT = "strict"


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """One registered consumer.

    :param name: what the operator calls it.
    :param scopes: what it may ask for.
    :param sources: the tenants whose records it may see; ``None`` means all, also later ones.
    :param orgs: the orgs whose records it may see, and those below them; none means no limit.
    :param classes: the classes whose records it may see, beside those of the orgs.
    :param privacy: how much of a person it is told.
    :param body_style: ``None`` means as the setting says.
    :param former_until: the stamp until which its former secret is good, while it changes over to a new one.
    :param revoked: the stamp of its revocation.
    :param last_token: when it was last given an access token; ``None`` if never.
    """

    client_id: str
    name: str
    scopes: frozenset[str]
    sources: frozenset[str] | None
    orgs: frozenset[str]
    classes: frozenset[str]
    privacy: PersonDetail
    body_style: BodyStyle | None
    created: str
    former_until: str | None
    revoked: str | None
    last_token: str | None = None

    @property
    def visibility(self) -> Visibility:
        """What it may see."""
        return Visibility(self.sources, self.orgs, self.classes, self.privacy)


class Clients:
    """The registered consumers."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    def add(
        self,
        name: str,
        *,
        scopes: Iterable[str],
        sources: Iterable[str] | None = None,
        orgs: Iterable[str] = (),
        classes: Iterable[str] = (),
        privacy: PersonDetail = PersonDetail.PUBLIC,
        body_style: BodyStyle | str | None = None,
    ) -> tuple[Client, str]:
        """Register a consumer.

        :param sources: no source at all is refused, because it is ``None`` mistaken more often than meant.
        :returns: the consumer, and its secret, which is not stored and cannot be shown again.
        :raises InvalidRequest: if a value is impossible.
        """
        client = Client(
            client_id=secrets.token_hex(10),  # never begins with a dash, which a shell command would take for an option
            name=name,
            scopes=frozenset(scopes),
            sources=None if sources is None else frozenset(sources),
            orgs=frozenset(orgs),
            classes=frozenset(classes),
            privacy=privacy,
            body_style=_body_style(body_style),
            created=to_stamp(self._clock()),
            former_until=None,
            revoked=None,
        )
        if not client.scopes:
            raise InvalidRequest("scopes", "name at least one")
        _check_sources(client.sources)
        secret = _new_secret()
        self._db.execute(
            "INSERT INTO clients"
            " (client_id, name, secret_hash, scopes, sources, orgs, classes, privacy, body_style, created)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                client.client_id,
                client.name,
                _hash(secret),
                json.dumps(sorted(client.scopes)),
                None if client.sources is None else json.dumps(sorted(client.sources)),
                _listed(client.orgs),
                _listed(client.classes),
                client.privacy,
                client.body_style,
                client.created,
            ),
        )
        return client, secret

    def limit(self, client_id: str, visibility: Visibility) -> Client:
        """Change what a consumer may see, from its next request on.

        :raises UnknownObject: if there is no such consumer, or it is revoked.
        :raises InvalidRequest: if a value is impossible.
        """
        _check_sources(visibility.sources)
        changed = self._db.execute(
            "UPDATE clients SET sources = ?, orgs = ?, classes = ?, privacy = ?"
            " WHERE client_id = ? AND revoked IS NULL",
            (
                None if visibility.sources is None else json.dumps(sorted(visibility.sources)),
                _listed(visibility.orgs),
                _listed(visibility.classes),
                visibility.privacy,
                client_id,
            ),
        ).rowcount
        client = self.by_id(client_id)
        if not changed or client is None:
            raise _unknown(client_id)
        return client

    def authenticate(self, client_id: str, secret: str) -> Client | None:
        """The consumer with this id, if the secret is its own and it is not revoked."""
        rows = self._db.execute(
            "SELECT secret_hash, CASE WHEN former_until > ? THEN former_hash END FROM clients WHERE client_id = ?",
            (to_stamp(self._clock()), client_id),
        ).fetchall()
        (current, former) = rows[0] if rows else (_NOBODY, None)
        given = _hash(secret)
        # Both are compared, whatever the first comparison says.
        if not hmac.compare_digest(current, given) | hmac.compare_digest(former or current, given) or not rows:
            return None
        client = self.by_id(client_id)
        return client if client is not None and client.revoked is None else None

    def by_id(self, client_id: str) -> Client | None:
        """The consumer with this id, a revoked one included."""
        found = self._select("WHERE client_id = ?", client_id)
        return found[0] if found else None

    def all(self) -> list[Client]:
        """Every consumer, oldest first, revoked ones included."""
        return self._select("ORDER BY rowid")

    def rotate_secret(self, client_id: str, overlap: timedelta) -> str:
        """Give a consumer a new secret; the present one stays good for a while, and its tokens live on.

        :raises UnknownObject: if there is no such consumer, or it is revoked.
        """
        secret = _new_secret()
        changed = self._db.execute(
            "UPDATE clients SET former_hash = secret_hash, former_until = ?, secret_hash = ?"
            " WHERE client_id = ? AND revoked IS NULL",
            (to_stamp(self._clock() + overlap), _hash(secret), client_id),
        ).rowcount
        if not changed:
            raise _unknown(client_id)
        return secret

    def renew_secret(self, client_id: str) -> str:
        """Give a consumer a new secret; every old one and its tokens end at once.

        :raises UnknownObject: if there is no such consumer, or it is revoked.
        """
        secret = _new_secret()
        self._end_tokens(
            client_id,
            "UPDATE clients SET secret_hash = ?, former_hash = NULL, former_until = NULL"
            " WHERE client_id = ? AND revoked IS NULL",
            _hash(secret),
        )
        return secret

    def revoke(self, client_id: str) -> None:
        """Let a consumer in no more; its tokens end at once.

        :raises UnknownObject: if there is no such consumer, or it is revoked already.
        """
        self._end_tokens(
            client_id,
            "UPDATE clients SET revoked = ? WHERE client_id = ? AND revoked IS NULL",
            to_stamp(self._clock()),
        )

    def _end_tokens(self, client_id: str, statement: str, value: object) -> None:
        with write(self._db):
            if not self._db.execute(statement, (value, client_id)).rowcount:
                raise _unknown(client_id)
            self._db.execute("DELETE FROM tokens WHERE client_id = ?", (client_id,))

    def _select(self, rest: str, *parameters: str) -> list[Client]:
        rows = self._db.query(_SELECT + rest, parameters)
        return [
            Client(
                client_id=row["client_id"],
                name=row["name"],
                scopes=frozenset(json.loads(row["scopes"])),
                sources=None if row["sources"] is None else frozenset(json.loads(row["sources"])),
                orgs=frozenset(json.loads(row["orgs"] or "[]")),
                classes=frozenset(json.loads(row["classes"] or "[]")),
                privacy=PersonDetail(row["privacy"]),
                body_style=_body_style(row["body_style"]),
                created=row["created"],
                former_until=row["former_until"],
                revoked=row["revoked"],
                last_token=row["last_token"],
            )
            for row in list(rows)
        ]


def _check_sources(sources: frozenset[str] | None) -> None:
    if sources is not None and not sources:
        raise InvalidRequest("sources", "name at least one, or leave it out to let the client see every source")


def _unknown(client_id: str) -> UnknownObject:
    return UnknownObject(f"no client has the id {client_id}: see 'bridge clients list'")


def _listed(ids: frozenset[str]) -> str | None:
    return json.dumps(sorted(ids)) if ids else None


def _body_style(value: str | None) -> BodyStyle | None:
    try:
        return None if value is None else BodyStyle(value)
    except ValueError as error:
        raise InvalidRequest("body_style", f"must be one of {', '.join(BodyStyle)}") from error


def _new_secret() -> str:
    return secrets.token_urlsafe(32)


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
