"""The bridge's own OpenAPI document, held against the official one where that lies beside the checkout."""

import copy
from typing import Any

import pytest

from tests.conformance.documents import beside_the_official, official, own, violations

pytestmark = pytest.mark.clause("Rostering OpenAPI v1.0, as a whole")


def operations(document):
    return {path: item["get"] for path, item in document["paths"].items()}


def scopes(operation):
    return {scope for requirement in operation["security"] for scope in requirement["OAuth2CC"]}


def bare(node: Any) -> Any:
    """A schema without its words: descriptions are each document's own. (A property may be named description.)"""
    if isinstance(node, list):
        return [bare(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {
        key: {name: bare(schema) for name, schema in value.items()} if key == "properties" else bare(value)
        for key, value in node.items()
        if key != "description"
    }


def sorted_lists(node: Any) -> Any:
    """Required names and enumerations in one order: theirs means nothing."""
    if isinstance(node, dict):
        return {
            key: sorted(value) if key in ("required", "enum") else sorted_lists(value) for key, value in node.items()
        }
    return [sorted_lists(item) for item in node] if isinstance(node, list) else node


@beside_the_official
def test_paths_are_the_official_ones():
    assert own()["paths"].keys() == official()["paths"].keys()
    assert {path: list(item) for path, item in own()["paths"].items()} == {
        path: list(item) for path, item in official()["paths"].items()
    }


@beside_the_official
@pytest.mark.parametrize(
    "of",
    [
        pytest.param(lambda operation: operation["operationId"], id="operationId"),
        pytest.param(scopes, id="scopes"),
        pytest.param(lambda operation: operation["tags"], id="tags"),
        pytest.param(
            lambda operation: {
                parameter["name"]: {key: value for key, value in parameter.items() if key != "description"}
                for parameter in operation["parameters"]
            },
            id="parameters",
        ),
        pytest.param(
            lambda operation: operation["responses"]["200"]["content"]["application/json"]["schema"], id="answer"
        ),
    ],
)
def test_operations_are_the_official_ones(of):
    theirs = operations(official())
    for path, operation in operations(own()).items():
        assert of(operation) == of(theirs[path]), path


@beside_the_official
def test_every_refusal_that_can_happen_is_among_the_official_ones_or_a_parent_that_is_missing():
    theirs = operations(official())
    for path, operation in operations(own()).items():
        more = operation["responses"].keys() - theirs[path]["responses"].keys()
        assert more <= ({"304", "404"} if len(operation["parameters"]) > 6 else {"304"})


@beside_the_official
def test_schemas_are_the_official_ones():
    mine, theirs = own()["components"]["schemas"], official()["components"]["schemas"]
    assert mine.keys() == theirs.keys()
    for name, schema in mine.items():
        assert sorted_lists(_pattern_alike(bare(schema))) == sorted_lists(_pattern_alike(bare(theirs[name]))), name


def _pattern_alike(node: Any) -> Any:
    """Both patterns of extension words in one spelling."""
    if isinstance(node, dict):
        return {key: "ext:" if key == "pattern" else _pattern_alike(value) for key, value in node.items()}
    return [_pattern_alike(item) for item in node] if isinstance(node, list) else node


@beside_the_official
def test_scheme_and_scopes_are_the_official_ones():
    mine, theirs = (document["components"]["securitySchemes"] for document in (own(), official()))
    assert mine.keys() == theirs.keys()
    (mine_flow,), (theirs_flow,) = (schemes["OAuth2CC"]["flows"].values() for schemes in (mine, theirs))
    assert mine_flow["scopes"].keys() == theirs_flow["scopes"].keys()


def answer_with(strict, change):
    body = copy.deepcopy(strict.get("users/plain").get_json())
    change(body["user"])
    return body


@pytest.mark.parametrize(
    "document", [pytest.param(own, id="own"), pytest.param(official, id="official", marks=beside_the_official)]
)
@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda user: user.pop("familyName"), id="required-missing"),
        pytest.param(lambda user: user.update(role="teacher"), id="field-of-1.1"),
        pytest.param(lambda user: user.update(enabledUser=True), id="boolean-for-text"),
        pytest.param(lambda user: user.update(middleName=None), id="null"),
        pytest.param(lambda user: user.update(roles=[]), id="empty-list-of-roles"),
        pytest.param(lambda user: user["roles"][0].update(role="xext:a"), id="extension-not-at-the-start"),
        pytest.param(lambda user: user["roles"][0].update(role="administrator"), id="role-of-another-vocabulary"),
        pytest.param(lambda user: user["roles"][0].update(beginDate="01.08.2026"), id="date"),
        pytest.param(lambda user: user["roles"][0]["org"].update(type="school"), id="reference-of-another-type"),
        pytest.param(lambda user: user["roles"][0]["org"].update(href="two words"), id="not-a-uri"),
        pytest.param(lambda user: user.update(dateLastModified="yesterday"), id="not-a-date-time"),
    ],
)
def test_validation_notices(strict, document, change):
    assert violations(document(), "getUser", 200, answer_with(strict, change)) != []
