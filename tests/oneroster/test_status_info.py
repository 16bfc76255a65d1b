"""The table from our errors to OneRoster's."""

import pytest

from bridge.errors import (
    Busy,
    Forbidden,
    InvalidFilter,
    InvalidRequest,
    InvalidSelection,
    LaunchRefused,
    RequestError,
    Unauthorised,
    UnknownObject,
)
from bridge.oneroster.status_info import StatusInfo, internal_error, method_not_allowed, not_found_path, status_info


def code_minor(answer: StatusInfo) -> str:
    (field,) = answer.body["imsx_CodeMinor"]["imsx_codeMinorField"]
    assert field["imsx_codeMinorFieldName"] == "TargetEndSystem"
    return str(field["imsx_codeMinorFieldValue"])


@pytest.mark.parametrize(
    ("error", "status", "minor"),
    [
        pytest.param(InvalidRequest("limit", "bad"), 400, "invaliddata", id="parameter"),
        pytest.param(InvalidFilter("bad"), 400, "invalid_filter_field", id="filter"),
        pytest.param(InvalidSelection("bad"), 400, "invalid_selection_field", id="selection"),
        pytest.param(Unauthorised("bad", token_sent=True), 401, "unauthorisedrequest", id="token"),
        pytest.param(Forbidden("bad"), 403, "forbidden", id="scope"),
        pytest.param(UnknownObject("bad"), 404, "unknownobject", id="record"),
        pytest.param(Busy("bad"), 429, "server_busy", id="busy"),
        pytest.param(RequestError("bad"), 400, "invaliddata", id="other"),
        pytest.param(LaunchRefused("nonce", "bad"), 400, "invaliddata", id="error-of-another-protocol"),
    ],
)
def test_status_and_code_minor(error: RequestError, status: int, minor: str) -> None:
    answer = status_info(error)
    assert (answer.status, code_minor(answer)) == (status, minor)


def test_body_is_the_status_object_itself() -> None:
    assert status_info(InvalidRequest("limit", "must be a whole number from 1")).body == {
        "imsx_codeMajor": "failure",
        "imsx_severity": "error",
        "imsx_description": "limit: must be a whole number from 1",
        "imsx_CodeMinor": {
            "imsx_codeMinorField": [
                {"imsx_codeMinorFieldName": "TargetEndSystem", "imsx_codeMinorFieldValue": "invaliddata"}
            ]
        },
    }


@pytest.mark.parametrize(
    ("error", "header"),
    [
        pytest.param(Unauthorised("no token", token_sent=False), 'Bearer realm="OneRoster"', id="no-token"),
        pytest.param(
            Unauthorised("expired", token_sent=True), 'Bearer realm="OneRoster", error="invalid_token"', id="bad-token"
        ),
        pytest.param(
            Forbidden("not allowed", ["https://a.example.org/x", "https://a.example.org/y"]),
            'Bearer realm="OneRoster", error="insufficient_scope",'
            ' scope="https://a.example.org/x https://a.example.org/y"',
            id="scopes-that-would-do",
        ),
        pytest.param(
            Forbidden("not allowed"), 'Bearer realm="OneRoster", error="insufficient_scope"', id="no-scope-would-do"
        ),
    ],
)
def test_challenge(error: RequestError, header: str) -> None:
    assert status_info(error).headers == {"WWW-Authenticate": header}


def test_busy_says_when_to_ask_again() -> None:
    assert status_info(Busy("too many requests", retry_after=7)).headers == {"Retry-After": "7"}


def test_other_errors_add_no_headers() -> None:
    assert status_info(UnknownObject("no such user")).headers == {}


def test_unknown_path_answers_in_the_same_shape() -> None:
    answer = not_found_path()
    assert (answer.status, code_minor(answer)) == (404, "unknownobject")


def test_unknown_method_names_those_that_are_known() -> None:
    answer = method_not_allowed("GET, HEAD")
    assert (answer.status, answer.headers, answer.body["imsx_codeMajor"]) == (
        405,
        {"Allow": "GET, HEAD"},
        "unsupported",
    )


def test_internal_error_tells_nothing_but_the_request_id() -> None:
    answer = internal_error("r-17")
    assert (answer.status, code_minor(answer)) == (500, "internal_server_error")
    assert "r-17" in answer.body["imsx_description"]
