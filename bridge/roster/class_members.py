"""The members of one class, as whoever serves them needs them: read one by one, or written already."""

from dataclasses import dataclass
from typing import Protocol

from bridge.roster.identity import SourcedId
from bridge.roster.memberships import Context, Member, Members, Moment, RoleTest
from bridge.roster.sharing import PrivacyLevel, UserIds


@dataclass(frozen=True, slots=True)
class ToldMembers:
    """Some members of a class as they are told, written already.

    :param text: the JSON of each, with commas between.
    :param last: the place of the last one; where it was begun, if there is none.
    :param more: whether others follow.
    """

    text: bytes
    last: int
    more: bool


class ClassMembers(Protocol):
    """The memberships of one class, at one moment: to be used inside one read transaction of the mirror."""

    @property
    def context(self) -> Context:
        """What the class is called."""

    @property
    def now(self) -> Moment:
        """The present."""

    @property
    def mark(self) -> str:
        """The same as long as the class and its memberships are."""

    def read(
        self, *, limit: int, after: int = 0, has_role: RoleTest | None = None, since: Moment | None = None
    ) -> Members:
        """Some members, in the order of their places.

        :param after: the place behind which to go on; 0 for the beginning.
        :param has_role: lets through whom the caller asks for, by her roles.
        :param since: only those of whom something has changed since then; whoever is no member any more, or lacks the
            role now, is among them with the status ``Deleted``. Some may not have changed after all.
        :raises bridge.errors.CursorExpired: if that moment is yet to come: it was of another mirror.
        """

    def told(
        self, *, limit: int, after: int = 0, has_role: RoleTest | None = None, privacy: PrivacyLevel, user_ids: UserIds
    ) -> ToldMembers | None:
        """The same members as :meth:`read` gives, as somebody is told of them; ``None`` if they have not all been
        written yet."""

    def sourced_id_of(self, member: Member) -> SourcedId:
        """The sourcedId of the member's user record."""
