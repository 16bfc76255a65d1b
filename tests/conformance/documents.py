"""The two OpenAPI documents of the service: the bridge's own, and the official one if it is beside the checkout."""

import json
import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from bridge.oneroster.openapi import document
from tests.conformance.world import PUBLIC_URL

OFFICIAL = Path(
    os.environ.get("ONEROSTER_OPENAPI")
    or Path(__file__).parents[2] / "../shared/spec/oneroster/onerosterv1p2rostersservice_openapi3_v1p0.json"
)

beside_the_official = pytest.mark.skipif(
    not OFFICIAL.is_file(), reason="the official document is not beside the checkout (ONEROSTER_OPENAPI names another)"
)


@cache
def own() -> dict[str, Any]:
    """With everything offered, and bodies as the standard has them."""
    return document(PUBLIC_URL, demographics=True, counters=False)


@cache
def official() -> dict[str, Any]:
    loaded = json.loads(OFFICIAL.read_text(encoding="utf-8"))
    return _anchored(loaded)


def _anchored(node: Any) -> Any:
    """The official patterns are meant to match whole texts."""
    if isinstance(node, dict):
        return {
            key: f"^(?:{value})$" if key == "pattern" and isinstance(value, str) else _anchored(value)
            for key, value in node.items()
        }
    return [_anchored(item) for item in node] if isinstance(node, list) else node


def violations(openapi: Mapping[str, Any], operation_id: str, status: int, body: Any) -> list[str]:
    """What a document finds wrong with an operation's answer."""
    return [
        f"{error.json_path}: {error.message}"
        for error in _validator(openapi["info"]["title"], openapi, operation_id, status).iter_errors(body)
    ]


_VALIDATORS: dict[tuple[str, str, int], Draft202012Validator] = {}


def _validator(name: str, openapi: Mapping[str, Any], operation_id: str, status: int) -> Draft202012Validator:
    key = (name, operation_id, status)
    if key not in _VALIDATORS:
        operation = next(
            item["get"] for item in openapi["paths"].values() if item["get"]["operationId"] == operation_id
        )
        response = operation["responses"].get(str(status), operation["responses"]["default"])
        if "$ref" in response:
            response = openapi["components"]["responses"][response["$ref"].rpartition("/")[2]]
        schema = response["content"]["application/json"]["schema"]
        _VALIDATORS[key] = Draft202012Validator(
            {**schema, "components": openapi["components"]}, format_checker=FormatChecker()
        )
    return _VALIDATORS[key]
