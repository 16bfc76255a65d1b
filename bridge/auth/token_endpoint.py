"""``POST /oauth2/token``: the client credentials grant, for OneRoster consumers and for LTI tools.

A consumer shows its secret: RFC 6749 section 2.3.1, by Basic, or with its id in the form. A tool shows a signed
assertion: RFC 7523 section 2.2. Nobody shows two things at once. The grant is RFC 6749 section 4.4, the answers are 5.1
and 5.2: errors have OAuth's shape, not OneRoster's, because this endpoint belongs to OAuth.
"""

import base64
import binascii
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from datetime import timedelta
from typing import Any
from urllib.parse import unquote_plus

from flask import Blueprint, Response, jsonify, request
from werkzeug.exceptions import RequestEntityTooLarge

from bridge.auth.scopes import GrantedScopes, grant_scopes
from bridge.auth.tokens import issue_token
from bridge.auth.tool_assertion import AssertionRefused, ToolAssertions
from bridge.errors import RequestError
from bridge.lti.assertion import ASSERTION_TYPE
from bridge.nrps.schemas import CONTEXT_MEMBERSHIP_SCOPE
from bridge.registry.clients import Client
from bridge.registry.registry import Registry
from bridge.registry.tools import Tool

TOKEN_PATH = "/oauth2/token"  # noqa: S105 - a path

_FORM = "application/x-www-form-urlencoded"
_MAX_BODY = 16 * 1024
_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
_STATUS = {"invalid_client": 401}  # the others are 400

TOOL_SCOPES = frozenset({CONTEXT_MEMBERSHIP_SCOPE})
"""What a tool may ask for."""


class TokenRefused(RequestError):
    """A token request that gets no token.

    :param error: the code of RFC 6749 section 5.2.
    :param reason: for the developer who reads the answer.
    """

    def __init__(self, error: str, reason: str) -> None:
        self.error = error
        super().__init__(reason)


def token_blueprint(
    registry: Callable[[], Registry],
    assertions: ToolAssertions,
    *,
    lifetime: timedelta,
    tool_lifetime: timedelta,
    per_minute: int = 0,
) -> Blueprint:
    """The token endpoint.

    :param registry: gives this thread's registry.
    :param assertions: finds out which tool an assertion is of.
    :param lifetime: how long a consumer's token is good for.
    :param tool_lifetime: how long a tool's is.
    :param per_minute: how many a client, or a tool, may ask for in a minute; 0 for any number.
    """
    blueprint = Blueprint("token", __name__)
    blueprint.register_error_handler(TokenRefused, _refusal)

    # Every method comes here, because a blueprint's error handlers do not see 405.
    @blueprint.route(TOKEN_PATH, methods=_METHODS, provide_automatic_options=False)
    def token_endpoint() -> Response:
        if request.method != "POST":
            response = _answer({"error": "invalid_request", "error_description": "use POST"}, 405)
            response.headers["Allow"] = "POST"
            return response
        form, authorization = _read_form(), request.headers.get("Authorization")
        if "client_assertion" in form or "client_assertion_type" in form:
            granted = _grant(TOOL_SCOPES, form)  # first, since an assertion is good for one attempt
            tool = _authenticate_tool(assertions, authorization, form)
            registry().tries.count("token of a tool", tool.client_id, per_minute)
            token = issue_token(registry().tool_tokens, tool.client_id, granted.scopes, lifetime=tool_lifetime)
            return _granted(token, granted, tool_lifetime)
        client = _authenticate(registry(), authorization, form)
        registry().tries.count("token of a client", client.client_id, per_minute)
        granted = _grant(client.scopes, form)
        token = issue_token(registry().tokens, client.client_id, granted.scopes, lifetime=lifetime)
        return _granted(token, granted, lifetime)

    return blueprint


def _granted(token: str, granted: GrantedScopes, lifetime: timedelta) -> Response:
    return _answer(
        {
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": int(lifetime.total_seconds()),
            "scope": granted.wording,
        },
        200,
    )


