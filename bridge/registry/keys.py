"""The bridge's own signing keys.

Three kinds are published at once: the one that signs, the next one, so that platforms have it in their caches
before it signs anything, and those that signed until lately, so that what they signed can still be checked. A
``kid`` is never used again (1EdTech Security Framework 1.0 section 6.3).
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from joserfc.jwk import RSAKey
from sqlite_utils import Database

from bridge.clock import Clock, to_stamp
from bridge.registry.key_lock import KeyLock, is_encrypted
from bridge.storage import write

PUBLISHED_AFTER_RETIREMENT = timedelta(days=7)
"""Longer than any platform caches a key set, and any assertion lives."""

_SELECT = "SELECT kid, private_pem FROM keys "


class Place(StrEnum):
    """What a key is there for."""

    CURRENT = "current"
    NEXT = "next"
    PREVIOUS = "previous"
    """Signs no more; published until what it signed, and what platforms have in their caches, is over."""
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyReport:
    """A key without its secret.

    :param retired: the stamp at which it stopped signing.
    """

    kid: str
    place: Place
    created: str
    retired: str | None


@dataclass(frozen=True, slots=True)
class SigningKey:
    """An RSA key pair.

    :param kid: its RFC 7638 thumbprint.
    :param private_pem: the private key, PKCS #8 PEM: a secret.
    """

    kid: str
    private_pem: str

    @property
    def rsa(self) -> RSAKey:
        """The key pair with its ``kid``, to sign with or to publish the public half of."""
        return RSAKey.import_key(self.private_pem, {"kid": self.kid, "use": "sig", "alg": "RS256"})

    def __repr__(self) -> str:
        return f"SigningKey(kid={self.kid!r})"


class Keys:
    """The signing keys, made when first needed.

    :param lock: what encrypts them in the file.
    :raises ConfigError: from whatever reads a key, if the lock does not open it.
    """

    def __init__(self, db: Database, clock: Clock, lock: KeyLock) -> None:
        self._db = db
        self._clock = clock
        self._lock = lock

    def current(self) -> SigningKey:
        """The key that signs now."""
        return self._live()[0]

    def published(self) -> list[SigningKey]:
        """Every key whose public half platforms should know: current, next, and lately retired."""
        self._live()
        since = to_stamp(self._clock() - PUBLISHED_AFTER_RETIREMENT)
        return self._select("WHERE retired IS NULL OR (retired > ? AND withdrawn IS NULL) ORDER BY position", since)

    def report(self) -> list[KeyReport]:
        """Every key there has been, in the order in which they sign."""
        current = self.current().kid
        since = to_stamp(self._clock() - PUBLISHED_AFTER_RETIREMENT)

        def place(kid: str, retired: str | None, withdrawn: str | None) -> Place:
            if retired is None:
                return Place.CURRENT if kid == current else Place.NEXT
            return Place.PREVIOUS if retired > since and withdrawn is None else Place.WITHDRAWN

        rows = self._db.execute("SELECT kid, created, retired, withdrawn FROM keys ORDER BY position").fetchall()
        return [
            KeyReport(kid=kid, place=place(kid, retired, withdrawn), created=created, retired=retired)
            for kid, created, retired, withdrawn in rows
        ]

    def lock_up(self) -> int:
        """Encrypt keys that lie in clear or under a former passphrase; how many there were.

        To be called in a transaction; what was overwritten stays in the file until that is scrubbed.

        :raises ConfigError: if a key cannot be opened.
        """
        rows = self._db.execute("SELECT kid, private_pem FROM keys").fetchall()
        wanting = [(kid, stored) for kid, stored in rows if not self._lock.is_closed(stored)]
        for kid, stored in wanting:
            closed = self._lock.close(self._lock.open(stored))
            self._db.execute("UPDATE keys SET private_pem = ? WHERE kid = ?", (closed, kid))
        return len(wanting)

    def in_clear(self) -> int:
        """How many keys can be used by whoever reads the file."""
        rows = self._db.execute("SELECT private_pem FROM keys").fetchall()
        return sum(not is_encrypted(stored) for (stored,) in rows)

    def rotate(self, *, withdraw: bool = False) -> SigningKey:
        """Retire the current key: the next one signs from now on, and a new next one is published.

        :param withdraw: publish the retired key no more, at once: for a key that somebody else has got hold of.
        """
        self._live()
        replacement = _generate()
        with write(self._db):
            current, following = self._unretired()
            now = to_stamp(self._clock())
            self._db.execute(
                "UPDATE keys SET retired = ?, withdrawn = ? WHERE kid = ?",
                (now, now if withdraw else None, current.kid),
            )
            self._insert(replacement)
        return following

    def _live(self) -> list[SigningKey]:
        """Current and next, made if they are not there."""
        found = self._unretired()
        if len(found) < 2:
            made = [_generate(), _generate()]  # before the lock: it takes a while
            with write(self._db):
                if not self._unretired():  # another process may have been first
                    for key in made:
                        self._insert(key)
                found = self._unretired()
        return found

    def _unretired(self) -> list[SigningKey]:
        return self._select("WHERE retired IS NULL ORDER BY position")

    def _select(self, rest: str, *parameters: str) -> list[SigningKey]:
        rows = self._db.execute(_SELECT + rest, parameters)
        return [SigningKey(kid, self._lock.open(stored)) for kid, stored in rows.fetchall()]

    def _insert(self, key: SigningKey) -> None:
        self._db.execute(
            "INSERT INTO keys (kid, private_pem, position, created)"
            " SELECT ?, ?, coalesce(max(position), 0) + 1, ? FROM keys",
            (key.kid, self._lock.close(key.private_pem), to_stamp(self._clock())),
        )


def _generate() -> SigningKey:
    key = RSAKey.generate_key(2048)
    return SigningKey(key.thumbprint(), key.as_pem(private=True).decode())
