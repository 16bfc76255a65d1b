"""The practice LMS's token endpoint refuses, row by row, whatever a strict platform may refuse."""

import base64
import hmac
import json
import time
from datetime import timedelta

import pytest
import requests
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from bridge.clock import utc_now
from bridge.practice.lms_tools import AGS_SCOPE, NRPS_SCOPE
from bridge.practice.rosters import Roster
from bridge.practice.server import PracticeLms

pytestmark = pytest.mark.clause("1EdTech Security Framework 1.0 section 4.1")


def assert_refused(response, error, reason):
    assert (response.status_code, response.json()["error"]) == (400, error)
    assert reason in response.json()["error_description"]


def segment(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def test_a_good_assertion_is_given_a_token(tool):
    response = tool.ask_token(tool.form())

    body = response.json()
    assert response.status_code == 200
    assert (body["token_type"], body["expires_in"], body["scope"]) == ("Bearer", 3600, NRPS_SCOPE)
    assert tool.get(f"{tool.registration['issuer']}/nrps/Course-1/memberships", token=body["access_token"]).ok


def test_the_issuer_will_do_as_audience(tool):
    assertion = tool.assertion(aud=["https://elsewhere.example.org", tool.registration["issuer"]])

    assert tool.ask_token(tool.form(assertion)).status_code == 200


@pytest.mark.parametrize("good", [True, False], ids=["token", "refusal"])
def test_no_answer_may_be_stored(tool, good):
    response = tool.ask_token(tool.form(grant_type="client_credentials" if good else "password"))

    assert response.ok is good
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"iss": "Practice-nobody"}, "iss must be"),
        ({"iss": None}, "iss must be"),
        ({"iss": 7}, "iss must be"),
        ({"sub": "somebody else"}, "sub must be"),
        ({"sub": None}, "sub must be"),
        ({"aud": "https://elsewhere.example.org/token"}, "aud must contain"),
        ({"aud": None}, "aud must contain"),
        ({"aud": []}, "aud must contain"),
        ({"exp": None}, "exp must be a number"),
        ({"exp": "1900000000"}, "exp must be a number"),
        ({"exp": 1_000_000_000}, "exp has passed"),
        ({"exp": 4_000_000_000}, "within 600 seconds"),
        ({"iat": None}, "iat must be a number"),
        ({"iat": True}, "iat must be a number"),
        ({"iat": float("nan")}, "iat must be a number"),
        ({"iat": 4_000_000_000}, "iat is in the future"),
        ({"iat": 1_000_000_000}, "within 600 seconds"),
        ({"nbf": 4_000_000_000}, "nbf is in the future"),
        ({"jti": None}, "jti is missing"),
        ({"jti": ""}, "jti is missing"),
        ({"jti": 7}, "jti is missing"),
        ({"https://purl.imsglobal.org/spec/lti/claim/deployment_id": "99"}, "deployment_id"),
    ],
    ids=str,
)
def test_an_assertion_with_a_bad_claim_is_refused(tool, changes, reason):
    assert_refused(tool.ask_token(tool.form(tool.assertion(**changes))), "invalid_client", reason)


def test_the_tool_may_name_its_deployment(tool):
    claim = {"https://purl.imsglobal.org/spec/lti/claim/deployment_id": tool.registration["deployment_id"]}

    assert tool.ask_token(tool.form(tool.assertion(**claim))).status_code == 200


def test_an_assertion_is_good_for_one_token(tool):
    form = tool.form()

    assert tool.ask_token(form).status_code == 200
    assert_refused(tool.ask_token(form), "invalid_client", "jti was used before")


def test_a_key_without_kid_is_refused(tool):
    assertion = jwt.encode({"alg": "RS256"}, tool.claims(), tool.key)

    assert_refused(tool.ask_token(tool.form(assertion)), "invalid_client", "kid is missing")


def test_an_unknown_kid_is_refused(tool):
    assertion = jwt.encode({"alg": "RS256", "kid": "another"}, tool.claims(), tool.key)

    assert_refused(tool.ask_token(tool.form(assertion)), "invalid_client", "no key with this kid")


def test_a_signature_by_another_key_is_refused(tool):
    another = RSAKey.generate_key(2048)
    assertion = jwt.encode({"alg": "RS256", "kid": tool.key.kid}, tool.claims(), another)

    assert_refused(tool.ask_token(tool.form(assertion)), "invalid_client", "signature")


def test_claims_changed_after_signing_are_refused(tool):
    header, _, signature = tool.assertion().split(".")
    assertion = f"{header}.{segment(tool.claims())}.{signature}"

    assert_refused(tool.ask_token(tool.form(assertion)), "invalid_client", "signature")


def test_an_unsigned_assertion_is_refused(tool):
    assertion = f"{segment({'alg': 'none', 'kid': tool.key.kid})}.{segment(tool.claims())}."

    assert_refused(tool.ask_token(tool.form(assertion)), "invalid_client", "alg must be RS256")


