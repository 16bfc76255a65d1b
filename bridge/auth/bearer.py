"""The ``Authorization`` header of a resource request: RFC 6750 section 2.1.

A token is taken from the header only, never from the query string or a form, which end up in logs.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from bridge.auth.tokens import find_token
from bridge.errors import Forbidden, Unauthorised
from bridge.oneroster.scopes import ONEROSTER_SCOPES
from bridge.registry.clients import BodyStyle
from bridge.registry.registry import Registry
from bridge.registry.tools import Tool
from bridge.roster.privacy import PersonDetail
from bridge.roster.visibility import Visibility

G = TypeVar("G")


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What the bearer of a valid token may do.

    :param scopes: those of the token that the client still has.
    :param body_style: ``None`` means as the setting says.
    """

    client_id: str
    scopes: frozenset[str]
    visibility: Visibility
    body_style: BodyStyle | None


@dataclass(frozen=True, slots=True)
class ToolGrant:
    """What an LTI tool with a valid token may do.

    :param scopes: those of the token.
    """

    tool: Tool
    scopes: frozenset[str]


def authenticate(authorization: str | None, registry: Registry) -> Grant:
    """Find out who is asking.

    What the operator has changed about the client since the token was issued counts at once: what a token stands for
    is looked up again whenever the registry's file has changed (:class:`bridge.recall.Recall`).

    :param authorization: the ``Authorization`` header's value, if there is one.
    :raises Unauthorised: if it holds no valid bearer token.
    """
    return _recalled("client", _token_in(authorization), registry, _grant)


def _grant(token: str, registry: Registry) -> tuple[Grant, datetime]:
    stored = find_token(registry.tokens, token)
    client = None if stored is None else registry.clients.by_id(stored.client_id)
    if stored is None or client is None or client.revoked is not None:
        raise _not_valid()
    visibility = client.visibility
    grant = Grant(
        client_id=client.client_id,
        scopes=_of_whole_sources(stored.scopes & client.scopes, visibility),
        visibility=visibility,
        body_style=client.body_style,
    )
    return grant, stored.expires


def _of_whole_sources(scopes: frozenset[str], visibility: Visibility) -> frozenset[str]:
    """The scopes that hold: what is said of sources as a whole is for nobody who may see a part of what they say."""
    if visibility.is_limited or visibility.privacy is not PersonDetail.PUBLIC:
        return scopes & frozenset(ONEROSTER_SCOPES)
    return scopes


def authenticate_tool(authorization: str | None, registry: Registry) -> ToolGrant:
    """Find out which LTI tool is asking; otherwise as :func:`authenticate`.

    :raises Unauthorised: if the header holds no valid bearer token of a tool.
    """
    return _recalled("tool", _token_in(authorization), registry, _tool_grant)


def _tool_grant(token: str, registry: Registry) -> tuple[ToolGrant, datetime]:
    stored = find_token(registry.tool_tokens, token)
    tool = None if stored is None else registry.tools.by_id(stored.client_id)
    if stored is None or tool is None or tool.revoked is not None:
        raise _not_valid()
    return ToolGrant(tool, stored.scopes), stored.expires


def _recalled(kind: str, token: str, registry: Registry, look_up: Callable[[str, Registry], tuple[G, datetime]]) -> G:
    registry.recall.refresh()
    # By the token itself: to hash it would take longer than all the rest of this. Only valid ones are kept.
    grant, expires = registry.recall.get(("bearer", kind, token), lambda: look_up(token, registry))
    if expires <= registry.clock():
        raise _not_valid()
    return grant


def _token_in(authorization: str | None) -> str:
    scheme, _, token = (authorization or "").strip().partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token:
        raise Unauthorised(
            "an access token is needed: send 'Authorization: Bearer …' with a token from /oauth2/token",
            token_sent=False,
        )
    return token


def _not_valid() -> Unauthorised:
    return Unauthorised(
        "the access token is unknown or has expired: ask for a new one at /oauth2/token", token_sent=True
    )


def require(grant: Grant | ToolGrant, *, any_of: Iterable[str]) -> None:
    """Let a request pass that has at least one of the scopes.

    :raises Forbidden: naming the scopes that would have done, if it has none of them.
    """
    wanted = tuple(any_of)
    if grant.scopes.isdisjoint(wanted):
        raise Forbidden(f"the access token lacks the scope: any of {' '.join(wanted)}", wanted)
