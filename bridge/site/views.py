"""Pages for people who meet the bridge in a browser: what it is, and the reference of its OneRoster service.

The reference is written from the very document that machines are served. The pages need no script and load nothing from
elsewhere.
"""

from collections.abc import Callable, Iterator, Mapping
from importlib import resources
from typing import Any

from flask import Blueprint, Response, make_response, render_template

from bridge import __version__
from bridge.oneroster.discovery import DISCOVERY_PATH

_CACHED = "public, max-age=300"
_POLICY = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


def site_blueprint(document: Callable[[], Mapping[str, Any]]) -> Blueprint:
    """``/``, ``/docs`` and their style.

    :param document: gives the OpenAPI document of the OneRoster service.
    """
    blueprint = Blueprint("site", __name__, template_folder="templates")
    css = resources.files("bridge.site").joinpath("site.css").read_bytes()

    @blueprint.get("/docs/site.css")
    def style() -> Response:
        response = Response(css, mimetype="text/css")
        response.headers["Cache-Control"] = _CACHED
        return response

    @blueprint.get("/")
    def landing() -> Response:
        return _page("site/landing.html")

    @blueprint.get("/docs")
    def reference() -> Response:
        described = document()
        return _page(
            "site/reference.html",
            document=described,
            operations=list(_operations(described)),
            schemas=described["components"]["schemas"],
            flow=described["components"]["securitySchemes"]["OAuth2CC"]["flows"]["clientCredentials"],
            kind=_kind,
        )

    return blueprint


def _page(template: str, **values: Any) -> Response:
    # Links are relative to the root, so that the pages work at any address that leads here.
    response = make_response(
        render_template(template, version=__version__, discovery=DISCOVERY_PATH.removeprefix("/"), **values)
    )
    response.headers["Content-Security-Policy"] = _POLICY
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cache-Control"] = _CACHED
    return response


def _operations(document: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], list[dict[str, Any]]]]:
    """Each tag with its operations, each of them with its path and the name of what it answers with."""
    for tag in document["tags"]:
        found = []
        for path, item in document["paths"].items():
            operation = item["get"]
            if tag["name"] in operation["tags"]:
                answer = operation["responses"]["200"]["content"]["application/json"]["schema"]
                found.append({**operation, "path": path, "answer": _name(answer)})
        yield tag, found


def _name(reference: Mapping[str, str]) -> str:
    return reference["$ref"].rpartition("/")[2]


def _kind(schema: Mapping[str, Any]) -> tuple[str, str | None]:
    """What a property holds, in words, and the schema that it leads to, if it leads to one."""
    match schema:
        case {"$ref": _}:
            return "", _name(schema)
        case {"type": "array", "items": items}:
            words, name = _kind(items)
            return f"list of {words}", name
        case {"anyOf": [{"enum": words}, _]}:
            return f"{', '.join(words)}, or ext: and a word", None
        case {"enum": words}:
            return ", ".join(words), None
        case {"format": form}:
            return str(form), None
        case _:
            return str(schema["type"]), None
