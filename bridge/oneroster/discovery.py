"""Service discovery: the OpenAPI document of what is offered here, for anybody who asks.

The standard's parts name the file differently, so it is served under both names, with the same bytes.

Spec: OneRoster 1.2 Rostering REST binding, "Service discovery"; OneRoster 1.2 conformance guide.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import msgspec
from flask import Blueprint, Response, request

from bridge.oneroster.openapi import document
from bridge.roster.references import ROSTERING_PATH

FILE_NAMES = ("onerosterv1p2rostersservice_openapi3_v1p0.json", "imsorv1p2_rostering_openapi3_v1p0.json")

DISCOVERY_PATH = f"{ROSTERING_PATH}/discovery/{FILE_NAMES[0]}"


class Discovery:
    """Serves the document.

    :param public_url: the bridge's public root.
    :param counters: whether the body of a page may hold counters.
    :param has_demographics: whether there is any demographics record: without one, its operations are not offered.
    """

    def __init__(self, public_url: str, *, counters: bool, has_demographics: Callable[[], bool]) -> None:
        self._public_url = public_url
        self._counters = counters
        self._has_demographics = has_demographics

    def document(self) -> dict[str, Any]:
        """The document as it is now."""
        return document(self._public_url, demographics=self._has_demographics(), counters=self._counters)

    def blueprint(self) -> Blueprint:
        """Both addresses of the document. They are below the service's base and need no token."""
        blueprint = Blueprint("discovery", __name__, url_prefix=f"{ROSTERING_PATH}/discovery")
        for name in FILE_NAMES:
            blueprint.add_url_rule(
                f"/{name}", name.partition("_")[0], self._serve, methods=["GET"], provide_automatic_options=False
            )
        return blueprint

    def _serve(self) -> Response:
        body = _written(self._public_url, demographics=self._has_demographics(), counters=self._counters)
        response = Response(body, mimetype="application/json")
        response.headers["Cache-Control"] = "public, max-age=300"
        response.add_etag(weak=True)
        response.make_conditional(request)
        return response


@lru_cache(maxsize=8)
def _written(public_url: str, *, demographics: bool, counters: bool) -> bytes:
    return msgspec.json.encode(document(public_url, demographics=demographics, counters=counters))
