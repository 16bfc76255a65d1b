"""The practice SIS's consumers, and its token endpoint: client credentials in, an access token out.

RFC 6749 sections 2.3.1, 4.4 and 5, as the 1EdTech Security Framework asks for. It says in ``error_description`` what
was wrong, because it is here to be learned from.
"""

import base64
import binascii
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hmac import compare_digest
from threading import Lock
from typing import Any
from urllib.parse import unquote_plus

from flask import Response, jsonify, request

from bridge.practice.lms_tokens import AccessTokens
from bridge.practice.sis_manners import SisManners

CORE = "roster-core.readonly"
ROSTER = "roster.readonly"
DEMOGRAPHICS = "roster-demographics.readonly"
_PREFIXES = {
    "1.1": "https://purl.imsglobal.org/spec/or/v1p1/scope/",
    "1.2": "https://purl.imsglobal.org/spec/or/v1p2/scope/",
}
EVERY_SCOPE = tuple(f"{prefix}{name}" for prefix in _PREFIXES.values() for name in (CORE, ROSTER, DEMOGRAPHICS))


def scope(version: str, name: str) -> str:
    """A scope of OneRoster 1.1 or 1.2, whole."""
    return f"{_PREFIXES[version]}{name}"


@dataclass(frozen=True, slots=True)
class SisClient:
    """A registered consumer."""

    client_id: str
    client_secret: str
    scopes: tuple[str, ...]


class SisClients:
    """Who is registered. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._clients: dict[str, SisClient] = {}

    def register(self, scopes: Sequence[str] = EVERY_SCOPE) -> SisClient:
        """A new consumer.

        :raises ValueError: if there is no such scope.
        """
        unknown = [one for one in scopes if one not in EVERY_SCOPE]
        if unknown:
            raise ValueError(f"there is no scope {unknown[0]}")
        client = SisClient(f"consumer-{secrets.token_hex(4)}", secrets.token_urlsafe(24), tuple(scopes))
        with self._lock:
            self._clients[client.client_id] = client
        return client

    def get(self, client_id: str) -> SisClient | None:
        """The consumer with this id."""
        with self._lock:
            return self._clients.get(client_id)


class _Refused(Exception):
    def __init__(self, error: str, description: str, status: int = 400) -> None:
        self.error = error
        self.description = description
        self.status = status
        super().__init__(error)


class SisTokenEndpoint:
    """``POST /oauth/token``."""

    def __init__(self, clients: SisClients, tokens: AccessTokens, manners: SisManners) -> None:
        self._clients = clients
        self._tokens = tokens
        self._manners = manners

    def answer(self) -> Response:
        """Answer the present request with a token or an OAuth error, neither to be stored by anybody."""
        try:
            response = jsonify(self._token())
        except _Refused as refusal:
            response = jsonify({"error": refusal.error, "error_description": refusal.description})
            response.status_code = refusal.status
            if refusal.status == 401:
                response.headers["WWW-Authenticate"] = 'Basic realm="practice"'
        response.headers["Cache-Control"] = "no-store"
        response.headers["Pragma"] = "no-cache"
        return response

    def _token(self) -> Mapping[str, Any]:
        manners = self._manners
        if request.mimetype != "application/x-www-form-urlencoded":
            raise _Refused("invalid_request", "the body must be application/x-www-form-urlencoded")
        repeated = [name for name, values in request.form.lists() if len(values) > 1]
        if repeated:
            raise _Refused("invalid_request", f"{repeated[0]} must be given once")
        client = self._client()
        if request.form.get("grant_type") != "client_credentials":
            raise _Refused("unsupported_grant_type", "grant_type must be client_credentials")
        granted = self._granted(client)
        body = {
            "access_token": self._tokens.issue(client.client_id, granted),
            "token_type": manners.token_type,
            "expires_in": manners.expires_in,
            "scope": " ".join(granted) if manners.scope_told == "granted" else None,
        }
        return {name: value for name, value in body.items() if value is not None}

    def _client(self) -> SisClient:
        way = self._manners.client_authentication
        basic = _basic()
        form = request.form.get("client_id", ""), request.form.get("client_secret", "")
        if basic is not None and any(form):
            raise _Refused("invalid_request", "credentials must be given in one way only")
        if basic is not None and way == "form":
            raise _Refused("invalid_client", "credentials must be given in the form", 401)
        if basic is None and way == "basic":
            raise _Refused("invalid_client", "credentials must be given with HTTP Basic", 401)
        client_id, client_secret = form if basic is None else basic
        client = self._clients.get(client_id)
        if client is None or not compare_digest(client.client_secret.encode(), client_secret.encode()):
            raise _Refused("invalid_client", "there is no such consumer with this secret", 401)
        return client

    def _granted(self, client: SisClient) -> tuple[str, ...]:
        asked = request.form.get("scope", "").split()
        if not asked and not self._manners.scope_required:
            return client.scopes
        granted = tuple(one for one in client.scopes if one in asked)
        if not granted or (self._manners.all_scopes_or_none and len(granted) < len(set(asked))):
            raise _Refused("invalid_scope", "the scopes asked for are not granted to this consumer")
        return granted


def _basic() -> tuple[str, str] | None:
    scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        client_id, colon, client_secret = base64.b64decode(credentials, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        colon = ""
    if not colon:
        raise _Refused("invalid_client", "the Basic credentials cannot be read", 401)
    return unquote_plus(client_id), unquote_plus(client_secret)
