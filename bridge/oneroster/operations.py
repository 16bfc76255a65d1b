"""The operations of the OneRoster 1.2 Rostering service, as one table.

Routing, scopes and documentation all read it. An operation is a collection, or one record of it, seen through a preset:
``/terms`` is academic sessions of type ``term``.

Source: OneRoster 1.2 Rostering service, OpenAPI document v1.0.
"""

from dataclasses import dataclass

from bridge.oneroster.scopes import ROSTER, ROSTER_CORE
from bridge.roster.model import ACADEMIC_SESSIONS, CLASSES, COURSES, ENROLLMENTS, ORGS, USERS, Collection
from bridge.roster.query import Comparison, Condition, Predicate

_CORE = (ROSTER_CORE, ROSTER)


@dataclass(frozen=True, slots=True)
class Operation:
    """One GET operation.

    :param operation_id: its name in the standard.
    :param path: its path under the service's base, without a leading slash; a record's sourcedId follows if ``single``.
    :param scopes: any one of these allows it.
    """

    operation_id: str
    path: str
    collection: Collection
    single: bool
    preset: Condition | None = None
    scopes: tuple[str, ...] = _CORE

    @property
    def envelope(self) -> str:
        """The key under which the answer stands."""
        return self.collection.singular if self.single else self.collection.name


def _pair(
    path: str, all_id: str, one_id: str, collection: Collection, preset: Condition | None = None
) -> tuple[Operation, Operation]:
    return (
        Operation(all_id, path, collection, single=False, preset=preset),
        Operation(one_id, path, collection, single=True, preset=preset),
    )


def _is(field: str, value: str) -> Condition:
    return Comparison(field, Predicate.EQUAL, value)


OPERATIONS: tuple[Operation, ...] = (
    *_pair("academicSessions", "getAllAcademicSessions", "getAcademicSession", ACADEMIC_SESSIONS),
    *_pair("classes", "getAllClasses", "getClass", CLASSES),
    *_pair("courses", "getAllCourses", "getCourse", COURSES),
    *_pair("enrollments", "getAllEnrollments", "getEnrollment", ENROLLMENTS),
    *_pair(
        "gradingPeriods",
        "getAllGradingPeriods",
        "getGradingPeriod",
        ACADEMIC_SESSIONS,
        _is("type", "gradingPeriod"),
    ),
    *_pair("orgs", "getAllOrgs", "getOrg", ORGS),
    *_pair("schools", "getAllSchools", "getSchool", ORGS, _is("type", "school")),
    *_pair("students", "getAllStudents", "getStudent", USERS, _is("roles.role", "student")),
    *_pair("teachers", "getAllTeachers", "getTeacher", USERS, _is("roles.role", "teacher")),
    *_pair("terms", "getAllTerms", "getTerm", ACADEMIC_SESSIONS, _is("type", "term")),
    *_pair("users", "getAllUsers", "getUser", USERS),
)

_COLLECTIONS = {operation.path: operation for operation in OPERATIONS if not operation.single}
_SINGLES = {operation.path: operation for operation in OPERATIONS if operation.single}


def match(path: str) -> tuple[Operation, str] | None:
    """The operation that a path means, and the sourcedId in it (empty for a collection).

    :param path: the decoded path under the service's base, without its leading slash. Everything behind the first
        segment is the sourcedId, slashes included: ``%2F`` arrives here as a slash. A trailing slash on a collection
        is accepted.

    >>> match("enrollments/a/b")[1]
    'a/b'
    """
    head, _, rest = path.partition("/")
    if rest:
        single = _SINGLES.get(head)
        return (single, rest) if single else None
    collection = _COLLECTIONS.get(head)
    return (collection, "") if collection else None
