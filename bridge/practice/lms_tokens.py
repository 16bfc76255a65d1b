"""The practice LMS's token endpoint: a signed assertion in, an access token for its services out.

1EdTech Security Framework 1.0 section 4.1 (client credentials with a JWT), RFC 7523 section 3, RFC 6749 sections 4.4
and 5.
Every check that these allow a platform is made: what passes here passes a strict LMS. Unlike a production platform it
says in ``error_description`` which check failed, because it is here to be learned from.
"""

import json
import math
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import Any

from flask import Response, jsonify, request
from joserfc import jws, jwt
from joserfc.errors import JoseError

from bridge.clock import Clock
from bridge.practice.lms_tools import AGS_SCOPE, SCOPES, Tool, Tools, UnknownKey
from bridge.practice.manners import Manners

TOKEN_SECONDS = 3600
ASSERTION_SECONDS = 600
"""The longest life of an assertion, and the greatest age of its ``iat``: tools are told to use five minutes."""

_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_DEPLOYMENT_CLAIM = "https://purl.imsglobal.org/spec/lti/claim/deployment_id"


class TokenRefused(Exception):
    """An OAuth error (RFC 6749 section 5.2)."""

    def __init__(self, error: str, description: str) -> None:
        self.error = error
        self.description = description
        super().__init__(f"{error}: {description}")


@dataclass(frozen=True, slots=True)
class Grant:
    """What an access token stands for."""

    client_id: str
    scopes: tuple[str, ...]
    expires: datetime


