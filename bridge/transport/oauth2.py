"""Access tokens that the bridge asks platforms for: client credentials with a signed assertion.

Clauses: RFC 6749 sections 4.4, 5.1 and 5.2; RFC 7523; 1EdTech Security Framework 1.0 section 4.1. Answers are read by
their content: Moodle 4.5 calls its token ``text/html``, and one of its errors is not JSON.

A token, an assertion or a peer's free text never enters a message.
"""

import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from bridge.clock import Clock, utc_now
from bridge.errors import SourceRefused, SourceUnavailable
from bridge.lti.assertion import ASSERTION_TYPE
from bridge.lti.platform import Platform
from bridge.transport.http import Answer, Http, host_of
from bridge.transport.retry import asks_to_wait, retry_after
from bridge.transport.token_cache import TokenCache

Signer = Callable[[Platform, str | None], str]
"""Signs a fresh assertion for a platform, and for a deployment of it where one is known."""

_MAX_BYTES = 64 * 1024
_UNSTATED_LIFETIME = 300.0

_WHAT_TO_CHECK = {  # the error codes of RFC 6749 section 5.2
    "invalid_client": "check the client id, the token audience, and that the platform can fetch the bridge's key set;"
    " after a change of keys it may still hold the old ones for a while",
    "invalid_grant": "check the token audience that is registered for the platform, and both clocks",
    "invalid_request": "check the token URL and the token audience that are registered for the platform",
    "invalid_scope": "switch on Names and Role Provisioning for the bridge at the platform",
    "unauthorized_client": "check that the bridge is enabled at the platform, and deployed",
    "unsupported_grant_type": "check the token URL",
}


@dataclass(frozen=True, slots=True)
class _Key:
    token_url: str
    client_id: str
    deployment_id: str | None
    scopes: tuple[str, ...]


class ServiceTokens:
    """Access tokens, asked for once and kept until a minute before they expire.

    Serves all threads: of those that need the same token at the same time one asks and the others wait for it.

    :param sign: see :data:`Signer`.
    :param clock: tells the date, for peers that name a date to come back at.
    :param ticks: counts seconds, for the tokens' lifetimes.
    """

    def __init__(
        self, http: Http, sign: Signer, *, clock: Clock = utc_now, ticks: Callable[[], float] = time.monotonic
    ) -> None:
        self._http = http
        self._sign = sign
        self._clock = clock
        self._cache: TokenCache[_Key] = TokenCache(ticks)

    def token(self, platform: Platform, scopes: Iterable[str], deployment_id: str | None = None) -> str:
        """A token of the platform that carries all these scopes.

        :raises SourceUnavailable: if the token endpoint does not answer, or asks to come back later.
        :raises SourceRefused: if it gives no token, or one without a scope that is needed: says what to check.
        """
        key = _key(platform, scopes, deployment_id)
        return self._cache.get(key, lambda: self._ask(platform, key))

    def forget(self, platform: Platform, scopes: Iterable[str], token: str, deployment_id: str | None = None) -> None:
        """Ask anew the next time: for a token that was refused although it should be good.

        Does nothing if another thread has renewed it already, so that a refusal costs one new token and no more.
        """
        self._cache.forget(_key(platform, scopes, deployment_id), token)

    def _ask(self, platform: Platform, key: _Key) -> tuple[str, float]:
        answer = self._http.post_form(
            platform.token_url,
            {
                "grant_type": "client_credentials",
                "client_assertion_type": ASSERTION_TYPE,
                "client_assertion": self._sign(platform, key.deployment_id),
                "scope": " ".join(key.scopes),
            },
            headers={"Accept": "application/json"},
            max_bytes=_MAX_BYTES,
        )
        who = f"{host_of(platform.token_url)} (client id {platform.client_id})"
        if asks_to_wait(answer.status):
            raise SourceUnavailable(
                f"{who}: the token endpoint answers {answer.status}", retry_after(answer, self._clock())
            )
        fields = fields_in(answer)
        if answer.status != 200:
            raise SourceRefused(f"{who}: no access token, status {answer.status}, {_error_in(fields)}")
        return _token_in(fields, key.scopes, who), lifetime_in(fields)


def _key(platform: Platform, scopes: Iterable[str], deployment_id: str | None) -> _Key:
    return _Key(platform.token_url, platform.client_id, deployment_id, tuple(sorted(set(scopes))))


def fields_in(answer: Answer) -> dict[str, Any]:
    """The members of a token endpoint's answer; none if it is no JSON object."""
    try:
        found = answer.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _error_in(fields: dict[str, Any]) -> str:
    code = fields.get("error")
    if isinstance(code, str) and code in _WHAT_TO_CHECK:
        return f"error {code}: {_WHAT_TO_CHECK[code]}"
    return (
        "an error that is not OAuth JSON: check the token URL and the client id, and that the platform can fetch"
        " the bridge's key set (Moodle answers so when its settings keep it from the bridge's host or port)"
    )


def token_in(fields: dict[str, Any], who: str) -> str:
    """The access token.

    :raises SourceRefused: if there is none that can be sent.
    """
    token = fields.get("access_token")
    if not isinstance(token, str) or not re.fullmatch(r"[\x21-\x7e]+", token):
        raise SourceRefused(f"{who}: the answer holds no access token: check the token URL")
    return token


def _token_in(fields: dict[str, Any], needed: tuple[str, ...], who: str) -> str:
    token = token_in(fields, who)
    granted = fields.get("scope")
    if isinstance(granted, str) and granted.strip():  # left out, it means: all that was asked (RFC 6749 section 5.1)
        missing = sorted(set(needed) - set(granted.split()))
        if missing:
            raise SourceRefused(
                f"{who}: the token lacks the scope {' '.join(missing)}: switch on that service"
                " (Names and Role Provisioning) for the bridge at the platform"
            )
    return token


def lifetime_in(fields: dict[str, Any]) -> float:
    """``expires_in``: a number, or digits in a string; five minutes where it is left out or means nothing."""
    stated = fields.get("expires_in")
    if isinstance(stated, str) and re.fullmatch(r"\s*[0-9]{1,9}\s*", stated):
        return float(stated)
    if isinstance(stated, int | float) and not isinstance(stated, bool) and 0 <= stated < 1e9:
        return float(stated)
    return _UNSTATED_LIFETIME
