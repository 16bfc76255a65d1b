"""Errors of the bridge's own interface, ``/api``: one shape, ``{"error", "detail"}``, and the statuses.

``error`` is the status in words, ``detail`` says what was wrong and what to do. ``WWW-Authenticate`` is RFC 6750's.
"""

from http import HTTPStatus

from flask import Response, jsonify

from bridge.errors import Busy, CursorExpired, Forbidden, InvalidRequest, RequestError, Unauthorised, UnknownObject

_REALM = 'Bearer realm="bridge"'

_STATUS: dict[type[RequestError], HTTPStatus] = {
    InvalidRequest: HTTPStatus.BAD_REQUEST,
    Unauthorised: HTTPStatus.UNAUTHORIZED,
    Forbidden: HTTPStatus.FORBIDDEN,
    UnknownObject: HTTPStatus.NOT_FOUND,
    CursorExpired: HTTPStatus.GONE,
    Busy: HTTPStatus.TOO_MANY_REQUESTS,
    RequestError: HTTPStatus.BAD_REQUEST,
}


def problem(error: RequestError) -> Response:
    """The answer to a request that cannot be served as asked."""
    status = next(_STATUS[kind] for kind in type(error).__mro__ if kind in _STATUS)
    response = jsonify(error=status.phrase, detail=str(error))
    response.status_code = status
    response.headers["Cache-Control"] = "no-store"
    match error:
        case Unauthorised(token_sent=True):
            response.headers["WWW-Authenticate"] = f'{_REALM}, error="invalid_token"'
        case Unauthorised():
            response.headers["WWW-Authenticate"] = _REALM
        case Forbidden(scopes=scopes):
            response.headers["WWW-Authenticate"] = f'{_REALM}, error="insufficient_scope", scope="{" ".join(scopes)}"'
        case Busy(retry_after=seconds):
            response.headers["Retry-After"] = str(seconds)
    return response
