"""The operations of the OneRoster 1.2 Rostering service, as one table.

Routing, scopes, discovery and documentation all read it. An operation is a collection, or one record of it, seen
through a preset (``/terms`` is academic sessions of type ``term``), and, where it is nested, only what belongs to its
parents.

What belongs to what:

* the students and teachers of a class are those with an active enrollment in it, by its ``role``; likewise a person's
  classes;
* the students and teachers of a school are those with that role there, by ``User.roles``;
* the terms of a school are those that its classes are in.

Source: OneRoster 1.2 Rostering service, OpenAPI document v1.0.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from bridge.oneroster.scopes import ROSTER, ROSTER_CORE, ROSTER_DEMOGRAPHICS
from bridge.roster.model import (
    ACADEMIC_SESSIONS,
    CLASSES,
    COURSES,
    DEMOGRAPHICS,
    ENROLLMENTS,
    ORGS,
    ROLE_AT_ORG,
    USERS,
    Collection,
)
from bridge.roster.query import Among, And, Comparison, Condition, Predicate, collections_in

_CORE = (ROSTER_CORE, ROSTER)
_FULL = (ROSTER,)
_DEMOGRAPHICS = (ROSTER_DEMOGRAPHICS,)


def _is(field: str, value: str) -> Condition:
    return Comparison(field, Predicate.EQUAL, value, verbatim=True)  # a sourcedId may hold commas


def _all(*conditions: Condition) -> Condition:
    return And(conditions)


@dataclass(frozen=True, slots=True)
class View:
    """A collection as one path shows it: ``/schools`` is orgs of type ``school``."""

    path: str
    collection: Collection
    preset: Condition | None = None


_SESSIONS = View("academicSessions", ACADEMIC_SESSIONS)
_CLASSES = View("classes", CLASSES)
_COURSES = View("courses", COURSES)
_DEMOGRAPHICS_VIEW = View("demographics", DEMOGRAPHICS)
_ENROLLMENTS = View("enrollments", ENROLLMENTS)
_GRADING_PERIODS = View("gradingPeriods", ACADEMIC_SESSIONS, _is("type", "gradingPeriod"))
_ORGS = View("orgs", ORGS)
_SCHOOLS = View("schools", ORGS, _is("type", "school"))
_STUDENTS = View("students", USERS, _is("roles.role", "student"))
_TEACHERS = View("teachers", USERS, _is("roles.role", "teacher"))
_TERMS = View("terms", ACADEMIC_SESSIONS, _is("type", "term"))
_USERS = View("users", USERS)


@dataclass(frozen=True, slots=True)
class Parent:
    """A record in the path of a nested operation, which must be there.

    :param parameter: its name in the standard's path template.
    """

    parameter: str
    view: View
    of_outer: str | None = None
    """Where it refers to the parent before it."""

    def condition(self, ids: Sequence[str]) -> Condition | None:
        """What it must be to count as a parent, given all sourcedIds in the path."""
        if self.of_outer is None:
            return self.view.preset
        return _is(self.of_outer, ids[0])


@dataclass(frozen=True, slots=True, eq=False)
class Operation:
    """One GET operation.

    :param operation_id: its name in the standard.
    :param template: its path under the service's base, as the standard writes it.
    :param collection: what it answers with.
    :param single: whether it answers with one record.
    :param scopes: any one of these allows it.
    :param preset: what it restricts to, whatever its parents.
    :param parents: the records in its path, outermost first.
    :param within: what belongs to those parents, given their sourcedIds.
    """

    operation_id: str
    template: str
    collection: Collection
    single: bool
    scopes: tuple[str, ...]
    preset: Condition | None = None
    parents: tuple[Parent, ...] = ()
    within: Callable[[Sequence[str]], Condition] | None = None

    @property
    def envelope(self) -> str:
        """The key under which the answer stands."""
        return self.collection.singular if self.single else self.collection.name

    def condition(self, parents: Sequence[str]) -> Condition | None:
        """What the answer is restricted to."""
        return self.within(parents) if self.within is not None else self.preset

    def depends_on(self, parents: Sequence[str]) -> frozenset[str]:
        """The collections on which the answer depends, by name."""
        looked_at = collections_in(self.condition(parents))
        return frozenset({self.collection.name, *looked_at, *(parent.view.collection.name for parent in self.parents)})

    def path(self, ids: Sequence[str]) -> str:
        """The path under the service's base, as it is written in a URL: each sourcedId is one segment."""
        rest = iter(ids)
        return "/".join(quote(next(rest), safe="") if step[0] == "{" else step for step in self.template.split("/"))


