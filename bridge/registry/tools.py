"""LTI tools that the bridge, as a platform, knows: what each may see, what it is told, and the keys it signs with.

A tool is known by the client id that it is given here. It proves who it is by signing (1EdTech Security Framework 1.0
section 4.1): its public keys are read at its own URL, or were pasted.
"""

import dataclasses
import json
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from sqlite_utils import Database

from bridge.clock import Clock, to_stamp
from bridge.errors import InvalidRequest, UnknownObject
from bridge.roster.identity import SourcedId
from bridge.roster.sharing import PrivacyLevel, Share, UserIds
from bridge.roster.visibility import Visibility
from bridge.storage import write

DEFAULT_SHARES = (Share.NAMES, Share.EMAIL)

_STORED = ("name", "jwks_url", "key_set", "sources", "classes", "shares", "user_ids", "version", "created", "revoked")
_COLUMNS = ", ".join(("client_id", *_STORED))


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """One registered tool.

    :param name: what the operator calls it.
    :param jwks_url: where its public keys are read; ``None`` if they were pasted.
    :param key_set: the pasted public keys, a JWK set as JSON text; ``None`` if they are read at a URL.
    :param sources: whose classes it may read; ``None`` means every source's, also later ones.
    :param classes: the classes among these that it may read; ``None`` means all, also later ones.
    :param privacy: what it is told of members.
    :param user_ids: by which id.
    :param version: moves whenever one of the last four does: what the tool was given before is void then.
    :param revoked: the stamp of its revocation.
    :param last_token: when it was last given an access token; ``None`` if never.
    """

    client_id: str
    name: str
    jwks_url: str | None
    key_set: str | None
    sources: frozenset[str] | None
    classes: frozenset[SourcedId] | None
    privacy: PrivacyLevel
    user_ids: UserIds
    version: int
    created: str
    revoked: str | None
    last_token: str | None = None

    @property
    def visibility(self) -> Visibility:
        """What it may see of the mirror, as far as sources decide: see :meth:`may_read`."""
        return Visibility(self.sources)

    def may_read(self, class_: SourcedId) -> bool:
        """Whether a class of a source that it may see is among its own."""
        return self.classes is None or class_ in self.classes


