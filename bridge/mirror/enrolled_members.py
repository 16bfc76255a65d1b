"""The memberships of a class by its enrollments: for classes that no LMS has told of.

A person's place is the ``seq`` of her user record, so she is one member whatever enrollments she has had.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import groupby
from typing import Any

import msgspec
from sqlite_utils import Database

from bridge.errors import CursorExpired
from bridge.mirror.told import ALWAYS, RECORDS, AsTold, Period, RosterKey
from bridge.roster.enrolled import Enrolled, is_open
from bridge.roster.identity import SourcedId
from bridge.roster.memberships import Context, Member, Members, Moment, RoleTest

# Whose class it is, her enrollments and their users are too.
_ENROLLED = """
SELECT u.seq, u.changed, u.document, e.changed, e.document
FROM facets AS f
JOIN enrollments AS e ON e.seq = f.seq
JOIN users AS u ON u.sourcedId = e."user.sourcedId"
WHERE f.field = (SELECT field FROM facet_fields WHERE collection = 'enrollments' AND path = 'class.sourcedId')
    AND f.source = :source AND f.value = :class AND e.source = :source AND u.source = :source AND u.seq > :after
ORDER BY u.seq, e.seq
"""
# The pluses keep SQLite from all enrollments of the source, and from comparing as texts, which the index does not.
_AT = """
SELECT u.seq, u.changed, u.document, e.changed, e.document
FROM users AS u JOIN enrollments AS e ON coalesce(e."user.sourcedId", x'') = +u.sourcedId
WHERE u.seq IN (SELECT value FROM json_each(:places)) AND u.source = :source AND +e.source = :source
    AND e."class.sourcedId" = :class
ORDER BY u.seq, e.seq
"""
_PERIOD = """
SELECT coalesce(max(day) FILTER (WHERE day <= :today), :begin), coalesce(min(day) FILTER (WHERE day > :today), :end)
FROM (
    SELECT e."beginDate" AS day FROM enrollments AS e
    WHERE coalesce(e."class.sourcedId", x'') = :class AND +e.source = :source
    UNION ALL
    SELECT e."endDate" FROM enrollments AS e
    WHERE coalesce(e."class.sourcedId", x'') = :class AND +e.source = :source
)
"""
_MARKS = """
SELECT coalesce(max(changed), 0) FROM marks WHERE source = :source AND collection IN ('classes', 'users', 'enrollments')
"""


class EnrolledMembers(AsTold):
    """The memberships of one class: :class:`bridge.roster.class_members.ClassMembers`, which can also be told.

    :param source: the number of the class's source.
    :param context: as which the class is told.
    :param changed: the number of the write that last changed the class.
    :param today: an ISO date.
    """

    def __init__(
        self,
        db: Database,
        enrolled: Enrolled,
        *,
        source: int,
        class_: SourcedId,
        context: Context,
        changed: int,
        today: str,
    ) -> None:
        super().__init__(db, RosterKey(source, RECORDS, class_, enrolled.fingerprint), today)
        self.context = context
        self._enrolled = enrolled
        self._changed = changed
        self._asked: dict[str, Any] = {"class": class_, "source": source}

    @cached_property
    def now(self) -> Moment:
        (latest,) = self._db.execute("SELECT coalesce(max(changed), 0) FROM writes").fetchone()
        return Moment(latest, self._today)

    @cached_property
    def mark(self) -> str:
        (latest,) = self._db.execute(_MARKS, self._asked).fetchone()
        return f"{latest} {self._changed} {self._today} {self._enrolled.fingerprint}"

    def read(
        self, *, limit: int, after: int = 0, has_role: RoleTest | None = None, since: Moment | None = None
    ) -> Members:
        if since is not None and since.number > self.now.number:
            raise CursorExpired("these differences are of another time of the bridge: read the whole roster")
        members: list[Member] = []
        for member in self._each(after, has_role, since):
            if len(members) == limit:
                return Members(members, more=True)
            members.append(member)
        return Members(members, more=False)

    def _each(self, after: int, has_role: RoleTest | None, since: Moment | None) -> Iterator[Member]:
        return self._members(self._db.execute(_ENROLLED, {**self._asked, "after": after}), has_role, since)

    def _members(
        self, rows: Iterable[Any], has_role: RoleTest | None = None, since: Moment | None = None
    ) -> Iterator[Member]:
        for place, group in groupby(rows, key=lambda row: row[0]):
            found = list(group)
            user = msgspec.json.decode(found[0][2])
            enrollments = [msgspec.json.decode(row[4]) for row in found]
            if since is not None and not self._has_changed(found, enrollments, since):
                continue
            membership = self._enrolled.membership_of(user, enrollments, self._today)
            if membership is None or (has_role is not None and not has_role(membership.roles)):
                if since is None:
                    continue
                membership = self._enrolled.left(user, enrollments)
            yield Member(place, user["sourcedId"], membership)

    def _has_changed(self, rows: list[Any], enrollments: list[Any], since: Moment) -> bool:
        if any(row[1] > since.number or row[3] > since.number for row in rows):
            return True
        return any(is_open(one, since.day) != is_open(one, self._today) for one in enrollments)

    def at(self, places: Sequence[int]) -> Members:
        """Those who are members today, of the ones at these places."""
        rows = self._db.execute(_AT, {**self._asked, "places": json.dumps(places)})
        return Members(list(self._members(rows)), more=False)

    def period(self) -> Period:
        """The days on which the members are the ones that they are today, as far as the calendar goes."""
        values = {**self._asked, "today": self._today, "begin": ALWAYS.opens, "end": ALWAYS.closes}
        return Period(*self._db.execute(_PERIOD, values).fetchone())

    def sourced_id_of(self, member: Member) -> SourcedId:
        return SourcedId(member.person)