class AccessTokens:
    """The tokens that were issued, and the assertions that were spent on them."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = Lock()
        self._grants: dict[str, Grant] = {}
        self._spent: dict[tuple[str, str], float] = {}

    def issue(self, client_id: str, scopes: tuple[str, ...]) -> str:
        """A new token."""
        token = secrets.token_urlsafe(24)
        with self._lock:
            self._grants[token] = Grant(client_id, scopes, self._clock() + timedelta(seconds=TOKEN_SECONDS))
        return token

    def grant(self, token: str) -> Grant | None:
        """What the token stands for; ``None`` if it is unknown or has expired."""
        with self._lock:
            grant = self._grants.get(token)
        return grant if grant is not None and self._clock() < grant.expires else None

    def expire_all(self) -> None:
        """Make every token that was issued so far worthless."""
        with self._lock:
            self._grants.clear()

    def spend(self, client_id: str, jti: str, expires: float) -> bool:
        """Whether this is the first use of an assertion."""
        now = self._clock().timestamp()
        with self._lock:
            self._spent = {key: until for key, until in self._spent.items() if until > now}
            if (client_id, jti) in self._spent:
                return False
            self._spent[client_id, jti] = expires
            return True


class TokenEndpoint:
    """``POST /token``.

    :param url: its own absolute URL, which assertions may name as their audience; the issuer will do as well.
    """

    def __init__(
        self, url: str, issuer: str, tools: Tools, tokens: AccessTokens, manners: Manners, clock: Clock
    ) -> None:
        self._audiences = {url, issuer}
        self._tools = tools
        self._tokens = tokens
        self._manners = manners
        self._clock = clock

    def answer(self) -> Response:
        """Answer the present request with a token or an OAuth error, neither to be stored by anybody."""
        try:
            body = self._token()
            status = 200
        except TokenRefused as refusal:
            body = {"error": refusal.error, "error_description": refusal.description}
            status = 400
        response = jsonify(body)
        response.status_code = status
        response.headers["Content-Type"] = self._manners.oauth_media_type
        response.headers["Cache-Control"] = "no-store"
        response.headers["Pragma"] = "no-cache"
        return response

    def _token(self) -> dict[str, Any]:
        if request.mimetype != "application/x-www-form-urlencoded":
            raise TokenRefused("invalid_request", "the body must be application/x-www-form-urlencoded")
        if _parameter("grant_type") != "client_credentials":
            raise TokenRefused("unsupported_grant_type", "grant_type must be client_credentials")
        if _parameter("client_assertion_type") != _ASSERTION_TYPE:
            raise TokenRefused("invalid_request", f"client_assertion_type must be {_ASSERTION_TYPE}")
        asked = _parameter("scope").split()
        tool = self._authenticated_tool(_parameter("client_assertion"))
        scopes = tuple(scope for scope in SCOPES if scope in asked and scope in tool.scopes)
        if not scopes:
            raise TokenRefused("invalid_scope", "none of the scopes asked for is granted to this tool")
        body = {
            "access_token": self._tokens.issue(tool.client_id, scopes),
            "token_type": "Bearer",
            "expires_in": self._manners.expires_in,
            "scope": self._told(scopes),
        }
        return {name: value for name, value in body.items() if value is not None}

    def _told(self, scopes: tuple[str, ...]) -> str | None:
        match self._manners.scope_told:
            case "granted":
                return " ".join(scopes)
            case "other":
                return AGS_SCOPE
            case "absent":
                return None

    def _authenticated_tool(self, assertion: str) -> Tool:
        header, claims = _unverified(assertion)
        if header.get("alg") != "RS256":
            raise _refused("alg must be RS256")
        kid = header.get("kid")
        if not isinstance(kid, str) or not kid:
            raise _refused("kid is missing from the header")
        issuer = claims.get("iss")
        tool = self._tools.get(issuer) if isinstance(issuer, str) else None
        if tool is None:
            raise _refused("iss must be the client id of a registered tool")
        try:
            claims = jwt.decode(assertion, tool.key(kid), algorithms=["RS256"]).claims
        except UnknownKey as error:
            raise _refused(str(error)) from error
        except (JoseError, ValueError) as error:
            raise _refused("the signature does not verify with the tool's key") from error
        self._check(claims, tool)
        return tool

    def _check(self, claims: dict[str, Any], tool: Tool) -> None:
        if claims.get("sub") != tool.client_id:
            raise _refused("sub must be the client id, as iss is")
        wanted = self._manners.audience
        if (self._audiences if wanted is None else {wanted}).isdisjoint(_audiences(claims.get("aud"))):
            raise _refused(f"aud must contain {wanted or 'the token URL or the issuer'}")
        now = self._clock().timestamp()
        expires, issued = _instant(claims, "exp"), _instant(claims, "iat")
        if expires <= now:
            raise _refused("exp has passed")
        if issued > now:
            raise _refused("iat is in the future")
        if now - issued > ASSERTION_SECONDS or expires - issued > ASSERTION_SECONDS:
            raise _refused(f"iat and exp must be within {ASSERTION_SECONDS} seconds")
        if "nbf" in claims and _instant(claims, "nbf") > now:
            raise _refused("nbf is in the future")
        if claims.get(_DEPLOYMENT_CLAIM, tool.deployment_id) != tool.deployment_id:
            raise _refused("the deployment_id claim is not a deployment of this tool")
        jti = claims.get("jti")
        if not isinstance(jti, str) or not jti:
            raise _refused("jti is missing")
        if not self._tokens.spend(tool.client_id, jti, expires):
            raise _refused("jti was used before")


def _parameter(name: str) -> str:
    values = request.form.getlist(name)
    if len(values) != 1 or not values[0]:
        raise TokenRefused("invalid_request", f"{name} must be given once")
    return values[0]


def _refused(description: str) -> TokenRefused:
    return TokenRefused("invalid_client", description)


def _unverified(assertion: str) -> tuple[dict[str, Any], dict[str, Any]]:
    try:
        parsed = jws.extract_compact(assertion.encode())
        header, claims = parsed.headers(), json.loads(parsed.payload)
    except (JoseError, ValueError) as error:
        raise _refused("client_assertion is not a signed JWT") from error
    if not isinstance(claims, dict):
        raise _refused("the payload of client_assertion is not an object")
    return header, claims


def _audiences(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        return (value,)
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return value
    return ()


def _instant(claims: dict[str, Any], name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise _refused(f"{name} must be a number of seconds")
    return value
