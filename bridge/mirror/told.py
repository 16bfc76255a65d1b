"""Members as they are told, read: a page of a class is the texts that were written of its members, joined by SQLite.

:mod:`bridge.mirror.telling` writes them, after whatever they are told from has changed. Until it has, there is nothing
to be read here: no text is older than what it is told from.
"""

import json
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import pairwise
from typing import NamedTuple

import msgspec
from sqlite_utils import Database

from bridge.roster.class_members import ToldMembers
from bridge.roster.memberships import RoleTest
from bridge.roster.sharing import PrivacyLevel, Share, UserIds
from bridge.roster.told import PARTS, VERSION

FACTS, RECORDS = "facts", "records"
"""From what a roster is told: a context's facts, or the records of a class."""

_FIND = """
SELECT id,
    (SELECT count(*) FROM told WHERE roster = told_rosters.id),
    coalesce((SELECT max(place) FROM told WHERE roster = told_rosters.id), 0)
FROM told_rosters
WHERE source = :source AND kind = :kind AND name = :name AND rule = :rule AND complete = 1
    AND opens <= :today AND :today < closes
    AND NOT EXISTS (SELECT 1 FROM untold WHERE roster = told_rosters.id)
"""
_WHOLE = "SELECT CAST(group_concat({member}, ',') AS BLOB) FROM told WHERE roster = :roster"
_PAGE = """
SELECT CAST(group_concat(member, ',') AS BLOB), max(place), count(*)
FROM (SELECT place, {member} AS member FROM told WHERE {found} ORDER BY place LIMIT :limit)
"""
_FOLLOWS = "SELECT 1 FROM told WHERE {found} LIMIT 1"
_FOUND = "roster = :roster AND place > :after"
_ROLES = "CAST(substr(CAST(text AS BLOB), user_id_end + 1, roles_end - user_id_end) AS TEXT)"
_LISTS_OF_ROLES = f"SELECT DISTINCT {_ROLES} FROM told WHERE {_FOUND}"  # noqa: S608 - all of it is ours
_OF_ROLES = f"{_FOUND} AND {_ROLES} IN (SELECT value FROM json_each(:roles))"  # noqa: S608 - likewise


@dataclass(frozen=True, slots=True)
class RosterKey:
    """What names a roster that may be told, and by which rule.

    :param source: its source's number.
    :param kind: :data:`FACTS` or :data:`RECORDS`.
    :param name: a context's key, or a class's sourcedId.
    :param manner: what the texts depend on beside what they are told from.
    """

    source: int
    kind: str
    name: str
    manner: str

    @property
    def rule(self) -> str:
        """Names everything that its texts depend on beside what they are told from."""
        return f"{VERSION} {self.manner}"


class Period(NamedTuple):
    """Days throughout which nobody comes or goes by date.

    :ivar opens: the first of them.
    :ivar closes: the first after them.
    """

    opens: str
    closes: str


ALWAYS = Period("", "9999-99-99")


class ToldRoster(NamedTuple):
    """A roster whose members have all been told.

    :ivar members: how many they are.
    :ivar last: the place of the last one; 0 if there is none.
    """

    id: int
    members: int
    last: int


def begin_anew(db: Database, where: str, *values: object) -> int:
    """Drop the texts of rosters, which are then to be told as if they never had been; how many rosters there were.

    :param where: which, as SQL.
    """
    sql = f"UPDATE told_rosters SET rule = '', up_to = 0, complete = 0 WHERE {where}"  # noqa: S608 - the callers' own
    return db.execute(sql, values).rowcount


class AsTold:
    """The members of a class as they have been told: ``told`` of :class:`bridge.roster.class_members.ClassMembers`.

    :param key: the roster in which they are.
    :param today: an ISO date, where memberships begin and end by date.
    """

    def __init__(self, db: Database, key: RosterKey, today: str = "") -> None:
        self._db = db
        self.key = key
        self._today = today

    def told(
        self, *, limit: int, after: int = 0, has_role: RoleTest | None = None, privacy: PrivacyLevel, user_ids: UserIds
    ) -> ToldMembers | None:
        roster = self._roster
        if roster is None:
            return None
        member = _member(privacy.shares, user_ids)
        if roster.members <= limit and after == 0 and has_role is None:
            (text,) = self._db.execute(_WHOLE.format(member=member), {"roster": roster.id}).fetchone()
            return ToldMembers(text or b"", roster.last, more=False)
        found = _FOUND
        values: dict[str, object] = {"roster": roster.id, "after": after, "limit": limit}
        if has_role is not None:
            lists = [text for (text,) in self._db.execute(_LISTS_OF_ROLES, values) if has_role(_roles_in(text))]
            found, values = _OF_ROLES, {**values, "roles": json.dumps(lists)}
        text, last, count = self._db.execute(_PAGE.format(member=member, found=found), values).fetchone()
        if count < limit:
            return ToldMembers(text or b"", last or after, more=False)
        follows = self._db.execute(_FOLLOWS.format(found=found), {**values, "after": last}).fetchone()
        return ToldMembers(text, last, more=follows is not None)

    @cached_property
    def _roster(self) -> ToldRoster | None:
        """The roster; ``None`` if its members have not all been told by its rule."""
        key = self.key
        asked = {"source": key.source, "kind": key.kind, "name": key.name, "rule": key.rule, "today": self._today}
        row = self._db.execute(_FIND, asked).fetchone()
        return None if row is None else ToldRoster(*row)


def _roles_in(part: str) -> tuple[str, ...]:
    """The roles in their part of a text, which begins with a comma."""
    return tuple(msgspec.json.decode(f"{{{part[1:]}}}")["roles"])


@cache
def _member(shares: frozenset[Share], user_ids: UserIds) -> str:
    """What is told of a member, as SQL: the shared parts of her text, neighbours in one piece."""
    pieces = []
    ends = ["0", *(f"{part}_end" for part in PARTS)]
    for part, (begin, end) in zip(PARTS, pairwise(ends), strict=True):
        if part == "user_id" and user_ids is UserIds.SOURCED_ID:
            pieces.append(["""'{"user_id":' || sourced_id"""])
        elif not isinstance(part, Share) or part in shares:
            if pieces and pieces[-1][-1] == begin:
                pieces[-1][-1] = end
            else:
                pieces.append([begin, end])
    if pieces == [[ends[0], ends[-1]]]:
        return "text"
    cut = [_cut(*piece) for piece in pieces]
    if pieces[-1][-1] != ends[-1]:
        return " || ".join([*cut, "'}'"])
    return " || ".join([*cut[:-1], f"substr(CAST(text AS BLOB), {pieces[-1][0]} + 1)"])


def _cut(begin: str, end: str | None = None) -> str:
    return begin if end is None else f"substr(CAST(text AS BLOB), {begin} + 1, {end} - {begin})"
