"""Questions about the quality of what is held. Each answer is a page, and each page costs a bounded amount.

Where an index leads to what is asked for, a page holds the next so many finds. Where it does not (who has no e-mail
address?), a page looks at the next so many records and says how far it has come, so that a million people cost no page
more than a few thousand do.
"""

# ruff: noqa: S608 - every value is bound, and the names that stand in the SQL are our own

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bridge.clock import to_stamp
from bridge.mirror.mirror import Mirror
from bridge.roster.visibility import Visibility

LOOKED_AT = 20_000
"""Records that one page looks at where it has to look at each."""

_SOURCES = (
    "(:sources IS NULL OR source IN (SELECT id FROM sources WHERE name IN (SELECT value FROM json_each(:sources))))"
)

# Neither name was said, and none in one piece that they could be cut out of.
_NAMELESS = """(document ->> '$.metadata."bridge.supplied"' LIKE 'givenName,familyName%'
 AND document ->> '$.metadata."lti.name"' IS NULL)"""


@dataclass(frozen=True, slots=True)
class Found:
    """One page of finds.

    :param rows: what was found, as the question's method says.
    :param next: where the next page begins; ``None`` if this was the last.
    :param looked_at: how many records were looked at, where that is bounded.
    """

    rows: Sequence[tuple[str, ...]]
    next: str | None
    looked_at: int | None = None


class Quality:
    """The questions, to what one caller may see.

    :param limit: finds on a page.
    """

    def __init__(self, mirror: Mirror, visibility: Visibility, *, limit: int = 50) -> None:
        self._db = mirror.db
        self._sources = None if visibility.sources is None else json.dumps(sorted(visibility.sources))
        self._limit = limit

    def without_teacher(self, after: int = 0) -> Found:
        """Active classes without an active teacher of their own source: (sourcedId, source, title)."""
        rows = self._db.execute(
            "SELECT classes.seq, sourcedId, sources.name, title FROM classes JOIN sources ON sources.id = source"
            " WHERE classes.seq > :after AND status = 'active' AND NOT EXISTS (SELECT 1 FROM enrollments AS e"
            ' WHERE e.source = classes.source AND e."class.sourcedId" = classes.sourcedId'
            " AND e.role = 'teacher' AND e.status = 'active')"
            f" AND {_SOURCES} ORDER BY classes.seq LIMIT :limit",
            {"after": after, "limit": self._limit + 1, "sources": self._sources},
        ).fetchall()
        return self._page(rows)

    def incomplete_people(self, after: int = 0) -> Found:
        """Active people without a name or without an e-mail address: (sourcedId, source, what is missing)."""
        window = "SELECT * FROM users WHERE seq > :after ORDER BY seq LIMIT :window"
        rows = self._db.execute(
            f"SELECT seq, sourcedId, sources.name, nameless, email IS NULL FROM"
            f" (SELECT seq, sourcedId, source, email, status, {_NAMELESS} AS nameless FROM ({window}))"
            " JOIN sources ON sources.id = source"
            f" WHERE status = 'active' AND (email IS NULL OR nameless) AND {_SOURCES}"
            " ORDER BY seq LIMIT :limit",
            {"after": after, "window": LOOKED_AT, "limit": self._limit + 1, "sources": self._sources},
        ).fetchall()
        shown = rows[: self._limit]
        found = [(id_, source, _missing(no_name, no_mail)) for _, id_, source, no_name, no_mail in shown]
        if len(rows) > self._limit:
            return Found(found, str(shown[-1][0]), shown[-1][0] - after)
        end = f"SELECT count(*), max(seq) FROM ({window})"
        count, last = self._db.execute(end, {"after": after, "window": LOOKED_AT}).fetchone()
        return Found(found, str(last) if count == LOOKED_AT else None, count)

    def role_lists(self, before: int | None = None) -> tuple[list[tuple[str, str, int]], int, int | None]:
        """The lists of roles that platforms state, and how often: those of the latest members first.

        :returns: (source, the list as JSON text, how many members have it); how many members were looked at; where the
            next page begins, ``None`` if this was the last.
        """
        window = (
            "SELECT id, source, raw FROM facts WHERE (:before IS NULL OR id < :before) AND kind = 'member'"
            f" AND gone IS NULL AND {_SOURCES} ORDER BY id DESC LIMIT :window"
        )
        values = {"before": before, "window": LOOKED_AT * 5, "sources": self._sources}
        rows = self._db.execute(
            "SELECT sources.name, raw ->> '$.roles', count(*), min(window.id)"
            f" FROM ({window}) AS window JOIN sources ON sources.id = window.source"
            " WHERE json_valid(raw) GROUP BY 1, 2",
            values,
        ).fetchall()
        looked_at = sum(count for _, _, count, _ in rows)
        last = min((lowest for *_, lowest in rows), default=None)
        return (
            [(source, roles or "[]", count) for source, roles, count, _ in rows],
            looked_at,
            last if looked_at >= LOOKED_AT * 5 else None,
        )

    def shared_addresses(self, after: str = "") -> Found:
        """People of several sources with one e-mail address: (a sourcedId, its source, another, its source).

        Who they are is not told: the address itself stays here, but for :attr:`Found.next`, which is not to be shown.
        """
        rows = self._db.execute(
            "SELECT email, min(source), max(source) FROM users INDEXED BY users_by_address"
            " WHERE email IS NOT NULL AND status = 'active' AND email COLLATE NOCASE > :after"
            f" AND {_SOURCES} GROUP BY email COLLATE NOCASE HAVING min(source) <> max(source)"
            " ORDER BY email COLLATE NOCASE LIMIT :limit",
            {"after": after, "limit": self._limit + 1, "sources": self._sources},
        ).fetchall()
        found = [
            (*self._one_of(email, first), *self._one_of(email, second)) for email, first, second in rows[: self._limit]
        ]
        return Found(found, rows[self._limit - 1][0] if len(rows) > self._limit else None)

    def not_read_since(self, since: datetime, offset: int = 0) -> Found:
        """Contexts that have not agreed with their source for long: (source, context, stamp or '', outcome)."""
        rows = self._db.execute(
            "SELECT sources.name, context, coalesce(good, ''), outcome FROM attempts"
            " JOIN sources ON sources.id = attempts.source"
            f" WHERE (good IS NULL OR good < :since) AND {_SOURCES}"
            " ORDER BY good, sources.name, context LIMIT :limit OFFSET :offset",
            {"since": to_stamp(since), "limit": self._limit + 1, "offset": offset, "sources": self._sources},
        ).fetchall()
        return Found(rows[: self._limit], str(offset + self._limit) if len(rows) > self._limit else None)

    def _one_of(self, email: str, source: int) -> tuple[str, str]:
        row = self._db.execute(
            "SELECT sourcedId, sources.name FROM users INDEXED BY users_by_address JOIN sources ON sources.id = source"
            " WHERE email = ? COLLATE NOCASE AND email IS NOT NULL AND status = 'active' AND source = ? LIMIT 1",
            (email, source),
        ).fetchone()
        return (str(row[0]), str(row[1]))

    def _page(self, rows: list[tuple[object, ...]]) -> Found:
        more = len(rows) > self._limit
        rows = rows[: self._limit]
        return Found([tuple(str(cell or "") for cell in row[1:]) for row in rows], str(rows[-1][0]) if more else None)


def _missing(no_name: int, no_mail: int) -> str:
    return " and ".join(["no name"] * bool(no_name) + ["no e-mail address"] * bool(no_mail))
