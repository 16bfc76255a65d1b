"""The memberships of one class, read from the mirror: in pages, whole, or what has changed since a moment.

A class of an LMS is read from the facts (:mod:`bridge.mirror.stated_members`), any other from the records
(:mod:`bridge.mirror.enrolled_members`).
"""

from collections.abc import Callable
from datetime import date
from typing import Any, NamedTuple

import msgspec

from bridge.errors import UnknownObject
from bridge.mirror.enrolled_members import EnrolledMembers
from bridge.mirror.mirror import Mirror
from bridge.mirror.stated_members import StatedMembers
from bridge.mirror.told import FACTS
from bridge.recall import Recall
from bridge.roster.class_members import ClassMembers
from bridge.roster.enrolled import Enrolled
from bridge.roster.identity import ContextKey, SourcedId, class_sourced_id
from bridge.roster.memberships import Membership
from bridge.roster.visibility import ClassVisibility

_USUAL = 500
"""Characters: of a longer id nothing is recalled, or made-up ones would fill the memory."""


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
        found = self._recall.get(("class", sourced_id), lambda: self._class(sourced_id), keep=len(sourced_id) <= _USUAL)
        if found is None or not visibility.sees(found.source, sourced_id):
            raise UnknownObject("there is no such context")
        context = self._recall.get(("context", sourced_id), lambda: self._context(sourced_id, found))
        # What is told of names, and when it is, are not the mirror's.
        if context is None:
            return self._recall.get(("enrolled", sourced_id, self._today()), lambda: self._enrolled_members(found))
        escaped = self._names_escaped(found.source, context)
        return self._recall.get(("stated", sourced_id, escaped), lambda: self._stated(found, context, escaped))

    def to_be_told(self, source: int, name: str, kind: str, of: str) -> StatedMembers | EnrolledMembers | None:
        """The memberships of a roster, to be told: for nobody yet, so that nobody's visibility counts.

        ``None`` for the records of a class that is told from facts.

        :param source: the number of its source.
        :param name: the source's name.
        :param of: a context's key or, if its kind is records, a class's sourcedId.
        """
        if kind == FACTS:
            context = ContextKey(of)
            found = _Class(source, name, 0, {"sourcedId": class_sourced_id(name, context)})
            return self._stated(found, context, self._names_escaped(name, context))
        found = _Class(source, name, 0, {"sourcedId": of})
        return self._enrolled_members(found) if self._context(SourcedId(of), found) is None else None

    def _stated(self, found: _Class, context: ContextKey, names_escaped: bool) -> StatedMembers:
        return StatedMembers(
            self._db,
            source=found.source_id,
            tenant=found.source,
            context=context,
            class_=found.document,
            changed=found.changed,
            load_member=self._load_member,
            names_escaped=names_escaped,
        )

    def _enrolled_members(self, found: _Class) -> EnrolledMembers:
        return EnrolledMembers(
            self._db,
            self._enrolled,
            source=found.source_id,
            class_=found.document,
            changed=found.changed,
            today=self._today().isoformat(),
        )

    def _class(self, sourced_id: SourcedId) -> _Class | None:
        row = self._db.execute(
            "SELECT c.source, sources.name, c.changed, c.document FROM classes AS c"
            " JOIN sources ON sources.id = c.source WHERE c.sourcedId = ? AND c.status = 'active'",
            (sourced_id,),
        ).fetchone()
        return None if row is None else _Class(row[0], row[1], row[2], msgspec.json.decode(row[3]))

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
