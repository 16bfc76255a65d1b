"""Refusals and tokens: OneRoster 1.2 Rostering OpenAPI, ``imsx_StatusInfo``; RFC 6750."""

import pytest

from bridge.oneroster.operations import OPERATIONS
from bridge.roster.references import ROSTERING_PATH
from tests.conformance.documents import own, violations
from tests.conformance.world import code_minor


@pytest.mark.clause("MUST: 401, unauthorisedrequest, without a valid token; RFC 6750 section 3")
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.operation_id)
def test_no_token(awkward, operation):
    path = operation.path(["plain"] * operation.template.count("{"))
    answer = awkward.app.test_client().get(f"{ROSTERING_PATH}/{path}")
    assert answer.status_code == 401
    assert code_minor(answer) == "unauthorisedrequest"
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="OneRoster"'


@pytest.mark.clause("MUST: 401 with invalid_token where one was sent; RFC 6750 section 3.1")
@pytest.mark.parametrize("token", ["Bearer nonsense", "bearer nonsense", "Bearer \u00ff"])
def test_token_that_is_none(strict, token):
    answer = strict.ask("orgs", headers={"Authorization": token})
    assert answer.status_code == 401
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]


@pytest.mark.clause("MUST: a token is taken from the header only; RFC 6750 section 2.3")
def test_token_in_the_query(awkward, strict):
    token = strict.headers["Authorization"].removeprefix("Bearer ")
    answer = awkward.app.test_client().get(f"{ROSTERING_PATH}/orgs", query_string={"access_token": token})
    assert answer.status_code == 401


@pytest.mark.clause("MUST: a client that was revoked is let in no more")
def test_revoked_client(awkward):
    consumer = awkward.consumer()
    awkward.wiring.registry.clients.revoke(consumer.client_id)
    assert consumer.refused("orgs") == (401, "unauthorisedrequest")


@pytest.mark.clause("MUST: the status object, and nothing else, on every path below the service's base")
@pytest.mark.parametrize(
    ("path", "method", "status"),
    [
        ("nothing/at/all", "GET", 404),
        ("orgs/nobody", "GET", 404),
        ("orgs/plain", "DELETE", 405),
        ("", "GET", 404),
        ("../v1p1/orgs", "GET", 404),
        ("orgs?filter=x", "GET", 400),
        ("orgs?limit=x", "GET", 400),
        ("orgs?fields=x", "GET", 400),
    ],
)
def test_status_object(strict, path, method, status):
    answer = strict.ask(path, method=method)
    assert answer.status_code == status
    assert answer.content_type == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"
    assert violations(own(), "getAllOrgs", 500, answer.get_json()) == []


@pytest.mark.clause("SHOULD: the description names the parameter, and says what to write instead")
@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("limit=0", "limit: must be a whole number from 1"),
        ("filter=nam='x'", "filter: org has no field nam; did you mean name?"),
        ("fields=parent.href", "fields: selects whole fields only: write parent"),
        ("orderBy=up", "orderBy: must be asc or desc"),
        ("cursor=x", "cursor: is not one of this query's"),
    ],
)
def test_description(strict, query, named):
    assert strict.ask("orgs", query).get_json()["imsx_description"].startswith(named)


@pytest.mark.clause("MUST: a client learns nothing of what it may not see")
def test_hidden_record_and_no_record_are_told_apart_by_nothing(awkward):
    south = awkward.consumer(sources=["south"])
    hidden, missing = south.ask("users/plain"), south.ask("users/nobody-at-all")
    assert (hidden.status_code, hidden.get_json()) == (missing.status_code, missing.get_json())
    assert south.ids("users") == ["south", "south~teacher"]
    assert south.ids("users", filter="sourcedId='plain' OR sourcedId='south'") == ["south"]
