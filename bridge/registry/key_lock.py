"""Signing keys as they lie in the file: encrypted where the operator gives a passphrase, else in clear.

An encrypted key is PKCS #8 in PEM (RFC 5958 section 3), so that other tools can read it with the same passphrase.
"""

from functools import lru_cache
from pathlib import Path
from typing import Self

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


class KeyLock:
    """What encrypts keys and opens them again.

    :param passphrases: the first encrypts; the others, which were the first one formerly, only open. Without any, keys
        are kept in clear.
    """

    def __init__(self, passphrases: tuple[bytes, ...] = ()) -> None:
        self._passphrases = passphrases
        self._open = lru_cache(maxsize=64)(self._try_each)  # deriving a key from a passphrase is slow on purpose

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

    def _try_each(self, stored: str) -> tuple[str, int]:
        for number, passphrase in enumerate(self._passphrases):
            try:
                key = load_pem_private_key(stored.encode(), passphrase)
            except ValueError:
                continue
            return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(), number
        raise ConfigError(
            ["the signing keys are encrypted, and storage.key_file names no file with the passphrase that opens them"]
        )


def is_encrypted(stored: str) -> bool:
    """Whether a stored key can be used only with a passphrase."""
    return stored.startswith(_ENCRYPTED)
