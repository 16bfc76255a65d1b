"""Where pages of queries begin: what spares a jump to an offset the walk over all the rows before it.

Whoever asks for a page at some offset pays for the rows before it once. Where it began is kept, and the next page at
that offset or behind it is found from there: pages asked for at random soon cost the same as the first. A first page
too may lie behind many rows of sources that its reader does not see.

One rule makes what is kept of a query valid: the mark (:meth:`bridge.mirror.pages.Pages.mark`) of what it depends on,
as far as its reader sees it. When that has moved, what was kept of the query is forgotten. The visibility is part of
the query, so nobody's landmarks serve anybody who sees something else. It is a memory of the process: all threads share
it, and each finds in it only what is true of the snapshot that it reads.
"""

from bisect import bisect_right, insort
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import replace
from threading import Lock

from bridge.mirror.query_sql import place_before
from bridge.roster.query import Place, Query

_QUERIES = 500
"""Queries of which something is kept: the one that was asked for longest ago goes first."""

_APART = 500
"""Rows between two landmarks, at least: walking over fewer costs less than finding the page itself."""

_MOST = 4_000
"""Landmarks of one query."""


class Landmarks:
    """What is kept of one query.

    :ivar total: how many records match, once they have been counted.
    """

    def __init__(self, mark: Hashable) -> None:
        self.mark = mark
        self._lock = Lock()
        self.total: int | None = None
        self._offsets: list[int] = []
        self._places: dict[int, Place] = {}

    def shorten(self, query: Query) -> Query:
        """The same rows, from the nearest landmark on."""
        if query.after is not None:
            return query
        with self._lock:
            index = bisect_right(self._offsets, query.offset)
            if index == 0:
                return query
            nearest = self._offsets[index - 1]
            place = self._places[nearest]
        return replace(query, after=place, offset=query.offset - nearest)

    def keep(self, query: Query, first: Place) -> None:
        """Keep where a page began, if nothing near it is kept."""
        if query.after is not None or (query.offset == 0 and query.visibility.sources is None):
            return
        with self._lock:
            index = bisect_right(self._offsets, query.offset)
            far = index == 0 or query.offset - self._offsets[index - 1] >= _APART
            if far and len(self._offsets) < _MOST:
                insort(self._offsets, query.offset)
                self._places[query.offset] = place_before(query, first)


class LandmarksOfQueries:
    """The landmarks of the queries that were asked lately."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._queries: OrderedDict[Hashable, Landmarks] = OrderedDict()

    def of(self, query: Query, mark: Hashable) -> Landmarks:
        """Those of a query, whichever of its pages is asked for.

        :param mark: of what it depends on, as far as its reader sees it, and the mirror's epoch.
        """
        key = asked(query)
        with self._lock:
            kept = self._queries.get(key)
            if kept is None or kept.mark != mark:
                kept = self._queries[key] = Landmarks(mark)
                if len(self._queries) > _QUERIES:
                    self._queries.popitem(last=False)
            self._queries.move_to_end(key)
        return kept


def asked(query: Query) -> Hashable:
    """What is the same for all pages of a query."""
    return (query.collection, query.visibility, query.preset, query.where, query.search, query.sort, query.descending)
