"""How a platform's word about its members is read: what its roles mean, and how it writes names."""

import html
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

from bridge.roster.memberships import Membership
from bridge.roster.roles import MappedRoles, RoleMapping, RoleTable


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How what one platform says of its members is read.

    :param escaped_names: whether it sends names HTML-escaped (Moodle 4.5 does).
    """

    table: RoleTable
    mapping: RoleMapping
    trust_admin_roles: bool = False
    keep_test_users: bool = False
    escaped_names: bool = False

    @property
    def fingerprint(self) -> tuple[str | bool, ...]:
        """Names the reading: equal readings have equal ones, in every process."""
        flags = (self.trust_admin_roles, self.keep_test_users, self.escaped_names)
        return (self.table.fingerprint, self.mapping, *flags)

    @cached_property
    def map_roles(self) -> Callable[[tuple[str, ...]], MappedRoles]:
        """What a member with these roles is. A platform has few distinct lists of roles and many members."""

        @lru_cache(maxsize=1024)
        def mapped(roles: tuple[str, ...]) -> MappedRoles:
            return self.table.map_roles(
                roles,
                mapping=self.mapping,
                trust_admin_roles=self.trust_admin_roles,
                keep_test_users=self.keep_test_users,
            )

        return mapped

    def unescape(self, member: Membership) -> Membership:
        """The member with her names as people write them."""
        return unescape_names(member) if self.escaped_names else member


def unescape_names(member: Membership) -> Membership:
    """A member whose names were sent HTML-escaped, with her names as people write them."""
    return replace(
        member,
        name=_unescaped(member.name),
        given_name=_unescaped(member.given_name),
        family_name=_unescaped(member.family_name),
        middle_name=_unescaped(member.middle_name),
    )


def _unescaped(text: str | None) -> str | None:
    return None if text is None else html.unescape(text)
