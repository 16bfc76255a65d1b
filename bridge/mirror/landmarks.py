"""Where pages of queries begin: what spares a jump to an offset the walk over all the rows before it.

The landmarks of a query lie in its order, some hundreds of rows apart; of each it is known how many rows come before
it. The visibility is part of the query, so nobody's landmarks serve anybody who sees something else. How they are found
and brought through a commit is :mod:`bridge.mirror.jumps`'s; this module only holds them, in a memory of the process
that all threads share.

One rule makes them valid: they are true of one :class:`State` of what the query depends on, and are only ever used by
whoever reads that state.
"""

from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, replace
from threading import Lock
from typing import NamedTuple

from bridge.mirror.blanks import blanked
from bridge.mirror.query_sql import descends, place_before
from bridge.roster.query import Condition, Place, Query, size_of

_APART = 500
"""Rows between two landmarks, at least: walking over fewer costs less than finding the page itself."""

_QUERIES = 500
"""Queries of which something is kept: the one that was asked for longest ago goes first."""

_SHORT = (5, 500)
"""Comparisons of a query that is not long, and characters in it."""

_OF_ONE = 8_000
"""Landmarks of one query, at most: if there would be more, they lie further apart."""

_OF_ALL = 100_000
"""Landmarks of all queries, some 200 bytes each."""

_LEFT_OF_ALL = _OF_ALL * 9 // 10
"""What is left of them, at most, when there may have been more."""


class State(NamedTuple):
    """What a query finds is the same while this is.

    :param own: the number of the write that last changed the query's collection, as far as its reader sees it.
    :param rest: whatever else it depends on; when that moves, nothing of the query can be kept.
    """

    own: int
    rest: Hashable


