"""Whatever comes in is answered, and never by a failure of the server."""

import json
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.oneroster.scopes import ONEROSTER_SCOPES
from bridge.registry.feeders import Audience
from bridge.roster.model import COLLECTIONS
from bridge.roster.references import ROSTERING_PATH
from tests.conformance.world import Consumer, World

_ANY = st.text(st.characters(codec="utf-8"), max_size=60)
_WIRE = st.text(string.printable.replace("\r", "").replace("\n", ""), max_size=80)
_FILTERISH = st.lists(
    st.sampled_from(
        [
            "status",
            "dateLastModified",
            "metadata.k",
            "roles.role",
            "=",
            "!=",
            "~",
            ">",
            "'",
            "''",
            "a,b",
            "(",
            ")",
            " AND ",
            " OR ",
            "2026-01-01",
            "\0",
            "é",
            "%27",
        ]
    ),
    max_size=14,
).map("".join)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    world = World(tmp_path_factory.mktemp("fuzzing"), token_requests_per_minute=0)
    world.add(
        "users",
        {
            "sourcedId": "ada",
            "status": "active",
            "enabledUser": "true",
            "givenName": "Ada",
            "familyName": "Abara",
            "roles": [],
        },
    )
    yield world
    world.close()


@pytest.fixture(scope="module")
def consumers(world):
    """One who sees everything, and one who is limited."""
    client, secret = world.wiring.registry.clients.add("limited", scopes=ONEROSTER_SCOPES, classes=["class"])
    limited = Consumer(world.app, world.settings.server.public_url, client.client_id, secret)
    return [world.consumer().headers, limited.headers]


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_any_query_is_answered(world, consumers, data):
    collection = data.draw(st.sampled_from(sorted(COLLECTIONS)))
    query = data.draw(
        st.dictionaries(
            st.sampled_from(["filter", "sort", "orderBy", "fields", "search", "limit", "offset", "cursor", "x"]),
            _FILTERISH | _ANY,
        )
    )
    for headers in consumers:
        answer = world.app.test_client().get(f"{ROSTERING_PATH}/{collection}", query_string=query, headers=headers)

        assert answer.status_code in (200, 400)


@settings(max_examples=60, deadline=None)
@given(path=_WIRE, query=_WIRE, authorization=_WIRE)
def test_any_path_and_header_is_answered(world, path, query, authorization):
    answer = world.app.test_client().get(
        f"/{path.replace('?', '').replace('#', '')}?{query.replace('#', '')}",
        headers={"Authorization": authorization, "If-None-Match": authorization, "Origin": authorization},
    )

    assert answer.status_code < 500


@pytest.mark.parametrize("path", ["/oauth2/token", "/lti/login", "/lti/launch", "/lti/roster"])
@settings(max_examples=40, deadline=None)
@given(
    form=st.dictionaries(
        st.sampled_from(
            [
                "grant_type",
                "scope",
                "client_id",
                "client_secret",
                "iss",
                "login_hint",
                "target_link_uri",
                "state",
                "id_token",
                "lti_deployment_id",
                "lti_storage_target",
                "stored",
                "token",
                "error",
            ]
        ),
        _ANY | _WIRE,
    )
)
def test_any_form_is_answered(world, path, form):
    answer = world.app.test_client().post(path, data=form)

    assert answer.status_code < 500


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from([10**300, 2**64]) | st.floats() | _ANY,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_ANY, inner, max_size=4),
    max_leaves=12,
)
_CORE = "https://purl.imsglobal.org/spec/lti/claim/"
_CLAIMS = st.dictionaries(
    st.sampled_from(
        [
            *("sub", "name", "email", "given_name", "iat", "exp", "nonce", "azp"),
            *(_CORE + name for name in ("roles", "context", "resource_link", "deployment_id", "custom", "lis")),
            "https://purl.imsglobal.org/spec/lti-nrps/claim/namesroleservice",
        ]
    ),
    _JSON,
)


@pytest.fixture(scope="module")
def tool(world):
    """A tool that may hand in launches, by the header that it comes with."""
    registry = world.wiring.registry
    client_id = registry.tools.add("quiz", jwks_url="https://tool.example.org/jwks", shares=["names"]).client_id
    registry.db.execute("INSERT OR IGNORE INTO tenants (name, created) VALUES ('school', '')")
    issuer, jwks_url = "https://lms.example.org", "https://lms.example.org/jwks"
    registry.feeders.bind(
        Audience(tool=client_id, issuer=issuer, client_id="quiz-7", tenant="school", jwks_url=jwks_url)
    )
    return {"Authorization": f"Bearer {registry.tool_keys.issue(client_id)}"}


@settings(max_examples=80, deadline=None)
@given(claims=_CLAIMS)
def test_any_claims_that_are_handed_in_are_taken_or_refused(world, tool, claims):
    claims = {**claims, "iss": "https://lms.example.org", "aud": "quiz-7"}

    answer = world.app.test_client().post("/api/launches", data=json.dumps(claims), headers=tool)

    assert answer.status_code in (201, 400, 403)


@settings(max_examples=60, deadline=None)
@given(body=_JSON.map(json.dumps) | st.binary(max_size=200) | _ANY.map(lambda token: json.dumps({"idToken": token})))
def test_any_body_that_is_handed_in_is_refused(world, tool, body):
    answer = world.app.test_client().post("/api/launches", data=body, headers=tool)

    assert answer.status_code in (400, 403)


@settings(max_examples=60, deadline=None)
@given(
    path=st.sampled_from(
        ["/api/events", "/api/runs", "/api/runs/x", "/api/memberships", "/api/idtoken", "/lti/contexts/x/memberships"]
    ),
    query=st.dictionaries(st.sampled_from(["cursor", "after", "before", "limit", "role", "rlid", "since", "x"]), _ANY),
    authorization=_WIRE,
)
def test_any_query_of_the_other_interfaces_is_answered(world, consumers, tool, path, query, authorization):
    for headers in (*consumers, tool, {"Authorization": authorization}):
        answer = world.app.test_client().get(path, query_string=query, headers=headers)

        assert answer.status_code < 500


@settings(max_examples=60, deadline=None)
@given(
    body=st.binary(max_size=300),
    content_type=st.sampled_from(
        ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/json", "text/plain", ""]
    ),
)
def test_any_body_is_answered(world, body, content_type):
    for path in ("/oauth2/token", "/lti/launch"):
        answer = world.app.test_client().post(path, data=body, content_type=content_type)

        assert answer.status_code < 500
