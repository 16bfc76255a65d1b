"""Jumps to an offset: their landmarks are found in one walk, and brought through commits.

One jump pays for a walk over the index up to there. The second walks in strides, each of which leaves a landmark;
whoever jumps later, near or far before it, pays for a stride at most. The walk stops at the time limit of the read it
is part of, and the next goes on from where it stopped.

After a commit it is asked which records have changed. Each stood at some position in the query's order and stands at
one now; only the rows between the landmarks around these positions are counted anew. What cannot be known so (records
were removed for good, very many were changed, the change log does not reach back) is found anew from the start.

Everything here is read inside the transaction of the page, from one connection.
"""

# ruff: noqa: S608 - every value is bound, and the names that stand in the SQL are the model's own

import sqlite3
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from time import thread_time

from bridge.mirror.condition_sql import ordered_fields
from bridge.mirror.landmarks import Landmarks, LandmarksOfQueries, State, is_short, shape
from bridge.mirror.query_sql import PageStatements, count_page, place_before
from bridge.recall import Recall
from bridge.roster.query import Place, Query

_MOVED = 500
"""Records that have changed in between, up to which landmarks are brought through a commit."""

_RECOUNTED = 50
"""Stretches that are counted anew, at most: behind them, landmarks are found anew when somebody jumps there."""

_COSTLY = 0.05
"""Seconds of processor time that a stride takes where the rows do not simply follow each other in an index."""


