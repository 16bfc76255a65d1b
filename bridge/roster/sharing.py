"""What somebody is told of people, and by which id: a tool's privacy level.

NRPS 2.0 leaves names, e-mail and picture to consent. What is not shared is left out, so that nobody can tell it from
what is not known.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from bridge.roster.memberships import Membership


class Share(StrEnum):
    """One thing that may be told of a member, beside her id, her roles and her status."""

    NAMES = "names"
    EMAIL = "email"
    PICTURE = "picture"
    SOURCED_ID = "sourcedid"
    """``lis_person_sourcedid``: the SIS's number of the person."""


class UserIds(StrEnum):
    """By which id people are told."""

    LMS = "lms"
    """The LMS's own where one is known, so that it is the ``sub`` of that LMS's launches; else the sourcedId."""
    SOURCED_ID = "sourcedid"
    """Always the sourcedId, so that it is the id that OneRoster consumers know."""


@dataclass(frozen=True, slots=True)
class PrivacyLevel:
    """What is told of members.

    :param shares: everything that is.
    """

    shares: frozenset[Share]

    @classmethod
    def everything(cls) -> "PrivacyLevel":
        return cls(frozenset(Share))

    def of(self, member: Membership) -> Membership:
        """The member as she is told."""
        names, email, picture, sourced_id = (share in self.shares for share in Share)
        return replace(
            member,
            name=member.name if names else None,
            given_name=member.given_name if names else None,
            family_name=member.family_name if names else None,
            middle_name=member.middle_name if names else None,
            email=member.email if email else None,
            picture=member.picture if picture else None,
            person_sourced_id=member.person_sourced_id if sourced_id else None,
        )
