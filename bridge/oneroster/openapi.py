"""The OpenAPI document of the service that is served here: the project's own, written from the operations and the
schemas.

It says what is offered and nothing more: its server and its token endpoint are this bridge's, and operations that have
nothing to give are left out together with their scope. In paths, operationIds, scopes, parameters and schemas it is
equal to the standard's document; its words are the bridge's. ``search`` and ``cursor``, which the standard does not
have, are told of in the description alone.

Source: OneRoster 1.2 Rostering service, OpenAPI document v1.0; OpenAPI Specification 3.0.3.
"""

import re
from collections.abc import Sequence
from typing import Any

from bridge.oneroster.meanings import MEANINGS
from bridge.oneroster.operations import OPERATIONS, Operation
from bridge.oneroster.schemas import STATUS_INFO, envelope_name, reference, schemas
from bridge.oneroster.scopes import ROSTER, ROSTER_CORE, ROSTER_DEMOGRAPHICS
from bridge.roster.model import DEMOGRAPHICS
from bridge.roster.references import ROSTERING_PATH

Part = dict[str, Any]

SCHEME = "OAuth2CC"
"""The standard's name of the way to authenticate."""

_SCOPES = {
    ROSTER_CORE: "Read the core collections and their records.",
    ROSTER: "Read everything but demographics.",
    ROSTER_DEMOGRAPHICS: "Read demographics, and nothing else.",
}

_DESCRIPTION = """\
Rosters as OneRoster 1.2 Rostering has them.

Follow the next link of each page as it is given: it holds the place at which the walk continues, in a parameter \
cursor that means nothing to anybody else.

Collections also understand search, which finds records that hold a text in one of their names or ids, ignoring letter \
case. With fields, records hold the selected fields only, whatever is required of them here.

An answer carries an ETag; sent back as If-None-Match, it is answered 304 while nothing has changed.\
"""

_NESTED = re.compile(r"get(?P<what>\w+?)For(?P<whom>[A-Z]\w*?)(?P<in_school>InSchool)?")
_WORDS = re.compile(r"[A-Z]?[a-z]+")


def document(public_url: str, *, demographics: bool, counters: bool) -> Part:
    """The document.

    :param public_url: the bridge's public root.
    :param demographics: whether the two demographics operations are offered.
    :param counters: whether the body of a page may hold counters.
    """
    offered = [operation for operation in OPERATIONS if demographics or operation.collection is not DEMOGRAPHICS]
    scopes = {scope: _SCOPES[scope] for scope in _SCOPES if any(scope in each.scopes for each in offered)}
    tags = {_tag(operation): _about(operation) for operation in offered if not operation.parents}
    flow = {"tokenUrl": f"{public_url}/oauth2/token", "scopes": scopes}
    return {
        "openapi": "3.0.3",
        "info": {"title": "OneRoster Rostering", "version": "1.2", "description": _DESCRIPTION},
        "servers": [{"url": f"{public_url}{ROSTERING_PATH}"}],
        "tags": [{"name": name, "description": about} for name, about in sorted(tags.items())],
        "paths": {
            f"/{operation.template}": {"get": _operation(operation)}
            for operation in sorted(offered, key=lambda operation: operation.template)
        },
        "components": {
            "securitySchemes": {
                SCHEME: {
                    "type": "oauth2",
                    "description": "A token by the client credentials grant, sent as Authorization: Bearer.",
                    "flows": {"clientCredentials": flow},
                }
            },
            "responses": _REFUSALS,
            "schemas": schemas(counters=counters),
        },
    }


def _operation(operation: Operation) -> Part:
    refusals = ["400", "401", "403", *(["404"] if operation.single or operation.parents else []), "429", "500"]
    return {
        "operationId": operation.operation_id,
        "tags": [_tag(operation)],
        "summary": summary(operation),
        "description": "Any one of the scopes will do." if len(operation.scopes) > 1 else "Needs the scope.",
        "parameters": [*_path_parameters(operation), *([_FIELDS] if operation.single else _COLLECTION_PARAMETERS)],
        "security": [{SCHEME: list(operation.scopes)}],
        "responses": {
            "200": _answer(operation),
            "304": {"description": "Nothing has changed since the answer whose ETag was sent as If-None-Match."},
            **{status: {"$ref": f"#/components/responses/{status}"} for status in refusals},
            "default": {"$ref": "#/components/responses/default"},
        },
    }


