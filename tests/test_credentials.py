"""Every route against every kind of credential: each cell has one right answer, and a route without a row fails."""

from datetime import timedelta

import pytest

from bridge.api.scopes import RUNS_READ, SYNC
from bridge.auth.tokens import issue_token
from bridge.oneroster.discovery import FILE_NAMES
from bridge.oneroster.operations import OPERATIONS
from bridge.oneroster.scopes import ONEROSTER_SCOPES, ROSTER, ROSTER_CORE
from bridge.roster.references import ROSTERING_PATH
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
        "enrollments",
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


def test_every_route_has_a_row(world):
    assert {rule.rule for rule in world.app.url_map.iter_rules()} == OPEN.keys() | API.keys() | {
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
