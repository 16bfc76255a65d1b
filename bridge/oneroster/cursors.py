"""The opaque ``cursor`` of a ``next`` link: where a walk continues, readable by nobody but the bridge.

A place in the mirror is made of numbers that would tell how much lies between the records that a client may see, so it
is encrypted. It is bound to the client, the query and the mirror's epoch: from anywhere else it is refused.
"""

import base64
import hashlib
import os

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bridge.errors import InvalidRequest
from bridge.oneroster.paging import Walk
from bridge.roster.query import Place

_NONCE = 12
_STEP = 64
"""Bytes by which cursors grow: how many digits a place has, is nobody's business either."""


class Cursors:
    """Writes and reads cursors, and makes other marks that nobody can read anything from.

    :param key: 32 secret bytes, the same in every process that serves.
    """

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)
        self._marking_key = hashlib.blake2b(b"marks", key=key, digest_size=32).digest()

    def mark(self, text: str) -> str:
        """A short text that is the same for the same text, and tells nothing about it."""
        return hashlib.blake2b(text.encode(), key=self._marking_key, digest_size=16).hexdigest()

    def write(self, walk: Walk, binding: str) -> str:
        """A cursor for this walk.

        :param binding: names whatever the cursor is good for: client, query, epoch.
        """
        plain = msgspec.json.encode((walk.place.seq, walk.place.key, walk.offset, walk.total, walk.as_of))
        plain += b" " * (-len(plain) % _STEP)
        nonce = os.urandom(_NONCE)
        sealed = self._cipher.encrypt(nonce, plain, binding.encode())
        return base64.urlsafe_b64encode(nonce + sealed).rstrip(b"=").decode()

    def read(self, cursor: str, binding: str) -> Walk:
        """Where the walk continues.

        :raises InvalidRequest: if the cursor was not made by this bridge for this client and this query.
        """
        try:
            sealed = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
            plain = self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], binding.encode())
        except (ValueError, InvalidTag) as error:
            raise InvalidRequest(
                "cursor", "is not one of this query's; follow the next link as it was given, or start without it"
            ) from error
        seq, key, offset, total, as_of = msgspec.json.decode(plain, type=tuple[int, str | None, int, int, int])
        return Walk(Place(seq, key), offset, total, as_of)
