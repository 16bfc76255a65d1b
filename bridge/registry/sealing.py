"""Secrets that have to be read again, as they lie in the file: sealed where the operator gives a passphrase.

What others show to the bridge is kept as a hash. What the bridge itself shows, or signs or encrypts with, cannot be:
the secrets of sources and of webhooks, and the keys of cursors, sessions and the list of the erased. They are sealed
with one random key, and that is wrapped with the passphrase that encrypts the signing keys too, so that a copy of the
file, such as a backup, shows none of them.
"""

import base64
import os
from collections.abc import Iterator

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlite_utils import Database

from bridge.clock import Clock, to_stamp
from bridge.errors import ConfigError
from bridge.registry.key_lock import KeyLock

_SEALED = b"sealed:1:"
_NONCE = 12
_PLACES = (("secrets", "value"), ("webhooks", "secret"), ("sources", "secret"))
"""Tables whose rows are called by ``name``, and the columns with their secrets."""


class Sealing:
    """Seals secrets and opens them again.

    :param lock: wraps the key; if it encrypts nothing, secrets are kept in clear.
    """

    def __init__(self, db: Database, clock: Clock, lock: KeyLock) -> None:
        self._db = db
        self._clock = clock
        self._lock = lock

    def seal(self, secret: bytes, table: str, name: str) -> bytes:
        """A secret as it is to be stored, in the row of this name and nowhere else.

        :raises ConfigError: if the key cannot be opened.
        """
        if not self._lock.encrypts:
            return secret
        nonce = os.urandom(_NONCE)
        return _SEALED + base64.b64encode(nonce + self._cipher().encrypt(nonce, secret, _binding(table, name)))

    def open(self, stored: bytes, table: str, name: str) -> bytes:
        """A stored secret in clear.

        :raises ConfigError: if it cannot be opened.
        """
        if not _is_sealed(stored):
            return stored
        raw = base64.b64decode(stored.removeprefix(_SEALED))
        try:
            return self._cipher().decrypt(raw[:_NONCE], raw[_NONCE:], _binding(table, name))
        except InvalidTag as error:
            raise ConfigError(
                [f"the registry is damaged: what it holds in {table} as {name} was not put there"]
            ) from error

    def lock_up(self) -> int:
        """Seal what lies in clear, and wrap the key anew if a former passphrase does; how many there were.

        To be called in a transaction; what was overwritten stays in the file until that is scrubbed.

        :raises ConfigError: if the key cannot be opened.
        """
        if not self._lock.encrypts:
            return 0
        wrapped = self._wrapped()
        if stale := not self._lock.wraps(wrapped):
            self._db.execute("UPDATE sealing_keys SET wrapped = ?", (self._lock.wrap(self._lock.unwrap(wrapped)),))
        in_clear = list(self._in_clear())
        for table, column, name, value in in_clear:
            sealed = self.seal(value.encode() if isinstance(value, str) else value, table, name)
            self._db.execute(
                f"UPDATE {table} SET {column} = ? WHERE name = ?",  # noqa: S608 - our own names
                (sealed.decode() if isinstance(value, str) else sealed, name),
            )
        return len(in_clear) + stale

    def in_clear(self) -> int:
        """How many secrets can be used by whoever reads the file."""
        return sum(1 for _ in self._in_clear())

    def _in_clear(self) -> Iterator[tuple[str, str, str, str | bytes]]:
        for table, column in _PLACES:
            for name, value in self._db.execute(f"SELECT name, {column} FROM {table}").fetchall():  # noqa: S608
                if not _is_sealed(value.encode() if isinstance(value, str) else value):
                    yield table, column, name, value

    def _cipher(self) -> AESGCM:
        return AESGCM(self._lock.unwrap(self._wrapped()))

    def _wrapped(self) -> bytes:
        """The key as it is stored, made if it is not there."""
        found = self._db.execute("SELECT wrapped FROM sealing_keys").fetchone()
        if found is None:
            self._db.execute(
                "INSERT OR IGNORE INTO sealing_keys (id, wrapped, created) VALUES (1, ?, ?)",
                (self._lock.wrap(os.urandom(32)), to_stamp(self._clock())),
            )
            found = self._db.execute("SELECT wrapped FROM sealing_keys").fetchone()
        return bytes(found[0])


def _is_sealed(stored: bytes) -> bool:
    return stored.startswith(_SEALED)


def _binding(table: str, name: str) -> bytes:
    return f"{table} {name}".encode()
