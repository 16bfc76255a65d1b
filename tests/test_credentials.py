"""Every route against every kind of credential: each cell has one right answer, and a route without a row fails."""

import re
from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import pytest

from bridge.api.scopes import RUNS_READ, SYNC
from bridge.app import create_app
from bridge.auth.tokens import issue_token
from bridge.lti.claims import CORE
from bridge.nrps.schemas import CONTEXT_MEMBERSHIP_SCOPE
from bridge.oneroster.discovery import FILE_NAMES
from bridge.oneroster.operations import OPERATIONS
from bridge.oneroster.scopes import ONEROSTER_SCOPES, ROSTER, ROSTER_CORE
from bridge.registry.launches import LaunchContextKey, TakenLaunch
from bridge.roster.identity import PersonKey, class_sourced_id, context_key
from bridge.roster.references import ROSTERING_PATH
from bridge.settings import Monitoring
from tests.conformance.world import World, ref

_REFUSED = ("none", "another scheme", "garbage", "expired", "revoked", "of a revoked client")
KINDS = (*_REFUSED, "wrong scope", "other tenant's", "right")

WITH_TOKEN = dict.fromkeys(_REFUSED, 401) | {"wrong scope": 403, "other tenant's": 404, "right": 200}

# What these answer has nothing to do with who asks. A form that is missing is the caller's fault, whoever she is.
OPEN = {
    "/": 200,
    "/docs": 200,
    "/docs/site.css": 200,
    **{f"{ROSTERING_PATH}/discovery/{name}": 200 for name in FILE_NAMES},
    "/oauth2/token": 405,
    "/lti/static/<path:filename>": 404,
    "/lti/login": 400,
    "/lti/launch": 405,
    "/lti/roster": 401,
    "/lti/register": 400,
    "/lti/register/<invitation>": 400,
    "/.well-known/jwks.json": 200,
    "/metrics": 200,  # from loopback, where the tests are; elsewhere by a token of its own
    "/healthz": 200,
    "/readyz": 200,
}
ALL_SCOPES = (*ONEROSTER_SCOPES, RUNS_READ, SYNC)

# By scope, and the answer to who asks for another tenant's, and to who may.
API = {
    "/api/events": (ONEROSTER_SCOPES, 200, 200),
    "/api/runs": ([RUNS_READ], 200, 200),
    "/api/runs/<name>": ([RUNS_READ], 404, 404),  # no run has this name
    "/api/runs/<name>/changes": ([RUNS_READ], 404, 404),
    "/api/classes/<path:sourced_id>/sync": ([SYNC], 404, 404),  # no roster is read for these records
    "/api/sources/<path:source>/sync": ([SYNC], 404, 404),
}

# What tools come with. Each of these is somebody's, and good, unless it says otherwise.
TOOL_KINDS = (
    "tool token",
    "tool token without the scope",
    "other tenant's tool token",
    "expired tool token",
    "token of a revoked tool",
    "API key",
    "revoked API key",
    "API key of a revoked tool",
    "ltik",
    "ltik in the older header",
    "other tenant's ltik",
    "ltik without an API key",
    "expired ltik",
    "another tool's ltik",
    "ltik with a revoked API key",
    "service key",
    "other tenant's service key",
    "service key without an API key",
    "revoked service key",
    "another tool's service key",
    "service key with a revoked API key",
)
_LAUNCHED = {"ltik", "ltik in the older header", "other tenant's ltik"}
_OF_CONTEXT = {*_LAUNCHED, "service key", "other tenant's service key"}
_OTHERS = {"other tenant's ltik": 403, "other tenant's service key": 403}

