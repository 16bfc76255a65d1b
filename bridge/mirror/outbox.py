"""The outbox: what subscribers are told, in the order in which it was committed.

A place in it is the number of the last event before. Numbers count the events of all sources, so they leave the bridge
sealed or not at all.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple

from bridge.clock import Clock, to_stamp
from bridge.mirror.documents import RecordChange
from bridge.mirror.horizon import Horizons
from bridge.mirror.mirror import Mirror
from bridge.roster.model import COLLECTIONS
from bridge.roster.visibility import Visibility

_CLOCKS_DIFFER = timedelta(hours=1)

_SELECT = """
SELECT o.event, writes.stamp, o.collection, o.sourcedId, o.kind
FROM outbox AS o JOIN writes ON writes.changed = o.changed
WHERE o.event > :after AND o.event <= :until AND o.collection IN (SELECT value FROM json_each(:collections))
"""
# A condition only where there is one to hold: then the index by source leads to the events of a quiet source.
_OF_SOURCES = " AND o.source IN (SELECT id FROM sources WHERE name IN (SELECT value FROM json_each(:sources)))"
_IN_ORDER = " ORDER BY o.event LIMIT :limit"


@dataclass(frozen=True, slots=True)
class Event:
    """One change of one record.

    :param number: its place in the outbox.
    :param stamp: the record's ``dateLastModified`` from then on.
    """

    number: int
    stamp: str
    collection: str
    sourced_id: str
    kind: RecordChange


@dataclass(frozen=True, slots=True)
class Place:
    """How far somebody has read.

    :param event: the last event before; 0 at the beginning.
    :param as_of: every later event has this stamp or a later one.
    """

    event: int
    as_of: str


@dataclass(frozen=True, slots=True)
class Batch:
    """Some events in order.

    :param place: to read on from.
    :param more: whether another event waits there already.
    """

    events: list[Event]
    place: Place
    more: bool


class _Seen(NamedTuple):
    """A condition on an event ``o``."""

    sql: str
    parameters: Mapping[str, object]


class Outbox:
    """Reads the outbox of one mirror."""

    def __init__(self, mirror: Mirror, clock: Clock, horizons: Horizons | None = None) -> None:
        self._horizons = horizons or Horizons()
        self._mirror = mirror
        self._db = mirror.db
        self._clock = clock

    @property
    def epoch(self) -> str:
        return self._mirror.epoch

    def latest(self) -> Place:
        """Behind every event that there is."""
        # Not the table's highest row: what was purged has had its number.
        row = self._db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'outbox'").fetchone()
        stamp = self._db.execute("SELECT stamp FROM writes ORDER BY changed DESC LIMIT 1").fetchone()
        # A clock may be put back a little before the next event is written.
        now = to_stamp(self._clock() - _CLOCKS_DIFFER)
        return Place(row[0] if row else 0, max(now, stamp[0]) if stamp else now)

    def is_kept(self, place: Place) -> bool:
        """Whether nothing behind a place has been purged.

        It is told by the time alone, never by the events that were, so that it gives nobody's activity away.
        """
        (before,) = self._db.execute("SELECT value FROM meta WHERE key = 'events_gone_before'").fetchone()
        return place.as_of >= str(before)

    @property
    def gone(self) -> int:
        """The last event that has been purged; 0 if none has."""
        (gone,) = self._db.execute("SELECT value FROM meta WHERE key = 'events_gone'").fetchone()
        return int(gone)

    def read(
        self,
        after: int,
        visibility: Visibility,
        collections: Collection[str],
        limit: int,
        *,
        until: int | None = None,
    ) -> Batch:
        """The next events that somebody may see.

        :param collections: of these only.
        :param until: no event behind this one.
        """
        self._db.execute("BEGIN")
        try:
            latest = self.latest()
            seen = self._seen(visibility)
            rows = self._db.execute(
                _SELECT + ("" if visibility.sources is None else _OF_SOURCES) + seen.sql + _IN_ORDER,
                {
                    **seen.parameters,
                    "after": after,
                    "until": latest.event if until is None else until,
                    "collections": json.dumps(sorted(collections)),
                    "sources": json.dumps(sorted(visibility.sources or ())),
                    "limit": limit + 1,
                },
            ).fetchall()
        finally:
            self._db.execute("ROLLBACK")
        events = [
            Event(number, stamp, collection, sourced_id, RecordChange(kind))
            for number, stamp, collection, sourced_id, kind in rows[:limit]
        ]
        if len(rows) > limit:
            return Batch(events, Place(events[-1].number, events[-1].stamp), more=True)
        return Batch(events, latest, more=False)

    def _seen(self, visibility: Visibility) -> _Seen:
        """What holds for the events about records that a limited caller may see now."""
        if not visibility.is_limited:
            return _Seen("", {})
        horizon = self._horizons.of(self._db, visibility)
        found, parameters = [], {}
        for name, collection in COLLECTIONS.items():
            (term,) = horizon.terms(collection, row_given=True)
            (parameters[f"seen_{name}"],) = term.parameters
            rows = f'SELECT r.sourcedId FROM "{name}" AS r WHERE r.sourcedId = o.sourcedId AND '  # noqa: S608 - a name of ours
            found.append(f"o.collection = '{name}' AND EXISTS ({rows}{term.sql.replace('?', f':seen_{name}')})")
        return _Seen(f" AND ({' OR '.join(found)})", parameters)
