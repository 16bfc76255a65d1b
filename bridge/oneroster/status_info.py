"""OneRoster's error answers: the ``imsx_StatusInfo`` body, and the one table from our errors to it.

Spec: OneRoster 1.2 Rostering OpenAPI, ``imsx_StatusInfo`` and the responses of every operation; RFC 6750 section 3 for
``WWW-Authenticate``. The standard names no code minor for a bad ``limit``, ``offset`` or ``orderBy``: they get
``invaliddata``. Unknown paths and methods are outside the standard and get the same body.
"""

from typing import Any, NamedTuple

from bridge.errors import (
    Busy,
    Forbidden,
    InvalidFilter,
    InvalidRequest,
    InvalidSelection,
    RequestError,
    Unauthorised,
    UnknownObject,
)

CODE_MAJORS = ("success", "processing", "failure", "unsupported")
SEVERITIES = ("status", "warning", "error")
CODE_MINORS = (
    "fullsuccess",
    "invalid_filter_field",
    "invalid_selection_field",
    "invaliddata",
    "unauthorisedrequest",
    "forbidden",
    "server_busy",
    "unknownobject",
    "internal_server_error",
)
"""The words of the standard, used or not."""

_REALM = 'Bearer realm="OneRoster"'

_TABLE: dict[type[RequestError], tuple[int, str]] = {
    InvalidFilter: (400, "invalid_filter_field"),
    InvalidSelection: (400, "invalid_selection_field"),
    InvalidRequest: (400, "invaliddata"),
    Unauthorised: (401, "unauthorisedrequest"),
    Forbidden: (403, "forbidden"),
    UnknownObject: (404, "unknownobject"),
    Busy: (429, "server_busy"),
    RequestError: (400, "invaliddata"),
}


class StatusInfo(NamedTuple):
    """An error answer.

    :param status: the HTTP status.
    :param body: the JSON object at the root of the body.
    :param headers: those that belong to this error.
    """

    status: int
    body: dict[str, Any]
    headers: dict[str, str]


def status_info(error: RequestError) -> StatusInfo:
    """The answer to a request that cannot be served as asked."""
    status, code_minor = next(_TABLE[kind] for kind in type(error).__mro__ if kind in _TABLE)
    return StatusInfo(status, _body(code_minor, str(error)), _headers(error))


def not_found_path() -> StatusInfo:
    """The answer on a path that is no endpoint."""
    return StatusInfo(404, _body("unknownobject", "there is no such endpoint; the discovery document lists them"), {})


def method_not_allowed(allow: str) -> StatusInfo:
    """The answer to a method that the endpoint does not have.

    :param allow: the methods that it has, as the ``Allow`` header lists them.
    """
    body = _body("invaliddata", f"this endpoint answers {allow} only", major="unsupported")
    return StatusInfo(405, body, {"Allow": allow})


def internal_error(request_id: str) -> StatusInfo:
    """The answer when something of ours broke: nothing about it but the id under which it is in the log."""
    body = _body("internal_server_error", f"the server failed; its operator finds the cause under request {request_id}")
    return StatusInfo(500, body, {})


def _body(code_minor: str, description: str, *, major: str = "failure") -> dict[str, Any]:
    return {
        "imsx_codeMajor": major,
        "imsx_severity": "error",
        "imsx_description": description,
        "imsx_CodeMinor": {
            "imsx_codeMinorField": [
                {"imsx_codeMinorFieldName": "TargetEndSystem", "imsx_codeMinorFieldValue": code_minor}
            ]
        },
    }


def _headers(error: RequestError) -> dict[str, str]:
    match error:
        case Unauthorised(token_sent=True):
            return {"WWW-Authenticate": f'{_REALM}, error="invalid_token"'}
        case Unauthorised():
            return {"WWW-Authenticate": _REALM}
        case Forbidden(scopes=scopes):
            scope = f', scope="{" ".join(scopes)}"' if scopes else ""
            return {"WWW-Authenticate": f'{_REALM}, error="insufficient_scope"{scope}'}
        case Busy(retry_after=seconds):
            return {"Retry-After": str(seconds)}
        case _:
            return {}