def summary(operation: Operation) -> str:
    """What an operation reads, in words made from its name: ``The students of a class in a school``."""
    if operation.parents:
        match = _NESTED.fullmatch(operation.operation_id)
        assert match is not None, operation.operation_id
        where = " in a school" if match["in_school"] else ""
        return f"The {_spoken(match['what'])} of a {_spoken(match['whom'])}{where}"
    if operation.single:
        return f"One {_spoken(operation.operation_id.removeprefix('get'))}"
    return f"All {_spoken(operation.operation_id.removeprefix('getAll'))}"


def _spoken(name: str) -> str:
    return " ".join(word.lower() for word in _WORDS.findall(name))


def _tag(operation: Operation) -> str:
    head = operation.template.partition("/")[0]
    return f"{head[0].upper()}{head[1:]}Management"


def _about(operation: Operation) -> str:
    return MEANINGS[operation.collection.singular][""]


def _path_parameters(operation: Operation) -> list[Part]:
    names = re.findall(r"{(\w+)}", operation.template)
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "description": "A sourcedId, percent-encoded as one segment.",
            "style": "simple",
            "schema": {"type": "string"},
        }
        for name in names
    ]


def _query_parameter(name: str, schema: Part, description: str) -> Part:
    return {
        "name": name,
        "in": "query",
        "required": False,
        "description": description,
        "style": "form",
        "allowEmptyValue": False,
        "schema": schema,
    }


_FIELDS = _query_parameter(
    "fields",
    {"type": "array", "items": {"type": "string"}},
    "The fields that records are to have, as a comma list or the parameter repeated; all unless given.",
)

_COLLECTION_PARAMETERS: Sequence[Part] = (
    _query_parameter(
        "limit",
        {"type": "integer", "format": "int32", "default": 100, "minimum": 1},
        "The most records wanted on a page. The server may give fewer; the next link leads on.",
    ),
    _query_parameter(
        "offset",
        {"type": "integer", "format": "int32", "default": 0, "minimum": 0},
        "How many records to pass over.",
    ),
    _query_parameter(
        "sort",
        {"type": "string"},
        "The field to sort by, such as familyName or course.sourcedId. By code point; records without it come last. A"
        " name that is no field is passed over. Unless given, records come in the order in which they were first seen.",
    ),
    _query_parameter(
        "orderBy", {"type": "string", "enum": ["asc", "desc"]}, "The direction of the order; asc unless given."
    ),
    _query_parameter(
        "filter",
        {"type": "string"},
        "Which records are wanted: status='active' AND familyName~'son'. Predicates are = != > >= < <= and ~, which"
        " means contains; values stand in single quotes, and a quote in a value is doubled; AND, OR and parentheses"
        " join comparisons; roles.role leads into a list, class.sourcedId into a reference.",
    ),
    _FIELDS,
)


def _answer(operation: Operation) -> Part:
    etag = {"description": "Names this state of the answer.", "schema": {"type": "string"}}
    headers: Part = {"ETag": etag}
    if not operation.single:
        headers["X-Total-Count"] = {
            "description": "How many records match, on all pages.",
            "schema": {"type": "integer"},
        }
        headers["Link"] = {
            "description": "Where the first, prev, next and last pages are (RFC 8288).",
            "schema": {"type": "string"},
        }
    schema = reference(envelope_name(operation.collection, single=operation.single))
    return {
        "description": f"{summary(operation)}.",
        "headers": headers,
        "content": {"application/json": {"schema": schema}},
    }


def _refusal(description: str, **headers: str) -> Part:
    part: Part = {
        "description": description,
        "content": {"application/json": {"schema": reference(STATUS_INFO)}},
    }
    if headers:
        part["headers"] = {
            name.replace("_", "-"): {"description": meaning, "schema": {"type": "string"}}
            for name, meaning in headers.items()
        }
    return part


_REFUSALS: dict[str, Part] = {
    "400": _refusal("A parameter is outside its range or grammar."),
    "401": _refusal("There is no token, or none that is valid.", WWW_Authenticate="How to authenticate."),
    "403": _refusal("The token lacks the scope.", WWW_Authenticate="Which scopes would do."),
    "404": _refusal("There is no such record, or none that this client may see."),
    "429": _refusal("Too much at once.", Retry_After="Seconds after which to ask again."),
    "500": _refusal("The server failed."),
    "default": _refusal("Anything else."),
}
