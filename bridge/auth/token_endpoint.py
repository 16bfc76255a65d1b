"""``POST /oauth2/token``: the client credentials grant for OneRoster consumers.

RFC 6749 sections 2.3.1 (Basic, or id and secret in the form, never both), 4.4 (the grant), 5.1 and 5.2 (the
answers). Errors have OAuth's shape, not OneRoster's: this endpoint belongs to OAuth.
"""

import base64
import binascii
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import unquote_plus

from flask import Blueprint, Response, jsonify, request
from werkzeug.exceptions import RequestEntityTooLarge

from bridge.auth.scopes import GrantedScopes, grant_scopes
from bridge.auth.tokens import issue_token
from bridge.errors import RequestError
from bridge.registry.clients import Client
from bridge.registry.registry import Registry

_FORM = "application/x-www-form-urlencoded"
_MAX_BODY = 16 * 1024
_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
_STATUS = {"invalid_client": 401}  # the others are 400


class TokenRefused(RequestError):
    """A token request that gets no token.

    :param error: the code of RFC 6749 section 5.2.
    :param reason: for the developer who reads the answer.
    """

    def __init__(self, error: str, reason: str) -> None:
        self.error = error
        super().__init__(reason)


def token_blueprint(registry: Callable[[], Registry], *, lifetime: timedelta, per_minute: int = 0) -> Blueprint:
    """The token endpoint.

    :param registry: gives this thread's registry.
    :param lifetime: how long a token is good for.
    :param per_minute: how many a client may ask for in a minute; 0 for any number.
    """
    blueprint = Blueprint("token", __name__)
    blueprint.register_error_handler(TokenRefused, _refusal)

    # Every method comes here, because a blueprint's error handlers do not see 405.
    @blueprint.route("/oauth2/token", methods=_METHODS, provide_automatic_options=False)
    def token() -> Response:
        if request.method != "POST":
            response = _answer({"error": "invalid_request", "error_description": "use POST"}, 405)
            response.headers["Allow"] = "POST"
            return response
        form = _read_form()
        client = _authenticate(registry(), request.headers.get("Authorization"), form)
        registry().tries.count("token of a client", client.client_id, per_minute)
        granted = _grant(client, form)
        access_token = issue_token(registry(), client.client_id, granted.scopes, lifetime=lifetime)
        return _answer(
            {
                "access_token": access_token,
                "token_type": "Bearer",
                "expires_in": int(lifetime.total_seconds()),
                "scope": granted.wording,
            },
            200,
        )

    return blueprint


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


def _grant(client: Client, form: dict[str, str]) -> GrantedScopes:
    match form.get("grant_type"):
        case None:
            raise TokenRefused("invalid_request", "grant_type is missing: send grant_type=client_credentials")
        case "client_credentials":
            granted = grant_scopes(form.get("scope"), client.scopes)
        case _:
            raise TokenRefused("unsupported_grant_type", "the only grant_type here is client_credentials")
    if not granted.scopes:
        raise TokenRefused("invalid_scope", f"ask for some of {' '.join(sorted(client.scopes))}")
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
