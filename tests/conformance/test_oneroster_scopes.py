"""Who may read what: OneRoster 1.2 Rostering OpenAPI, ``security`` of every operation."""

import pytest

from bridge.oneroster.operations import OPERATIONS
from bridge.oneroster.scopes import ROSTER, ROSTER_CORE, ROSTER_DEMOGRAPHICS


@pytest.fixture(scope="module")
def consumers(awkward):
    return {scope: awkward.consumer(scopes=[scope]) for scope in (ROSTER_CORE, ROSTER, ROSTER_DEMOGRAPHICS)}


def group_of(operation):
    if operation.collection.name == "demographics":
        return "demographics"
    return "nested" if operation.parents else "core"


ALLOWED = {
    "core": {ROSTER_CORE, ROSTER},
    "nested": {ROSTER},
    "demographics": {ROSTER_DEMOGRAPHICS},
}


@pytest.mark.clause("MUST: core or full scope on the 22, full on the 17, demographics on the 2")
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.operation_id)
def test_scope_decides(consumers, operation):
    path = operation.path(["nobody"] * operation.template.count("{"))
    for scope, consumer in consumers.items():
        answer = consumer.ask(path)
        if scope in ALLOWED[group_of(operation)]:
            assert answer.status_code == (404 if "{" in path or operation.single or operation.parents else 200)
        else:
            assert answer.status_code == 403
            challenge = answer.headers["WWW-Authenticate"]
            assert 'error="insufficient_scope"' in challenge
            assert all(wanted in challenge for wanted in operation.scopes)


@pytest.mark.clause("MUST: forbidden, where the token lacks the scope")
def test_code_minor_without_the_scope(consumers):
    assert consumers[ROSTER_CORE].refused("demographics") == (403, "forbidden")
    assert consumers[ROSTER_CORE].refused("classes/plain/students") == (403, "forbidden")


@pytest.mark.clause("MAY: names of 1.1 mean their 1.2 equals")
def test_scopes_of_the_former_version(awkward):
    consumer = awkward.consumer(scopes=[ROSTER_CORE])
    former = ROSTER_CORE.replace("/v1p2/", "/v1p1/")
    client = awkward.app.test_client()
    credentials = consumer.credentials

    answer = client.post(
        "/oauth2/token", data={"grant_type": "client_credentials", "scope": former}, auth=credentials
    ).get_json()

    assert answer["scope"] == former
    token = {"Authorization": f"Bearer {answer['access_token']}"}
    assert consumer.ask("orgs", headers=token).status_code == 200
