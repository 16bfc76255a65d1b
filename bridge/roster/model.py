"""The OneRoster 1.2 Rostering classes: which fields each has, and what can be asked of them.

One table for everybody: filters, sorting and selection check names against it, the mirror makes its columns and
facets from it, and the served OpenAPI document is written from it. Names are the wire's.

Source: OneRoster 1.2 Rostering service, data model (OpenAPI document v1.0).
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum


class Shape(StrEnum):
    """How a scalar is written, and so how it is compared."""

    TEXT = "text"
    DATE = "date"  # YYYY-MM-DD
    INSTANT = "instant"  # dateLastModified only: kept apart from the document


class Kind(StrEnum):
    """What a field holds, as the notation below writes it."""

    TEXT = "text"
    URI = "uri"
    DATE = "date"
    INSTANT = "instant"
    WORD = "word"  # of a vocabulary
    LIST = "list"  # of texts
    REFERENCE = "ref"  # to a record
    REFERENCES = "refs"
    OBJECTS = "objects"  # a list of them
    OPEN = "open"  # an object with any members
    SECRET = "secret"  # noqa: S105 - a text that is neither served nor compared
    SECRETS = "secrets"  # objects likewise


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The words that a field may hold.

    :param extensible: whether words of one's own may be added, as ``ext:`` and letters, digits, ``.``, ``-``, ``_``.
    """

    words: tuple[str, ...]
    extensible: bool = True


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a class, or of an object in it.

    :param required: whether every record has it; a list is then not empty.
    :param of: the vocabulary, the class referred to, or the kind of objects, by its name in this module's tables.
    """

    name: str
    kind: Kind
    required: bool = False
    of: str = ""


VOCABULARIES = {
    "flag": Vocabulary(("true", "false"), extensible=False),  # texts, not JSON's booleans
    "status": Vocabulary(("active", "tobedeleted"), extensible=False),
    "orgType": Vocabulary(("department", "district", "local", "national", "school", "state")),
    "sessionType": Vocabulary(("gradingPeriod", "semester", "schoolYear", "term")),
    "classType": Vocabulary(("homeroom", "scheduled")),
    "enrollmentRole": Vocabulary(("administrator", "proctor", "student", "teacher")),
    "roleType": Vocabulary(("primary", "secondary"), extensible=False),
    "userRole": Vocabulary(
        (
            "aide",
            "counselor",
            "districtAdministrator",
            "guardian",
            "parent",
            "principal",
            "proctor",
            "relative",
            "siteAdministrator",
            "student",
            "systemAdministrator",
            "teacher",
        )
    ),
    "sex": Vocabulary(("male", "female", "unspecified", "other")),
}


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


@dataclass(frozen=True, slots=True, eq=False)
class Collection:
    """One class of records: one of those below, and equal to itself alone.

    :param name: its plural wire name, which is its table's name too.
    :param singular: its singular wire name, and the ``type`` of references to it.
    :param members: its fields, in the standard's order.
    :param kind: the path whose values divide the records into the kinds that are tallied.
    :param searchable: the paths that ``search`` looks at.
    :param looked_up: further facets, which no request can name.
    :param hidden: the names of fields that the standard has and that this caller is not told.
    """

    name: str
    singular: str
    members: tuple[Field, ...]
    paths: tuple[Path, ...]
    kind: str | None = None
    searchable: tuple[str, ...] = ("sourcedId",)
    looked_up: tuple[Path, ...] = ()
    hidden: frozenset[str] = frozenset()
    by_name: dict[str, Path] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_name", {path.name: path for path in self.paths})

    @property
    def fields(self) -> tuple[str, ...]:
        """The names that ``fields`` may select."""
        return tuple(member.name for member in self.members)

    def path(self, name: str) -> Path | None:
        """The path of that name; ``None`` if the class has no such field.

        Any ``metadata.<key>`` is one, where there is metadata at all.
        """
        if name.startswith("metadata.") and len(name) > len("metadata."):
            return Path(name) if "metadata" in self.fields else None
        return self.by_name.get(name)

    def hides(self, name: str) -> bool:
        """Whether a name is one that the standard has, and that this caller is not told."""
        return name.partition(".")[0] in self.hidden

    def why_not(self, name: str) -> str:
        """Why nothing can be asked by a name that is none of its fields. What the standard names is no secret."""
        if self.hides(name):
            return f"{name[:64]} is not told to this client: its privacy level hides it"
        return f"{self.singular} has no field {name[:64]}"

    @property
    def facets(self) -> tuple[Path, ...]:
        """What the mirror keeps to look records up by."""
        return (*(path for path in self.paths if path.facet), *self.looked_up)

    @property
    def columns(self) -> tuple[Path, ...]:
        """The paths that hold at most one value per record and live in the document."""
        return tuple(path for path in self.paths if not path.many and path.shape is not Shape.INSTANT)


_WORD = re.compile(r"(?P<name>\w+)(?P<required>!?)(?::(?P<kind>\w+)(?:\((?P<of>\w+)\))?)?")


def _fields(notation: str) -> tuple[Field, ...]:
    """Read ``title!  endDate:date  type!:word(orgType)  parent:ref(org)``: a name, ``!`` if it is required, what it
    holds unless that is text."""
    found = []
    for word in notation.split():
        match = _WORD.fullmatch(word)
        assert match is not None, word
        found.append(Field(match["name"], Kind(match["kind"] or Kind.TEXT), bool(match["required"]), match["of"] or ""))
    return tuple(found)


OBJECTS = {
    "role": _fields(
        "roleType!:word(roleType) role!:word(userRole) org!:ref(org) userProfile:uri beginDate:date endDate:date"
    ),
    "userProfile": _fields(
        "profileId!:uri profileType! vendorId! applicationId description credentials:secrets(credential)"
    ),
    "userId": _fields("type! identifier!"),
    "credential": _fields("type! username! password:secret"),
}
"""The objects that lists hold."""

_FIRST = _fields("sourcedId! status!:word(status) dateLastModified!:instant")
_LAST = _fields("metadata:open")

_LOOKED_UP = frozenset({"roles.roleType", "roles.role", "userIds.type", "userIds.identifier"})
"""The texts in objects that the mirror keeps facets of."""


def _collection(
    name: str,
    singular: str,
    notation: str,
    *,
    kind: str | None = None,
    searchable: tuple[str, ...] = ("sourcedId",),
    looked_up: tuple[Path, ...] = (),
) -> Collection:
    members = (*_FIRST, *_fields(notation), *_LAST)
    return Collection(name, singular, members, tuple(_paths(members)), kind, searchable, looked_up)


def _paths(members: Sequence[Field], within: str = "") -> Iterator[Path]:
    """What can be filtered by in these fields of a record, or of the objects in its list ``within``."""
    many = bool(within)
    for member in members:
        name = f"{within}{member.name}"
        match member.kind:
            case Kind.SECRET | Kind.SECRETS | Kind.OPEN:
                pass  # a filter is an oracle: passwords are not compared; metadata has paths of its own
            case Kind.DATE | Kind.INSTANT:
                yield Path(name, Shape(member.kind), many)
            case Kind.LIST:
                yield Path(name, many=True, facet=True)
            case Kind.REFERENCE | Kind.REFERENCES:
                several = many or member.kind is Kind.REFERENCES
                yield Path(f"{name}.sourcedId", many=several, facet=True)
                yield Path(f"{name}.href", many=several)
                yield Path(f"{name}.type", many=several)
            case Kind.OBJECTS:
                yield from _paths(OBJECTS[member.of], f"{name}.")
            case _:
                yield Path(name, many=many, facet=name in _LOOKED_UP)


ROLE_AT_ORG = Path("roles.role@org.sourcedId", many=True, facet=True)
"""What one entry of a user's ``roles`` says as a whole, as ``role@org``: for our own look-ups, not for filters."""


