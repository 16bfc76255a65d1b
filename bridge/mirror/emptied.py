"""Which classes a plan would leave without anybody, where one context holds many rosters.

Of a whole SIS, a few enrollments in a hundred are nothing; all of one class's are somebody's lessons. A class that ends
with its enrollments is no such case, nor is one that gets others in the same plan.
"""

from sqlite_utils import Database

from bridge.mirror.condition_sql import ANY_SOURCE
from bridge.roster.plan import Emptied

# Of the rosters that lose somebody: those to which nobody comes, whose class goes on, and of whose active enrollments
# none is left.
_EMPTIED = f"""
SELECT count(*), coalesce(sum(leaving), 0)
FROM (SELECT roster, count(*) AS leaving FROM temp.planned
    WHERE roster IS NOT NULL AND change = 'removed' GROUP BY roster) AS losing
WHERE NOT EXISTS (SELECT 1 FROM temp.planned AS p WHERE p.roster = losing.roster AND p.change <> 'removed')
    AND EXISTS (SELECT 1 FROM classes WHERE sourcedId = losing.roster AND status = 'active')
    AND NOT EXISTS (SELECT 1 FROM temp.planned AS p
        WHERE p.kind = 'record' AND p.subject = 'classes/' || losing.roster AND p.change = 'removed')
    AND NOT EXISTS (SELECT 1 FROM facets AS f JOIN enrollments AS e ON e.seq = f.seq
        WHERE f.source IN ({ANY_SOURCE.sql}) AND f.value = losing.roster AND e.status = 'active'
            AND f.field = (SELECT field FROM facet_fields
                WHERE collection = 'enrollments' AND path = 'class.sourcedId')
            AND NOT EXISTS (SELECT 1 FROM temp.planned AS p
                WHERE p.kind = 'record' AND p.subject = 'enrollments/' || e.sourcedId AND p.change = 'removed'))
"""  # noqa: S608 - our own names


def emptied_rosters(db: Database) -> Emptied:
    """The classes that the plan in ``temp.planned`` would empty."""
    return Emptied(*db.execute(_EMPTIED).fetchone())
