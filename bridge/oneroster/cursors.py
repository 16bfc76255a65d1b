"""The opaque ``cursor`` of a ``next`` link: where a walk continues, readable by nobody but the bridge.

A place in the mirror is made of numbers that would tell how much lies between the records that a client may see, so it
is encrypted. It is bound to the client, the query and the mirror's epoch: from anywhere else it is refused.
"""

import msgspec

from bridge.errors import InvalidRequest
from bridge.oneroster.paging import Walk
from bridge.roster.query import Place
from bridge.seals import Seals

_STEP = 64
"""Bytes by which cursors grow: how many digits a place has, is nobody's business either."""


class Cursors:
    """Writes and reads cursors, and makes other marks that nobody can read anything from.

    :param key: 32 secret bytes, the same in every process that serves.
    """

    def __init__(self, key: bytes) -> None:
        self._seals = Seals(key)

    def mark(self, text: str, more: bytes = b"") -> str:
        """A short text that is the same for the same text and more, and tells nothing about it."""
        return self._seals.mark(text, more)

    def write(self, walk: Walk, binding: str) -> str:
        """A cursor for this walk.

        :param binding: names whatever the cursor is good for: client, query, epoch.
        """
        plain = msgspec.json.encode((walk.place.seq, walk.place.key, walk.offset, walk.total))
        plain += b" " * (-len(plain) % _STEP)
        return self._seals.seal(plain, binding)

    def read(self, cursor: str, binding: str) -> Walk:
        """Where the walk continues.

        :raises InvalidRequest: if the cursor was not made by this bridge for this client and this query.
        """
        try:
            plain = self._seals.open(cursor, binding)
        except ValueError as error:
            raise InvalidRequest(
                "cursor", "is not one of this query's; follow the next link as it was given, or start without it"
            ) from error
        seq, key, offset, total = msgspec.json.decode(plain, type=tuple[int, str | None, int, int])
        return Walk(Place(seq, key), offset, total)
