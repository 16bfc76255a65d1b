"""Where each context stands: how many members are held, and how far the mirror may be behind its source."""

from collections.abc import Mapping
from dataclasses import dataclass

from bridge.mirror.mirror import Mirror
from bridge.roster.identity import ContextKey

_SELECT = """
SELECT sources.name, contexts.context, runs.started, contexts.bookmark,
    (SELECT count(*) FROM facts INDEXED BY facts_of_members
        WHERE facts.source = contexts.source AND facts.context = contexts.context AND gone IS NULL AND kind = 'member')
    + (SELECT count(*) FROM facts INDEXED BY facts_of_records
        WHERE facts.source = contexts.source AND facts.context = contexts.context AND gone IS NULL AND kind = 'record')
FROM contexts
JOIN sources ON sources.id = contexts.source
LEFT JOIN runs ON runs.id = contexts.complete_run
"""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one context stands.

    :param full_pull: the stamp at which the last pull began that was read in full and whose silence counted: whoever
        has left since then may still be held. ``None`` if there never was one.
    :param bookmark: what to ask the source with for what has changed since the last run that was applied.
    :param members: how many members are held.
    """

    full_pull: str | None
    bookmark: str | None
    members: int


class Standings:
    """The standings of one mirror's contexts."""

    def __init__(self, mirror: Mirror) -> None:
        self._db = mirror.db

    def of(self, source: str, context: ContextKey) -> Standing | None:
        """Where a context stands; ``None`` before its first run was applied."""
        row = self._db.execute(
            f"{_SELECT} WHERE sources.name = ? AND contexts.context = ?",
            (source, context),
        ).fetchone()
        return Standing(*row[2:]) if row else None

    def by_context(self) -> Mapping[tuple[str, ContextKey], Standing]:
        """The same of every context."""
        return {(row[0], ContextKey(row[1])): Standing(*row[2:]) for row in self._db.execute(_SELECT)}
