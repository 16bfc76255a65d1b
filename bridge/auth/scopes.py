"""Which of the OneRoster scopes a token request gets.

OneRoster 1.1 had the same three under other names. Clients that go on asking in those words mean the same, and
are answered in them.
"""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from bridge.oneroster.scopes import ONEROSTER_SCOPES

_FORMER_NAMES = {scope.replace("/v1p2/", "/v1p1/"): scope for scope in ONEROSTER_SCOPES}


@dataclass(frozen=True, slots=True)
class GrantedScopes:
    """What a token request gets.

    :param scopes: the scopes, by their OneRoster 1.2 names.
    :param wording: the same as the ``scope`` of the answer, in the words of the question; empty if nothing is left.
    """

    scopes: frozenset[str]
    wording: str


def grant_scopes(asked: str | None, allowed: AbstractSet[str]) -> GrantedScopes:
    """What a client that is allowed some scopes gets when it asks: what it asks for, as far as it is allowed.

    Who asks for nothing gets everything allowed. Words that mean nothing here are passed over.

    :param asked: the ``scope`` parameter, if there was one.

    >>> from bridge.oneroster.scopes import ROSTER
    >>> grant_scopes("https://purl.imsglobal.org/spec/or/v1p1/scope/roster.readonly", {ROSTER}).scopes == {ROSTER}
    True
    """
    words = sorted(allowed) if asked is None else list(dict.fromkeys(asked.split()))
    granted = {word: scope for word in words if (scope := _FORMER_NAMES.get(word, word)) in allowed}
    return GrantedScopes(frozenset(granted.values()), " ".join(granted))
