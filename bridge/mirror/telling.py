"""Writing members as they are told, after whatever they are told from has changed: see :mod:`bridge.mirror.told`.

Nobody waits for it. Whoever writes facts or records writes no texts: triggers of the mirror drop those that are true no
more, and note what is to be told, in the same transaction. Here it is told afterwards, some hundreds of members in a
write transaction. Until then members are read one by one, which gives the same answers and takes longer. So a mirror
that an older version has left, or another rule of telling, needs no step of its own: everybody is to be told there.
"""

import json
import sqlite3
import time
from collections.abc import Callable
from datetime import date
from functools import partial
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

import structlog

from bridge import storage
from bridge.mirror.documents import encode
from bridge.mirror.enrolled_members import EnrolledMembers
from bridge.mirror.memberships import Memberships
from bridge.mirror.mirror import Mirror
from bridge.mirror.stated_members import StatedMembers
from bridge.mirror.told import begin_anew
from bridge.roster.memberships import Members
from bridge.roster.told import PARTS, Tell

log = structlog.get_logger(__name__)

_BATCH = 1_000
"""Members that are told in one transaction, or up to twice as many: a tenth of a second, for which writers wait."""

_CHECK_EVERY = 60.0
"""Seconds between two looks at whether rosters that are told are told by the present rules."""
_CHECKED_AT_ONCE = 500

_ROSTER = """
SELECT r.id, r.source, sources.name, r.kind, r.name, r.rule, r.up_to
FROM told_rosters AS r JOIN sources ON sources.id = r.source
"""
_BEGUN = "complete = 0 AND id NOT IN (SELECT value FROM json_each(:unreadable))"
"""Rosters of which not everybody has been told, but for those that were found unreadable since the last look."""
_WAITS = f"""
SELECT EXISTS (SELECT 1 FROM untold) OR EXISTS (SELECT 1 FROM told_rosters WHERE {_BEGUN})
    OR EXISTS (SELECT 1 FROM told_rosters WHERE complete = 1 AND closes <= :today)
"""  # noqa: S608 - our own words
_NEXT = f"""
{_ROSTER} WHERE r.id = (SELECT id FROM told_rosters WHERE {_BEGUN} AND id > :last ORDER BY id LIMIT 1)
"""  # noqa: S608 - likewise
_OVER = ("complete = 1 AND closes <= ?", "complete = 0 AND rule <> '' AND closes <= ?")
"""Rosters that were told of days which are over: told apart, since each is found by an index of its own."""
_TELL = f"""
INSERT OR REPLACE INTO told (roster, place, text, sourced_id, {", ".join(f"{part}_end" for part in PARTS)})
VALUES ({", ".join("?" * (4 + len(PARTS)))})
"""  # noqa: S608 - our own names


class _Roster(NamedTuple):
    id: int
    source: int
    source_name: str
    kind: str
    name: str
    rule: str
    up_to: int


