"""LTI roles to OneRoster roles, and back.

The mapping is total and order-free: any list of texts gives one answer, and shuffling or repeating its entries
changes nothing. What a role means is data (``role_table.toml``, which an operator can override); what is code here is
how several roles of one member become one answer:

* a sub-role refines its principal, which then counts no more: ``Instructor`` beside
  ``Instructor#TeachingAssistant`` does not mean a full instructor (LTI Core 1.3, appendix A);
* context roles decide the enrollment, the lowest rank that gives one; institution roles only where there is no
  context role at all; system roles never; in ``ext``, whoever is listed without any of these is a mere member;
* nobody is given more than was said: unknown roles grant nothing, and administrator's rights over a school or a
  system are passed on from trusted platforms only.

The table and the reasons are in ``docs/decisions/0001-role-mapping.md``.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from functools import cache
from importlib import resources
from pathlib import Path

from bridge.errors import ConfigError
from bridge.roster.role_rows import USER_ROLES, Row, Rows, extra_key, parse_rows
from bridge.roster.vocabulary import TEST_USER, Role, Scope, parse_role

UNKNOWN_USER_ROLE = "ext:unknown"
"""The user role of somebody of whom no role is known: OneRoster wants at least one."""

LISTED_MEMBER = "ext:member"
"""The enrollment role, in ``ext``, of whoever a class's roster lists without a role in the class that is known."""

_RULES = "2"
"""Raised whenever the same table would give other answers."""

_NON_CREDIT_LEARNER = Role(Scope.CONTEXT, "Learner", "NonCreditLearner")


class RoleMapping(StrEnum):
    """Which enrollment roles may be given."""

    COMPAT = "compat"  # OneRoster's own four only; who fits none of them gets no enrollment
    EXT = "ext"  # extension tokens too


@dataclass(frozen=True, slots=True, kw_only=True)
class MappedRoles:
    """What a member's roles are in OneRoster.

    :param enrollment: her role in the class; ``None``: she gets no enrollment.
    :param primary_claim: whether she claims to be the primary teacher. Several members may; OneRoster allows one.
    :param user_roles: her roles at the school, the primary one first, at least one unless she is left out.
    :param unknown: the texts that are no known role, each once.
    :param test_user: whether she carries LTI's TestUser marker.
    :param left_out: whether she is to be left out altogether, being a test user.
    :param merely_listed: whether she is enrolled because the roster lists her, and by none of her roles.
    """

    enrollment: str | None
    primary_claim: bool
    user_roles: tuple[str, ...]
    unknown: tuple[str, ...]
    test_user: bool
    left_out: bool
    merely_listed: bool = False


class RoleTable:
    """What each LTI role is in OneRoster: immutable, and complete over the vocabulary."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._fingerprint = _fingerprint(rows)

    @classmethod
    def default(cls) -> "RoleTable":
        """The table that comes with the bridge."""
        return _default()

    @classmethod
    def load(cls, source: Path | str, *, base: "RoleTable | None" = None) -> "RoleTable":
        """A table that overrides another.

        Each role that the source names gets the source's row as a whole; all others keep theirs. Tables stack: an
        installation's over the default, a platform's over the installation's.

        :param source: a file, or the TOML text itself.
        :param base: the table to override; the default one unless given.
        :raises ConfigError: listing every problem of the source.
        """
        name, text = "role table", source
        if isinstance(source, Path):
            name = f"role table {source}"
            try:
                text = source.read_text(encoding="utf-8")
            except OSError as error:
                raise ConfigError([f"{name}: cannot be read: {error.strerror}"]) from error
            except UnicodeDecodeError as error:
                raise ConfigError([f"{name}: is not UTF-8 text"]) from error
        rows, problems = parse_rows(str(text))
        if problems:
            raise ConfigError([f"{name}: {problem}" for problem in problems])
        below = (base or cls.default())._rows
        return cls(Rows({**below.roles, **rows.roles}, {**below.extra, **rows.extra}))

    @property
    def fingerprint(self) -> str:
        """Names the table's meaning: equal tables have equal ones, in every process."""
        return self._fingerprint

    def row(self, role: Role) -> Row:
        """The row of a role of the vocabulary."""
        return self._rows.roles[role]

    def row_of_text(self, text: str) -> Row | None:
        """The row of a text outside the vocabulary, if the table has one."""
        return self._rows.extra.get(extra_key(text))

    def map_roles(
        self,
        roles: Sequence[str],
        *,
        mapping: RoleMapping,
        trust_admin_roles: bool = False,
        keep_test_users: bool = False,
    ) -> MappedRoles:
        """What a member with these roles is in OneRoster; never raises.

        :param roles: the member's ``roles`` as the platform lists them.
        :param trust_admin_roles: whether this platform's word makes somebody an administrator of the school or system.
        :param keep_test_users: whether test users are members like any other.
        """
        parsed = {text: parse_role(text) for text in roles}
        known = {role for role in parsed.values() if role is not None}
        foreign = {text for text, role in parsed.items() if role is None}
        unknown = tuple(sorted(text for text in foreign if extra_key(text) not in self._rows.extra))
        test_user = TEST_USER in known
        if test_user and not keep_test_users:
            return MappedRoles(
                enrollment=None, primary_claim=False, user_roles=(), unknown=unknown, test_user=True, left_out=True
            )
        here = [self.row(role) for role in refined(role for role in known if role.scope is Scope.CONTEXT)]
        here += [self._rows.extra[extra_key(text)] for text in foreign.difference(unknown)]
        institution = [self.row(role) for role in known if role.scope is Scope.INSTITUTION]
        system = [self.row(role) for role in known if role.scope is Scope.SYSTEM]
        enrollment, primary_claim = _leading(here or institution, mapping)
        merely_listed = enrollment is None and not here and mapping is RoleMapping.EXT
        user_roles = (_user_role(row, mapping, trusted=trust_admin_roles) for row in (*here, *institution, *system))
        return MappedRoles(
            enrollment=LISTED_MEMBER if merely_listed else enrollment,
            primary_claim=primary_claim,
            user_roles=order_user_roles(role for role in user_roles if role is not None) or (UNKNOWN_USER_ROLE,),
            unknown=unknown,
            test_user=test_user,
            left_out=False,
            merely_listed=merely_listed,
        )


