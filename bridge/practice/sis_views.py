"""What a path below the base means: a collection, a view of one, or what belongs to a record.

OneRoster 1.2 rostering service, the 41 operations; OneRoster 1.1 has the same ones. A student or teacher is who has
that role somewhere; in a class, who has an active enrollment with it.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from bridge.practice.sis_errors import SisRefused
from bridge.practice.sis_records import Record, SisRoster

Wanted = Callable[[Record], bool]


class View(NamedTuple):
    """Records to choose from.

    :ivar collection: whose records they are.
    :ivar sourced_id: the one record that is asked for, if it is one.
    :ivar nested: whether they are those that belong to another record.
    """

    collection: str
    records: Sequence[Record]
    sourced_id: str | None
    nested: bool


def _everything(_: Record) -> bool:
    return True


def _of_type(type_: str) -> Wanted:
    return lambda record: record.get("type") == type_


def _with_role(role: str) -> Wanted:
    return lambda user: any(one["role"] == role for one in user["roles"])


VIEWS: Mapping[str, tuple[str, Wanted]] = {
    "orgs": ("orgs", _everything),
    "schools": ("orgs", _of_type("school")),
    "academicSessions": ("academicSessions", _everything),
    "terms": ("academicSessions", _of_type("term")),
    "gradingPeriods": ("academicSessions", _of_type("gradingPeriod")),
    "courses": ("courses", _everything),
    "classes": ("classes", _everything),
    "users": ("users", _everything),
    "students": ("users", _with_role("student")),
    "teachers": ("users", _with_role("teacher")),
    "enrollments": ("enrollments", _everything),
    "demographics": ("demographics", _everything),
}
"""By their paths: the collection, and which of its records."""

_ROLES = {"students": "student", "teachers": "teacher"}


def view_of(roster: SisRoster, segments: Sequence[str]) -> View:
    """The records that a path means.

    :param segments: what stands between the slashes behind the base, decoded.
    :raises SisRefused: with 404 if it means none.
    """
    match list(segments):
        case [name] if name in VIEWS:
            return _view(roster, name, None, _everything, nested=False)
        case [name, sourced_id] if name in VIEWS:
            return _view(roster, name, sourced_id, _everything, nested=False)
        case [parent, sourced_id, name] if (parent, name) in _RELATIONS:
            _require(roster, parent, sourced_id)
            return _view(roster, name, None, _RELATIONS[parent, name](roster, sourced_id), nested=True)
        case ["schools", school, "classes", class_id, "enrollments" | "students" | "teachers" as name]:
            _require(roster, "schools", school)
            if _id_of(_require(roster, "classes", class_id), "school") != school:
                raise _unknown("class of this school")
            return _view(roster, name, None, _in_class(name)(roster, class_id), nested=True)
        case _:
            raise _unknown("path")


def _view(roster: SisRoster, name: str, sourced_id: str | None, wanted: Wanted, *, nested: bool) -> View:
    collection, seen = VIEWS[name]
    records = roster.records(collection)
    if sourced_id is not None:
        if sourced_id not in records or not seen(records[sourced_id]):
            raise _unknown("record")
        return View(collection, [records[sourced_id]], sourced_id, nested)
    if seen is _everything and wanted is _everything:
        return View(collection, list(records.values()), None, nested)
    return View(collection, [one for one in records.values() if seen(one) and wanted(one)], None, nested)


def _require(roster: SisRoster, name: str, sourced_id: str) -> Record:
    return _view(roster, name, sourced_id, _everything, nested=True).records[0]


def _id_of(record: Record, field: str) -> str | None:
    found: str | None = record.get(field, {}).get("sourcedId")
    return found


def _refers(field: str) -> Callable[[SisRoster, str], Wanted]:
    """Those whose reference in a field, or one of those in it, leads to the parent."""

    def relation(_: SisRoster, sourced_id: str) -> Wanted:
        def wanted(record: Record) -> bool:
            value = record.get(field, ())
            return any(one["sourcedId"] == sourced_id for one in (value if isinstance(value, list) else [value]))

        return wanted

    return relation


def _enrollments(roster: SisRoster, field: str, sourced_id: str, role: str | None) -> list[Record]:
    return [
        one
        for one in roster.records("enrollments").values()
        if _id_of(one, field) == sourced_id and one["status"] == "active" and role in (None, one["role"])
    ]


def _in_class(name: str) -> Callable[[SisRoster, str], Wanted]:
    """The enrollments of a class, or who has one of a role."""
    if name == "enrollments":
        return _refers("class")

    def relation(roster: SisRoster, class_id: str) -> Wanted:
        ids = {_id_of(one, "user") for one in _enrollments(roster, "class", class_id, _ROLES[name])}
        return lambda user: user["sourcedId"] in ids

    return relation


def _classes_of(role: str | None) -> Callable[[SisRoster, str], Wanted]:
    def relation(roster: SisRoster, user_id: str) -> Wanted:
        ids = {_id_of(one, "class") for one in _enrollments(roster, "user", user_id, role)}
        return lambda class_: class_["sourcedId"] in ids

    return relation


def _people_at(name: str) -> Callable[[SisRoster, str], Wanted]:
    def relation(_: SisRoster, school: str) -> Wanted:
        return lambda user: any(
            one["role"] == _ROLES[name] and one["org"]["sourcedId"] == school for one in user["roles"]
        )

    return relation


def _terms_of_school(roster: SisRoster, school: str) -> Wanted:
    classes = [one for one in roster.records("classes").values() if _id_of(one, "school") == school]
    ids = {term["sourcedId"] for one in classes for term in one["terms"]}
    return lambda session: session["sourcedId"] in ids


_RELATIONS: Mapping[tuple[str, str], Callable[[SisRoster, str], Wanted]] = {
    ("classes", "students"): _in_class("students"),
    ("classes", "teachers"): _in_class("teachers"),
    ("courses", "classes"): _refers("course"),
    ("schools", "classes"): _refers("school"),
    ("schools", "courses"): _refers("org"),
    ("schools", "enrollments"): _refers("school"),
    ("schools", "students"): _people_at("students"),
    ("schools", "teachers"): _people_at("teachers"),
    ("schools", "terms"): _terms_of_school,
    ("students", "classes"): _classes_of("student"),
    ("teachers", "classes"): _classes_of("teacher"),
    ("users", "classes"): _classes_of(None),
    ("terms", "classes"): _refers("terms"),
    ("terms", "gradingPeriods"): _refers("parent"),
}


def _unknown(what: str) -> SisRefused:
    return SisRefused(404, "unknownobject", f"there is no such {what}")
