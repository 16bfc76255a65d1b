"""Pages of the bridge's own lists: ``limit``, and a sealed ``after`` that leads on from the page before.

A cursor holds a number of the mirror's, which would tell how much lies between the things that a client may see; so it
is sealed, for one client and one list.
"""

import struct

from flask import request

from bridge.errors import CursorExpired, InvalidRequest
from bridge.seals import Seals

_DEFAULT_LIMIT = 100
_MAX_LIMIT = 1000
_CURSOR = struct.Struct(">16sQ")  # epoch, number


def asked_limit() -> int:
    """The present request's ``limit``.

    :raises InvalidRequest: if it is out of range.
    """
    text = asked_once("limit")
    if text is None:
        return _DEFAULT_LIMIT
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= _MAX_LIMIT):
        raise InvalidRequest("limit", f"must be one whole number from 1 to {_MAX_LIMIT}")
    return int(text)


def asked_once(name: str) -> str | None:
    """A parameter of the present request.

    :raises InvalidRequest: if it is repeated.
    """
    given = request.args.getlist(name)
    if len(given) > 1:
        raise InvalidRequest(name, "is repeated")
    return given[0] if given else None


def seal_cursor(seals: Seals, epoch: str, number: int, binding: str) -> str:
    """A cursor behind this number.

    :param epoch: the mirror's.
    :param binding: the client and the list that it is good for.
    """
    return seals.seal(_CURSOR.pack(bytes.fromhex(epoch), number), binding)


def asked_cursor(seals: Seals, epoch: str, binding: str) -> int | None:
    """The number that the present request's ``after`` leads on from; ``None`` at the beginning.

    :raises InvalidRequest: if it is no cursor of this client and list.
    :raises CursorExpired: if it is from before the mirror was restored.
    """
    cursor = asked_once("after")
    if cursor is None:
        return None
    try:
        its_epoch, number = _CURSOR.unpack(seals.open(cursor, binding))
    except (ValueError, struct.error) as error:
        raise InvalidRequest(
            "after", "is not a cursor of this client's; use 'next' of an earlier answer as it was given"
        ) from error
    if its_epoch.hex() != epoch:
        raise CursorExpired("the mirror was restored since: begin again without 'after'")
    return int(number)
