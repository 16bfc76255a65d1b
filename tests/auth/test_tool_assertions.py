"""What an LTI tool has to show at the token endpoint, and what is refused: RFC 7523, 1EdTech Security Framework 1.0."""

import base64
import json
import threading

import pytest
from joserfc import jws
from joserfc.jwk import ECKey, RSAKey

from bridge.auth.bearer import authenticate_tool
from bridge.errors import Unauthorised
from bridge.nrps.schemas import CONTEXT_MEMBERSHIP_SCOPE
from bridge.registry.registry import Registry
from tests.mirror.rosters_in_memory import PUBLIC_URL
from tests.nrps.serving import TOKEN_URL, Serving

DAY = 86_400


@pytest.fixture(scope="module")
def key():
    return RSAKey.generate_key(2048, auto_kid=True)


@pytest.fixture(scope="module")
def other_key():
    return RSAKey.generate_key(2048, auto_kid=True)


@pytest.fixture
def serving(tmp_path, key):
    opened = Serving(tmp_path, key)
    yield opened
    opened.close()


@pytest.fixture
def tool(serving):
    return serving.tool()


@pytest.fixture
def now(serving):
    return int(serving.school.clock().timestamp())


def assert_refused(answer):
    body = answer.get_json()
    assert (answer.status_code, body["error"]) == (401, "invalid_client")
    assert answer.headers["Cache-Control"] == "no-store"
    assert "as docs/nrps.md says" in body["error_description"]


def test_signed_assertion_gets_a_token_that_works(serving, tool):
    answer = tool.ask_token()

    body = answer.get_json()
    assert (answer.status_code, body["token_type"], body["scope"]) == (200, "Bearer", CONTEXT_MEMBERSHIP_SCOPE)
    assert body["expires_in"] <= 3600
    assert answer.headers["Cache-Control"] == "no-store"
    grant = authenticate_tool(f"Bearer {body['access_token']}", serving.registry)
    assert (grant.tool.client_id, grant.scopes) == (tool.registered.client_id, {CONTEXT_MEMBERSHIP_SCOPE})


@pytest.mark.parametrize(
    "aud", [TOKEN_URL, PUBLIC_URL, [TOKEN_URL], ["https://other.example.org", PUBLIC_URL]], ids=repr
)
def test_audience_is_the_token_url_or_the_issuer(tool, aud):
    assert tool.ask_token(tool.sign(aud=aud)).status_code == 200


@pytest.mark.parametrize(
    "aud",
    ["https://other.example.org/oauth2/token", f"{TOKEN_URL}/", TOKEN_URL.upper(), None, [], [1], {"x": TOKEN_URL}],
    ids=repr,
)
def test_other_audience_is_refused(tool, aud):
    assert_refused(tool.ask_token(tool.sign(aud=aud)))


@pytest.mark.parametrize(
    "claims",
    [{"sub": "somebody"}, {"sub": None}, {"iss": "somebody"}, {"iss": None}, {"iss": 7}],
    ids=repr,
)
def test_issuer_and_subject_are_the_client_id(tool, claims):
    assert_refused(tool.ask_token(tool.sign(**claims)))


@pytest.mark.parametrize("name", ["iss", "sub", "jti"])
def test_half_a_character_is_refused_like_everything_else(serving, tool, key, name):
    claims = json.dumps({**serving.claims(tool.registered), name: "\ud800"}).encode()

    assert_refused(tool.ask_token(jws.serialize_compact({"alg": "RS256", "kid": key.kid}, claims, key)))


def test_client_id_beside_the_assertion_is_the_same(tool):
    assert tool.ask_token(client_id=tool.registered.client_id).status_code == 200
    assert_refused(tool.ask_token(client_id="somebody"))


@pytest.mark.parametrize(
    ("iat", "exp"),
    [(0, DAY), (0, 3601), (-3700, 60), (120, 180), (-200, -61), (0, None), (None, 60), (0, "soon"), ("now", 60)],
    ids=[
        *("a day away", "over an hour away", "issued long ago", "from the future", "expired", "no exp", "no iat"),
        *("text for exp", "text for iat"),
    ],
)
def test_times_that_are_not_near_are_refused(tool, now, iat, exp):
    times = {"iat": iat, "exp": exp}

    assert_refused(tool.ask_token(tool.sign(**{n: now + v if isinstance(v, int) else v for n, v in times.items()})))


