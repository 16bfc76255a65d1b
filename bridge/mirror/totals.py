"""Numbers about the mirror as a whole, for whoever watches it: each costs at most a row per context."""

from collections.abc import Iterator
from datetime import datetime

from bridge.clock import Clock, from_stamp
from bridge.mirror.mirror import Mirror
from bridge.mirror.runs import Runs


class Totals:
    """The totals of one mirror."""

    def __init__(self, mirror: Mirror, clock: Clock) -> None:
        self._db = mirror.db
        self._runs = Runs(mirror, clock)

    def records(self) -> Iterator[tuple[str, str, str, int]]:
        """Source, collection, status, and how many records."""
        yield from self._db.execute(
            "SELECT sources.name, collection, status, count FROM tallies JOIN sources ON sources.id = tallies.source"
            " WHERE kind = ''"
        )

    def runs(self) -> Iterator[tuple[str, str, int]]:
        """Source, outcome, and how many runs have ever ended so."""
        yield from self._db.execute(
            "SELECT sources.name, outcome, count FROM run_totals JOIN sources ON sources.id = run_totals.source"
        )

    def contexts(self) -> Iterator[tuple[str, str, int]]:
        """Source, outcome, and of how many contexts it is the latest run's."""
        yield from self._db.execute(
            "SELECT sources.name, outcome, count(*) FROM attempts JOIN sources ON sources.id = attempts.source"
            " GROUP BY sources.id, outcome"
        )

    def good_readings(self) -> Iterator[tuple[str, str, str]]:
        """Source, and the stamps of the oldest and the newest among its contexts' last good readings."""
        yield from self._db.execute(
            "SELECT sources.name, min(good), max(good) FROM attempts JOIN sources ON sources.id = attempts.source"
            " WHERE good IS NOT NULL GROUP BY sources.id"
        )

    def last_good_reading(self) -> datetime | None:
        """When any context was last read to good effect; ``None`` if none ever was."""
        (stamp,) = self._db.execute("SELECT max(good) FROM attempts").fetchone()
        return from_stamp(stamp) if stamp else None

    def held(self) -> Iterator[str]:
        """The source of each plan that waits for a person."""
        return (run.source for run in self._runs.waiting())

    def quarantined(self) -> Iterator[tuple[str, int]]:
        """Source, and how many members the latest applied runs of its contexts could not use."""
        yield from self._db.execute(
            "SELECT sources.name, sum(runs.quarantined) FROM contexts JOIN runs ON runs.id = contexts.run"
            " JOIN sources ON sources.id = contexts.source GROUP BY sources.id"
        )
