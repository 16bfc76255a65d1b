"""The memberships of a class by what an LMS says of it: from the facts, so that everybody is given back exactly as she
came, those without an enrollment too.

A person's place is the id of the fact about her, which stays when she leaves and comes back.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from typing import Any

from sqlite_utils import Database

from bridge.errors import CursorExpired
from bridge.mirror.told import ALWAYS, FACTS, AsTold, Period, RosterKey
from bridge.roster.identity import ContextKey, PersonKey, SourcedId, user_sourced_id
from bridge.roster.memberships import Context, Member, Members, Membership, MemberStatus, Moment, RoleTest
from bridge.roster.reading import unescape_names

_LIVE = """
SELECT id, subject, raw, 0 FROM facts INDEXED BY facts_of_members
WHERE source = :source AND context = :context AND kind = 'member' AND gone IS NULL AND id > :after ORDER BY id
"""
# By run and not by write: what NRPS tells may change without any record.
_CHANGED = """
SELECT id, subject, raw, gone IS NOT NULL FROM facts
WHERE source = :source AND context = :context AND kind = 'member' AND (run > :since OR gone > :since) AND id > :after
ORDER BY id
"""
_AT = """
SELECT id, subject, raw, 0 FROM facts
WHERE id IN (SELECT value FROM json_each(:places)) AND source = :source AND context = :context AND kind = 'member'
    AND gone IS NULL
ORDER BY id
"""
_LATEST = """
SELECT coalesce(max(id), 0) FROM runs
WHERE source = :source AND context = :context AND outcome IN ('applied', 'held')
"""

ERASED = "erased of {}"
"""The key under which the mirror notes the write that last erased somebody of a source, by its number: no run tells."""


class StatedMembers(AsTold):
    """The memberships of one class: :class:`bridge.roster.class_members.ClassMembers`, which can also be told.

    :param source: the number of the class's source.
    :param tenant: its name.
    :param key: of the context.
    :param context: as which it is told.
    :param changed: the number of the write that last changed the class.
    :param load_member: reads a member's JSON; raises :class:`ValueError` if it cannot be used.
    :param names_escaped: whether names were sent HTML-escaped.
    """

    def __init__(
        self,
        db: Database,
        *,
        source: int,
        tenant: str,
        key: ContextKey,
        context: Context,
        changed: int,
        load_member: Callable[[bytes], Membership],
        names_escaped: bool,
    ) -> None:
        super().__init__(db, RosterKey(source, FACTS, key, "escaped" if names_escaped else "plain"))
        self.context = context
        self._tenant = tenant
        self._changed = changed
        self._asked: dict[str, Any] = {"source": source, "context": key}
        self._load_member = load_member
        self._names_escaped = names_escaped

    @cached_property
    def now(self) -> Moment:
        row = self._db.execute(
            "SELECT run FROM contexts WHERE source = :source AND context = :context", self._asked
        ).fetchone()
        return Moment(row[0] if row else 0, erased=self._erased)

    @cached_property
    def _erased(self) -> str:
        """The write that last erased somebody of the source."""
        row = self._db.execute(
            "SELECT value FROM meta WHERE key = ?", (ERASED.format(self._asked["source"]),)
        ).fetchone()
        return str(row[0]) if row else ""

    @cached_property
    def mark(self) -> str:
        # A run that has found nothing new is no news.
        (latest,) = self._db.execute(_LATEST, self._asked).fetchone()
        return f"{latest} {self._erased} {self._changed} {self._names_escaped}"

    def read(
        self, *, limit: int, after: int = 0, has_role: RoleTest | None = None, since: Moment | None = None
    ) -> Members:
        if since is not None and since.number > self.now.number:
            raise CursorExpired("these differences are of another time of the bridge: read the whole roster")
        if since is not None and since.erased != self._erased:
            raise CursorExpired("somebody was erased since, whom nothing names any more: read the whole roster")
        members: list[Member] = []
        for member in self._each(after, since):
            if has_role is not None and not has_role(member.membership.roles):
                if since is None:
                    continue
                member = _gone(member)
            if len(members) == limit:
                return Members(members, more=True)
            members.append(member)
        return Members(members, more=False)

    def _each(self, after: int, since: Moment | None) -> Iterator[Member]:
        if since is None:
            return self._members(self._db.execute(_LIVE, {**self._asked, "after": after}))
        return self._members(self._db.execute(_CHANGED, {**self._asked, "after": after, "since": since.number}))

    def _members(self, rows: Iterable[tuple[int, str, str, int]]) -> Iterator[Member]:
        for place, subject, raw, gone in rows:
            membership = self._load_member(raw.encode())
            if gone:
                yield _gone(Member(place, subject, membership))
            else:
                yield Member(place, subject, unescape_names(membership) if self._names_escaped else membership)

    def at(self, places: Sequence[int]) -> Members:
        """Those who are members, of the ones at these places."""
        rows = self._db.execute(_AT, {**self._asked, "places": json.dumps(places)})
        return Members(list(self._members(rows)), more=False)

    def period(self) -> Period:
        """The days on which the members are the ones that they are today: an LMS names no dates."""
        return ALWAYS

    def sourced_id_of(self, member: Member) -> SourcedId:
        return user_sourced_id(self._tenant, PersonKey(member.person))


def _gone(member: Member) -> Member:
    left = Membership(user_id=member.membership.user_id, roles=member.membership.roles, status=MemberStatus.DELETED)
    return Member(member.place, member.person, left)