# The answers that are not 401. Whoever may hand in a launch is told that she has sent none; a context whose roster
# cannot be read is none to ask a sync of; a launch can be read while the tool may see its class.
OF_TOOLS = {
    ("GET", "/lti/contexts/<path:class_sourced_id>/memberships"): {
        "tool token": 200,
        "tool token without the scope": 403,
        "other tenant's tool token": 404,
    },
    ("POST", "/api/launches"): {"API key": 400},
    ("GET", "/api/memberships"): dict.fromkeys(_OF_CONTEXT, 200) | _OTHERS,
    ("POST", "/api/memberships/sync"): dict.fromkeys(_OF_CONTEXT, 404) | _OTHERS,
    ("GET", "/api/idtoken"): dict.fromkeys(_LAUNCHED, 200) | {"other tenant's ltik": 403},
}
CLAIMS = {"iss": "https://lms.example.org", "aud": "quiz", "sub": "7", CORE + "roles": [], CORE + "deployment_id": "1"}
CONTEXT = context_key("course-1")
CLASS_OF_CONTEXT = class_sourced_id("north", CONTEXT)

_IDS = {
    "orgs": "school",
    "academicSessions": "term",
    "courses": "course",
    "classes": "class",
    "users": "ada-4711",
    "enrollments": "enrollment",
    "demographics": "ada-4711",
}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    world = World(tmp_path_factory.mktemp("credentials"))
    school = ref("orgs", "school")
    world.add("orgs", {"sourcedId": "school", "status": "active", "name": "S", "type": "school", "identifier": "1"})
    world.add(
        "academicSessions",
        *(
            {
                "sourcedId": kind,
                "status": "active",
                "title": "T",
                "startDate": "2026-08-01",
                "endDate": "2027-07-31",
                "type": kind,
                "schoolYear": "2027",
            }
            for kind in ("term", "gradingPeriod")
        ),
    )
    world.add("courses", {"sourcedId": "course", "status": "active", "title": "C", "courseCode": "c", "org": school})
    world.add(
        "classes",
        {
            "sourcedId": "class",
            "status": "active",
            "title": "C",
            "classType": "scheduled",
            "course": ref("courses", "course"),
            "school": school,
            "terms": [ref("academicSessions", "term")],
        },
    )
    world.add(
        "users",
        {
            "sourcedId": "ada-4711",
            "status": "active",
            "enabledUser": "true",
            "givenName": "Ada",
            "familyName": "Abara",
            "roles": [
                {"roleType": "primary", "role": "student", "org": school},
                {"roleType": "secondary", "role": "teacher", "org": school},
            ],
        },
    )
    world.add(
        "classes",
        {
            "sourcedId": CLASS_OF_CONTEXT,
            "status": "active",
            "title": "L",
            "classType": "scheduled",
            "course": ref("courses", "course"),
            "school": school,
            "terms": [ref("academicSessions", "term")],
        },
    )
    world.add(
        "enrollments",
        {
            "sourcedId": "enrollment-of-launched",
            "status": "active",
            "user": ref("users", "ada-4711"),
            "class": ref("classes", CLASS_OF_CONTEXT),
            "school": school,
            "role": "student",
        },
        {
            "sourcedId": "enrollment",
            "status": "active",
            "user": ref("users", "ada-4711"),
            "class": ref("classes", "class"),
            "school": school,
            "role": "student",
        },
    )
    world.add("demographics", {"sourcedId": "ada-4711", "status": "active", "sex": "female"})
    yield world
    world.close()


@pytest.fixture(scope="module")
def credentials(world):
    """The header of each kind, for an operation that any of these scopes allows."""
    registry = world.wiring.registry

    def headers(kind, scopes):
        if kind == "none":
            return {}
        if kind == "another scheme":
            return {"Authorization": "Basic YWRhOmFkYQ=="}
        if kind == "garbage":
            return {"Authorization": "Bearer garbage"}
        wrong = [scope for scope in ALL_SCOPES if scope not in scopes]
        client, _ = registry.clients.add(
            kind,
            scopes=wrong if kind == "wrong scope" else ALL_SCOPES,
            sources=["south"] if kind == "other tenant's" else ["north"],
        )
        lifetime = timedelta(seconds=-1 if kind == "expired" else 600)
        token = issue_token(
            registry.tokens, client.client_id, wrong if kind == "wrong scope" else ALL_SCOPES, lifetime=lifetime
        )
        if kind == "revoked":
            registry.clients.renew_secret(client.client_id)
        elif kind == "of a revoked client":
            registry.clients.revoke(client.client_id)
        return {"Authorization": f"Bearer {token}"}

    return headers


