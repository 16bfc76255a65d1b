"""Requests that nobody thought of, made from the served discovery document: no failure of ours, no answer of a shape
that the document does not have."""

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from bridge.oneroster.discovery import DISCOVERY_PATH
from bridge.oneroster.operations import OPERATIONS
from tests.conformance.awkward import records_named
from tests.conformance.world import World

CHECKS = [
    not_a_server_error,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
]


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    world = World(tmp_path_factory.mktemp("schemathesis"), public_url="http://localhost")
    for name in ("plain", "a/students", "0"):
        world.put([(collection, body, body["sourcedId"]) for collection, body in records_named(name, "t")])
    # Without a connection in between, nobody unpacks what was compressed.
    yield world, {**world.consumer().headers, "Accept-Encoding": "identity"}
    world.close()


@pytest.fixture(scope="module")
def api(served):
    return schemathesis.openapi.from_wsgi(DISCOVERY_PATH, served[0].app)


@pytest.mark.clause("Rostering OpenAPI: MUST be kept to, whatever is asked")
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.operation_id)
def test_answer_is_documented(served, api, operation):
    @given(case=api[f"/{operation.template}"]["GET"].as_strategy())
    @settings(
        max_examples=15,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def ask(case):
        case.call_and_validate(headers=served[1], checks=CHECKS)

    ask()
