"""Academic sessions that the bridge supplied and supplies no more: when they end.

With a new school year, or another first day of it, a source gets new sessions. Each context moves its class and course
to them when it is next reconciled, which may be days later, or never. The former sessions stay as they are as long as a
class or course that has not ended refers to one of them, so that no reference leads to what is said to be gone; whoever
moves the last one ends them. What a source has said of its own sessions is not looked at.

The rule is in ``docs/decisions/0007-supplied-values.md``.
"""

from collections import defaultdict
from collections.abc import Collection

from sqlite_utils import Database

from bridge.roster.identity import SourcedId
from bridge.roster.model import ACADEMIC_SESSIONS
from bridge.roster.ports import Derived
from bridge.roster.supplied import SUPPLIED

_SUPPLIED = f"""
SELECT sourcedId, schoolYear, startDate FROM "academicSessions"
WHERE source = ? AND status = 'active' AND document ->> '$.metadata."{SUPPLIED}"' IS NOT NULL
"""  # noqa: S608 - our own names
_IN_USE = " UNION ALL ".join(
    f'SELECT 1 FROM facets JOIN "{collection}" USING (seq)'  # noqa: S608 - our own names
    " WHERE facets.source = :source AND facets.value = :session AND status = 'active'"
    f" AND field = (SELECT field FROM facet_fields WHERE collection = '{collection}' AND path = '{path}')"
    for collection, path in (("classes", "terms.sourcedId"), ("courses", "schoolYear.sourcedId"))
)


def past_sessions(db: Database, source: int, present: Collection[SourcedId]) -> list[Derived]:
    """The supplied sessions of a source that are to end, inside the write transaction that has moved a class.

    A year's sessions refer to each other, so they end together.

    :param present: the sourcedIds of the records that are supplied now.
    """
    years: dict[tuple[str, str], list[SourcedId]] = defaultdict(list)
    for sourced_id, school_year, start in db.execute(_SUPPLIED, (source,)).fetchall():
        if sourced_id not in present:
            years[school_year, start].append(SourcedId(sourced_id))
    return [
        Derived(ACADEMIC_SESSIONS.name, session, None)
        for sessions in years.values()
        if not any(_is_in_use(db, source, session) for session in sessions)
        for session in sessions
    ]


def _is_in_use(db: Database, source: int, session: SourcedId) -> bool:
    (in_use,) = db.execute(f"SELECT EXISTS ({_IN_USE})", {"source": source, "session": session}).fetchone()
    return bool(in_use)