@pytest.fixture(scope="module")
def of_tools(world):
    """The header of each kind that tools come with."""
    registry = world.wiring.registry

    def tool(kind):
        sources = ["south"] if kind.startswith("other tenant's") else ["north"]
        made = registry.tools.add(kind, key_set='{"keys":[]}', sources=sources).client_id
        return made, registry.tool_keys.issue(made)

    def token(kind):
        made, _ = tool(kind)
        scopes = [] if "without the scope" in kind else [CONTEXT_MEMBERSHIP_SCOPE]
        lifetime = timedelta(seconds=-1 if kind.startswith("expired") else 600)
        given = issue_token(registry.tool_tokens, made, scopes, lifetime=lifetime)
        if "revoked" in kind:
            registry.tools.revoke(made)
        return f"Bearer {given}"

    def api_key(kind):
        made, key = tool(kind)
        if kind == "revoked API key":
            registry.tool_keys.revoke(made, registry.tool_keys.of(made)[0].id)
        elif "revoked" in kind:
            registry.tools.revoke(made)
        return f"Bearer {key}"

    def launched(kind):
        made, key = tool(kind)
        whose = tool("somebody else's")[0] if kind.startswith("another") else made
        launch = TakenLaunch(tool=whose, tenant="north", context=CONTEXT, person=PersonKey("7"), claims=CLAIMS)
        text, _ = registry.launches.take(launch)
        if kind.startswith("expired"):
            registry.db.execute("UPDATE launches SET expires = '2020-01-01T00:00:00.000Z' WHERE tool = ?", (made,))
        return sent("LTIK-AUTH-V2", kind, made, key, text)

    def served(kind):
        made, key = tool(kind)
        whose, its_key = tool("somebody else's") if kind.startswith("another") else (made, key)
        place = LaunchContextKey(tool=whose, tenant="north", context=CONTEXT, resource_link="")
        text = registry.service_keys.give(place, api_key=its_key, api_key_id=registry.tool_keys.of(whose)[0].id)
        if kind == "revoked service key":
            registry.service_keys.revoke(made)
        return sent("SERVICE-AUTH-V1", kind, made, key, text)

    def sent(scheme, kind, made, key, text):
        if "with a revoked" in kind:
            registry.tool_keys.revoke(made, registry.tool_keys.of(made)[0].id)
        if "older" in kind:
            return f"LTIK-AUTH-V1 Token={text}, Additional=Bearer {key}"
        return f"{scheme} garbage:{text}" if "without an API key" in kind else f"{scheme} {key}:{text}"

    def headers(kind):
        make = token if "token" in kind else launched if "ltik" in kind else served if "service" in kind else api_key
        return {"Authorization": make(kind)}

    return headers


def test_every_route_has_a_row(world):
    of_tools = {route for _, route in OF_TOOLS}
    assert {rule.rule for rule in world.app.url_map.iter_rules()} == OPEN.keys() | API.keys() | of_tools | {
        f"{ROSTERING_PATH}/<path:path>"
    }


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.operation_id)
def test_operation_answers_each_credential_in_one_way(world, credentials, operation, kind):
    ids = [_id_of(step, operation) for step in operation.template.split("/") if step[0] == "{"]
    expected = WITH_TOKEN[kind]
    if kind == "other tenant's" and not ids:
        expected = 200  # her own records, of which there are none

    answer = world.app.test_client().get(
        f"{ROSTERING_PATH}/{operation.path(ids)}", headers=credentials(kind, operation.scopes)
    )

    assert answer.status_code == expected, answer.text
    assert ("4711" in answer.text) <= (kind == "right")


