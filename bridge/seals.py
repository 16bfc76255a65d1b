"""Texts that leave the bridge and that nobody but the bridge can read anything from: sealed ones, and marks.

Places in the mirror are numbers that would tell how much lies between the records that a client may see. What is sealed
can be opened again, here and for what it was bound to; a mark is the same for the same text, and cannot be opened.
"""

import base64
import binascii
import hashlib
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESSIV

_NONCE = 12


class Seals:
    """Seals and marks under one key.

    :param key: 32 secret bytes, the same in every process that serves.
    :param caseless: what is sealed here can be opened in lower case too: for URLs, which some clients lower-case.
    """

    def __init__(self, key: bytes, *, caseless: bool = False) -> None:
        self._cipher = AESGCM(key)
        self._naming = AESSIV(hashlib.blake2b(b"names", key=key, digest_size=64).digest())
        self._caseless = caseless
        self._marking_key = hashlib.blake2b(b"marks", key=key, digest_size=32).digest()

    def seal(self, plain: bytes, binding: str) -> str:
        """A text of letters, digits, ``-`` and ``_``, different each time; only its length tells something.

        :param binding: names whatever the text is good for, and is needed to open it.
        """
        nonce = os.urandom(_NONCE)
        sealed = self._cipher.encrypt(nonce, plain, binding.encode())
        return self._written(nonce + sealed)

    def open(self, sealed: str, binding: str) -> bytes:
        """What was sealed.

        :raises ValueError: if it was not sealed under this key for this binding.
        """
        try:
            raw = self._read(sealed)
            return self._cipher.decrypt(raw[:_NONCE], raw[_NONCE:], binding.encode())
        except InvalidTag as error:
            raise ValueError("was not sealed here, or for something else") from error

    def name(self, number: int, binding: str) -> str:
        """A name for a number, always the same, that tells nothing about it and can be read here again.

        :param binding: names what the number counts.
        """
        named = self._naming.encrypt(number.to_bytes(8, "big"), [binding.encode()])
        return base64.urlsafe_b64encode(named).decode()

    def number(self, name: str, binding: str) -> int | None:
        """The number that a name stands for; ``None`` if it was not given here for this binding."""
        try:
            raw = base64.b64decode(name, altchars=b"-_", validate=True)
            return int.from_bytes(self._naming.decrypt(raw, [binding.encode()]), "big")
        except (ValueError, InvalidTag):
            return None

    def _written(self, raw: bytes) -> str:
        if self._caseless:
            return raw.hex()
        return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()

    def _read(self, text: str) -> bytes:
        if self._caseless:
            return binascii.unhexlify(text)
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)

    def mark(self, text: str, more: bytes = b"") -> str:
        """32 hexadecimal digits, the same for the same text and more, that tell nothing about it."""
        marking = hashlib.blake2b(text.encode(), key=self._marking_key, digest_size=16)
        if more:
            marking.update(b"\0" + more)
        return marking.hexdigest()
