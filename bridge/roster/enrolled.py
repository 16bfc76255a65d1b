"""OneRoster records to memberships: what NRPS says of somebody of whom only records are known.

The way back of :mod:`bridge.roster.derive`. Records that another bridge has made of an LMS's roster keep in their
``metadata`` what the LMS said, and it is given back as it came, as long as it still leads to the present record. Of all
others the roles are those of :func:`bridge.roster.roles.lti_roles_for`.

The choices are in ``docs/decisions/0014-memberships-served.md``.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bridge.roster.identity import LtiUserId
from bridge.roster.memberships import Context, Membership, MemberStatus
from bridge.roster.reading import Reading
from bridge.roster.roles import RoleMapping, RoleTable, lti_roles_for
from bridge.roster.supplied import SUPPLIED

Record = Mapping[str, Any]


class Enrolled:
    """Makes memberships of users and their enrollments in one class.

    :param table: what decides whether the LTI roles in an enrollment's metadata still lead to its role.
    :ivar fingerprint: names everything but the records that memberships depend on.
    """

    def __init__(self, table: RoleTable) -> None:
        # Which role mapping the other bridge works in, is not said.
        self.fingerprint = table.fingerprint
        self._readings = [Reading(table=table, mapping=mapping, keep_test_users=True) for mapping in RoleMapping]

    def membership_of(self, user: Record, enrollments: Sequence[Record], today: str) -> Membership | None:
        """The membership of somebody; ``None`` if she is no member of the class on that day.

        :param enrollments: hers in the class, each of which may give her other roles.
        :param today: an ISO date.
        """
        present = [one for one in enrollments if is_open(one, today) and _status(one) is not None]
        if not present or user.get("status") != "active" or _is_false(user.get("enabledUser")):
            return None
        statuses = {status for status in map(_status, present) if status != ""}
        return Membership(
            user_id=user_id_of(user),
            roles=self._roles_in(present, user),
            status=_stated(statuses),
            **_details(user),
        )

    def left(self, user: Record, enrollments: Sequence[Record]) -> Membership:
        """What is told of somebody who is a member no more."""
        roles = self._roles_in(enrollments, user)
        return Membership(user_id=user_id_of(user), roles=roles, status=MemberStatus.DELETED)

    def _roles_in(self, enrollments: Sequence[Record], user: Record) -> tuple[str, ...]:
        if len(enrollments) == 1:
            return self._roles(enrollments[0], user)  # repetitions included
        return tuple(dict.fromkeys(role for one in enrollments for role in self._roles(one, user)))

    def _roles(self, enrollment: Record, user: Record) -> tuple[str, ...]:
        told = _texts(enrollment, "lti.roles")
        if told is not None and self._leads_to(enrollment, told):
            return told
        return lti_roles_for(enrollment["role"], _is_true(enrollment.get("primary")), _role_at_school(enrollment, user))

    def _leads_to(self, enrollment: Record, roles: tuple[str, ...]) -> bool:
        """Whether these roles give the enrollment that there is: nobody has changed it since."""
        both = roles + (_texts(enrollment, "lti.launchRoles") or ())
        if not any(reading.map_roles(both).enrollment == enrollment["role"] for reading in self._readings):
            return False
        if enrollment["role"] != "teacher":
            return True
        claims = any(reading.map_roles(roles).primary_claim for reading in self._readings)
        if _is_true(enrollment.get("primary")):
            return claims
        # One of several who claim it is not the primary teacher, nor is one who is inactive.
        metadata = _metadata(enrollment)
        return not claims or "bridge.primary" in metadata or metadata.get("lti.status") == MemberStatus.INACTIVE


def context_of(class_: Record) -> Context:
    """A class as the context that it is: by the LMS's own id, where it is an LMS's."""
    metadata = _metadata(class_)
    title = None if "title" in metadata.get(SUPPLIED, "").split(",") else class_.get("title")
    return Context(
        context_id=metadata.get("lti.contextId") or class_["sourcedId"], label=class_.get("classCode"), title=title
    )


def user_id_of(user: Record) -> LtiUserId:
    """The LMS's own id of a person, where her record comes from one, through another bridge; else her sourcedId."""
    return LtiUserId(_metadata(user).get("lti.userId") or user["sourcedId"])


def is_open(enrollment: Record, day: str) -> bool:
    """Whether a day is within the enrollment's dates: the first one is in, the last one is not (OneRoster 1.2)."""
    return (enrollment.get("beginDate") or day) <= day < (enrollment.get("endDate") or "9999-99-99")


def _status(enrollment: Record) -> str | None:
    """What is to be told of an enrollment's status, empty for nothing; ``None`` if it has ended."""
    metadata = _metadata(enrollment)
    told = metadata.get("lti.status")
    if enrollment.get("status") != "active":
        # An LMS's inactive member is kept, though OneRoster has no such status.
        return MemberStatus.INACTIVE if told == MemberStatus.INACTIVE else None
    return (told or "") if "lti.roles" in metadata else MemberStatus.ACTIVE


def _stated(statuses: set[str | None]) -> MemberStatus | None:
    if not statuses:
        return None
    return MemberStatus.ACTIVE if MemberStatus.ACTIVE in statuses else MemberStatus.INACTIVE


def _details(user: Record) -> dict[str, str | None]:
    metadata = _metadata(user)
    supplied = metadata.get(SUPPLIED, "").split(",")
    given, family = (None if name in supplied else user.get(name) for name in ("givenName", "familyName"))
    from_lms = "lti.userId" in metadata
    return {
        "name": metadata.get("lti.name") or " ".join(filter(None, (given, family))) or None,
        "given_name": given,
        "family_name": family,
        "middle_name": user.get("middleName") or None,
        "email": user.get("email") or None,
        "picture": metadata.get("lti.picture"),
        "person_sourced_id": metadata.get("lti.personSourcedId") if from_lms else user["sourcedId"],
    }


def _role_at_school(enrollment: Record, user: Record) -> str | None:
    """Her role at the class's school: of several the one that tells most beside an enrollment."""
    school = enrollment.get("school", {}).get("sourcedId")
    roles = [role.get("role") for role in user.get("roles", ()) if role.get("org", {}).get("sourcedId") == school]
    return "aide" if "aide" in roles else next(iter(roles), None)


def _texts(record: Record, key: str) -> tuple[str, ...] | None:
    """A list of texts that is kept in a record's metadata as JSON."""
    try:
        found = json.loads(_metadata(record).get(key, ""))
    except (TypeError, ValueError):
        return None
    return tuple(_only_texts(found)) if isinstance(found, list) else None


def _only_texts(found: list[Any]) -> Iterator[str]:
    return (text for text in found if isinstance(text, str))


def _metadata(record: Record) -> Mapping[str, Any]:
    metadata = record.get("metadata")
    return metadata if isinstance(metadata, Mapping) else {}


def _is_true(value: object) -> bool:
    return value in ("true", True)


def _is_false(value: object) -> bool:
    return value in ("false", False)
