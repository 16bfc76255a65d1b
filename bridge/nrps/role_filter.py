"""The ``role`` parameter: who is meant by it.

Rosters are served by it, and it is applied once more to what platforms answer: these ignore a role that they do not
know, forget it behind the first page, or mean something else by it (Moodle 4.5 does all three), and a list of everybody
looks like a list of those asked for.

Spec: NRPS 2.0 section "Role query parameter", which leaves open whether a role stands for its sub-roles. Here it does.
"""

from collections.abc import Iterable

from bridge.nrps.schemas import InvalidMember, load_member
from bridge.roster.vocabulary import parse_role


class RoleFilter:
    """Whether a member has a role.

    :param role: as it is asked for: a URI, or the simple name of a context role. A principal stands for its sub-roles
        too; a text outside the vocabulary, for itself.
    """

    def __init__(self, role: str) -> None:
        self._text = role
        self._role = parse_role(role)

    def __call__(self, raw: bytes) -> bool:
        """Whether the member passes; one who cannot be read does, so that she is quarantined and not passed over."""
        try:
            roles = load_member(raw).roles
        except InvalidMember:
            return True
        return self.matches(roles)

    def matches(self, roles: Iterable[str]) -> bool:
        """Whether somebody with these roles is meant."""
        return any(map(self._matches, roles))

    def _matches(self, text: str) -> bool:
        role, wanted = parse_role(text), self._role
        if role is None or wanted is None:
            return text == self._text
        if wanted.sub is None:
            return (role.scope, role.principal) == (wanted.scope, wanted.principal)
        return role == wanted
