"""Where clients that count offsets have come to.

A client that follows ``next`` carries its place itself. One that adds its page size to ``offset`` does not: if a record
leaves a filtered collection between two of its pages, everything behind moves up by one and somebody is skipped. So
the latest places after its pages are remembered, by client and query, and a page that begins where one ended continues
there.

It is a memory and nothing more (:mod:`bridge.oneroster.slots`): the file may be deleted while the bridge does not run,
what is older than a day is forgotten, and a page is served whether or not its place could be kept. A request at offset
0 begins anew. Two crawls of the same query by one client at the same time are not told apart: such clients should
follow ``next``.
"""

from datetime import timedelta
from pathlib import Path
from typing import Self

import msgspec

from bridge.clock import Clock, utc_now
from bridge.oneroster.paging import Served, Walk
from bridge.oneroster.slots import Slots
from bridge.roster.query import Place

KEPT_FOR = timedelta(days=1)


class _Reached(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A walk as it is kept: the offset that it has come to, the ``seq`` and sort key of the last record, the total."""

    offset: int
    seq: int
    key: str | None
    total: int


class Walks:
    """The places of all clients, for all threads of a process."""

    def __init__(self, slots: Slots[_Reached], clock: Clock = utc_now) -> None:
        self._slots = slots
        self._clock = clock

    @classmethod
    def open(cls, path: Path, clock: Clock = utc_now) -> Self:
        """Open the file, made if need be.

        :raises bridge.errors.ConfigError: if it cannot be used.
        """
        return cls(Slots.open(path, _Reached, kept_for=KEPT_FOR), clock)

    def forget_all(self) -> None:
        """Forget every place, in the file too: sort keys are names."""
        self._slots.forget_all()

    def find(self, client_id: str, query: str, offset: int) -> Walk | None:
        """The walk that has come to this offset, if one is remembered."""
        for reached in self._slots.get(client_id, query, self._now()):
            if reached.offset == offset:
                return Walk(Place(reached.seq, reached.key), offset, reached.total)
        return None

    def keep(self, client_id: str, query: str, served: Served) -> None:
        """Keep the place at the end of a page. A page at offset 0 ends what was before.

        An empty page ends the walk for whoever asks for it again: she counts on from what there is now.
        """
        new = [_Reached(walk.offset, walk.place.seq, walk.place.key, walk.total) for walk in served.counted_on]
        if served.offset == 0:
            self._slots.update(client_id, query, self._now(), lambda _: new)
        elif new:
            over = {reached.offset for reached in new}
            if not served.count:
                over.add(served.offset)
            self._slots.update(
                client_id, query, self._now(), lambda held: [each for each in held if each.offset not in over] + new
            )

    def _now(self) -> float:
        return self._clock().timestamp()