class Telling:
    """Tells whom there is to be told, on one connection that may write.

    :param memberships: reads on the same connection.
    :param tell: writes a member.
    :param today: the date by which enrollments begin and end: the same as the one of ``memberships``.
    """

    def __init__(self, mirror: Mirror, memberships: Memberships, tell: Tell, today: Callable[[], date]) -> None:
        self._db = mirror.db
        self._memberships = memberships
        self._tell = tell
        self._today = today
        self._unreadable: set[int] = set()
        self._check_at = 0.0
        self._checked = 0

    def work(self, seconds: float = float("inf")) -> None:
        """Tell, until everybody is told or the time is over, or somebody else writes for long: then later."""
        until = time.monotonic() + seconds
        try:
            self._check()
            while self.step() and time.monotonic() < until:
                pass
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                raise

    def step(self) -> bool:
        """Tell some members in one transaction; whether there was anything to do."""
        today = self._today().isoformat()
        if not self._db.execute(_WAITS, {"today": today, **self._left_out()}).fetchone()[0]:
            return False
        with storage.write(self._db):
            begun = sum(begin_anew(self._db, over, today) for over in _OVER)
            looked_at = self._tell_untold()
            told = self._tell_rosters() if looked_at < _BATCH else 0
        return begun + looked_at + told > 0

    def _tell_untold(self) -> int:
        """Tell those of whom something has changed; how many there were."""
        rows = self._db.execute("SELECT roster, place FROM untold ORDER BY roster, place LIMIT ?", (_BATCH,)).fetchall()
        for number, group in groupby(rows, key=itemgetter(0)):
            roster = _Roster(*self._db.execute(f"{_ROSTER} WHERE r.id = ?", (number,)).fetchone())
            members = self._opened(roster)
            if members is None or members.key.rule != roster.rule:
                self._begin_anew(roster)
                continue
            places = [place for _, place in group]
            self._tell_some(roster, members, partial(members.at, places))
            self._db.conn.executemany(
                "DELETE FROM untold WHERE roster = ? AND place = ?", [(number, one) for one in places]
            )
        return len(rows)

    def _tell_rosters(self) -> int:
        """Go on with rosters of which not everybody has been told yet; how many members and rosters it were."""
        done = last = 0
        while done < _BATCH:
            row = self._db.execute(_NEXT, {"last": last, **self._left_out()}).fetchone()
            if row is None:
                break
            roster = _Roster(*row)
            last = roster.id
            members = self._opened(roster)
            if members is None:
                self._db.execute("DELETE FROM told_rosters WHERE id = ?", (roster.id,))
            else:
                done += self._go_on(roster, members)
            done += 1
        return done

    def _go_on(self, roster: _Roster, members: StatedMembers | EnrolledMembers) -> int:
        """Tell some members of a roster behind those who have been told; how many."""
        after = roster.up_to
        if roster.rule != members.key.rule:
            self._begin_anew(roster)
            self._db.execute("UPDATE told_rosters SET rule = ? WHERE id = ?", (members.key.rule, roster.id))
            after = 0
        found = self._tell_some(roster, members, partial(members.read, limit=_BATCH, after=after))
        if found is None:
            return 0
        up_to = found.members[-1].place if found.more else 0
        self._db.execute(
            "UPDATE told_rosters SET up_to = ?, complete = ? WHERE id = ?", (up_to, not found.more, roster.id)
        )
        return len(found.members)

    def _tell_some(
        self, roster: _Roster, members: StatedMembers | EnrolledMembers, read: Callable[[], Members]
    ) -> Members | None:
        """Tell who is read; ``None`` if somebody cannot be read any more: they are served as they are, one by one."""
        try:
            found = read()
        except ValueError:
            log.warning("roster_unreadable", roster=roster.id, source=roster.source_name)
            self._unreadable.add(roster.id)
            self._begin_anew(roster)
            return None
        rows = []
        for member in found.members:
            told = self._tell(member.membership)
            sourced_id = encode(members.sourced_id_of(member))
            rows.append((roster.id, member.place, told.text.decode(), sourced_id, *told.ends))
        self._db.conn.executemany(_TELL, rows)
        opens, closes = members.period()
        self._db.execute("UPDATE told_rosters SET opens = ?, closes = ? WHERE id = ?", (opens, closes, roster.id))
        return found

    def _left_out(self) -> dict[str, str]:
        return {"unreadable": json.dumps(sorted(self._unreadable))}

    def _begin_anew(self, roster: _Roster) -> None:
        begin_anew(self._db, "id = ?", roster.id)

    def _opened(self, roster: _Roster) -> StatedMembers | EnrolledMembers | None:
        return self._memberships.to_be_told(roster.source, roster.source_name, roster.kind, roster.name)

    def _check(self) -> None:
        """See to it that rosters which were told by another rule, or are told from facts now, are told anew."""
        if time.monotonic() < self._check_at:
            return
        rows = self._db.execute(
            f"{_ROSTER} WHERE r.id > ? AND rule <> '' ORDER BY r.id LIMIT ?", (self._checked, _CHECKED_AT_ONCE)
        ).fetchall()
        rosters = [_Roster(*row) for row in rows]
        for roster in rosters:
            members = self._opened(roster)
            if members is None or members.key.rule != roster.rule:
                with storage.write(self._db):
                    self._begin_anew(roster)
        self._checked = rosters[-1].id if rosters else 0
        if not rosters:
            self._unreadable.clear()
            self._check_at = time.monotonic() + _CHECK_EVERY
