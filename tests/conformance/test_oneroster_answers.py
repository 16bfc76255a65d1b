"""Every answer of every operation is what the documents say: OneRoster 1.2 Rostering OpenAPI v1.0."""

import pytest

from bridge.oneroster.operations import OPERATIONS
from tests.conformance.awkward import DOTS, IDS
from tests.conformance.documents import beside_the_official, official, own, violations
from tests.conformance.world import records_of

COLLECTIONS = [operation for operation in OPERATIONS if not operation.single]
SINGLES = [operation for operation in OPERATIONS if operation.single]

each_collection = pytest.mark.parametrize("operation", COLLECTIONS, ids=lambda operation: operation.operation_id)
each_single = pytest.mark.parametrize("operation", SINGLES, ids=lambda operation: operation.operation_id)
each_document = pytest.mark.parametrize(
    "document", [pytest.param(own, id="own"), pytest.param(official, id="official", marks=beside_the_official)]
)
clause = pytest.mark.clause("Rostering OpenAPI, responses and components.schemas: an answer MUST match its schema")


def sourced_id_in(head, family):
    """The sourcedId of a family's record in a view."""
    return {"teachers": f"{family[:247]}~teacher", "gradingPeriods": f"{family[:248]}~period"}.get(head, family)


def ids_for(operation, family):
    if operation.parents:
        return [sourced_id_in(parent.view.path, family) for parent in operation.parents]
    return [sourced_id_in(operation.template.partition("/")[0], family)]


@clause
@each_document
@each_collection
def test_collection_matches_its_schema(strict, operation, document):
    families = IDS if operation.parents else IDS[:1]
    for family in families:
        path = operation.path(ids_for(operation, family) if operation.parents else ())
        answer = strict.get(path, limit=1000)
        assert records_of(answer), path
        assert list(answer.get_json()) == [operation.envelope]
        assert violations(document(), operation.operation_id, 200, answer.get_json()) == []


@clause
@each_document
@each_single
def test_record_matches_its_schema(strict, operation, document):
    for family in IDS:
        (sourced_id,) = ids_for(operation, family)
        answer = strict.get(operation.path([sourced_id]))
        assert list(answer.get_json()) == [operation.envelope]
        assert answer.get_json()[operation.envelope]["sourcedId"] == sourced_id
        assert violations(document(), operation.operation_id, 200, answer.get_json()) == []


@clause
@each_document
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.operation_id)
def test_refusals_match_their_schema(strict, operation, document):
    path = operation.path(["nobody"] * operation.template.count("{"))
    cases = [strict.ask(path, {"fields": "nonsense"}), strict.ask(path, headers={"Authorization": "Bearer x"})]
    if not operation.single:
        cases.append(strict.ask(operation.path(["plain"] * operation.template.count("{")), {"filter": "nonsense"}))
    if "{" in operation.template:
        cases.append(strict.ask(path))
    for answer in cases:
        assert answer.status_code in (400, 401, 404)
        assert violations(document(), operation.operation_id, answer.status_code, answer.get_json()) == []


@pytest.mark.clause("Rostering data model: a sourcedId is any text; RFC 3986 section 5.2.4 removes dot segments")
@pytest.mark.parametrize("sourced_id", DOTS)
def test_records_with_dots_for_a_name_are_found_by_filter(strict, sourced_id):
    assert strict.ids("orgs", filter=f"sourcedId='{sourced_id}'") == [sourced_id]
