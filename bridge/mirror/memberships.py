"""The memberships of one class, read from the mirror: in pages, whole, or what has changed since a moment.

A class of an LMS is read from the facts, so that everybody is given back exactly as she came, those without an
enrollment too. Any other is read from the records (:mod:`bridge.mirror.enrolled_members`).
"""

from collections.abc import Callable, Iterator
from datetime import date
from typing import Any, NamedTuple

import msgspec

from bridge.errors import CursorExpired, UnknownObject
from bridge.mirror.enrolled_members import EnrolledMembers
from bridge.mirror.mirror import Mirror
from bridge.roster.enrolled import Enrolled, context_of
from bridge.roster.identity import ContextKey, PersonKey, SourcedId, class_sourced_id, user_sourced_id
from bridge.roster.memberships import (
    ClassMembers,
    Context,
    Member,
    Members,
    Membership,
    MemberStatus,
    Moment,
    RoleTest,
    StatedMembers,
)
from bridge.roster.reading import unescape_names
from bridge.roster.visibility import ClassVisibility

_LIVE = """
SELECT id, subject, raw, 0 FROM facts INDEXED BY facts_of_members
WHERE source = :source AND context = :context AND kind = 'member' AND gone IS NULL AND id > :after ORDER BY id
"""
# In one row: threads would wait for each other at every row that is fetched.
_STATED = f"SELECT coalesce(group_concat(raw, ','), ''), coalesce(max(id), :after) FROM ({_LIVE} LIMIT :limit)"  # noqa: S608
# By run and not by write: what NRPS tells may change without any record.
_CHANGED = """
SELECT id, subject, raw, gone IS NOT NULL FROM facts
WHERE source = :source AND context = :context AND kind = 'member' AND (run > :since OR gone > :since) AND id > :after
ORDER BY id
"""
_LATEST = """
SELECT coalesce(max(id), 0) FROM runs WHERE source = :source AND context = :context AND outcome IN ('applied', 'held')
"""


class _Class(NamedTuple):
    source_id: int
    source: str
    changed: int
    document: dict[str, Any]


class Memberships:
    """Reads memberships, on one connection; to be used inside a read transaction of it.

    :param load_member: reads a member's JSON; raises :class:`ValueError` if it cannot be used.
    :param names_escaped: whether the platform of a source's context sends names HTML-escaped.
    :param enrolled: makes memberships of records.
    :param today: the date by which enrollments begin and end.
    """

    def __init__(
        self,
        mirror: Mirror,
        *,
        load_member: Callable[[bytes], Membership],
        names_escaped: Callable[[str, ContextKey], bool],
        enrolled: Enrolled,
        today: Callable[[], date],
    ) -> None:
        self._db = mirror.db
        self._load_member = load_member
        self._names_escaped = names_escaped
        self._enrolled = enrolled
        self._today = today
        self._contexts: dict[SourcedId, tuple[str, ContextKey]] = {}
        self._looked_at: set[tuple[str, ContextKey]] = set()

    def of_class(self, sourced_id: SourcedId, visibility: ClassVisibility) -> ClassMembers:
        """The memberships of one class.

        :raises UnknownObject: if there is no such class, or it has ended, or this caller may not see it.
        """
        found = self._class(sourced_id, visibility)
        context = self._context(sourced_id, found)
        if context is None:
            return EnrolledMembers(
                self._db,
                self._enrolled,
                source=found.source_id,
                class_=found.document,
                changed=found.changed,
                today=self._today().isoformat(),
            )
        escaped = self._names_escaped(found.source, context)
        return _StatedMembers(self._db, found, context, self._load_member, names_escaped=escaped)

    def _class(self, sourced_id: SourcedId, visibility: ClassVisibility) -> _Class:
        row = self._db.execute(
            "SELECT c.source, sources.name, c.changed, c.document FROM classes AS c"
            " JOIN sources ON sources.id = c.source WHERE c.sourcedId = ? AND c.status = 'active'",
            (sourced_id,),
        ).fetchone()
        if row is None or not visibility.sees(row[1], sourced_id):
            raise UnknownObject("there is no such context")
        return _Class(row[0], row[1], row[2], msgspec.json.decode(row[3]))

    def _context(self, sourced_id: SourcedId, found: _Class) -> ContextKey | None:
        """The context that a class is made of: no other of the same source has its sourcedId."""
        if sourced_id not in self._contexts:
            rows = self._db.execute("SELECT context FROM contexts WHERE source = ?", (found.source_id,)).fetchall()
            for (key,) in rows:
                context = (found.source, ContextKey(key))
                if context not in self._looked_at:
                    self._looked_at.add(context)
                    self._contexts[class_sourced_id(*context)] = context
        known = self._contexts.get(sourced_id)
        return known[1] if known is not None and known[0] == found.source else None


class _StatedMembers:
    """The memberships of a class by what an LMS says: :class:`bridge.roster.memberships.ClassMembers`."""

    def __init__(
        self,
        db: Any,
        class_: _Class,
        context: ContextKey,
        load_member: Callable[[bytes], Membership],
        *,
        names_escaped: bool,
    ) -> None:
        self._db = db
        self._class = class_
        self._key: dict[str, Any] = {"source": class_.source_id, "context": context}
        self._load_member = load_member
        self._names_escaped = names_escaped

    @property
    def context(self) -> Context:
        return context_of(self._class.document)

    @property
    def now(self) -> Moment:
        row = self._db.execute(
            "SELECT run FROM contexts WHERE source = :source AND context = :context", self._key
        ).fetchone()
        return Moment(row[0] if row else 0)

    @property
    def mark(self) -> str:
        # A run that has found nothing new is no news.
        (latest,) = self._db.execute(_LATEST, self._key).fetchone()
        return f"{latest} {self._class.changed} {self._names_escaped}"

    def read(
        self, *, limit: int, after: int = 0, has_role: RoleTest | None = None, since: Moment | None = None
    ) -> Members:
        if since is not None and since.number > self.now.number:
            raise CursorExpired("these differences are of another time of the bridge: read the whole roster")
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
            rows = self._db.execute(_LIVE, {**self._key, "after": after})
        else:
            rows = self._db.execute(_CHANGED, {**self._key, "after": after, "since": since.number})
        for place, subject, raw, gone in rows:
            membership = self._load_member(raw.encode())
            if gone:
                yield _gone(Member(place, subject, membership))
            else:
                yield Member(place, subject, unescape_names(membership) if self._names_escaped else membership)

    def stated(self, *, limit: int, after: int = 0) -> StatedMembers | None:
        text, last = self._db.execute(_STATED, {**self._key, "after": after, "limit": limit}).fetchone()
        (more,) = self._db.execute(f"SELECT EXISTS ({_LIVE})", {**self._key, "after": last}).fetchone()
        return StatedMembers(text, last, bool(more), self._names_escaped)

    def sourced_id_of(self, member: Member) -> SourcedId:
        return user_sourced_id(self._class.source, PersonKey(member.person))


def _gone(member: Member) -> Member:
    left = Membership(user_id=member.membership.user_id, roles=member.membership.roles, status=MemberStatus.DELETED)
    return Member(member.place, member.person, left)
