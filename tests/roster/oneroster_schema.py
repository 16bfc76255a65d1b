"""What OneRoster 1.2 asks of a record, in two independent forms: a hand-written one, and the official document's.

The official OpenAPI file is looked for beside the checkout; where it is not there, the first form has to do.
"""

import json
import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from jsonschema import Draft202012Validator, FormatChecker

OFFICIAL = Path(__file__).parents[3] / "shared/spec/oneroster/onerosterv1p2rostersservice_openapi3_v1p0.json"
CLASSES = {
    "orgs": "OrgDType",
    "academicSessions": "AcademicSessionDType",
    "courses": "CourseDType",
    "classes": "ClassDType",
    "users": "UserDType",
    "enrollments": "EnrollmentDType",
    "demographics": "DemographicsDType",
}
"""The official name of each collection's class."""

_Check = Callable[[Any], bool]
_STAMP = "2026-11-20T21:05:09.123Z"


def stamped(body: Mapping[str, Any]) -> dict[str, Any]:
    """The body as it is served: with the time of its last change, which is the mirror's to tell."""
    return {**body, "dateLastModified": _STAMP}


# By hand: each class with its fields' checks; a name that ends in ! is required.


def text(value: Any) -> bool:
    return isinstance(value, str) and value.strip() != ""


def _one_of(*words: str, extensible: bool = False) -> _Check:
    def check(value: Any) -> bool:
        extension = extensible and isinstance(value, str) and re.fullmatch(r"ext:[a-zA-Z0-9.\-_]+", value)
        return value in words or bool(extension)

    return check


def _date(value: Any) -> bool:
    return isinstance(value, str) and date.fromisoformat(value).isoformat() == value


def _stamp(value: Any) -> bool:
    return re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", value) is not None and bool(
        datetime.fromisoformat(value)
    )


def _list_of(check: _Check, at_least: int = 0) -> _Check:
    return lambda value: isinstance(value, list) and len(value) >= at_least and all(map(check, value))


def _ref(kind: str, collection: str) -> _Check:
    def check(value: Any) -> bool:
        if not isinstance(value, dict) or value.keys() != {"href", "sourcedId", "type"} or value["type"] != kind:
            return False
        address = urlsplit(value["href"])
        path = f"/ims/oneroster/rostering/v1p2/{collection}/{quote(value['sourcedId'], safe='')}"
        return address.scheme in ("http", "https") and address.netloc != "" and address.path.endswith(path)

    return check


def _object(**fields: _Check) -> _Check:
    return lambda value: isinstance(value, dict) and not _violations(fields, value)


def _metadata(value: Any) -> bool:
    return isinstance(value, dict) and all(map(text, value)) and all(map(text, value.values()))


_BOOLEAN = _one_of("true", "false")
_ORG, _COURSE = _ref("org", "orgs"), _ref("course", "courses")
_SESSION, _CLASS = _ref("academicSession", "academicSessions"), _ref("class", "classes")
_USER = _ref("user", "users")
_USER_ROLE = _one_of(
    *("aide", "counselor", "districtAdministrator", "guardian", "parent", "principal", "proctor", "relative"),
    *("siteAdministrator", "student", "systemAdministrator", "teacher"),
    extensible=True,
)
_ENROLLMENT_ROLE = _one_of("administrator", "proctor", "student", "teacher", extensible=True)
_EVERY = {
    "sourcedId!": text,
    "status!": _one_of("active", "tobedeleted"),
    "dateLastModified!": _stamp,
    "metadata": _metadata,
}
_FIELDS: dict[str, dict[str, _Check]] = {
    "orgs": {
        "name!": text,
        "type!": _one_of("department", "district", "local", "national", "school", "state", extensible=True),
        "identifier!": text,
        "parent": _ORG,
        "children": _list_of(_ORG),
    },
    "academicSessions": {
        "title!": text,
        "startDate!": _date,
        "endDate!": _date,
        "type!": _one_of("gradingPeriod", "semester", "schoolYear", "term", extensible=True),
        "parent": _SESSION,
        "children": _list_of(_SESSION),
        "schoolYear!": lambda value: re.fullmatch("[0-9]{4}", value) is not None,
    },
    "courses": {"title!": text, "schoolYear": _SESSION, "courseCode!": text, "org": _ORG},
    "classes": {
        "title!": text,
        "classCode": text,
        "classType": _one_of("homeroom", "scheduled", extensible=True),
        "course!": _COURSE,
        "school!": _ORG,
        "terms!": _list_of(_SESSION, at_least=1),
    },
    "users": {
        "userIds": _list_of(_object(**{"type!": text, "identifier!": text})),
        "enabledUser!": _BOOLEAN,
        "givenName!": text,
        "familyName!": text,
        "middleName": text,
        "roles!": _list_of(
            _object(**{"roleType!": _one_of("primary", "secondary"), "role!": _USER_ROLE, "org!": _ORG}), at_least=1
        ),
        "primaryOrg": _ORG,
        "identifier": text,
        "email": text,
    },
    "enrollments": {
        "user!": _USER,
        "class!": _CLASS,
        "school!": _ORG,
        "role!": _ENROLLMENT_ROLE,
        "primary": _BOOLEAN,
    },
}


def violations(collection: str, record: Mapping[str, Any]) -> list[str]:
    """The fields of a record of this collection that are missing, wrong, or not among those that the bridge makes."""
    found = _violations(_EVERY | _FIELDS[collection], record)
    if collection == "users" and [role["roleType"] for role in record["roles"]].count("primary") != 1:
        found.append("roles: exactly one is primary, since there is one org")
    if collection == "enrollments" and ("primary" in record) != (record["role"] == "teacher"):
        found.append("primary: is said of teachers and of nobody else")
    return found


def _violations(fields: Mapping[str, _Check], record: Mapping[str, Any]) -> list[str]:
    checks = {name.removesuffix("!"): check for name, check in fields.items()}
    required = {name.removesuffix("!") for name in fields if name.endswith("!")}
    missing = [f"{name}: missing" for name in required - record.keys()]
    unknown = [f"{name}: not a field" for name in record.keys() - checks.keys()]
    return missing + unknown + [f"{name}: {record[name]!r}" for name in checks.keys() & record.keys()
                                if not checks[name](record[name])]  # fmt: skip


# The official form.


@cache
def _official(collection: str) -> Draft202012Validator:
    document = _anchored(json.loads(OFFICIAL.read_text(encoding="utf-8")))
    schema = {"$ref": f"#/components/schemas/{CLASSES[collection]}", "components": document["components"]}
    return Draft202012Validator(schema, format_checker=FormatChecker())


def _anchored(node: Any) -> Any:
    """The document's patterns mean whole texts, and JSON Schema's match anywhere."""
    if isinstance(node, dict):
        return {
            key: f"^(?:{value})$" if key == "pattern" and isinstance(value, str) else _anchored(value)
            for key, value in node.items()
        }
    return [_anchored(item) for item in node] if isinstance(node, list) else node


def official_violations(collection: str, record: Mapping[str, Any]) -> list[str]:
    """What the official OpenAPI document finds wrong with a record."""
    return [f"{error.json_path}: {error.message}" for error in _official(collection).iter_errors(record)]
