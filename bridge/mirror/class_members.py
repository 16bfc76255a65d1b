"""The members of one context: what their platform said, and what is served of it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bridge.mirror.mirror import Mirror
from bridge.roster.identity import ContextKey, enrollment_sourced_id, user_sourced_id
from bridge.roster.visibility import Visibility

_MEMBERS = """
SELECT subject, raw, gone,
    (SELECT raw FROM facts AS l WHERE l.source = f.source AND l.context = f.context AND l.kind = 'launch'
        AND l.subject = f.subject AND l.gone IS NULL)
FROM facts AS f
WHERE source = (SELECT id FROM sources WHERE name = :source) AND context = :context AND kind = 'member'
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldMember:
    """One member as the mirror holds her.

    :param raw: what the platform said of her, as it came.
    :param launch_roles: those of her latest launch that still counts.
    :param gone: whether she has left.
    :param user: her OneRoster record; ``None`` if she has none.
    :param enrollment: hers in this class, likewise.
    """

    subject: str
    raw: bytes
    launch_roles: tuple[str, ...]
    gone: bool
    user: dict[str, Any] | None
    enrollment: dict[str, Any] | None


class ClassMembers:
    """The members of one context, as one caller may see them: nobody, if its source is hidden from her."""

    def __init__(self, mirror: Mirror, visibility: Visibility, source: str, context: ContextKey) -> None:
        self._db = mirror.db
        self._seen = visibility.sources is None or source in visibility.sources
        self._source = source
        self._context = context

    def page(self, limit: int, offset: int = 0) -> list[HeldMember]:
        """Those who are members now, in the order of their keys. A key may be an address, so places are numbers."""
        rest = "AND gone IS NULL ORDER BY subject LIMIT :limit OFFSET :offset"
        return self._select(rest, limit, offset=offset)

    def named(self, subjects: Sequence[str]) -> list[HeldMember]:
        """These, where the mirror holds them, those who have left included."""
        rest = "AND subject IN (SELECT value FROM json_each(:subjects)) ORDER BY subject LIMIT :limit"
        return self._select(rest, len(subjects), subjects=json.dumps(list(subjects)))

    def _select(self, rest: str, limit: int, **values: object) -> list[HeldMember]:
        if not self._seen:
            return []
        key = {"source": self._source, "context": self._context, "limit": limit}
        rows = self._db.execute(_MEMBERS + rest, {**key, **values}).fetchall()
        return [
            HeldMember(
                subject=subject,
                raw=raw.encode(),
                launch_roles=tuple(json.loads(launch)["roles"]) if launch else (),
                gone=gone is not None,
                user=self._document("users", user_sourced_id(self._source, subject)),
                enrollment=self._document("enrollments", enrollment_sourced_id(self._source, self._context, subject)),
            )
            for subject, raw, gone, launch in rows
        ]

    def _document(self, collection: str, sourced_id: str) -> dict[str, Any] | None:
        row = self._db.execute(f'SELECT document FROM "{collection}" WHERE sourcedId = ?', (sourced_id,)).fetchone()  # noqa: S608
        return json.loads(row[0]) if row else None