class Landmarks:
    """What is kept of one query, in one state.

    :ivar total: how many records match, once they have been counted.
    :ivar apart: how many rows are to lie between two landmarks.
    :ivar recurs: whether the query was asked in an earlier state too.
    :ivar jumped: whether somebody has asked for a page behind them: landmarks are for those who come after her.
    :ivar costly: whether walks do not leave any, because each stride would cost too much.
    :ivar learning: held by whoever finds more of them.
    """

    def __init__(self, state: State, *, recurs: bool = False) -> None:
        self.state = state
        self.total: int | None = None
        self.apart = _APART
        self.recurs = recurs
        self.jumped = False
        self.costly = False
        self.learning = Lock()
        self._lock = Lock()
        self._offsets: list[int] = []
        self._places: list[Place] = []

    def __len__(self) -> int:
        return len(self._offsets)

    @property
    def furthest(self) -> tuple[int, Place | None]:
        """The last of them: its offset, and behind which place the row at this offset comes."""
        with self._lock:
            return (self._offsets[-1], self._places[-1]) if self._offsets else (0, None)

    def shorten(self, query: Query) -> Query:
        """The same rows, from the nearest landmark on."""
        if query.after is not None:
            return query
        with self._lock:
            index = bisect_right(self._offsets, query.offset)
            if index == 0:
                return query
            nearest, place = self._offsets[index - 1], self._places[index - 1]
        return replace(query, after=place, offset=query.offset - nearest)

    def keep(self, query: Query, first: Place) -> bool:
        """Keep where a page began, if nothing near it is kept, and no walk would leave a landmark there.

        Whether it was kept. A first page too may lie behind many rows of sources that its reader does not see.
        """
        worth = query.visibility.sources is not None if query.offset == 0 else self.costly
        return query.after is None and worth and self.add(query.offset, place_before(query, first))

    def spread(self) -> None:
        """Lie so far apart that all of them can be kept, if it is known how many records match, and none is there."""
        with self._lock:
            if self.total is not None and not self._offsets:
                self.apart = max(_APART, -(-self.total // _OF_ONE))

    def add(self, offset: int, place: Place) -> bool:
        """Add one, if none is near: the row at the offset comes behind the place. Whether it was added."""
        with self._lock:
            index = bisect_right(self._offsets, offset)
            if index and offset - self._offsets[index - 1] < self.apart:
                return False
            self._offsets.insert(index, offset)
            self._places.insert(index, place)
            if len(self._offsets) > _OF_ONE:
                del self._offsets[1::2], self._places[1::2]
                self.apart *= 2
            return True

    def stretches(self, query: Query) -> "Stretches":
        """What lies between them now."""
        with self._lock:
            return Stretches(query, tuple(self._offsets), tuple(self._places))

    def carried(self, state: State, stretches: "Stretches", total: int | None) -> "Landmarks":
        """The same for another state.

        :param stretches: as they are in that state.
        :param total: how many records match there, if that is known.
        """
        carried = Landmarks(state, recurs=True)
        carried.total, carried.apart = total, self.apart
        carried.jumped, carried.costly = self.jumped, self.costly
        carried._offsets, carried._places = list(stretches.offsets), list(stretches.places)
        return carried


@dataclass(frozen=True, slots=True)
class Stretches:
    """The rows between landmarks, of one query. The stretch of a number ends at the landmark of that number.

    :param offsets: of the landmarks.
    :param places: likewise.
    """

    query: Query
    offsets: tuple[int, ...]
    places: tuple[Place, ...]

    def __len__(self) -> int:
        return len(self.places)

    def around(self, positions: Iterable[Place]) -> list[int]:
        """The number of each stretch in which a record of such a position stands, or would; behind the last landmark,
        how many stretches there are."""
        places = [_rank(self.query, place) for place in self.places]
        ranks = [_rank(self.query, place) for place in positions]
        if not descends(self.query):
            return [bisect_left(places, rank) for rank in ranks]
        places.reverse()
        return [len(places) - bisect_right(places, rank) for rank in ranks]

    def bounds(self, number: int) -> tuple[Place | None, Place]:
        """Behind which place a stretch begins, and behind which none of it lies."""
        return (self.places[number - 1] if number else None, self.places[number])

    def rows(self, number: int) -> int:
        """How many rows of a stretch match."""
        return self.offsets[number] - (self.offsets[number - 1] if number else 0)

    def grown(self, growth: Mapping[int, int], first: int) -> "Stretches":
        """The first so many stretches, when some of them have more rows, or fewer."""
        more, offsets = 0, []
        for number, offset in enumerate(self.offsets[:first]):
            more += growth.get(number, 0)
            offsets.append(offset + more)
        return replace(self, offsets=tuple(offsets), places=self.places[:first])


class LandmarksOfQueries:
    """The landmarks of the queries that were asked lately."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._queries: OrderedDict[Hashable, Landmarks] = OrderedDict()
        self._held = 0

    def find(self, query: Query) -> Landmarks | None:
        """Those of a query, whichever of its pages is asked for, in the latest state that is known of."""
        key = asked(query)
        with self._lock:
            kept = self._queries.get(key)
            if kept is not None:
                self._queries.move_to_end(key)
            return kept

    def put(self, query: Query, landmarks: Landmarks) -> None:
        """Keep those of a query instead of what was kept of it."""
        key = asked(query)
        with self._lock:
            self._held -= len(self._queries.get(key, ()))
            self._queries[key] = landmarks
            if len(self._queries) > _QUERIES:
                _, gone = self._queries.popitem(last=False)
                self._held -= len(gone)
        self.note_added(len(landmarks))

    def note_added(self, count: int) -> None:
        """Be told how many landmarks a query has more; if there are too many, forget what was not asked for lately.

        Counting them all would take longer than a request does, so that is done only when there may be too many: some
        have been dropped without a word where queries set theirs further apart.
        """
        with self._lock:
            self._held += count
            if self._held <= _OF_ALL:
                return
            self._held = sum(map(len, self._queries.values()))
            while len(self._queries) > 1 and self._held > _LEFT_OF_ALL:
                _, gone = self._queries.popitem(last=False)
                self._held -= len(gone)


def asked(query: Query) -> Hashable:
    """What is the same for all pages of a query."""
    return _key(query, query.preset)


def shape(query: Query) -> Hashable:
    """What is the same for all queries that differ in the texts of their presets alone: one statement finds them."""
    return _key(query, blanked(query.preset))


def is_short(query: Query) -> bool:
    """Whether what is worked out for a query is worth keeping: of a longer one that may be half a megabyte."""
    comparisons, characters = size_of(query.where)
    return comparisons <= _SHORT[0] and characters + len(query.search or "") <= _SHORT[1]


def _key(query: Query, preset: Condition | None) -> Hashable:
    return (query.collection, query.visibility, preset, query.where, query.search, query.sort, query.descending)


def _rank(query: Query, place: Place) -> tuple[bool, str, int]:
    """Compares as places do in an ascending order: without a key they come last, as text by code point."""
    return (query.sort is not None and place.key is None, place.key or "", place.seq)