def _pair(view: View, all_id: str, one_id: str, scopes: tuple[str, ...] = _CORE) -> tuple[Operation, Operation]:
    return (
        Operation(all_id, view.path, view.collection, single=False, scopes=scopes, preset=view.preset),
        Operation(
            one_id, f"{view.path}/{{sourcedId}}", view.collection, single=True, scopes=scopes, preset=view.preset
        ),
    )


def _nested(
    operation_id: str,
    template: str,
    parents: tuple[Parent, ...],
    collection: Collection,
    within: Callable[[Sequence[str]], Condition],
) -> Operation:
    return Operation(operation_id, template, collection, single=False, scopes=_FULL, parents=parents, within=within)


def _enrolled(their: str, *conditions: Condition) -> Condition:
    return Among(ENROLLMENTS, their, _all(*conditions, _is("status", "active")))


def _members_of_class(role: str) -> Callable[[Sequence[str]], Condition]:
    # The class is the last in the path; a school before it has been checked to be its own.
    return lambda ids: _enrolled("user.sourcedId", _is("class.sourcedId", ids[-1]), _is("role", role))


def _members_of_school(role: str) -> Callable[[Sequence[str]], Condition]:
    return lambda ids: _is(ROLE_AT_ORG.name, f"{role}@{ids[0]}")


def _classes_of(role: str | None) -> Callable[[Sequence[str]], Condition]:
    roles = () if role is None else (_is("role", role),)
    return lambda ids: _enrolled("class.sourcedId", _is("user.sourcedId", ids[0]), *roles)


def _refers(field: str, *also: Condition) -> Callable[[Sequence[str]], Condition]:
    return lambda ids: _all(_is(field, ids[0]), *also)


_CLASS = Parent("classSourcedId", _CLASSES)
_CLASS_OF_SCHOOL = Parent("classSourcedId", _CLASSES, of_outer="school.sourcedId")
_SCHOOL = Parent("schoolSourcedId", _SCHOOLS)
_COURSE = Parent("courseSourcedId", _COURSES)
_TERM = Parent("termSourcedId", _TERMS)
_STUDENT = Parent("studentSourcedId", _STUDENTS)
_TEACHER = Parent("teacherSourcedId", _TEACHERS)
_USER = Parent("userSourcedId", _USERS)

_IN_SCHOOL = "schools/{schoolSourcedId}"
_IN_CLASS_IN_SCHOOL = f"{_IN_SCHOOL}/classes/{{classSourcedId}}"