class Jumps:
    """The jumps of one connection.

    :param landmarks: those that all threads of the process share.
    :param prepare: gives a query's statements.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        recall: Recall,
        landmarks: LandmarksOfQueries,
        prepare: Callable[[Query], PageStatements],
    ) -> None:
        self._db = connection
        self._recall = recall
        self._landmarks = landmarks
        self._prepare = prepare

    def landmarks(self, query: Query, state: State) -> Landmarks:
        """What is known of a query in the state that is being read."""
        kept = self._landmarks.find(query)
        if kept is not None and kept.state == state:
            return kept
        if kept is not None and kept.state.own > state.own:
            return Landmarks(state)  # somebody else has read a later state; this one is read only now
        if kept is None or kept.state.rest != state.rest:
            found = Landmarks(state, recurs=kept is not None)
            self._landmarks.put(query, found)
            return found
        with kept.learning:
            newer = self._landmarks.find(query)
            if newer is not None and newer.state == state:
                return newer
            found = self._carried(query, kept, state) or Landmarks(state, recurs=True)
            if newer is None or newer.state.own <= state.own:
                self._landmarks.put(query, found)  # before others look, or they would find it all once more
        return found

    def shorten(self, query: Query, landmarks: Landmarks) -> Query:
        """The same rows, from near the page on."""
        if query.after is None:
            self._learn(query, landmarks, query.offset)
        return landmarks.shorten(query)

    def keep(self, query: Query, landmarks: Landmarks, first: Place) -> None:
        """Keep where a page began, if that spares others a walk."""
        if landmarks.keep(query, first):
            self._landmarks.note_added(1)

    def count(self, query: Query, landmarks: Landmarks) -> int | None:
        """How many rows match, by walking to the end; ``None`` if that is better counted at once.

        It is worth its price where commits come and go: from then on only what has changed is counted anew.
        """
        if not landmarks.recurs or not self._learn(query, landmarks, None):
            return None
        offset, place = landmarks.furthest
        return offset + self._rows(query, place, None, landmarks.apart + 1)

    def _learn(self, query: Query, landmarks: Landmarks, upto: int | None) -> bool:
        """Walk on to an offset, or to the end; whether that was possible."""
        if upto is not None:
            if upto < landmarks.furthest[0] + landmarks.apart:
                return True
            if not landmarks.jumped:
                landmarks.jumped = True
                return False
        with landmarks.learning:
            if landmarks.costly or not self._is_in_order(query):
                landmarks.costly = True
                return False
            landmarks.spread()
            while upto is None or upto >= landmarks.furthest[0] + landmarks.apart:
                (offset, place), stride = landmarks.furthest, landmarks.apart  # others may set them further apart
                further = replace(query, after=place, offset=stride, limit=1)
                statements = self._prepare(further)
                began = thread_time()
                row = self._db.execute(statements.places, statements.bind(further)).fetchone()
                if thread_time() - began > _COSTLY:
                    landmarks.costly = True
                    return False
                if row is None:
                    break
                if landmarks.add(offset + stride, place_before(query, Place(*row))):
                    self._landmarks.note_added(1)
        return True

    def _is_in_order(self, query: Query) -> bool:
        """Whether rows are found in the query's order, so that each stride costs its own rows."""
        behind = replace(query, after=Place(0), offset=0, limit=1)

        def look() -> bool:
            statements = self._prepare(behind)
            plan = self._db.execute(f"EXPLAIN QUERY PLAN {statements.places}", statements.bind(behind)).fetchall()
            return not any("TEMP B-TREE" in detail for *_, detail in plan)

        if query.visibility.is_limited:
            return False
        return self._recall.get(("in order", shape(query)), look, keep=is_short(query))

    def _carried(self, query: Query, kept: Landmarks, state: State) -> Landmarks | None:
        """What was known of a query in an earlier state, as it is in this one; ``None`` if nothing can be kept."""
        positions = self._moved(query, kept.state.own)
        if positions is None:
            return None
        stretches = kept.stretches(query)
        touched = Counter(stretches.around(positions))
        growth: dict[int, int] = {}
        for number in sorted(touched):
            if number == len(stretches) or len(growth) == _RECOUNTED:
                return kept.carried(state, stretches.grown(growth, number), None)
            counted = stretches.rows(number)
            now = self._rows(query, *stretches.bounds(number), counted + touched[number])
            growth[number] = now - counted
        total = None if kept.total is None else kept.total + sum(growth.values())
        return kept.carried(state, stretches.grown(growth, len(stretches)), total)

    def _rows(self, query: Query, after: Place | None, until: Place | None, at_most: int) -> int:
        """How many rows match behind one place and not behind another."""
        if at_most < 1:
            return 0
        between = replace(query, after=after, offset=0, limit=at_most)
        (count,) = self._db.execute(*count_page(between, self._prepare(between), until)).fetchone()
        return int(count)

    def _moved(self, query: Query, since: int) -> list[Place] | None:
        """Where the records that have changed since a write stood then, and where they stand now.

        ``None`` if that is too much, or cannot be known.
        """
        name, field = query.collection.name, query.sort.field if query.sort else None
        if field is not None and (field == "dateLastModified" or field not in ordered_fields(query.collection)):
            return None
        key = "NULL" if field is None else f'CAST(r."{field}" AS TEXT)'
        now = self._db.execute(
            f'SELECT r.seq, {key} FROM "{name}" AS r INDEXED BY "{name}_by_changed" WHERE r.changed > ? LIMIT ?',
            (since, _MOVED + 1),
        ).fetchall()
        if len(now) > _MOVED:
            return None
        positions = [Place(*each) for each in now]
        if field is None or field == "sourcedId":
            return positions
        before = self._keys_before(name, field, since)
        return None if before is None else positions + before

    def _keys_before(self, name: str, field: str, since: int) -> list[Place] | None:
        """The positions that records had in the order of a field, by the change log."""
        (first,) = self._db.execute("SELECT min(changed) FROM changes").fetchone()
        if first is None or first > since:
            return None  # what was changed after that write may have been purged
        rows = self._db.execute(
            "SELECT c.kind, c.before IS NULL, r.seq, CAST(c.before ->> ? AS TEXT), c.collection"
            " FROM (SELECT * FROM changes WHERE changed > ? LIMIT ?) AS c"
            f' LEFT JOIN "{name}" AS r ON r.sourcedId = c.sourcedId AND c.collection = ?',
            (f"$.{field}", since, 4 * _MOVED, name),
        ).fetchall()
        if len(rows) == 4 * _MOVED:
            return None
        positions = []
        for kind, unknown, seq, key, collection in rows:
            if collection != name or kind == "added":
                continue
            if unknown or seq is None:
                return None  # what was said of somebody who has been erased
            positions.append(Place(seq, key))
        return positions
