"""The memberships of one class, read from the mirror: in pages, whole, or what has changed since a moment.

A class of an LMS is read from the facts (:mod:`bridge.mirror.stated_members`), any other from the records
(:mod:`bridge.mirror.enrolled_members`).
"""

from collections.abc import Callable
from datetime import date
from typing import NamedTuple

import msgspec

from bridge.errors import UnknownObject
from bridge.mirror.enrolled_members import EnrolledMembers
from bridge.mirror.mirror import Mirror
from bridge.mirror.stated_members import StatedMembers
from bridge.mirror.told import FACTS
from bridge.recall import Recall
from bridge.roster.class_members import ClassMembers
from bridge.roster.enrolled import Enrolled, context_of
from bridge.roster.identity import ContextKey, SourcedId, class_sourced_id
from bridge.roster.memberships import Context, Membership
from bridge.roster.visibility import ClassVisibility

_USUAL = 500
"""Characters: of a longer id nothing is recalled, or made-up ones would fill the memory."""


class _Class(NamedTuple):
    """A class.

    :ivar changed: the number of the write that last changed it.
    :ivar told: the context as which it is told.
    """

    sourced_id: SourcedId
    source_id: int
    source: str
    changed: int
    told: Context


class _Known(NamedTuple):
    """What is known of a class that is there.

    :ivar context: the context that it is made of; ``None`` if it is none.
    :ivar members: its members, by what they are told by that is not the mirror's: the day, or how names are written.
    """

    class_: _Class
    context: ContextKey | None
    members: dict[date | bool, ClassMembers]


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
        self._recall = Recall(mirror.db.conn)
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
        self._recall.refresh()
        known = self._recall.get(("class", sourced_id), lambda: self._known(sourced_id), keep=len(sourced_id) <= _USUAL)
        if known is None or not visibility.sees(known.class_.source, sourced_id):
            raise UnknownObject("there is no such context")
        told_by = self._today() if known.context is None else self._names_escaped(known.class_.source, known.context)
        members = known.members.get(told_by)
        if members is None:
            known.members.clear()  # yesterday's
            members = known.members[told_by] = self._members(known.class_, known.context)
        return members

    def to_be_told(self, source: int, name: str, kind: str, of: str) -> StatedMembers | EnrolledMembers | None:
        """The memberships of a roster, to be told: for nobody yet, so that nobody's visibility counts.

        ``None`` for the records of a class that is told from facts.

        :param source: the number of its source.
        :param name: the source's name.
        :param of: a context's key or, if its kind is records, a class's sourcedId.
        """
        if kind == FACTS:
            context = ContextKey(of)
            return self._stated(_untold(class_sourced_id(name, context), source, name), context)
        class_ = _untold(SourcedId(of), source, name)
        return self._enrolled_members(class_) if self._context(class_) is None else None

    def _members(self, class_: _Class, context: ContextKey | None) -> ClassMembers:
        return self._enrolled_members(class_) if context is None else self._stated(class_, context)

    def _stated(self, class_: _Class, context: ContextKey) -> StatedMembers:
        return StatedMembers(
            self._db,
            source=class_.source_id,
            tenant=class_.source,
            key=context,
            context=class_.told,
            changed=class_.changed,
            load_member=self._load_member,
            names_escaped=self._names_escaped(class_.source, context),
        )

    def _enrolled_members(self, class_: _Class) -> EnrolledMembers:
        return EnrolledMembers(
            self._db,
            self._enrolled,
            source=class_.source_id,
            class_=class_.sourced_id,
            context=class_.told,
            changed=class_.changed,
            today=self._today().isoformat(),
        )

    def _known(self, sourced_id: SourcedId) -> _Known | None:
        row = self._db.execute(
            "SELECT c.source, sources.name, c.changed, c.document FROM classes AS c"
            " JOIN sources ON sources.id = c.source WHERE c.sourcedId = ? AND c.status = 'active'",
            (sourced_id,),
        ).fetchone()
        if row is None:
            return None
        source_id, source, changed, document = row
        class_ = _Class(sourced_id, source_id, source, changed, context_of(msgspec.json.decode(document)))
        return _Known(class_, self._context(class_), {})

    def _context(self, class_: _Class) -> ContextKey | None:
        """The context that a class is made of: no other of the same source has its sourcedId."""
        if class_.sourced_id not in self._contexts:
            rows = self._db.execute("SELECT context FROM contexts WHERE source = ?", (class_.source_id,)).fetchall()
            for (key,) in rows:
                context = (class_.source, ContextKey(key))
                if context not in self._looked_at:
                    self._looked_at.add(context)
                    self._contexts[class_sourced_id(*context)] = context
        known = self._contexts.get(class_.sourced_id)
        return known[1] if known is not None and known[0] == class_.source else None


def _untold(sourced_id: SourcedId, source_id: int, source: str) -> _Class:
    """A class of which nothing is asked but its members."""
    return _Class(sourced_id, source_id, source, 0, context_of({"sourcedId": sourced_id}))