class Tools:
    """The registered tools."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    def add(
        self,
        name: str,
        *,
        jwks_url: str | None = None,
        key_set: str | None = None,
        sources: Iterable[str] | None = None,
        classes: Iterable[str] | None = None,
        shares: Iterable[Share | str] = DEFAULT_SHARES,
        user_ids: UserIds | str = UserIds.LMS,
    ) -> Tool:
        """Register a tool. It is given its client id.

        :param jwks_url: where its public keys are read; or else
        :param key_set: its public keys, a JWK set as JSON text.
        :raises InvalidRequest: if a value is impossible.
        """
        tool = Tool(
            client_id=secrets.token_hex(10),  # never begins with a dash, which a shell command would take for an option
            name=name,
            jwks_url=jwks_url,
            key_set=key_set,
            sources=_some("sources", sources),
            classes=_ids(_some("classes", classes)),
            privacy=_privacy(shares),
            user_ids=_user_ids(user_ids),
            version=1,
            created=to_stamp(self._clock()),
            revoked=None,
        )
        _check_keys(tool)
        row = _row(tool)
        places = ", ".join("?" * len(row))
        self._db.execute(f"INSERT INTO tools ({_COLUMNS}) VALUES ({places})", row)  # noqa: S608 - our own names
        return tool

    def by_id(self, client_id: str) -> Tool | None:
        """The tool with this client id, a revoked one included."""
        found = self._select("WHERE client_id = ?", client_id)
        return found[0] if found else None

    def get(self, client_id: str) -> Tool:
        """The tool with this client id, a revoked one included.

        :raises UnknownObject: if there is none.
        """
        tool = self.by_id(client_id)
        if tool is None:
            raise _unknown(client_id)
        return tool

    def all(self) -> list[Tool]:
        """Every tool, oldest first, revoked ones included."""
        return self._select("ORDER BY rowid")

    def set(
        self,
        client_id: str,
        *,
        name: str | None = None,
        sources: Iterable[str] | None = None,
        every_source: bool = False,
        classes: Iterable[str] | None = None,
        every_class: bool = False,
        shares: Iterable[Share | str] | None = None,
        user_ids: UserIds | str | None = None,
    ) -> Tool:
        """Change what is given; the rest stays as it is. A change of what it may see or is told moves its version.

        :raises UnknownObject: if there is no such tool.
        :raises InvalidRequest: if a value is impossible.
        """
        with write(self._db):
            former = self.get(client_id)
            tool = dataclasses.replace(
                former,
                name=former.name if name is None else name,
                sources=None if every_source else (_some("sources", sources) or former.sources),
                classes=None if every_class else (_ids(_some("classes", classes)) or former.classes),
                privacy=former.privacy if shares is None else _privacy(shares),
                user_ids=former.user_ids if user_ids is None else _user_ids(user_ids),
            )
            if _seen(tool) != _seen(former):
                tool = dataclasses.replace(tool, version=former.version + 1)
            self._store(tool)
        return tool

    def rotate_key(self, client_id: str, *, jwks_url: str | None = None, key_set: str | None = None) -> Tool:
        """Give a tool other keys, in the place of all that it had; its tokens end at once.

        :raises UnknownObject: if there is no such tool.
        :raises InvalidRequest: unless exactly one of both is given, and usable.
        """
        with write(self._db):
            tool = dataclasses.replace(self.get(client_id), jwks_url=jwks_url, key_set=key_set)
            _check_keys(tool)
            self._store(tool)
            self._end_tokens(client_id)
        return tool

    def revoke(self, client_id: str) -> None:
        """Let a tool in no more; its tokens end at once.

        :raises UnknownObject: if there is no such tool, or it is revoked already.
        """
        with write(self._db):
            tool = self.get(client_id)
            if tool.revoked is not None:
                raise UnknownObject(f"the tool {client_id} is revoked already")
            self._store(dataclasses.replace(tool, revoked=to_stamp(self._clock())))
            self._end_tokens(client_id)

    def remove(self, client_id: str) -> None:
        """Forget a tool, its tokens and its used assertions.

        :raises UnknownObject: if there is no such tool.
        """
        if not self._db.execute("DELETE FROM tools WHERE client_id = ?", (client_id,)).rowcount:
            raise _unknown(client_id)

    def _end_tokens(self, client_id: str) -> None:
        self._db.execute("DELETE FROM tool_tokens WHERE client_id = ?", (client_id,))

    def _store(self, tool: Tool) -> None:
        client_id, *row = _row(tool)
        assignments = ", ".join(f"{name} = ?" for name in _STORED)
        self._db.execute(f"UPDATE tools SET {assignments} WHERE client_id = ?", (*row, client_id))  # noqa: S608

    def _select(self, rest: str, *parameters: str) -> list[Tool]:
        rows = self._db.query(f"SELECT {_COLUMNS}, last_token FROM tools {rest}", parameters)  # noqa: S608 - our own names
        return [_tool(row) for row in list(rows)]


def _row(tool: Tool) -> list[Any]:
    return [
        tool.client_id,
        tool.name,
        tool.jwks_url,
        tool.key_set,
        None if tool.sources is None else json.dumps(sorted(tool.sources)),
        None if tool.classes is None else json.dumps(sorted(tool.classes)),
        json.dumps(sorted(tool.privacy.shares)),
        tool.user_ids,
        tool.version,
        tool.created,
        tool.revoked,
    ]


def _tool(row: dict[str, Any]) -> Tool:
    return Tool(
        client_id=row["client_id"],
        name=row["name"],
        jwks_url=row["jwks_url"],
        key_set=row["key_set"],
        sources=None if row["sources"] is None else frozenset(json.loads(row["sources"])),
        classes=None if row["classes"] is None else _ids(frozenset(json.loads(row["classes"]))),
        privacy=_privacy(json.loads(row["shares"])),
        user_ids=UserIds(row["user_ids"]),
        version=row["version"],
        created=row["created"],
        revoked=row["revoked"],
        last_token=row["last_token"],
    )


def _seen(tool: Tool) -> tuple[object, ...]:
    return tool.sources, tool.classes, tool.privacy, tool.user_ids


def _some(parameter: str, names: Iterable[str] | None) -> frozenset[str] | None:
    """None at all is refused, because it is ``None`` mistaken more often than meant."""
    if names is None:
        return None
    found = frozenset(names)
    if not found:
        raise InvalidRequest(parameter, "name at least one, or leave it out to let the tool see all")
    return found


def _ids(names: frozenset[str] | None) -> frozenset[SourcedId] | None:
    return None if names is None else frozenset(map(SourcedId, names))


def _privacy(shares: Iterable[Share | str]) -> PrivacyLevel:
    try:
        return PrivacyLevel(frozenset(map(Share, shares)))
    except ValueError as error:
        raise InvalidRequest("shares", f"must be among {', '.join(Share)}") from error


def _user_ids(value: UserIds | str) -> UserIds:
    try:
        return UserIds(value)
    except ValueError as error:
        raise InvalidRequest("user_ids", f"must be one of {', '.join(UserIds)}") from error


def _check_keys(tool: Tool) -> None:
    if (tool.jwks_url is None) == (tool.key_set is None):
        raise InvalidRequest("jwks_url", "give either the URL of the tool's key set, or its public keys")
    if tool.jwks_url is not None:
        parts = urlsplit(tool.jwks_url)
        if parts.scheme not in {"https", "http"} or not parts.hostname:
            raise InvalidRequest("jwks_url", "must be an absolute https URL")


def _unknown(client_id: str) -> UnknownObject:
    return UnknownObject(f"no tool has the client id {client_id}: see 'bridge tools list'")