@pytest.mark.parametrize(("iat", "exp"), [(59, 119), (-100, -59), (0, 3600)], ids=["ahead", "behind", "an hour"])
def test_clocks_may_differ_by_a_minute(tool, now, iat, exp):
    assert tool.ask_token(tool.sign(iat=now + iat, exp=now + exp)).status_code == 200


def test_assertion_that_is_not_valid_yet_is_refused(tool, now):
    assert_refused(tool.ask_token(tool.sign(nbf=now + 120)))


def test_assertion_is_good_for_one_token(tool):
    assertion = tool.sign()

    assert tool.ask_token(assertion).status_code == 200
    assert_refused(tool.ask_token(assertion))


def test_used_assertion_is_refused_after_a_restart_and_by_every_worker(tmp_path, key, serving, tool):
    assertion = tool.sign()
    tool.ask_token(assertion)
    other = Serving(tmp_path, key)
    answer = type(tool)(other, tool.registered).ask_token(assertion)
    other.close()

    assert_refused(answer)


def test_of_many_at_once_one_gets_a_token(serving, tool):
    assertion = tool.sign()
    statuses = []

    def ask():
        statuses.append(type(tool)(serving, tool.registered).ask_token(assertion).status_code)
        serving.app.extensions["bridge"].close()

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(statuses) == [200, 401, 401, 401, 401, 401]


@pytest.mark.parametrize("jti", [None, "", 7, "x" * 513], ids=["none", "empty", "number", "endless"])
def test_jti_is_needed(tool, jti):
    assert_refused(tool.ask_token(tool.sign(jti=jti)))


def test_same_jti_of_two_tools_is_two(serving, tool):
    assert tool.ask_token(tool.sign(jti="1")).status_code == 200
    another = serving.tool()
    assert another.ask_token(another.sign(jti="1")).status_code == 200


def test_missing_kid_is_refused(tool):
    assert_refused(tool.ask_token(tool.sign(header={"kid": None})))


def test_kid_of_another_tool_is_refused(serving, tool, other_key):
    key_set = json.dumps({"keys": [other_key.as_dict(private=False)]})
    serving.registry.tools.add("other", key_set=key_set)

    assert_refused(tool.ask_token(tool.sign(key=other_key)))


def test_signature_by_another_key_under_the_right_kid_is_refused(tool, key, other_key):
    assert_refused(tool.ask_token(tool.sign(key=other_key, header={"kid": key.kid})))


@pytest.mark.parametrize("part", [0, 1, 2])
def test_changed_assertion_is_refused(tool, part):
    parts = tool.sign().split(".")
    parts[part] = parts[part][:-5] + ("AAAAA" if not parts[part].endswith("AAAAA") else "BBBBB")

    assert_refused(tool.ask_token(".".join(parts)))


@pytest.mark.parametrize("alg", ["none", "HS256", "RS384", "ES256", None], ids=repr)
def test_other_algorithms_are_refused(tool, alg):
    header, *rest = tool.sign().split(".")
    del header
    forged = _segment({"alg": alg, "kid": "x"})

    assert_refused(tool.ask_token(".".join([forged, *rest])))


@pytest.mark.parametrize(
    ("algorithm", "curve"),
    [("RS512", None), ("PS256", None), ("ES256", "P-256"), ("ES384", "P-384"), ("ES512", "P-521")],
)
def test_key_for_another_algorithm_is_good_for_that_alone(serving, key, algorithm, curve):
    own = ECKey.generate_key(curve, auto_kid=True) if curve else key
    registered = {**own.as_dict(private=False), "alg": algorithm}
    tool = serving.tool(key_set=json.dumps({"keys": [registered]}))
    others = {"RS256", "RS512", "PS256"} - {algorithm} if curve is None else {"RS256", "HS256"}

    assert tool.ask_token(tool.sign(key=own, header={"alg": algorithm})).status_code == 200
    for other in others:
        _, claims, signature = tool.sign(key=own, header={"alg": algorithm}).split(".")
        assert_refused(tool.ask_token(f"{_segment({'alg': other, 'kid': own.kid})}.{claims}.{signature}"))
        if curve is None:
            assert_refused(tool.ask_token(tool.sign(key=own, header={"alg": other})))


def test_critical_header_is_refused(tool):
    header = _segment({"alg": "RS256", "kid": "x", "crit": ["exp"]})

    assert_refused(tool.ask_token(".".join([header, *tool.sign().split(".")[1:]])))


