"""The files of a set, and their columns in the order that the binding fixes.

Of the binding's 21 data files these are the eight that hold rosters. The others hold resources and gradebooks, which
the bridge does not keep, and ``userProfiles``, which holds credentials.

Spec: OneRoster CSV Binding 1.2, section 4; the header of ``users`` is 1.2.1's, which drops ``resourceSourcedIds``.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from bridge.roster.model import (
    ACADEMIC_SESSIONS,
    CLASSES,
    COURSES,
    DEMOGRAPHICS,
    ENROLLMENTS,
    ORGS,
    USERS,
    Collection,
)

FIRST = ("sourcedId", "status", "dateLastModified")
"""What every data file begins with."""

METADATA = "metadata."
"""What the names of one's own columns begin with, which come last."""

DATA_FILES = (
    "academicSessions", "categories", "classes", "classResources", "courses", "courseResources", "demographics",
    "enrollments", "lineItemLearningObjectiveIds", "lineItems", "lineItemScoreScales", "orgs", "resources",
    "resultLearningObjectiveIds", "results", "resultScoreScales", "roles", "scoreScales", "userProfiles",
    "userResources", "users",
)  # fmt: skip
"""Every data file of the binding, as the manifest lists them."""


class Form(StrEnum):
    """How a cell holds what a field of the JSON binding holds."""

    TEXT = "text"
    LIST = "list"
    """Texts with commas between."""
    REFERENCE = "ref"
    """A sourcedId."""
    REFERENCES = "refs"
    USER_IDS = "userIds"
    """``{type:identifier}``, with commas between."""
    UNKEPT = "unkept"
    """What the bridge does not keep: passwords, resources."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    :param field: the field of the JSON binding, where that has another name.
    :param required: whether every row must have a value.
    """

    name: str
    field: str
    form: Form
    required: bool


@dataclass(frozen=True, slots=True)
class Table:
    """One file.

    :param collection: what its rows are records of; those of ``roles`` are parts of users.
    """

    name: str
    collection: Collection
    columns: tuple[Column, ...]

    @property
    def file(self) -> str:
        """The file's name."""
        return f"{self.name}.csv"

    @property
    def header(self) -> tuple[str, ...]:
        """The names of all columns but those of metadata."""
        return (*FIRST, *(column.name for column in self.columns))


_COLUMN = re.compile(r"(?P<name>\w+)(?P<required>!?)(?::(?P<form>\w+))?(?:=(?P<field>\w+))?")


def _columns(notation: str) -> tuple[Column, ...]:
    """Read ``title! grades:list courseSourcedId!:ref=course``: a name, ``!`` if a value is required, the form unless it
    is text, and the field's name unless it is the same."""
    found = []
    for word in notation.split():
        match = _COLUMN.fullmatch(word)
        assert match is not None, word
        name = match["name"]
        found.append(Column(name, match["field"] or name, Form(match["form"] or Form.TEXT), bool(match["required"])))
    return tuple(found)


_USER_BEGINS = (
    "enabledUser! username! userIds:userIds givenName! familyName! middleName identifier email sms phone"
    " agentSourcedIds:refs=agents grades:list password:unkept userMasterIdentifier"
)
_USER_ENDS = (
    "preferredGivenName=preferredFirstName preferredMiddleName preferredFamilyName=preferredLastName"
    " primaryOrgSourcedId:ref=primaryOrg pronouns"
)

ROLES = Table(
    "roles",
    USERS,
    _columns(
        "userSourcedId!:ref=user roleType! role! beginDate endDate orgSourcedId!:ref=org userProfileSourcedId:unkept"
    ),
)
USERS_1_2_0 = Table("users", USERS, _columns(f"{_USER_BEGINS} resourceSourcedIds:unkept {_USER_ENDS}"))
"""As CSV Binding 1.2 has it."""
USERS_1_1 = Table(
    "users",
    USERS,
    _columns(
        "enabledUser! orgSourcedIds!:refs=orgs role! username! userIds:userIds givenName! familyName! middleName"
        " identifier email sms phone agentSourcedIds:refs=agents grades:list password:unkept"
    ),
)
"""As OneRoster 1.1 has it, where a user has one role."""

TABLES: Mapping[str, Table] = {
    table.name: table
    for table in (
        Table("orgs", ORGS, _columns("name! type! identifier parentSourcedId:ref=parent")),
        Table(
            "academicSessions",
            ACADEMIC_SESSIONS,
            _columns("title! type! startDate! endDate! parentSourcedId:ref=parent schoolYear!"),
        ),
        Table(
            "courses",
            COURSES,
            _columns(
                "schoolYearSourcedId:ref=schoolYear title! courseCode grades:list orgSourcedId!:ref=org subjects:list"
                " subjectCodes:list"
            ),
        ),
        Table(
            "classes",
            CLASSES,
            _columns(
                "title! grades:list courseSourcedId!:ref=course classCode classType! location"
                " schoolSourcedId!:ref=school termSourcedIds!:refs=terms subjects:list subjectCodes:list periods:list"
            ),
        ),
        Table("users", USERS, _columns(f"{_USER_BEGINS} {_USER_ENDS}")),
        ROLES,
        Table(
            "enrollments",
            ENROLLMENTS,
            _columns(
                "classSourcedId!:ref=class schoolSourcedId!:ref=school userSourcedId!:ref=user role! primary beginDate"
                " endDate"
            ),
        ),
        Table(
            "demographics",
            DEMOGRAPHICS,
            _columns(
                "birthDate sex americanIndianOrAlaskaNative asian blackOrAfricanAmerican"
                " nativeHawaiianOrOtherPacificIslander white demographicRaceTwoOrMoreRaces hispanicOrLatinoEthnicity"
                " countryOfBirthCode stateOfBirthAbbreviation cityOfBirth publicSchoolResidenceStatus"
            ),
        ),
    )
}
"""The files of rosters, 1.2.1's, in an order in which what is referred to comes before what refers to it."""
