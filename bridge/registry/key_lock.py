"""The passphrase of ``storage.key_file``, and what is encrypted with it: the signing keys, and the key of all secrets.

An encrypted signing key is PKCS #8 in PEM (RFC 5958 section 3), so that other tools can read it with the same
passphrase. Without one it lies in clear.
"""

import os
from functools import lru_cache
from pathlib import Path
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from bridge.errors import ConfigError

SHORTEST = 20
"""Characters of a passphrase: whoever has the file can try as many as she likes."""

_ENCRYPTED = "-----BEGIN ENCRYPTED PRIVATE KEY-----"
_SALT, _NONCE = 16, 12


class KeyLock:
    """What encrypts keys and opens them again.

    :param passphrases: the first encrypts; the others, which were the first one formerly, only open. Without any, keys
        are kept in clear.
    """

    def __init__(self, passphrases: tuple[bytes, ...] = ()) -> None:
        self._passphrases = passphrases
        # Deriving a key from a passphrase is slow on purpose.
        self._open = lru_cache(maxsize=64)(self._try_each)
        self._unwrap = lru_cache(maxsize=64)(self._try_to_unwrap)

    @classmethod
    def of_file(cls, path: Path | None) -> Self:
        """By the passphrases in a file, one in each line.

        :raises ConfigError: if it cannot be read, or a passphrase is too short.
        """
        if path is None:
            return cls()
        try:
            lines = [line.strip() for line in path.read_bytes().splitlines() if line.strip()]
        except OSError as error:
            raise ConfigError([f"storage.key_file: {path}: cannot be read: {error.strerror}"]) from error
        if not lines or min(map(len, lines)) < SHORTEST:
            raise ConfigError(
                [f"storage.key_file: {path}: must hold a passphrase of at least {SHORTEST} characters in a line"]
            )
        return cls(tuple(lines))

    @property
    def encrypts(self) -> bool:
        """Whether keys are encrypted."""
        return bool(self._passphrases)

    def close(self, private_pem: str) -> str:
        """A key in clear as it is to be stored."""
        if not self._passphrases:
            return private_pem
        key = load_pem_private_key(private_pem.encode(), None)
        how = BestAvailableEncryption(self._passphrases[0])
        return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, how).decode()

    def open(self, stored: str) -> str:
        """A stored key in clear.

        :raises ConfigError: if none of the passphrases opens it.
        """
        return self._open(stored)[0] if is_encrypted(stored) else stored

    def is_closed(self, stored: str) -> bool:
        """Whether a stored key is as :meth:`close` would have it.

        :raises ConfigError: as :meth:`open`.
        """
        if not self._passphrases:
            _ = self.open(stored)
            return True
        return is_encrypted(stored) and self._open(stored)[1] == 0

    def wrap(self, secret: bytes) -> bytes:
        """A secret as it can be stored; only with a passphrase."""
        salt, nonce = os.urandom(_SALT), os.urandom(_NONCE)
        return salt + nonce + AESGCM(_derived(self._passphrases[0], salt)).encrypt(nonce, secret, None)

    def unwrap(self, wrapped: bytes) -> bytes:
        """What was wrapped.

        :raises ConfigError: if none of the passphrases opens it.
        """
        return self._unwrap(wrapped)[0]

    def wraps(self, wrapped: bytes) -> bool:
        """Whether the first passphrase opens it.

        :raises ConfigError: as :meth:`unwrap`.
        """
        return self._unwrap(wrapped)[1] == 0

    def _try_to_unwrap(self, wrapped: bytes) -> tuple[bytes, int]:
        salt, nonce, sealed = wrapped[:_SALT], wrapped[_SALT : _SALT + _NONCE], wrapped[_SALT + _NONCE :]
        for number, passphrase in enumerate(self._passphrases):
            try:
                return AESGCM(_derived(passphrase, salt)).decrypt(nonce, sealed, None), number
            except InvalidTag:
                continue
        raise _closed("secrets")

    def _try_each(self, stored: str) -> tuple[str, int]:
        for number, passphrase in enumerate(self._passphrases):
            try:
                key = load_pem_private_key(stored.encode(), passphrase)
            except ValueError:
                continue
            return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(), number
        raise _closed("signing keys")


def _derived(passphrase: bytes, salt: bytes) -> bytes:
    return Scrypt(salt=salt, length=32, n=2**15, r=8, p=1).derive(passphrase)


def _closed(what: str) -> ConfigError:
    return ConfigError(
        [f"the {what} are encrypted: storage.key_file must name the file with the passphrase that opens them"]
    )


def is_encrypted(stored: str) -> bool:
    """Whether a stored key can be used only with a passphrase."""
    return stored.startswith(_ENCRYPTED)