@pytest.mark.parametrize("assertion", ["x", "a.b", "a.b.c", "...", "é.é.é", "e30.e30.e30"])
def test_nonsense_is_refused(tool, assertion):
    assert_refused(tool.ask_token(assertion))


def test_revoked_tool_gets_none(serving, tool):
    serving.registry.tools.revoke(tool.registered.client_id)

    assert_refused(tool.ask_token())


def test_refusals_do_not_tell_which_check_failed(tool, now):
    refusals = [tool.sign(aud="x"), tool.sign(sub="x"), tool.sign(exp=now + DAY), tool.sign(iss="x"), "x"]

    assert len({tool.ask_token(assertion).get_data() for assertion in refusals}) == 1


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"scope": "https://purl.imsglobal.org/spec/lti-ags/scope/score"}, "invalid_scope"),
        ({"grant_type": None}, "invalid_request"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"client_assertion_type": "x"}, "invalid_request"),
        ({"client_assertion": None}, "invalid_request"),
        ({"client_secret": "x"}, "invalid_request"),
    ],
    ids=["other scope", "no grant", "other grant", "other type", "no assertion", "a secret too"],
)
def test_wrong_request_is_told_what_is_wrong(tool, form, error):
    answer = tool.ask_token(**form)

    assert (answer.status_code, answer.get_json()["error"]) == (400, error)


def test_wrong_request_does_not_use_the_assertion_up(tool):
    assertion = tool.sign()
    tool.ask_token(assertion, scope="x")

    assert tool.ask_token(assertion).status_code == 200


def test_scopes_that_mean_nothing_here_are_passed_over(tool):
    answer = tool.ask_token(scope=f"https://purl.imsglobal.org/spec/lti-ags/scope/score {CONTEXT_MEMBERSHIP_SCOPE}")

    assert answer.get_json()["scope"] == CONTEXT_MEMBERSHIP_SCOPE


def _segment(header):
    return base64.urlsafe_b64encode(json.dumps(header).encode()).decode().rstrip("=")


class TestKeySetOfTheTool:
    """Keys that are read at the tool's own address."""

    @pytest.fixture
    def publish(self, httpserver):
        def publish(*keys):
            httpserver.clear()
            key_set = {"keys": [each.as_dict(private=False) for each in keys]}
            httpserver.expect_request("/jwks").respond_with_json(key_set)

        return publish

    @pytest.fixture
    def tool(self, serving, httpserver):
        return serving.tool(jwks_url=httpserver.url_for("/jwks"), key_set=None)

    def test_is_read_and_kept(self, tool, publish, httpserver, key):
        publish(key)

        assert [tool.ask_token().status_code for _ in range(3)] == [200, 200, 200]
        assert len(httpserver.log) == 1

    def test_new_key_is_found_after_the_cool_down(self, serving, tool, publish, key, other_key):
        publish(key)
        tool.ask_token()
        publish(key, other_key)
        at_once = tool.ask_token(tool.sign(key=other_key))
        serving.school.clock.turn(seconds=31)

        assert_refused(at_once)
        assert tool.ask_token(tool.sign(key=other_key)).status_code == 200

    def test_unknown_kids_make_it_be_read_once(self, tool, publish, httpserver, key, other_key):
        publish(key)
        for _ in range(5):
            assert_refused(tool.ask_token(tool.sign(key=other_key)))

        assert len(httpserver.log) == 1

    def test_address_in_the_assertion_is_not_looked_at(self, tool, publish, httpserver, key, other_key):
        publish(key)
        header = {"jku": httpserver.url_for("/other"), "jwk": other_key.as_dict(private=False), "kid": other_key.kid}

        assert_refused(tool.ask_token(tool.sign(key=other_key, header=header)))
        assert [request.path for request, _ in httpserver.log] == ["/jwks"]

    def test_that_cannot_be_had_lets_nobody_in(self, tool, httpserver):
        httpserver.expect_request("/jwks").respond_with_data("", status=500)

        assert_refused(tool.ask_token())


def test_what_becomes_of_a_tool_in_another_process_counts_at_once(serving, tool):
    header = f"Bearer {tool.ask_token().get_json()['access_token']}"
    assert authenticate_tool(header, serving.registry).tool.revoked is None

    with Registry.open(serving.settings.storage.registry, serving.registry.clock) as other:
        other.tools.revoke(tool.registered.client_id)

    with pytest.raises(Unauthorised):
        authenticate_tool(header, serving.registry)
