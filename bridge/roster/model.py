"""The OneRoster 1.2 Rostering classes: which fields each has, and what can be asked of them.

One table for everybody: filters, sorting and selection check names against it, the mirror makes its columns and
facets from it, and the served OpenAPI document lists it. Field names are the wire's.

Source: OneRoster 1.2 Rostering service, data model (OpenAPI document v1.0).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum


class Shape(StrEnum):
    """How a scalar is written, and so how it is compared."""

    TEXT = "text"
    DATE = "date"  # YYYY-MM-DD
    INSTANT = "instant"  # dateLastModified only: kept apart from the document


@dataclass(frozen=True, slots=True)
class Path:
    """One thing that can be filtered by: a scalar, named from the top of the record.

    :param name: dotted, as in ``filter=class.sourcedId='…'``.
    :param many: whether the way to it leads through a list, so that a record may hold several values.
    :param facet: whether the mirror keeps its values in the facets, where they can be looked up: what references point
        to, and what lists hold.
    """

    name: str
    shape: Shape = Shape.TEXT
    many: bool = False
    facet: bool = False


@dataclass(frozen=True, slots=True)
class Collection:
    """One class of records.

    :param name: its plural wire name, which is its table's name too.
    :param singular: its singular wire name, and the ``type`` of references to it.
    :param fields: the names that ``fields`` may select.
    :param kind: the path whose values divide the records into the kinds that are tallied.
    :param searchable: the paths that ``search`` looks at.
    """

    name: str
    singular: str
    fields: tuple[str, ...]
    paths: tuple[Path, ...]
    kind: str | None = None
    searchable: tuple[str, ...] = ("sourcedId",)
    by_name: dict[str, Path] = field(init=False, repr=False, compare=False, hash=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_name", {path.name: path for path in self.paths})

    def path(self, name: str) -> Path | None:
        """The path of that name; any ``metadata.<key>`` is one; ``None`` if the class has no such field."""
        if name.startswith("metadata.") and len(name) > len("metadata."):
            return Path(name)
        return self.by_name.get(name)

    @property
    def facets(self) -> tuple[Path, ...]:
        return tuple(path for path in self.paths if path.facet)

    @property
    def columns(self) -> tuple[Path, ...]:
        """The paths that hold at most one value per record and live in the document."""
        return tuple(path for path in self.paths if not path.many and path.shape is not Shape.INSTANT)


def _collection(
    name: str, singular: str, spec: str, *, kind: str | None = None, searchable: tuple[str, ...] = ("sourcedId",)
) -> Collection:
    """Read the compact notation below: ``title  startDate:date  parent:ref  terms:refs  grades:list``."""
    paths = [Path("sourcedId"), Path("status"), Path("dateLastModified", Shape.INSTANT)]
    names = ["sourcedId", "status", "dateLastModified"]
    for word in spec.split():
        name_, _, shape = word.partition(":")
        paths.extend(_paths_of(name_, shape))
        names.append(name_)
    return Collection(name, singular, (*names, "metadata"), tuple(paths), kind, searchable)


def _paths_of(name: str, shape: str) -> Iterator[Path]:
    match shape:
        case "":
            yield Path(name)
        case "date":
            yield Path(name, Shape.DATE)
        case "list":
            yield Path(name, many=True, facet=True)
        case "ref":
            yield from _reference(name, many=False)
        case "refs":
            yield from _reference(name, many=True)
        case "roles":
            for part in ("roleType", "role"):
                yield Path(f"{name}.{part}", many=True, facet=True)
            yield from _reference(f"{name}.org", many=True)
            yield Path(f"{name}.userProfile", many=True)
            yield Path(f"{name}.beginDate", Shape.DATE, many=True)
            yield Path(f"{name}.endDate", Shape.DATE, many=True)
        case "profiles":
            for part in ("profileId", "profileType", "vendorId", "applicationId", "description"):
                yield Path(f"{name}.{part}", many=True)
        case "ids":
            for part in ("type", "identifier"):
                yield Path(f"{name}.{part}", many=True, facet=True)
        case "secret":
            return  # a filter is an oracle: passwords are neither served nor compared
        case _:
            raise ValueError(f"{name}: no such shape: {shape}")


def _reference(name: str, *, many: bool) -> Iterator[Path]:
    yield Path(f"{name}.sourcedId", many=many, facet=True)
    yield Path(f"{name}.href", many=many)
    yield Path(f"{name}.type", many=many)


ORGS = _collection(
    "orgs",
    "org",
    "name type identifier parent:ref children:refs",
    kind="type",
    searchable=("sourcedId", "name", "identifier"),
)
ACADEMIC_SESSIONS = _collection(
    "academicSessions",
    "academicSession",
    "title startDate:date endDate:date type parent:ref children:refs schoolYear",
    kind="type",
    searchable=("sourcedId", "title"),
)
COURSES = _collection(
    "courses",
    "course",
    "title schoolYear:ref courseCode grades:list subjects:list org:ref subjectCodes:list resources:refs",
    searchable=("sourcedId", "title", "courseCode"),
)
CLASSES = _collection(
    "classes",
    "class",
    "title classCode classType location grades:list subjects:list course:ref school:ref terms:refs subjectCodes:list"
    " periods:list resources:refs",
    kind="classType",
    searchable=("sourcedId", "title", "classCode"),
)
USERS = _collection(
    "users",
    "user",
    "userMasterIdentifier username userIds:ids enabledUser givenName familyName middleName preferredFirstName"
    " preferredMiddleName preferredLastName pronouns roles:roles userProfiles:profiles primaryOrg:ref identifier email"
    " sms phone agents:refs grades:list password:secret resources:refs",
    kind="roles.role",
    searchable=(
        "sourcedId",
        "givenName",
        "familyName",
        "middleName",
        "preferredFirstName",
        "preferredLastName",
        "username",
        "identifier",
        "email",
    ),
)
ENROLLMENTS = _collection(
    "enrollments",
    "enrollment",
    "user:ref class:ref school:ref role primary beginDate:date endDate:date",
    kind="role",
    searchable=("sourcedId", "role", "user.sourcedId", "class.sourcedId", "school.sourcedId"),
)
DEMOGRAPHICS = _collection(
    "demographics",
    "demographics",
    "birthDate:date sex americanIndianOrAlaskaNative asian blackOrAfricanAmerican"
    " nativeHawaiianOrOtherPacificIslander white demographicRaceTwoOrMoreRaces hispanicOrLatinoEthnicity"
    " countryOfBirthCode stateOfBirthAbbreviation cityOfBirth publicSchoolResidenceStatus",
)

COLLECTIONS: dict[str, Collection] = {
    collection.name: collection
    for collection in (ORGS, ACADEMIC_SESSIONS, COURSES, CLASSES, USERS, ENROLLMENTS, DEMOGRAPHICS)
}