def _id_of(step, operation):
    parameter = step.strip("{}")
    if parameter == "sourcedId":
        kind = "gradingPeriod" if operation.operation_id == "getGradingPeriod" else None
        return kind or _IDS[operation.collection.name]
    name = parameter.removesuffix("SourcedId")
    return {"student": "ada-4711", "teacher": "ada-4711", "user": "ada-4711"}.get(name, name)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("route", "row"), API.items(), ids=API.keys())
def test_api_answers_each_credential_in_one_way(world, credentials, route, row, kind):
    scopes, others, right = row
    path = route.replace("<name>", "x").replace("<path:sourced_id>", "class").replace("<path:source>", "north")

    answer = world.app.test_client().get(path, headers=credentials(kind, scopes))

    assert answer.status_code == {**WITH_TOKEN, "other tenant's": others, "right": right}[kind], answer.text
    assert ("4711" in answer.text) <= (kind == "right")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("route", "status"), OPEN.items(), ids=OPEN.keys())
def test_open_route_answers_everybody_alike(world, credentials, route, status, kind):
    path = route.replace("<path:filename>", "nothing.js").replace("<invitation>", "none")

    answer = world.app.test_client().get(path, headers=credentials(kind, (ROSTER, ROSTER_CORE)))

    assert answer.status_code in ({status, 429} if "register" in route else {status})
    assert "ada-4711" not in answer.text


@pytest.mark.parametrize("kind", TOOL_KINDS)
@pytest.mark.parametrize(("route", "row"), OF_TOOLS.items(), ids=[route for _, route in OF_TOOLS])
def test_route_of_tools_answers_each_of_their_credentials_in_one_way(world, of_tools, route, row, kind):
    method, path = route

    answer = world.app.test_client().open(
        path.replace("<path:class_sourced_id>", CLASS_OF_CONTEXT), method=method, headers=of_tools(kind)
    )

    assert answer.status_code == row.get(kind, 401), answer.text
    assert ("4711" in answer.text) <= (row.get(kind) == 200)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("method", "path"), OF_TOOLS, ids=[route for _, route in OF_TOOLS])
def test_route_of_tools_answers_no_credential_of_consumers(world, credentials, method, path, kind):
    answer = world.app.test_client().open(
        path.replace("<path:class_sourced_id>", CLASS_OF_CONTEXT),
        method=method,
        headers=credentials(kind, ALL_SCOPES[1:]),
    )

    assert answer.status_code == 401, answer.text


@pytest.mark.parametrize("kind", TOOL_KINDS)
def test_no_route_of_consumers_answers_a_credential_of_tools(world, of_tools, kind):
    headers, client = of_tools(kind), world.app.test_client()
    paths = [f"{ROSTERING_PATH}/{operation.path(['x'] * operation.template.count('{'))}" for operation in OPERATIONS]
    paths += [re.sub("<[^>]*>", "x", route) for route in API]

    assert {path: client.get(path, headers=headers).status_code for path in paths} == dict.fromkeys(paths, 401)


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (None, 401),
        ("Basic bWV0cmljczptZXRyaWNz", 401),
        ("Bearer garbage", 401),
        ("Bearer", 401),
        ("consumer", 401),
        ("API key", 401),
        ("tool token", 401),
        ("Bearer metrics-s3cret", 200),
    ],
)
def test_metrics_are_for_their_own_token_where_there_is_one(world, credentials, of_tools, sent, status):
    app = create_app(replace(world.settings, monitoring=Monitoring(token="metrics-s3cret")))
    headers = {"Authorization": sent} if sent else {}
    if sent == "consumer":
        headers = credentials("right", ALL_SCOPES)
    elif sent in TOOL_KINDS:
        headers = of_tools(sent)

    with closing(app.extensions["bridge"]):
        assert app.test_client().get("/metrics", headers=headers).status_code == status
