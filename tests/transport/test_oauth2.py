import json
import threading
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
from joserfc import jwt
from werkzeug import Response

from bridge.errors import SourceRefused, SourceUnavailable
from bridge.lti.assertion import sign_assertion
from bridge.transport.oauth2 import ServiceTokens

NRPS = "https://purl.imsglobal.org/spec/lti-nrps/scope/contextmembership.readonly"
AGS = "https://purl.imsglobal.org/spec/lti-ags/scope/score"
NOW = datetime(2026, 11, 20, 21, 0, tzinfo=UTC)
SAMPLES = Path(__file__).parent.parent / "samples" / "moodle-4.5"


class Seconds:
    """Time that passes when a test says so."""

    def __init__(self) -> None:
        self.passed = 1000.0

    def __call__(self) -> float:
        return self.passed


@pytest.fixture
def ticks():
    return Seconds()


@pytest.fixture
def tokens(http, key, ticks):
    def sign(platform, deployment_id):
        return sign_assertion(platform, key, datetime.now(UTC), deployment_id)

    return ServiceTokens(http, sign, clock=lambda: NOW, ticks=ticks)


@pytest.fixture
def answers(httpserver):
    """Sets what the token endpoint answers; the token ``t1``, ``t2``, … unless the test gives another body."""

    def answer(body=None, status=200, headers=None, **fields):
        def handle(_request):
            said = body
            if said is None:
                said = json.dumps({"access_token": f"t{len(httpserver.log) + 1}", "token_type": "Bearer"} | fields)
            return Response(said, status=status, headers=headers)

        httpserver.clear()
        httpserver.expect_request("/token").respond_with_handler(handle)

    return answer


def test_platform_can_verify_what_it_is_asked_with(tokens, make_platform, httpserver, answers, key):
    answers()
    platform = make_platform()

    tokens.token(platform, [NRPS, AGS], deployment_id="3")

    (request, _response) = httpserver.log[0]
    assert request.form["grant_type"] == "client_credentials"
    assert request.form["client_assertion_type"] == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    assert set(request.form["scope"].split(" ")) == {NRPS, AGS}
    claims = jwt.decode(request.form["client_assertion"], key, algorithms=["RS256"]).claims
    assert (claims["iss"], claims["aud"]) == (platform.client_id, platform.token_url)
    assert claims["https://purl.imsglobal.org/spec/lti/claim/deployment_id"] == "3"


def test_token_is_kept_until_a_minute_before_it_expires(tokens, make_platform, answers, ticks):
    answers(expires_in=3600)
    ask = partial(tokens.token, make_platform(), [NRPS])
    assert ask() == "t1"

    ticks.passed += 3539
    assert ask() == "t1"
    ticks.passed += 1
    assert ask() == "t2"


@pytest.mark.parametrize(
    ("fields", "lifetime"),
    [
        pytest.param({"expires_in": "600"}, 600, id="number-in-a-string"),
        pytest.param({"expires_in": 600.0}, 600, id="fraction"),
        pytest.param({}, 300, id="left-out"),
        pytest.param({"expires_in": None}, 300, id="null"),
        pytest.param({"expires_in": True}, 300, id="boolean"),
        pytest.param({"expires_in": "soon"}, 300, id="word"),
        pytest.param({"expires_in": -1}, 300, id="negative"),
    ],
)
def test_lifetime_is_understood(tokens, make_platform, answers, ticks, fields, lifetime):
    answers(**fields)
    ask = partial(tokens.token, make_platform(), [NRPS])
    ask()

    ticks.passed += lifetime - 61
    assert ask() == "t1"
    ticks.passed += 1
    assert ask() == "t2"


def test_short_lived_token_serves_for_half_of_its_life(tokens, make_platform, answers, ticks):
    answers(expires_in=40)
    ask = partial(tokens.token, make_platform(), [NRPS])
    ask()

    ticks.passed += 19
    assert ask() == "t1"
    ticks.passed += 1
    assert ask() == "t2"


def test_order_of_scopes_does_not_matter(tokens, make_platform, answers):
    answers()
    platform = make_platform()

    assert tokens.token(platform, [NRPS, AGS]) == tokens.token(platform, [AGS, NRPS]) == "t1"


def test_clients_deployments_and_scopes_have_tokens_of_their_own(tokens, make_platform, answers):
    answers()

    assert tokens.token(make_platform(), [NRPS]) == "t1"
    assert tokens.token(make_platform("bridge-8"), [NRPS]) == "t2"
    assert tokens.token(make_platform(), [NRPS], "3") == "t3"
    assert tokens.token(make_platform(), [AGS]) == "t4"


def test_forgotten_token_is_asked_anew(tokens, make_platform, answers):
    answers()
    platform = make_platform()
    refused = tokens.token(platform, [NRPS])

    tokens.forget(platform, [NRPS], refused)

    assert tokens.token(platform, [NRPS]) == "t2"


def test_forgetting_an_old_token_keeps_the_new_one(tokens, make_platform, answers):
    answers()
    platform = make_platform()
    refused = tokens.token(platform, [NRPS])
    tokens.forget(platform, [NRPS], refused)
    tokens.token(platform, [NRPS])

    tokens.forget(platform, [NRPS], refused)

    assert tokens.token(platform, [NRPS]) == "t2"