def _authenticate_tool(assertions: ToolAssertions, authorization: str | None, form: dict[str, str]) -> Tool:
    if authorization is not None or "client_secret" in form:
        raise TokenRefused("invalid_request", "send a client assertion or a client secret, not both")
    if form.get("client_assertion_type") != ASSERTION_TYPE:
        raise TokenRefused("invalid_request", f"client_assertion_type must be {ASSERTION_TYPE}")
    if "client_assertion" not in form:
        raise TokenRefused("invalid_request", "client_assertion is missing")
    try:
        return assertions.tool_of(form["client_assertion"], form.get("client_id"))
    except AssertionRefused as refusal:
        raise TokenRefused("invalid_client", str(refusal)) from refusal


def _read_form() -> dict[str, str]:
    """The parameters of the form; those without a value count as left out (RFC 6749 section 3.2)."""
    if request.mimetype != _FORM:
        raise TokenRefused("invalid_request", f"the Content-Type must be {_FORM}")
    request.max_content_length = _MAX_BODY
    try:
        form = request.form
    except RequestEntityTooLarge as error:
        raise TokenRefused("invalid_request", f"the body is longer than {_MAX_BODY} bytes") from error
    for name, values in form.lists():
        if len(values) > 1:
            raise TokenRefused("invalid_request", f"{name[:40]} is repeated")
    return {name: value for name, value in form.items() if value}


def _authenticate(registry: Registry, authorization: str | None, form: dict[str, str]) -> Client:
    client = registry.clients.authenticate(*_credentials(authorization, form))
    if client is None:
        raise TokenRefused("invalid_client", "unknown client, or not its secret")
    return client


def _grant(allowed: AbstractSet[str], form: dict[str, str]) -> GrantedScopes:
    match form.get("grant_type"):
        case None:
            raise TokenRefused("invalid_request", "grant_type is missing: send grant_type=client_credentials")
        case "client_credentials":
            granted = grant_scopes(form.get("scope"), allowed)
        case _:
            raise TokenRefused("unsupported_grant_type", "the only grant_type here is client_credentials")
    if not granted.scopes:
        raise TokenRefused("invalid_scope", f"ask for some of {' '.join(sorted(allowed))}")
    return granted


def _credentials(authorization: str | None, form: dict[str, str]) -> tuple[str, str]:
    """The client's id and secret, from the one place where they are."""
    if authorization is None:
        if "client_id" not in form or "client_secret" not in form:
            raise TokenRefused("invalid_client", "send the client's id and secret, by HTTP Basic or in the form")
        return form["client_id"], form["client_secret"]
    client_id, secret = _basic(authorization)
    if "client_secret" in form or form.get("client_id", client_id) != client_id:
        raise TokenRefused("invalid_request", "send the client's id and secret by HTTP Basic or in the form, not both")
    return client_id, secret


def _basic(authorization: str) -> tuple[str, str]:
    """Read an ``Authorization`` header with both parts form-encoded, as RFC 6749 wants, or plain, as many send them.

    Ids and secrets of ours read the same either way.
    """
    scheme, _, encoded = authorization.strip().partition(" ")
    if scheme.lower() != "basic":
        raise TokenRefused("invalid_client", "the Authorization header is not HTTP Basic")
    try:
        decoded = base64.b64decode(encoded.strip(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise TokenRefused("invalid_client", "the Authorization header is not valid base64") from error
    client_id, colon, secret = decoded.partition(":")
    if not colon:
        raise TokenRefused("invalid_client", "the Authorization header holds no id and secret")
    return unquote_plus(client_id), unquote_plus(secret)


def _refusal(refusal: TokenRefused) -> Response:
    status = _STATUS.get(refusal.error, 400)
    response = _answer({"error": refusal.error, "error_description": str(refusal)}, status)
    if status == 401:
        response.headers["WWW-Authenticate"] = 'Basic realm="OneRoster", charset="UTF-8"'
    return response


def _answer(body: dict[str, Any], status: int) -> Response:
    response = jsonify(body)
    response.status_code = status
    response.headers["Cache-Control"] = "no-store"
    response.headers["Pragma"] = "no-cache"
    return response
