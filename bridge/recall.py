"""What was read from a database file, for as long as nothing in the file changes.

Whoever answers many requests between two changes need not ask the file the same things again. A :class:`Recall`
belongs to one connection, and so to one thread. One rule makes what it holds valid: ``PRAGMA data_version`` moves when
another connection, of whatever process, has committed, and ``total_changes`` when this one has written; when either
moves, everything is forgotten. So nothing outlives the commit that made it untrue: a token that is revoked is refused
at the next request.
"""

import sqlite3
from collections.abc import Callable, Hashable
from typing import TypeVar, cast

T = TypeVar("T")

_MOST = 1_000
"""Things kept at a time: when there are more, all are forgotten, which costs asking again and nothing else."""


class Recall:
    """The memory of one connection.

    :param connection: used by one thread at a time.
    :param most: how many things are kept.
    """

    def __init__(self, connection: sqlite3.Connection, *, most: int = _MOST) -> None:
        self._connection = connection
        self._most = most
        self._state: tuple[int, int] | None = None
        self._kept: dict[Hashable, object] = {}

    def refresh(self) -> None:
        """Forget everything if the file has changed.

        Inside a transaction it is to be called before anything else is read: it begins the snapshot that is read then,
        so that what is kept is of that snapshot.
        """
        (version,) = self._connection.execute("PRAGMA data_version").fetchone()
        state = (version, self._connection.total_changes)
        if state != self._state or len(self._kept) > self._most:
            self._kept.clear()
            self._state = state

    def get(self, key: Hashable, read: Callable[[], T], *, keep: bool = True) -> T:
        """What was read under this key since the last change that :meth:`refresh` has seen; else it is read now.

        :param keep: whether it is kept then: things are counted, not measured, so not what may be large.
        """
        try:
            return cast("T", self._kept[key])
        except KeyError:
            found = read()
            if keep:
                self._kept[key] = found
            return found