OPERATIONS: tuple[Operation, ...] = (
    *_pair(_SESSIONS, "getAllAcademicSessions", "getAcademicSession"),
    *_pair(_CLASSES, "getAllClasses", "getClass"),
    *_pair(_COURSES, "getAllCourses", "getCourse"),
    *_pair(_DEMOGRAPHICS_VIEW, "getAllDemographics", "getDemographics", _DEMOGRAPHICS),
    *_pair(_ENROLLMENTS, "getAllEnrollments", "getEnrollment"),
    *_pair(_GRADING_PERIODS, "getAllGradingPeriods", "getGradingPeriod"),
    *_pair(_ORGS, "getAllOrgs", "getOrg"),
    *_pair(_SCHOOLS, "getAllSchools", "getSchool"),
    *_pair(_STUDENTS, "getAllStudents", "getStudent"),
    *_pair(_TEACHERS, "getAllTeachers", "getTeacher"),
    *_pair(_TERMS, "getAllTerms", "getTerm"),
    *_pair(_USERS, "getAllUsers", "getUser"),
    _nested("getStudentsForClass", "classes/{classSourcedId}/students", (_CLASS,), USERS, _members_of_class("student")),
    _nested("getTeachersForClass", "classes/{classSourcedId}/teachers", (_CLASS,), USERS, _members_of_class("teacher")),
    _nested(
        "getClassesForCourse", "courses/{courseSourcedId}/classes", (_COURSE,), CLASSES, _refers("course.sourcedId")
    ),
    _nested("getClassesForSchool", f"{_IN_SCHOOL}/classes", (_SCHOOL,), CLASSES, _refers("school.sourcedId")),
    _nested(
        "getEnrollmentsForClassInSchool",
        f"{_IN_CLASS_IN_SCHOOL}/enrollments",
        (_SCHOOL, _CLASS_OF_SCHOOL),
        ENROLLMENTS,
        lambda ids: _is("class.sourcedId", ids[1]),
    ),
    _nested(
        "getStudentsForClassInSchool",
        f"{_IN_CLASS_IN_SCHOOL}/students",
        (_SCHOOL, _CLASS_OF_SCHOOL),
        USERS,
        _members_of_class("student"),
    ),
    _nested(
        "getTeachersForClassInSchool",
        f"{_IN_CLASS_IN_SCHOOL}/teachers",
        (_SCHOOL, _CLASS_OF_SCHOOL),
        USERS,
        _members_of_class("teacher"),
    ),
    _nested("getCoursesForSchool", f"{_IN_SCHOOL}/courses", (_SCHOOL,), COURSES, _refers("org.sourcedId")),
    _nested(
        "getEnrollmentsForSchool", f"{_IN_SCHOOL}/enrollments", (_SCHOOL,), ENROLLMENTS, _refers("school.sourcedId")
    ),
    _nested("getStudentsForSchool", f"{_IN_SCHOOL}/students", (_SCHOOL,), USERS, _members_of_school("student")),
    _nested("getTeachersForSchool", f"{_IN_SCHOOL}/teachers", (_SCHOOL,), USERS, _members_of_school("teacher")),
    _nested(
        "getTermsForSchool",
        f"{_IN_SCHOOL}/terms",
        (_SCHOOL,),
        ACADEMIC_SESSIONS,
        lambda ids: _all(Among(CLASSES, "terms.sourcedId", _is("school.sourcedId", ids[0])), _is("type", "term")),
    ),
    _nested(
        "getClassesForStudent", "students/{studentSourcedId}/classes", (_STUDENT,), CLASSES, _classes_of("student")
    ),
    _nested(
        "getClassesForTeacher", "teachers/{teacherSourcedId}/classes", (_TEACHER,), CLASSES, _classes_of("teacher")
    ),
    _nested("getClassesForTerm", "terms/{termSourcedId}/classes", (_TERM,), CLASSES, _refers("terms.sourcedId")),
    _nested(
        "getGradingPeriodsForTerm",
        "terms/{termSourcedId}/gradingPeriods",
        (_TERM,),
        ACADEMIC_SESSIONS,
        _refers("parent.sourcedId", _is("type", "gradingPeriod")),
    ),
    _nested("getClassesForUser", "users/{userSourcedId}/classes", (_USER,), CLASSES, _classes_of(None)),
)


def match(path: str) -> Iterator[tuple[Operation, tuple[str, ...]]]:
    """The operations that a path may mean, likeliest first, each with the sourcedIds in it.

    A WSGI server hands paths over decoded, so ``a%2Fstudents`` and ``a/students`` look alike, and a path may mean
    several things: a record whose sourcedId is the whole rest, or what belongs to one with a shorter id. Which it is,
    only the mirror can tell; the record comes first. A trailing slash is accepted.

    :param path: the decoded path under the service's base, without its leading slash.

    >>> [(operation.operation_id, ids) for operation, ids in match("classes/a/students")]
    [('getClass', ('a/students',)), ('getStudentsForClass', ('a',))]
    """
    head, _, rest = path.partition("/")
    for operation in _BY_HEAD.get(head, ()):
        if not operation.single and not operation.parents:
            if not rest:
                yield operation, ()
        elif rest:
            steps = operation.template.split("/")[1:]
            yield from ((operation, ids) for ids in _fit(rest, steps))
            if operation.single and rest.removesuffix("/") not in ("", rest):
                yield operation, (rest.removesuffix("/"),)


def _fit(rest: str, steps: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Every way to read the rest of a path as these steps, the longest outer sourcedId first."""
    if len(steps) == 1:
        yield (rest,)
        return
    _, word, *more = steps
    if not more:  # a path has one end: looking for the word all over it would take very long paths seconds
        sourced_id = rest.removesuffix("/").removesuffix(f"/{word}")
        if sourced_id and sourced_id != rest.removesuffix("/"):
            yield (sourced_id,)
        return
    place = len(rest)
    while (place := rest.rfind(f"/{word}", 0, place)) > 0:
        sourced_id, behind = rest[:place], rest[place + len(word) + 1 :]
        if behind.startswith("/") and len(behind) > 1:
            yield from ((sourced_id, *ids) for ids in _fit(behind[1:], more))


_BY_HEAD = {
    head: tuple(
        sorted(
            (operation for operation in OPERATIONS if operation.template.split("/")[0] == head),
            key=lambda operation: (len(operation.parents), not operation.single),
        )
    )
    for head in {operation.template.split("/")[0] for operation in OPERATIONS}
}
