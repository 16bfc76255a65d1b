"""The ``Authorization`` header of a resource request: RFC 6750 section 2.1.

A token is taken from the header only, never from the query string or a form, which end up in logs.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from bridge.auth.tokens import find_token, token_hash
from bridge.errors import Forbidden, Unauthorised
from bridge.registry.clients import BodyStyle
from bridge.registry.registry import Registry
from bridge.roster.visibility import Visibility


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


def authenticate(authorization: str | None, registry: Registry) -> Grant:
    """Find out who is asking.

    What the operator has changed about the client since the token was issued counts at once: what a token stands for
    is looked up again whenever the registry's file has changed (:class:`bridge.recall.Recall`).

    :param authorization: the ``Authorization`` header's value, if there is one.
    :raises Unauthorised: if it holds no valid bearer token.
    """
    scheme, _, token = (authorization or "").strip().partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token:
        raise Unauthorised(
            "an access token is needed: send 'Authorization: Bearer …' with a token from /oauth2/token",
            token_sent=False,
        )
    registry.recall.refresh()
    grant, expires = registry.recall.get(("bearer", token_hash(token)), lambda: _look_up(token, registry))
    if expires <= registry.clock():
        raise _unknown()
    return grant


def _look_up(token: str, registry: Registry) -> tuple[Grant, datetime]:
    stored = find_token(registry, token)
    client = None if stored is None else registry.clients.by_id(stored.client_id)
    if stored is None or client is None or client.revoked is not None:
        raise _unknown()
    grant = Grant(
        client_id=client.client_id,
        scopes=stored.scopes & client.scopes,
        visibility=Visibility(client.sources),
        body_style=client.body_style,
    )
    return grant, stored.expires


def _unknown() -> Unauthorised:
    return Unauthorised(
        "the access token is unknown or has expired: ask for a new one at /oauth2/token", token_sent=True
    )


def require(grant: Grant, *, any_of: Iterable[str]) -> None:
    """Let a request pass that has at least one of the scopes.

    :raises Forbidden: naming the scopes that would have done, if it has none of them.
    """
    wanted = tuple(any_of)
    if grant.scopes.isdisjoint(wanted):
        raise Forbidden(f"the access token lacks the scope: any of {' '.join(wanted)}", wanted)
