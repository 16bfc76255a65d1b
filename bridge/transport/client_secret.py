"""Requests that are authorised by a client id and a secret, as OneRoster providers want them.

OneRoster 1.2: OAuth 2 client credentials, the secret in HTTP Basic or, for providers that want it so, in the form.
OneRoster 1.1: the same, or every request signed as OAuth 1.0a says.

Clauses: RFC 6749 sections 2.3.1, 4.4 and 5; RFC 5849, by oauthlib. A secret or a token never enters a message.
"""

import base64
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import quote

from oauthlib import oauth1

from bridge.clock import Clock, utc_now
from bridge.errors import SourceRefused, SourceUnavailable
from bridge.transport.http import Answer, Http, host_of
from bridge.transport.oauth2 import fields_in, lifetime_in, token_in
from bridge.transport.retry import asks_to_wait, retry_after
from bridge.transport.token_cache import TokenCache

_MAX_BYTES = 64 * 1024
_WHAT_TO_CHECK = {  # the error codes of RFC 6749 section 5.2
    "invalid_client": "check the client id and the secret, and whether it wants them in the form (auth form)",
    "invalid_request": "check the token URL, and whether it wants the client id in the form (auth form)",
    "invalid_scope": "it does not know, or does not grant, a scope that is asked for: check the scopes",
    "unauthorized_client": "check what the client may do at the provider",
    "unsupported_grant_type": "check the token URL",
}


class Auth(StrEnum):
    """How a client proves who it is."""

    BASIC = "basic"
    """An access token; id and secret in HTTP Basic."""
    FORM = "form"
    """An access token; id and secret in the form."""
    OAUTH1_SHA256 = "oauth1-sha256"
    """Every request signed with HMAC-SHA256."""
    OAUTH1_SHA1 = "oauth1-sha1"
    """Every request signed with HMAC-SHA1."""


_SIGNED = {Auth.OAUTH1_SHA256: oauth1.SIGNATURE_HMAC_SHA256, Auth.OAUTH1_SHA1: oauth1.SIGNATURE_HMAC_SHA1}


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What a provider has given.

    :param token_url: where tokens are asked for; empty where requests are signed instead.
    :param scopes: those to ask for; a provider may grant fewer.
    """

    client_id: str
    secret: str = field(repr=False)
    token_url: str = ""
    auth: Auth = Auth.BASIC
    scopes: tuple[str, ...] = ()


class ClientSecrets:
    """Authorises requests. Serves all threads.

    :param clock: tells the date, for peers that name a date to come back at.
    :param ticks: counts seconds, for the tokens' lifetimes.
    """

    def __init__(self, http: Http, *, clock: Clock = utc_now, ticks: Callable[[], float] = time.monotonic) -> None:
        self._http = http
        self._clock = clock
        self._cache: TokenCache[Credentials] = TokenCache(ticks)

    def get(self, credentials: Credentials, url: str) -> Answer:
        """GET a URL with what authorises it; with a new token, once, if the one at hand is refused.

        :raises SourceUnavailable: if no whole answer arrives, or the token endpoint asks to come back later.
        :raises SourceRefused: if there is no token to be had, or as :meth:`bridge.transport.http.Http.get` does.
        """
        if credentials.auth in _SIGNED:
            return self._http.get(url, headers={"Accept": "application/json", **_signed(credentials, url)})
        token = self.token(credentials)
        answer = self._http.get(url, headers=_bearer(token))
        if answer.status == 401:
            self._cache.forget(credentials, token)
            answer = self._http.get(url, headers=_bearer(self.token(credentials)))
        return answer

    def token(self, credentials: Credentials) -> str:
        """An access token.

        :raises: as :meth:`get`.
        """
        return self._cache.get(credentials, lambda: self._ask(credentials))

    def _ask(self, credentials: Credentials) -> tuple[str, float]:
        form = {"grant_type": "client_credentials"}
        if credentials.scopes:
            form["scope"] = " ".join(credentials.scopes)
        for headers, more in _proofs(credentials):
            answer = self._http.post_form(
                credentials.token_url,
                {**form, **more},
                headers={"Accept": "application/json", **headers},
                max_bytes=_MAX_BYTES,
            )
            if answer.status not in (400, 401):
                break
        who = f"{host_of(credentials.token_url)} (client id {credentials.client_id})"
        if asks_to_wait(answer.status):
            raise SourceUnavailable(
                f"{who}: the token endpoint answers {answer.status}", retry_after(answer, self._clock())
            )
        fields = fields_in(answer)
        if answer.status not in (200, 201):
            code = fields.get("error")
            hint = _WHAT_TO_CHECK.get(code) if isinstance(code, str) else None
            error = f"error {code}: {hint}" if hint else "check the token URL, the client id and the secret"
            raise SourceRefused(f"{who}: no access token, status {answer.status}, {error}")
        return token_in(fields, who), lifetime_in(fields)


def _bearer(token: str) -> dict[str, str]:
    return {"Accept": "application/json", "Authorization": f"Bearer {token}"}


def _proofs(credentials: Credentials) -> Iterator[tuple[dict[str, str], dict[str, str]]]:
    """Headers and form fields that show the secret; a second time for peers that read Basic without decoding it."""
    if credentials.auth is Auth.FORM:
        yield {}, {"client_id": credentials.client_id, "client_secret": credentials.secret}
        return
    plain = f"{credentials.client_id}:{credentials.secret}"
    # RFC 6749 section 2.3.1 has both form-encoded first; many servers do not decode them.
    encoded = f"{quote(credentials.client_id, safe='')}:{quote(credentials.secret, safe='')}"
    for text in dict.fromkeys((encoded, plain)):
        yield {"Authorization": f"Basic {base64.b64encode(text.encode()).decode()}"}, {}


def _signed(credentials: Credentials, url: str) -> Mapping[str, str]:
    client = oauth1.Client(
        credentials.client_id,
        client_secret=credentials.secret,
        signature_method=_SIGNED[credentials.auth],
    )
    _, headers, _ = client.sign(url)
    return {str(name): str(value) for name, value in headers.items()}
