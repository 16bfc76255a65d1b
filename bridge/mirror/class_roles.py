"""Who is in one class, counted."""

from bridge.mirror.mirror import Mirror
from bridge.roster.identity import SourcedId


def count_roles(mirror: Mirror, class_sourced_id: SourcedId) -> dict[str, int]:
    """How many active enrollments a class has, by their roles; nothing for a class that the mirror does not hold."""
    rows = mirror.db.execute(
        "SELECT enrollments.role, count(*) FROM facets JOIN enrollments USING (seq)"
        " WHERE field = (SELECT field FROM facet_fields WHERE collection = 'enrollments' AND path = 'class.sourcedId')"
        " AND facets.source = (SELECT source FROM classes WHERE sourcedId = :class)"
        " AND value = :class AND status = 'active' GROUP BY enrollments.role ORDER BY enrollments.role",
        {"class": class_sourced_id},
    )
    return dict(rows.fetchall())