def test_threads_that_need_the_same_token_ask_once(tokens, make_platform, httpserver):
    threads = 6
    all_started = threading.Barrier(threads)
    got = []

    def handle(_request):
        return Response('{"access_token": "shared"}')

    def work(platform):
        all_started.wait()
        got.append(tokens.token(platform, [NRPS]))

    httpserver.expect_request("/token").respond_with_handler(handle)
    workers = [threading.Thread(target=work, args=(make_platform(),)) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert got == ["shared"] * threads
    assert len(httpserver.log) == 1


@pytest.mark.parametrize("token_type", ["bearer", "BEARER", None])
def test_case_of_the_token_type_does_not_matter(tokens, make_platform, answers, token_type):
    answers(token_type=token_type)

    assert tokens.token(make_platform(), [NRPS]) == "t1"


def test_moodle_token_answer_is_read_though_it_is_called_html(tokens, make_platform, answers):
    sample = json.loads((SAMPLES / "token-ok.json").read_text())
    answers(sample["body_text"], headers={"Content-Type": sample["headers"]["Content-Type"]})

    assert tokens.token(make_platform(), [NRPS]) == sample["body_json"]["access_token"]


def test_moodle_error_that_is_not_json_is_a_refusal(tokens, make_platform, answers):
    sample = json.loads((SAMPLES / "jwks-unknown-kid.json").read_text())
    answers(sample["body_text"], sample["status"])

    with pytest.raises(SourceRefused, match="an error that is not OAuth JSON") as raised:
        tokens.token(make_platform(), [NRPS])
    assert "lookup" not in str(raised.value)


@pytest.mark.parametrize(
    ("error", "check"),
    [
        pytest.param("invalid_client", "key set", id="invalid-client"),
        pytest.param("invalid_grant", "audience", id="invalid-grant"),
        pytest.param("invalid_request", "token URL", id="invalid-request"),
        pytest.param("invalid_scope", "Names and Role Provisioning", id="invalid-scope"),
        pytest.param("unauthorized_client", "enabled", id="unauthorized-client"),
        pytest.param("unsupported_grant_type", "token URL", id="unsupported-grant-type"),
    ],
)
def test_oauth_error_is_named_with_what_to_check(tokens, make_platform, answers, httpserver, error, check):
    answers(json.dumps({"error": error, "error_description": "Ada Example is unknown"}), 400)

    with pytest.raises(SourceRefused) as raised:
        tokens.token(make_platform(), [NRPS])
    message = str(raised.value)
    assert f"localhost:{httpserver.port}" in message
    assert "bridge-7" in message
    assert f"error {error}: " in message
    assert check in message
    assert "Ada" not in message


@pytest.mark.parametrize(
    "body",
    [
        pytest.param('{"error": "Ada Example"}', id="free-text"),
        pytest.param('{"error": ["Ada Example"]}', id="list"),
        pytest.param('["Ada Example"]', id="no-object"),
        pytest.param("<h1>Ada Example</h1>", id="html"),
        pytest.param("", id="nothing"),
    ],
)
def test_other_errors_are_not_repeated(tokens, make_platform, answers, body):
    answers(body, 404)

    with pytest.raises(SourceRefused, match="status 404, an error that is not OAuth JSON") as raised:
        tokens.token(make_platform(), [NRPS])
    assert "Ada" not in str(raised.value)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("{}", id="empty"),
        pytest.param('{"error": "invalid_scope"}', id="error-with-200"),
        pytest.param('{"access_token": null}', id="null"),
        pytest.param('{"access_token": ""}', id="blank"),
        pytest.param('{"access_token": "a\\r\\nb"}', id="line-break"),
        pytest.param("<html>maintenance</html>", id="html"),
    ],
)
def test_answer_without_a_token_is_refused(tokens, make_platform, answers, body):
    answers(body)

    with pytest.raises(SourceRefused, match="holds no access token"):
        tokens.token(make_platform(), [NRPS])


def test_answer_far_larger_than_a_token_is_not_read(tokens, make_platform, answers):
    answers('{"access_token": "t", "more": "%s"}' % ("x" * 65536))

    with pytest.raises(SourceRefused, match=r"more than 65536 bytes$"):
        tokens.token(make_platform(), [NRPS])


def test_token_without_a_needed_scope_is_refused(tokens, make_platform, answers):
    answers(scope=AGS)

    with pytest.raises(SourceRefused, match=f"lacks the scope {NRPS}: switch on"):
        tokens.token(make_platform(), [NRPS, AGS])


@pytest.mark.parametrize(
    "scope",
    [
        pytest.param(f"{AGS} {NRPS}", id="more-than-asked"),
        pytest.param("", id="blank"),
        pytest.param(None, id="null"),
    ],
)
def test_token_with_the_needed_scope_is_taken(tokens, make_platform, answers, scope):
    answers(scope=scope)

    assert tokens.token(make_platform(), [NRPS]) == "t1"


@pytest.mark.parametrize(
    ("status", "header", "seconds"),
    [
        pytest.param(503, None, None, id="503"),
        pytest.param(429, "17", 17, id="429-with-seconds"),
        pytest.param(500, "Fri, 20 Nov 2026 21:00:30 GMT", 30, id="500-with-date"),
    ],
)
def test_busy_token_endpoint_is_unavailable(tokens, make_platform, answers, status, header, seconds):
    answers("", status, headers={"Retry-After": header} if header else None)

    with pytest.raises(SourceUnavailable, match=f"the token endpoint answers {status}") as raised:
        tokens.token(make_platform(), [NRPS])
    assert raised.value.retry_after == seconds


def test_refusal_is_not_kept(tokens, make_platform, answers):
    answers("", 400)
    with pytest.raises(SourceRefused):
        tokens.token(make_platform(), [NRPS])
    answers()

    assert tokens.token(make_platform(), [NRPS]) == "t1"
