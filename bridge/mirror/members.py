"""Who is held as a member."""

from bridge.mirror.mirror import Mirror
from bridge.roster.identity import ContextKey


def is_member(mirror: Mirror, source: str, context: ContextKey, subject: str) -> bool:
    """Whether the facts know somebody as a member of a context."""
    row = mirror.db.execute(
        "SELECT 1 FROM facts WHERE source = (SELECT id FROM sources WHERE name = ?)"
        " AND context = ? AND kind = 'member' AND subject = ? AND gone IS NULL",
        (source, context, subject),
    ).fetchone()
    return row is not None
