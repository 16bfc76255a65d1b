"""The mirror in figures, for the operator: who is in it by source, how reading goes, what was changed day by day.

Each costs by sources, by contexts or by runs that changed something, never by people or enrollments: totals come from
the tallies.
"""

# ruff: noqa: S608 - every value is bound, and the names that stand in the SQL are our own

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from bridge.clock import to_stamp
from bridge.mirror.mirror import Mirror
from bridge.mirror.outcomes import GOOD, Outcome
from bridge.roster.identity import ContextKey
from bridge.roster.model import CLASSES, ENROLLMENTS, USERS
from bridge.roster.visibility import Visibility

_SEEN = "(:sources IS NULL OR sources.name IN (SELECT value FROM json_each(:sources)))"


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFigures:
    """One source. Records are the active ones.

    :param latest: the stamp of its latest attempt, and how that ended.
    :param good: when the latest run began after which one of its contexts agreed with it.
    :param failing: how many contexts could not be read at their latest attempt.
    """

    people: int = 0
    classes: int = 0
    enrollments: int = 0
    contexts: int = 0
    failing: int = 0
    latest: str | None = None
    outcome: Outcome | None = None
    good: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DayFigures:
    """What the runs that began on one day (UTC) have changed.

    :param people: by how many the number of active people grew.
    """

    added: int = 0
    changed: int = 0
    removed: int = 0
    people: int = 0


class Figures:
    """The figures of one mirror, as one caller may see them."""

    def __init__(self, mirror: Mirror, visibility: Visibility) -> None:
        self._db = mirror.db
        self._sources = None if visibility.sources is None else json.dumps(sorted(visibility.sources))

    @classmethod
    def of_all(cls, mirror: Mirror) -> "Figures":
        """Those of every source."""
        return cls(mirror, Visibility.of_all())

    def by_source(self) -> Mapping[str, SourceFigures]:
        """Of every source that the mirror has heard of."""
        figures: dict[str, dict[str, object]] = {}
        for name, collection, count in self._db.execute(
            "SELECT sources.name, collection, count FROM sources LEFT JOIN tallies"
            f" ON tallies.source = sources.id AND status = 'active' AND kind = '' WHERE {_SEEN}",
            {"sources": self._sources},
        ):
            counts = figures.setdefault(name, {})
            if collection in _COUNTED:
                counts[_COUNTED[collection]] = count
        good = ", ".join(f"'{outcome}'" for outcome in sorted(GOOD | {Outcome.HELD, Outcome.RUNNING}))
        # With one max(), SQLite takes the other columns from the row that has it.
        for name, contexts, failing, latest, outcome in self._db.execute(
            f"SELECT sources.name, count(*), sum(outcome NOT IN ({good})), max(started), outcome"
            f" FROM attempts JOIN sources ON sources.id = attempts.source WHERE {_SEEN} GROUP BY attempts.source",
            {"sources": self._sources},
        ):
            figures[name] |= {"contexts": contexts, "failing": failing, "latest": latest, "outcome": Outcome(outcome)}
        for name, when in self._db.execute(
            "SELECT sources.name, max(good) FROM attempts JOIN sources ON sources.id = attempts.source"
            f" WHERE {_SEEN} GROUP BY attempts.source",
            {"sources": self._sources},
        ):
            figures[name]["good"] = when
        return {name: SourceFigures(**values) for name, values in figures.items()}  # type: ignore[arg-type] # as named

    def by_day(self, since: datetime, until: datetime) -> Mapping[str, DayFigures]:
        """Of every day on which something was changed, by its date.

        :param since: the first instant that counts.
        :param until: the first that does not.
        """
        rows = self._db.execute(
            "SELECT substr(started, 1, 10), sum(added), sum(changed), sum(removed),"
            " sum(coalesce(documents ->> '$.users.added', 0) + coalesce(documents ->> '$.users.restored', 0)"
            " - coalesce(documents ->> '$.users.removed', 0))"
            " FROM runs INDEXED BY runs_applied JOIN sources ON sources.id = runs.source"
            f" WHERE outcome = 'applied' AND started >= :since AND started < :until AND {_SEEN} GROUP BY 1",
            {"since": to_stamp(since), "until": to_stamp(until), "sources": self._sources},
        )
        return {
            day: DayFigures(added=added, changed=changed, removed=removed, people=people)
            for day, added, changed, removed, people in rows
        }

    def longest_unread(self, source: str, limit: int) -> list[ContextKey]:
        """The contexts of a source whose latest attempt lies the farthest back."""
        rows = self._db.execute(
            "SELECT context FROM attempts WHERE source = (SELECT sources.id FROM sources WHERE name = :source AND"
            f" {_SEEN}) ORDER BY started LIMIT :limit",
            {"source": source, "limit": limit, "sources": self._sources},
        )
        return [ContextKey(context) for (context,) in rows]


_COUNTED = {USERS.name: "people", CLASSES.name: "classes", ENROLLMENTS.name: "enrollments"}
