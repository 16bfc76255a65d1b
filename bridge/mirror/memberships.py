"""The memberships of one class, read from the mirror: in pages, whole, or what has changed since a moment.

A class of an LMS is read from the facts (:mod:`bridge.mirror.stated_members`), any other from the records
(:mod:`bridge.mirror.enrolled_members`).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
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

_CLASSES = 2_000
"""Those of which something is recalled at a time."""
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


@dataclass(slots=True)
class _Known:
    """What is known of a class that is there.

    :param context: the context that it is made of; ``None`` if it is none.
    """

    class_: _Class
    context: ContextKey | None
    _manner: date | bool | None = field(default=None, init=False)
    _members: ClassMembers | None = field(default=None, init=False)

    def members(self, manner: date | bool, make: Callable[[], ClassMembers]) -> ClassMembers:
        """Its members as they are told in this manner.

        :param manner: what the mirror does not know of it: the day, or whether names were sent escaped.
        """
        if self._members is None or self._manner != manner:
            self._manner, self._members = manner, make()
        return self._members


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
        self._recall = Recall(mirror.db.conn, most=_CLASSES)
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
        class_, context = known.class_, known.context
        if context is None:
            today = self._today()
            return known.members(today, lambda: self._enrolled_members(class_, today))
        escaped = self._names_escaped(class_.source, context)
        return known.members(escaped, lambda: self._stated(class_, context, escaped))

    def to_be_told(self, source: int, name: str, kind: str, of: str) -> StatedMembers | EnrolledMembers | None:
        """The memberships of a roster, to be told: for nobody yet, so that nobody's visibility counts.

        ``None`` for the records of a class that is told from facts.

        :param source: the number of its source.
        :param name: the source's name.
        :param of: a context's key or, if its kind is records, a class's sourcedId.
        """
        if kind == FACTS:
            context = ContextKey(of)
            class_ = _untold(class_sourced_id(name, context), source, name)
            return self._stated(class_, context, self._names_escaped(name, context))
        class_ = _untold(SourcedId(of), source, name)
        return self._enrolled_members(class_, self._today()) if self._context(class_) is None else None

    def _stated(self, class_: _Class, context: ContextKey, names_escaped: bool) -> StatedMembers:
        return StatedMembers(
            self._db,
            source=class_.source_id,
            tenant=class_.source,
            key=context,
            context=class_.told,
            changed=class_.changed,
            load_member=self._load_member,
            names_escaped=names_escaped,
        )

    def _enrolled_members(self, class_: _Class, today: date) -> EnrolledMembers:
        return EnrolledMembers(
            self._db,
            self._enrolled,
            source=class_.source_id,
            class_=class_.sourced_id,
            context=class_.told,
            changed=class_.changed,
            today=today.isoformat(),
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
        return _Known(class_, self._context(class_))

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