ORGS = _collection(
    "orgs",
    "org",
    "name! type!:word(orgType) identifier! parent:ref(org) children:refs(org)",
    kind="type",
    searchable=("sourcedId", "name", "identifier"),
)
ACADEMIC_SESSIONS = _collection(
    "academicSessions",
    "academicSession",
    "title! startDate!:date endDate!:date type!:word(sessionType) parent:ref(academicSession)"
    " children:refs(academicSession) schoolYear!",
    kind="type",
    searchable=("sourcedId", "title"),
)
COURSES = _collection(
    "courses",
    "course",
    "title! schoolYear:ref(academicSession) courseCode! grades:list subjects:list org:ref(org) subjectCodes:list"
    " resources:refs(resource)",
    searchable=("sourcedId", "title", "courseCode"),
)
CLASSES = _collection(
    "classes",
    "class",
    "title! classCode classType:word(classType) location grades:list subjects:list course!:ref(course) school!:ref(org)"
    " terms!:refs(academicSession) subjectCodes:list periods:list resources:refs(resource)",
    kind="classType",
    searchable=("sourcedId", "title", "classCode"),
)
USERS = _collection(
    "users",
    "user",
    "userMasterIdentifier username userIds:objects(userId) enabledUser!:word(flag) givenName! familyName! middleName"
    " preferredFirstName preferredMiddleName preferredLastName pronouns roles!:objects(role)"
    " userProfiles:objects(userProfile) primaryOrg:ref(org) identifier email sms phone agents:refs(user) grades:list"
    " password:secret resources:refs(resource)",
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
    looked_up=(ROLE_AT_ORG,),
)
ENROLLMENTS = _collection(
    "enrollments",
    "enrollment",
    "user!:ref(user) class!:ref(class) school!:ref(org) role!:word(enrollmentRole) primary:word(flag) beginDate:date"
    " endDate:date",
    kind="role",
    searchable=("sourcedId", "role", "user.sourcedId", "class.sourcedId", "school.sourcedId"),
)
DEMOGRAPHICS = _collection(
    "demographics",
    "demographics",
    "birthDate:date sex:word(sex) americanIndianOrAlaskaNative:word(flag) asian:word(flag)"
    " blackOrAfricanAmerican:word(flag) nativeHawaiianOrOtherPacificIslander:word(flag) white:word(flag)"
    " demographicRaceTwoOrMoreRaces:word(flag) hispanicOrLatinoEthnicity:word(flag) countryOfBirthCode"
    " stateOfBirthAbbreviation cityOfBirth publicSchoolResidenceStatus",
)

COLLECTIONS: dict[str, Collection] = {
    collection.name: collection
    for collection in (ORGS, ACADEMIC_SESSIONS, COURSES, CLASSES, USERS, ENROLLMENTS, DEMOGRAPHICS)
}
"""By their plural wire names."""

BY_SINGULAR: dict[str, Collection] = {collection.singular: collection for collection in COLLECTIONS.values()}
"""The same by what the ``type`` of a reference to one of their records says."""