def test_the_public_key_as_shared_secret_is_refused(tool):
    signed = f"{segment({'alg': 'HS256', 'kid': tool.key.kid})}.{segment(tool.claims())}"
    mac = hmac.digest(tool.key.as_pem(private=False), signed.encode(), "sha256")
    assertion = f"{signed}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"

    assert_refused(tool.ask_token(tool.form(assertion)), "invalid_client", "alg must be RS256")


def test_another_asymmetric_algorithm_is_refused(tool):
    assertion = jwt.encode({"alg": "ES256", "kid": tool.key.kid}, tool.claims(), ECKey.generate_key("P-256"))

    assert_refused(tool.ask_token(tool.form(assertion)), "invalid_client", "alg must be RS256")


@pytest.mark.parametrize("assertion", ["gibberish", "a.b.c", "é.é.é", "eyJhbGciOiJSUzI1NiJ9.W10."], ids=repr)
def test_what_is_no_signed_jwt_is_refused(tool, assertion):
    assert_refused(tool.ask_token(tool.form(assertion)), "invalid_client", "client_assertion")


@pytest.mark.parametrize(
    ("changes", "error", "reason"),
    [
        ({"grant_type": "password"}, "unsupported_grant_type", "grant_type"),
        ({"grant_type": None}, "invalid_request", "grant_type must be given once"),
        ({"grant_type": ["client_credentials"] * 2}, "invalid_request", "grant_type must be given once"),
        ({"client_assertion_type": None}, "invalid_request", "client_assertion_type"),
        ({"client_assertion_type": "jwt-bearer"}, "invalid_request", "client_assertion_type"),
        ({"client_assertion": None}, "invalid_request", "client_assertion must be given once"),
        ({"scope": None}, "invalid_request", "scope must be given once"),
        ({"scope": "https://purl.imsglobal.org/spec/lti-ags/scope/score"}, "invalid_scope", "scopes asked for"),
        ({"scope": NRPS_SCOPE.upper()}, "invalid_scope", "scopes asked for"),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_a_bad_form_is_refused(tool, changes, error, reason):
    assert_refused(tool.ask_token(tool.form(**changes)), error, reason)


def test_a_json_body_is_refused(tool):
    response = tool.session.post(tool.registration["token_url"], json=tool.form(), timeout=10)

    assert_refused(response, "invalid_request", "application/x-www-form-urlencoded")


def test_a_get_is_not_allowed(tool):
    response = tool.session.get(tool.registration["token_url"], timeout=10)

    assert (response.status_code, "POST" in response.headers["Allow"]) == (405, True)


def test_the_granted_scopes_are_those_of_the_asked_ones_that_the_tool_has(tool):
    response = tool.ask_token(tool.form(scope=f"{AGS_SCOPE} https://example.org/unknown"))

    assert response.json()["scope"] == AGS_SCOPE


def test_keys_are_fetched_from_the_tool_and_fetched_again_after_rotation(lms, launched_tool):
    registration = launched_tool.register(lms)

    def ask():
        (key,) = launched_tool.keys
        now = int(time.time())
        claims = {
            "iss": registration["client_id"],
            "sub": registration["client_id"],
            "aud": registration["token_url"],
            "iat": now,
            "exp": now + 60,
            "jti": str(time.perf_counter_ns()),
        }
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": jwt.encode({"alg": "RS256", "kid": key.kid}, claims, key),
            "scope": NRPS_SCOPE,
        }
        return requests.post(registration["token_url"], data=form, timeout=10).status_code

    assert (ask(), ask(), launched_tool.keys_served) == (200, 200, 1)
    launched_tool.rotate()
    assert (ask(), ask(), launched_tool.keys_served) == (200, 200, 2)


def test_a_tool_whose_key_set_cannot_be_fetched_is_refused(lms, tool, launched_tool):
    registration = launched_tool.register(lms)
    launched_tool.server.close()
    assertion = tool.assertion(iss=registration["client_id"], sub=registration["client_id"])

    assert_refused(tool.ask_token(tool.form(assertion)), "invalid_client", "key set URL does not answer")


def test_time_is_the_clocks(platform_key, make_tool):
    ahead = timedelta()
    with PracticeLms(Roster(), clock=lambda: utc_now() + ahead, key=platform_key) as lms:
        tool = make_tool(lms)
        assertion = tool.assertion()
        ahead = timedelta(minutes=6)

        assert_refused(tool.ask_token(tool.form(assertion)), "invalid_client", "exp has passed")


@pytest.mark.parametrize("changes", [{}, {"jwks_url": "https://tool.example.org/jwks", "jwks": {"keys": []}}], ids=str)
def test_a_tool_is_registered_with_one_way_to_its_keys(lms, changes):
    with pytest.raises(ValueError, match="either jwks_url or jwks"):
        lms.register_tool(login_url="https://a.example.org", redirect_uris=["https://a.example.org/l"], **changes)
