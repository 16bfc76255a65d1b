"""What a bulk set must be closed under: the references that a record cannot do without, and those that it can."""

from collections.abc import Iterator, Mapping
from typing import Any

from bridge.roster.model import ACADEMIC_SESSIONS, CLASSES, COURSES, ORGS, USERS, Collection

NEEDED: Mapping[str, tuple[tuple[str, Collection], ...]] = {
    "orgs": (),
    "academicSessions": (),
    "courses": (("org", ORGS),),
    "classes": (("course", COURSES), ("school", ORGS), ("terms", ACADEMIC_SESSIONS)),
    "users": (("orgs", ORGS),),  # OneRoster 1.1
    "roles": (("user", USERS), ("org", ORGS)),
    "enrollments": (("class", CLASSES), ("school", ORGS), ("user", USERS)),
    "demographics": (("sourcedId", USERS),),
}
"""By the name of the file: fields, and what they refer to. A record of which one leads nowhere is of no use."""

SPARED: Mapping[str, tuple[tuple[str, Collection], ...]] = {
    "orgs": (("parent", ORGS),),
    "academicSessions": (("parent", ACADEMIC_SESSIONS),),
    "courses": (("schoolYear", ACADEMIC_SESSIONS),),
    "users": (("primaryOrg", ORGS), ("agents", USERS)),
}
"""Fields that may be left out."""


def referred(value: Any) -> Iterator[str]:
    """The sourcedIds that a field refers to: a reference, several, or the record's own sourcedId."""
    match value:
        case str():
            yield value
        case {"sourcedId": str(sourced_id)}:
            yield sourced_id
        case list():
            for one in value:
                yield from referred(one)
