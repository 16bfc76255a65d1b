"""Why a member's LTI roles are what they are in OneRoster: the mapping's own steps, in sentences.

What the answer is, :meth:`bridge.roster.roles.RoleTable.map_roles` decides; this says how it came about, one sentence
for each text that the platform sent and one for the outcome. It holds no personal data: roles are not.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from bridge.roster.reading import Reading
from bridge.roster.role_rows import Row, extra_key
from bridge.roster.roles import MappedRoles, enrollment_role, refined
from bridge.roster.vocabulary import TEST_USER, Role, Scope, parse_role

_SCOPES = {Scope.CONTEXT: "in this course", Scope.INSTITUTION: "at the institution", Scope.SYSTEM: "of the system"}


@dataclass(frozen=True, slots=True)
class RoleReason:
    """What one text did for the outcome.

    :param text: as the platform wrote it.
    :param short: its name without the vocabulary's address, or the text itself where it is unknown.
    """

    text: str
    short: str
    reason: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """How the outcome came about.

    :param outcome: why she is enrolled as she is, or not at all: a sentence.
    """

    mapped: MappedRoles
    roles: tuple[RoleReason, ...]
    outcome: str


def explain(reading: Reading, roles: Sequence[str]) -> Explanation:
    """Why a member with these roles is what she is; for a person to read.

    :param roles: in any order; repetitions change nothing.
    """
    mapped = reading.map_roles(tuple(roles))
    parsed = {text: parse_role(text) for text in roles}
    here = {role for role in parsed.values() if role is not None and role.scope is Scope.CONTEXT}
    kept = refined(here)
    table = reading.table
    counts_here = bool(kept) or any(
        role is None and table.row_of_text(text) is not None for text, role in parsed.items()
    )
    reasons = tuple(
        RoleReason(text, _short(text, role), _reason(reading, text, role, kept=kept, counts_here=counts_here))
        for text, role in parsed.items()
    )
    return Explanation(mapped, reasons, _outcome(reading, mapped, has_roles=bool(parsed)))


def _reason(reading: Reading, text: str, role: Role | None, *, kept: set[Role], counts_here: bool) -> str:
    if role is None:
        row = reading.table.row_of_text(text)
        if row is None:
            return "not a role that the bridge knows: it grants nothing. A row under [extra] of a role table would"
        return f"named in the role table under [extra]: {_grants(reading, row)}"
    if role == TEST_USER:
        return "LTI's mark of a test user, such as a student view"
    where = _SCOPES[role.scope]
    if role.scope is Scope.CONTEXT and role not in kept:
        return f"a role {where}, made more precise by another of these roles, so it does not count by itself"
    row = reading.table.row(role)
    if role.scope is Scope.INSTITUTION and counts_here:
        return f"a role {where}: it decides no enrollment beside roles in the course. {_user_role(reading, row)}"
    if role.scope is Scope.SYSTEM:
        return f"a role {where}: it never decides an enrollment. {_user_role(reading, row)}"
    return f"a role {where}: {_grants(reading, row)}"


def _grants(reading: Reading, row: Row) -> str:
    role = enrollment_role(row, reading.mapping)
    if role is None:
        extension = f" (with role mapping ext it would be {row.ext_enrollment})" if row.ext_enrollment else ""
        return f"no enrollment follows from it in role mapping {reading.mapping}{extension}"
    return f"it makes a {role}, with rank {row.rank}"


def _user_role(reading: Reading, row: Row) -> str:
    if row.trusted_user_role and not reading.trust_admin_roles:
        return f"It would make a {row.trusted_user_role} if this platform's administrators were trusted"
    return f"It counts for the person's role at the school ({row.user_role})" if row.user_role else "It grants nothing"


def _outcome(reading: Reading, mapped: MappedRoles, *, has_roles: bool) -> str:
    if mapped.left_out:
        return "Left out: a test user, and test users are not kept."
    if mapped.merely_listed:
        return f"Enrolled as {mapped.enrollment}: the roster lists her, and none of her roles says more."
    if mapped.enrollment is not None:
        primary = ", who claims to be the primary teacher" if mapped.primary_claim else ""
        return f"Enrolled as {mapped.enrollment}{primary}: the lowest rank among the roles that count decides."
    if not has_roles:
        return "Not enrolled: the platform lists no role."
    return f"Not enrolled: none of the roles gives an enrollment in role mapping {reading.mapping}."


def _short(text: str, role: Role | None) -> str:
    if role is None:
        return extra_key(text) if len(text) < 60 else f"{text[:59]}…"
    name = f"{role.principal}#{role.sub}" if role.sub else role.principal
    return name if role.scope is Scope.CONTEXT else f"{name} ({role.scope})"
