"""The OneRoster classes, their sets, and the status object, as JSON Schema in OpenAPI 3.0's dialect.

They are written from the domain's own table of fields (:mod:`bridge.roster.model`); the names of the schemas are the
standard's, because generated clients call their classes so. What a field means is in
:mod:`bridge.oneroster.meanings`.

Source: OneRoster 1.2 Rostering service, OpenAPI document v1.0, ``components.schemas``. Two departures: the pattern of
extension words is anchored, so that ``xext:a`` is none; and where a page's body may hold counters, they are described.
"""

from typing import Any

from bridge.oneroster.meanings import MEANINGS
from bridge.oneroster.status_info import CODE_MAJORS, CODE_MINORS, SEVERITIES
from bridge.roster.model import COLLECTIONS, OBJECTS, VOCABULARIES, Collection, Field, Kind

Schema = dict[str, Any]

STATUS_INFO = "imsx_StatusInfoDType"

EXTENSION = "^ext:[a-zA-Z0-9.\\-_]+$"

_REFERRED = ("academicSession", "class", "course", "org", "resource", "user")
_COUNTERS = ("totalCount", "pageCount", "pageNumber", "offset", "limit")


def class_name(singular: str) -> str:
    """The schema of a class, or of an object in one: ``UserDType``."""
    return f"{singular[0].upper()}{singular[1:]}DType"


def envelope_name(collection: Collection, *, single: bool) -> str:
    """The schema of an answer: ``UserSetDType``, ``SingleUserDType``."""
    name = class_name(collection.singular)
    return f"Single{name}" if single else name.replace("DType", "SetDType")


def reference(name: str) -> Schema:
    """A use of a schema."""
    return {"$ref": f"#/components/schemas/{name}"}


def schemas(*, counters: bool) -> dict[str, Schema]:
    """Every schema, by name.

    :param counters: whether the body of a page may hold counters beside the records.
    """
    found = {_reference_name(singular): _reference_to(singular) for singular in _REFERRED}
    for name, fields in OBJECTS.items():
        # OneRoster leaves credentials open; whatever else is in an object, is not of OneRoster.
        found[class_name(name)] = _object(fields, MEANINGS[name], closed=name != "credential")
    for collection in COLLECTIONS.values():
        name = class_name(collection.singular)
        found[name] = _object(collection.members, MEANINGS["record"] | MEANINGS[collection.singular])
        found[envelope_name(collection, single=False)] = _set(collection, counters=counters)
        found[envelope_name(collection, single=True)] = {
            "type": "object",
            "properties": {collection.singular: reference(name)},
            "required": [collection.singular],
            "additionalProperties": False,
        }
    found["MetadataDType"] = {
        "type": "object",
        "description": MEANINGS["record"]["metadata"],
        "properties": {},
        "additionalProperties": True,
    }
    return dict(sorted({**found, **_status_schemas()}.items()))


def _object(fields: tuple[Field, ...], meanings: dict[str, str], *, closed: bool = True) -> Schema:
    return {
        "type": "object",
        "description": meanings[""],
        "properties": {field.name: _described(_property(field), meanings.get(field.name)) for field in fields},
        "required": [field.name for field in fields if field.required],
        "additionalProperties": not closed,
    }


def _described(schema: Schema, meaning: str | None) -> Schema:
    # Beside a reference, OpenAPI 3.0 reads nothing: what it means is said where it leads to.
    return schema if meaning is None or "$ref" in schema else {**schema, "description": meaning}


def _property(field: Field) -> Schema:
    match field.kind:
        case Kind.DATE:
            return {"type": "string", "format": "date"}
        case Kind.INSTANT:
            return {"type": "string", "format": "date-time"}
        case Kind.URI:
            return {"type": "string", "format": "uri"}
        case Kind.WORD:
            return _word(field.of)
        case Kind.LIST:
            return _list({"type": "string"}, field)
        case Kind.REFERENCE:
            return reference(_reference_name(field.of))
        case Kind.REFERENCES:
            return _list(reference(_reference_name(field.of)), field)
        case Kind.OBJECTS | Kind.SECRETS:
            return _list(reference(class_name(field.of)), field)
        case Kind.OPEN:
            return reference("MetadataDType")
        case _:
            return {"type": "string"}


def _word(name: str) -> Schema:
    vocabulary = VOCABULARIES[name]
    words = {"type": "string", "enum": list(vocabulary.words)}
    return {"anyOf": [words, {"type": "string", "pattern": EXTENSION}]} if vocabulary.extensible else words


def _list(items: Schema, field: Field) -> Schema:
    return {"type": "array", "minItems": 1 if field.required else 0, "items": items}


def _set(collection: Collection, *, counters: bool) -> Schema:
    items = {"type": "array", "minItems": 0, "items": reference(class_name(collection.singular))}
    properties: Schema = {collection.name: items}
    if counters:
        meanings = MEANINGS["counters"]
        properties |= {name: {"type": "integer", "minimum": 0, "description": meanings[name]} for name in _COUNTERS}
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _reference_name(singular: str) -> str:
    name = "AcadSession" if singular == "academicSession" else singular.capitalize()
    return f"{name}GUIDRefDType"


def _reference_to(singular: str) -> Schema:
    meanings = MEANINGS["reference"]
    return {
        "type": "object",
        "description": meanings[""],
        "properties": {
            "href": {"type": "string", "format": "uri", "description": meanings["href"]},
            "sourcedId": {"type": "string", "description": meanings["sourcedId"]},
            "type": {"type": "string", "enum": [singular], "description": meanings["type"]},
        },
        "required": ["href", "sourcedId", "type"],
        "additionalProperties": False,
    }


def _status_schemas() -> dict[str, Schema]:
    field_name = {"type": "string", "default": "TargetEndSystem"}
    meanings = MEANINGS["status"]
    return {
        STATUS_INFO: {
            "type": "object",
            "description": meanings[""],
            "properties": {
                "imsx_codeMajor": {"type": "string", "enum": list(CODE_MAJORS)},
                "imsx_severity": {"type": "string", "enum": list(SEVERITIES)},
                "imsx_description": {"type": "string", "description": meanings["imsx_description"]},
                "imsx_CodeMinor": reference("imsx_CodeMinorDType"),
            },
            "required": ["imsx_codeMajor", "imsx_severity"],
            "additionalProperties": False,
        },
        "imsx_CodeMinorDType": {
            "type": "object",
            "properties": {
                "imsx_codeMinorField": {
                    "type": "array",
                    "minItems": 1,
                    "items": reference("imsx_CodeMinorFieldDType"),
                }
            },
            "required": ["imsx_codeMinorField"],
            "additionalProperties": False,
        },
        "imsx_CodeMinorFieldDType": {
            "type": "object",
            "properties": {
                "imsx_codeMinorFieldName": field_name,
                "imsx_codeMinorFieldValue": {"type": "string", "enum": list(CODE_MINORS)},
            },
            "required": ["imsx_codeMinorFieldName", "imsx_codeMinorFieldValue"],
            "additionalProperties": False,
        },
    }
