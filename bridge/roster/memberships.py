"""A person's membership of a context, as a platform states it: the domain's own value, free of any wire format.

Absent stays absent: ``None`` means that the platform did not say, blank texts included.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from bridge.roster.identity import LtiUserId

RoleTest = Callable[[Sequence[str]], bool]
"""Whether somebody with these roles is asked for."""


class MemberStatus(StrEnum):
    """NRPS 2.0: ``Deleted`` occurs in differences only."""

    ACTIVE = "Active"
    INACTIVE = "Inactive"
    DELETED = "Deleted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """One member of one context.

    :param user_id: exactly as the platform writes it, numbers turned to text.
    :param roles: exactly as the platform lists them, order and repetitions included; may be empty.
    :param status: ``None`` where the platform did not say, which NRPS defines as active.
    :param person_sourced_id: ``lis_person_sourcedid``: the SIS's number of the person, where it is shared.
    """

    user_id: LtiUserId
    roles: tuple[str, ...] = ()
    status: MemberStatus | None = None
    name: str | None = None
    given_name: str | None = None
    family_name: str | None = None
    middle_name: str | None = None
    email: str | None = None
    picture: str | None = None
    person_sourced_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """A course, section or group of an LMS, as the platform describes it."""

    context_id: str
    label: str | None = None
    title: str | None = None


@dataclass(frozen=True, slots=True)
class Member:
    """One member of a class, as the mirror holds her.

    :param place: her place among the class's members, for good: newcomers come last.
    :param person: what names her within the source: see :meth:`bridge.roster.class_members.ClassMembers.sourced_id_of`.
    :param membership: as it is to be told; of somebody who has left only who she is and what she was.
    """

    place: int
    person: str
    membership: Membership


@dataclass(frozen=True, slots=True)
class Moment:
    """A state of one class's memberships, to ask for what has changed since.

    It counts what happens in the whole mirror, so it is not for callers' eyes.

    :param number: of whatever last changed it.
    :param day: the date, where memberships begin and end by date; else empty.
    :param erased: names the last erasure, where nothing else tells who was erased; else empty.
    """

    number: int
    day: str = ""
    erased: str = ""


@dataclass(frozen=True, slots=True)
class Members:
    """Some members of a class.

    :param more: whether others follow.
    """

    members: list[Member]
    more: bool
