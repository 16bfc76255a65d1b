"""OneRoster providers that rosters are read from: SISs, and other bridges."""

import dataclasses
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from sqlite_utils import Database

from bridge.clock import Clock, to_stamp
from bridge.errors import InvalidRequest, UnknownObject
from bridge.oneroster.client import Account
from bridge.oneroster.source import Changes
from bridge.registry.pauses import Pause
from bridge.registry.sealing import Sealing
from bridge.registry.tenants import check_tenant
from bridge.roster.identity import ContextKey
from bridge.roster.records import WHOLE_SOURCE
from bridge.storage import write
from bridge.transport.client_secret import Auth, Credentials

VERSIONS = ("1.2", "1.1")
_PREFIX = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}")
_SIGNED = frozenset({Auth.OAUTH1_SHA256, Auth.OAUTH1_SHA1})
_TABLE = "sources"
_PAUSE = ("since", "paused_by", "reason")
_SELECT = (
    "SELECT sources.*, since, paused_by, reason FROM sources LEFT JOIN source_pauses ON source_pauses.source = name"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredSource:
    """A provider and how it is read.

    :param name: the source's name in the mirror, which visibility goes by; it stays.
    :param base_url: what the collections' names go behind.
    :param version: of OneRoster; it decides which scopes are asked for, where none are given.
    :param prefix: goes before every sourcedId; it stays too.
    :param demographics: whether these are read.
    :param changes: how it is asked for what has changed.
    :param page_limit: how many records to ask for at a time; ``None``: as the setting says.
    :param freshness_hours: within which it is to be read; ``None``: likewise.
    :param pause: that it is not to be read by itself, if it is not.
    """

    name: str
    base_url: str
    version: str = "1.2"
    credentials: Credentials
    prefix: str = ""
    demographics: bool = False
    changes: Changes = Changes.INSTANT
    page_limit: int | None = None
    freshness_hours: int | None = None
    created: str = ""
    pause: Pause | None = None

    # What the reconciler knows it by: a source that states records is one context, and has no platform.

    @property
    def tenant(self) -> str:
        """The source."""
        return self.name

    @property
    def key(self) -> ContextKey:
        """Its one context: all of it."""
        return WHOLE_SOURCE

    @property
    def lane(self) -> str:
        """With what it takes turns: with nothing."""
        return self.lease

    @property
    def lease(self) -> str:
        """The name of the lease that whoever reconciles it holds."""
        return f"source {self.name}"

    @property
    def account(self) -> Account:
        """Where and how it is asked."""
        return Account(name=self.name, base_url=self.base_url, credentials=self.credentials)


class Sources:
    """The registered providers.

    :param sealing: how their secrets lie in the file.
    """

    def __init__(self, db: Database, clock: Clock, sealing: Sealing) -> None:
        self._db = db
        self._clock = clock
        self._sealing = sealing

    def add(self, source: RegisteredSource) -> RegisteredSource:
        """Register a provider.

        :raises InvalidRequest: if a value is impossible, or the name is another source's or an LMS's.
        """
        now = to_stamp(self._clock())
        source = _checked(dataclasses.replace(source, created=now))
        with write(self._db):
            self.check_new(source.name)
            self._db.execute("INSERT OR IGNORE INTO tenants (name, created) VALUES (?, ?)", (source.name, now))
            row = self._row(source)
            self._db.execute(
                f"INSERT INTO sources ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})",  # noqa: S608
                tuple(row.values()),
            )
        return source

    def check_new(self, name: str) -> None:
        """Accept a name that a provider can be registered with.

        :raises InvalidRequest: if it is impossible, or another source's or an LMS's.
        """
        _check_name(name)
        if self._db.execute("SELECT 1 FROM platforms WHERE tenant = ?", (name,)).fetchone():
            raise InvalidRequest("name", f"{name} is the tenant of a platform: choose another name")
        if self._db.execute("SELECT 1 FROM sources WHERE name = ?", (name,)).fetchone():
            raise InvalidRequest("name", f"there is a source {name} already: see 'bridge sources list'")

    def update(self, source: RegisteredSource) -> RegisteredSource:
        """Store what has changed about a registered provider; its name, its prefix and its pause stay.

        :raises UnknownObject: if there is none of this name.
        :raises InvalidRequest: if a value is impossible.
        """
        with write(self._db):
            former = self.get(source.name)
            source = dataclasses.replace(source, prefix=former.prefix, created=former.created, pause=former.pause)
            row = self._row(_checked(source))
            self._db.execute(
                f"UPDATE sources SET ({', '.join(row)}) = ({', '.join('?' * len(row))}) WHERE name = ?",  # noqa: S608
                (*row.values(), source.name),
            )
        return source

    def set_secret(self, name: str, secret: str) -> None:
        """Put a provider's new secret in the place of the old one.

        :raises UnknownObject: if there is none of this name.
        :raises InvalidRequest: if the secret is empty.
        """
        source = self.get(name)
        self.update(dataclasses.replace(source, credentials=dataclasses.replace(source.credentials, secret=secret)))

    def remove(self, name: str) -> None:
        """Forget a provider; what the mirror holds of it stays there, and the name stays taken.

        :raises UnknownObject: if there is none of this name.
        """
        if not self._db.execute("DELETE FROM sources WHERE name = ?", (name,)).rowcount:
            raise _unknown(name)

    def pause(self, name: str, paused_by: str, reason: str = "") -> bool:
        """Read a provider by itself no more; whether it was read so far."""
        cursor = self._db.execute(
            "INSERT OR IGNORE INTO source_pauses (source, since, paused_by, reason) VALUES (?, ?, ?, ?)",
            (name, to_stamp(self._clock()), paused_by, reason),
        )
        return cursor.rowcount > 0

    def resume(self, name: str) -> bool:
        """Read it again; whether it was paused."""
        return self._db.execute("DELETE FROM source_pauses WHERE source = ?", (name,)).rowcount > 0

    def get(self, name: str) -> RegisteredSource:
        """The provider of this name.

        :raises UnknownObject: if there is none.
        """
        if found := self._select("WHERE name = ?", name):
            return found[0]
        raise _unknown(name)

    def all(self) -> list[RegisteredSource]:
        """Every one, by name."""
        return self._select("ORDER BY name")

    def _select(self, rest: str, *parameters: str) -> list[RegisteredSource]:
        rows = self._db.query(
            f"{_SELECT} {rest}",
            parameters,
        )
        return [self._source(row) for row in list(rows)]

    def _row(self, source: RegisteredSource) -> dict[str, Any]:
        row = {field.name: getattr(source, field.name) for field in dataclasses.fields(source)}
        credentials = row.pop("credentials")
        del row["pause"]
        row |= {name: getattr(credentials, name) for name in ("auth", "token_url", "client_id")}
        row["secret"] = self._sealing.seal(credentials.secret.encode(), _TABLE, source.name).decode()
        return {**row, "demographics": int(row["demographics"]), "scopes": json.dumps(credentials.scopes)}

    def _source(self, row: Mapping[str, Any]) -> RegisteredSource:
        values = dict(row)
        pause = Pause(*(values.pop(name) for name in _PAUSE))
        credentials = Credentials(
            client_id=values.pop("client_id"),
            secret=self._sealing.open(values.pop("secret").encode(), _TABLE, values["name"]).decode(),
            token_url=values.pop("token_url"),
            auth=Auth(values.pop("auth")),
            scopes=tuple(json.loads(values.pop("scopes"))),
        )
        values |= {"demographics": bool(values["demographics"]), "changes": Changes(values["changes"])}
        return RegisteredSource(**values, credentials=credentials, pause=pause if pause.since else None)


def check_prefix(prefix: str) -> None:
    """Accept what can go before sourcedIds; nothing can.

    :raises InvalidRequest: if it cannot.
    """
    if prefix and not _PREFIX.fullmatch(prefix):
        raise InvalidRequest(
            "prefix", "must be 1 to 32 of letters, digits, '.', '_' and '-', beginning with a letter or a digit"
        )


def _check_name(name: str) -> None:
    try:
        check_tenant(name)
    except InvalidRequest as error:
        raise InvalidRequest("name", error.reason) from None


def _checked(source: RegisteredSource) -> RegisteredSource:
    _check_name(source.name)
    if source.version not in VERSIONS:
        raise InvalidRequest("version", f"must be one of {', '.join(VERSIONS)}")
    check_prefix(source.prefix)
    _check_url("base_url", source.base_url)
    if source.credentials.auth not in _SIGNED:
        _check_url("token_url", source.credentials.token_url)
    elif source.credentials.token_url:
        raise InvalidRequest("token_url", "where requests are signed (OAuth 1.0a) no token is asked for")
    for name in ("client_id", "secret"):
        if not getattr(source.credentials, name).strip():
            raise InvalidRequest(name, "must not be empty")
    for name in ("page_limit", "freshness_hours"):
        value = getattr(source, name)
        if value is not None and value < 1:
            raise InvalidRequest(name, "must be at least 1")
    return dataclasses.replace(source, base_url=source.base_url.rstrip("/"))


def _check_url(name: str, url: str) -> None:
    try:
        parts = urlsplit(url)
        good = parts.scheme in {"https", "http"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good or (name == "base_url" and (parts.query or parts.fragment)):
        raise InvalidRequest(name, "must be an absolute http or https URL, the base URL without a query")


def _unknown(name: str) -> UnknownObject:
    return UnknownObject(f"there is no source {name}: see 'bridge sources list'")