def order_user_roles(roles: Iterable[str]) -> tuple[str, ...]:
    """A person's roles at one school, each once, the primary one first: also those of several classes together.

    OneRoster's own roles come before extensions, teacher first. Extensions follow by code point, and
    :data:`UNKNOWN_USER_ROLE` only if there is nothing else.
    """
    distinct = set(roles)
    if len(distinct) > 1:
        distinct.discard(UNKNOWN_USER_ROLE)
    return tuple(sorted(distinct, key=lambda role: (_PREFERENCE.get(role, len(_PREFERENCE)), role)))


def lti_roles_for(enrollment_role: str, primary: bool | None, user_role_at_org: str | None) -> tuple[str, ...]:
    """The LTI roles of somebody whom OneRoster knows: context roles by their canonical URIs, the most telling first.

    A role that LTI has no name for becomes ``Member``, the least of them. A role that came from LTI is better given
    back as it came, while mapping it still gives the present role.

    :param enrollment_role: ``Enrollment.role``.
    :param primary: ``Enrollment.primary``.
    :param user_role_at_org: her ``Role.role`` at the class's school.
    """
    name = _ROLES_BACK.get(enrollment_role, "Member")
    if enrollment_role == "teacher" and primary:
        name = "Instructor#PrimaryInstructor"
    elif enrollment_role == "teacher" and user_role_at_org == "aide":
        name = "Instructor#TeachingAssistant"
    principal, _, sub = name.partition("#")
    # LTI Core 1.3 section "Context sub-roles": a sub-role is sent together with its principal.
    roles = [Role(Scope.CONTEXT, principal, sub)] if sub else []
    return tuple(role.uri for role in (*roles, Role(Scope.CONTEXT, principal)))


_PREFERENCE = {role: index for index, role in enumerate(USER_ROLES)}

_ROLES_BACK = {
    "teacher": "Instructor",
    "student": "Learner",
    "administrator": "Administrator",
    # LTI has no proctor. Tools take a Manager for staff and a Member for a learner; a Mentor comes nearest.
    "proctor": "Mentor",
    "ext:teachingAssistant": "Instructor#TeachingAssistant",
    "ext:grader": "Instructor#Grader",
    "ext:contentDeveloper": "ContentDeveloper",
    "ext:librarian": "ContentDeveloper#Librarian",
    "ext:mentor": "Mentor",
    "ext:observer": "Manager#Observer",
    "ext:officer": "Officer",
}


def refined(roles: Iterable[Role]) -> set[Role]:
    """Context roles without the principals that a sub-role among them refines."""
    distinct = set(roles)
    kept = distinct - {Role(role.scope, role.principal) for role in distinct if role.sub is not None}
    # Canvas writes an observer, in LTI 1.1, as these two, and means the second.
    if {role.principal for role in kept - {_NON_CREDIT_LEARNER}} == {"Mentor"}:
        kept.discard(_NON_CREDIT_LEARNER)
    return kept


def _leading(rows: Iterable[Row], mapping: RoleMapping) -> tuple[str | None, bool]:
    """The enrollment role, and the claim to be primary, of the lowest rank that gives one in this role mapping."""
    giving = [(row.rank, role, row.primary) for row in rows if (role := enrollment_role(row, mapping)) is not None]
    if not giving:
        return None, False
    _, role, primary = min(giving, key=lambda choice: (choice[0], choice[1], not choice[2]))
    return role, primary and role == "teacher"


def enrollment_role(row: Row, mapping: RoleMapping) -> str | None:
    """The enrollment that one row gives in a role mapping, if it gives one."""
    extension = row.ext_enrollment if mapping is RoleMapping.EXT else None
    return extension or row.enrollment


def _user_role(row: Row, mapping: RoleMapping, *, trusted: bool) -> str | None:
    granted = row.trusted_user_role if trusted else None
    extension = row.ext_user_role if mapping is RoleMapping.EXT else None
    return granted or extension or row.user_role


def _fingerprint(rows: Rows) -> str:
    meaning = {
        "rules": _RULES,
        "roles": {role.uri: asdict(row) for role, row in rows.roles.items()},
        "extra": {text: asdict(row) for text, row in rows.extra.items()},
    }
    return hashlib.sha256(json.dumps(meaning, sort_keys=True).encode()).hexdigest()[:16]


@cache
def _default() -> RoleTable:
    text = resources.files("bridge.roster").joinpath("role_table.toml").read_text(encoding="utf-8")
    rows, problems = parse_rows(text)
    assert not problems, problems
    return RoleTable(rows)
