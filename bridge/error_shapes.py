"""One shape of error per protocol, picked by path.

Errors that Flask raises before any route is found (404, 405) reach no blueprint, so this is done for the whole
application. Below ``/ims`` it is OneRoster's ``imsx_StatusInfo``; at the token endpoint OAuth's (RFC 6749 section 5.2);
elsewhere a small object in HTTP's words. What broke inside stays in the log, under the request's id.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import structlog
from flask import Flask, Response, g, jsonify, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound

from bridge.around import told_of
from bridge.auth.token_endpoint import TOKEN_PATH
from bridge.errors import InvalidRequest, RequestError
from bridge.oneroster import status_info

log = structlog.get_logger(__name__)

_ONEROSTER = "/ims"


def add_error_handlers(app: Flask) -> None:
    """Answer whatever no blueprint answers by itself."""

    @app.errorhandler(RequestError)
    def refuse(error: RequestError) -> Response:
        info = status_info.status_info(error)
        if not is_oneroster(request.path):
            return _problem(info.status, str(error), info.headers)
        return _oneroster(info)

    @app.errorhandler(HTTPException)
    def refuse_http(error: HTTPException) -> Response:
        if not is_oneroster(request.path):
            return _plain(error)
        match error:
            case NotFound():
                return _oneroster(status_info.not_found_path())
            case MethodNotAllowed():
                return _oneroster(status_info.method_not_allowed(_allowed(error)))
            case _:
                return _oneroster(status_info.status_info(InvalidRequest("request", "cannot be read")))

    @app.errorhandler(Exception)
    def fail(error: Exception) -> Response:
        if g.get("reading_body"):  # WSGI names no exception for that: each server has its own
            return refuse(InvalidRequest("body", "cannot be read to its end"))
        log.exception("request_failed", error=type(error).__name__)
        if is_oneroster(request.path):
            return _oneroster(status_info.internal_error(told_of(request.environ).request_id))
        return _problem(
            500, f"the server failed; its operator finds the cause under request {told_of(request.environ).request_id}"
        )


def is_oneroster(path: str) -> bool:
    """Whether OneRoster answers on this path, on one of its endpoints or not."""
    return path == _ONEROSTER or path.startswith(f"{_ONEROSTER}/")


def _oneroster(info: status_info.StatusInfo) -> Response:
    return _answer(info.status, info.body, info.headers)


def _plain(error: HTTPException) -> Response:
    headers = {"Allow": _allowed(error)} if isinstance(error, MethodNotAllowed) else {}
    return _problem(error.code or 500, str(error.description), headers)


def _allowed(error: MethodNotAllowed) -> str:
    return ", ".join(sorted(error.valid_methods or ()))


def _problem(status: int, detail: str, headers: Mapping[str, str] | None = None) -> Response:
    """An error in OAuth's words (RFC 6749 section 5.2) at the token endpoint, in HTTP's elsewhere."""
    if request.path == TOKEN_PATH:
        # RFC 6749 knows no code for "too many": this one comes nearest.
        error = {500: "server_error", 429: "temporarily_unavailable"}.get(status, "invalid_request")
        body = {"error": error, "error_description": detail}
    else:
        body = {"error": HTTPStatus(status).phrase, "detail": detail}
    return _answer(status, body, headers or {})


def _answer(status: int, body: Mapping[str, Any], headers: Mapping[str, str]) -> Response:
    response = jsonify(body)
    response.status_code = status
    response.headers.update({"Cache-Control": "no-store", **headers})
    return response
