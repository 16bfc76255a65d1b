"""How much of a person a OneRoster consumer is told.

The four levels are those that LMSs offer for their tools. (What an LTI tool is told of members is
:mod:`bridge.roster.sharing`'s.) A field that a level hides does not exist for the caller: it is not served, and a
filter, a sort, a search or a selection that names it is answered as for any unknown field, but for the words: they say
that the level hides it, which tells nothing of anybody.

``sourcedId`` is told at every level. Those made for an LMS's people tell nothing about them; those that a student
information system gave are told as they came.
"""

from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum
from functools import cache

from bridge.roster.model import DEMOGRAPHICS, ENROLLMENTS, USERS, Collection

_ALWAYS = frozenset({"sourcedId", "status", "dateLastModified"})
_NAMES = frozenset(
    {
        "givenName",
        "familyName",
        "middleName",
        "preferredFirstName",
        "preferredMiddleName",
        "preferredLastName",
        "pronouns",
    }
)
_EMAIL = frozenset({"email"})
_OTHER = frozenset(
    {
        "userMasterIdentifier",
        "username",
        "userIds",
        "userProfiles",
        "identifier",
        "sms",
        "phone",
        "password",
        "metadata",  # ids, names and pictures as the LMS told them
    }
)


class PersonDetail(StrEnum):
    """How much of a person is told."""

    PUBLIC = "public"
    """Everything."""
    EMAIL_ONLY = "email_only"
    NAME_ONLY = "name_only"
    ANONYMOUS = "anonymous"
    """Neither name nor address: what there is to know is her roles and enrollments."""


_HIDDEN_OF_USERS: Mapping[PersonDetail, frozenset[str]] = {
    PersonDetail.PUBLIC: frozenset(),
    PersonDetail.EMAIL_ONLY: _NAMES | _OTHER,
    PersonDetail.NAME_ONLY: _EMAIL | _OTHER,
    PersonDetail.ANONYMOUS: _NAMES | _EMAIL | _OTHER,
}


def hidden_fields(collection: Collection, level: PersonDetail) -> frozenset[str]:
    """The fields of a class that a level hides, by their top-level names."""
    if level is PersonDetail.PUBLIC:
        return frozenset()
    match collection.name:
        case USERS.name:
            return _HIDDEN_OF_USERS[level]
        case ENROLLMENTS.name:
            return frozenset({"metadata"})
        case DEMOGRAPHICS.name:
            return frozenset(DEMOGRAPHICS.fields) - _ALWAYS
        case _:
            return frozenset()


@cache
def shown(collection: Collection, level: PersonDetail) -> Collection:
    """The class as a caller of this level knows it: the same one where nothing is hidden."""
    hidden = hidden_fields(collection, level)
    if not hidden:
        return collection
    return replace(
        collection,
        members=tuple(member for member in collection.members if member.name not in hidden),
        paths=tuple(path for path in collection.paths if _top(path.name) not in hidden and not _is_profile(path.name)),
        searchable=tuple(name for name in collection.searchable if _top(name) not in hidden),
        hidden=hidden,
    )


def _top(path: str) -> str:
    return path.partition(".")[0]


def _is_profile(path: str) -> bool:
    """Whether it is where an entry of ``roles`` names one of the hidden ``userProfiles``."""
    return path == "roles.userProfile"
