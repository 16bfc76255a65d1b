"""People who may use the pages at ``/admin/``.

A password is stored as Argon2id hash with its parameters and salt (RFC 9106), and hashed anew at sign-in when the
library has come to recommend others. Every change of it raises the account's version, which each session names: one
that names an older version, or an account that is no more, has ended.
"""

import json
from dataclasses import dataclass
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from sqlite_utils import Database

from bridge.clock import Clock, to_stamp
from bridge.errors import InvalidRequest, UnknownObject
from bridge.roster.visibility import Visibility

SHORTEST_PASSWORD = 12
LONGEST_PASSWORD = 1024
_LONGEST_NAME = 64

_COLUMNS = "id, name, version, created, last_sign_in, sources, unmasks"
_hasher = PasswordHasher()
_NOBODYS = "$argon2id$v=19$m=65536,t=3,p=4$KY9FYV2fP2t3yKYfy1RfOw$kLSuEPJ0ac7hhoFxbDA2VXq2q4z5XPHsvlzucsefrLQ"
"""Of a random password. Verified where there is no account, so that the time an answer takes tells nobody which names
exist. It is written down because making it takes 64 MiB and a tenth of a second, which every command would spend."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """One account.

    :param name: compared without regard to case.
    :param version: rises with every change of the password.
    :param sources: the names of the sources that she sees; ``None`` means every one, also those that are added later.
    :param unmasks: whether she may have personal data shown.
    """

    id: int
    name: str
    version: int
    created: str
    last_sign_in: str | None
    sources: frozenset[str] | None
    unmasks: bool

    @property
    def visibility(self) -> Visibility:
        """What she may see."""
        return Visibility(self.sources)


class Operators:
    """The accounts."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    def add(self, name: str, password: str, *, sources: frozenset[str] | None = None, unmasks: bool = True) -> Operator:
        """Make an account.

        :raises InvalidRequest: if there is one of this name, or name or password cannot be used.
        """
        self.check_new(name)
        check_password(password)
        cursor = self._db.execute(
            "INSERT OR IGNORE INTO operators (name, password_hash, created, sources, unmasks) VALUES (?, ?, ?, ?, ?)",
            (name, _hasher.hash(password), to_stamp(self._clock()), _listed(sources), unmasks),
        )
        if not cursor.rowcount:
            raise _taken(name)
        return self.named(name)

    def check_new(self, name: str) -> None:
        """Accept a name that an account can be made with.

        :raises InvalidRequest: if there is one of this name, or it cannot be used.
        """
        if not name.strip() or name != name.strip() or len(name) > _LONGEST_NAME or not name.isprintable():
            raise InvalidRequest("name", f"must be 1 to {_LONGEST_NAME} characters without blanks around them")
        if self._select("WHERE name = ?", name):
            raise _taken(name)

    def all(self) -> list[Operator]:
        """Every account, oldest first."""
        return self._select("ORDER BY id")

    def set_password(self, name: str, password: str) -> Operator:
        """Change a password: every session of the account ends at once.

        :raises UnknownObject: if there is no such account.
        :raises InvalidRequest: if the password cannot be used.
        """
        check_password(password)
        found = self.named(name)
        self._db.execute(
            "UPDATE operators SET password_hash = ?, version = version + 1 WHERE id = ?",
            (_hasher.hash(password), found.id),
        )
        return self.named(name)

    def limit(self, name: str, *, sources: frozenset[str] | None, unmasks: bool) -> Operator:
        """Change what an account sees, from its next request on.

        :raises UnknownObject: if there is no such account.
        """
        found = self.named(name)
        self._db.execute(
            "UPDATE operators SET sources = ?, unmasks = ? WHERE id = ?", (_listed(sources), unmasks, found.id)
        )
        return self.named(name)

    def named(self, name: str) -> Operator:
        """The account of this name.

        :raises UnknownObject: if there is none.
        """
        if found := self._select("WHERE name = ?", name):
            return found[0]
        raise UnknownObject(f"there is no operator {name}: see 'bridge operators list'")

    def end_sessions(self, operator: Operator) -> None:
        """End every session of an account; its password stays."""
        self._db.execute("UPDATE operators SET version = version + 1 WHERE id = ?", (operator.id,))

    def remove(self, name: str) -> None:
        """Remove an account: its sessions end at once.

        :raises UnknownObject: if there is none of this name.
        """
        self._db.execute("DELETE FROM operators WHERE id = ?", (self.named(name).id,))

    def authenticate(self, name: str, password: str) -> Operator | None:
        """The account of this name, if the password is its own. It takes as long for a name that nobody has."""
        rows = self._db.execute("SELECT id, password_hash FROM operators WHERE name = ?", (name,)).fetchall()
        number, stored = rows[0] if rows else (None, _NOBODYS)
        try:
            _hasher.verify(stored, password[: LONGEST_PASSWORD + 1])
        except VerifyMismatchError:
            return None
        if number is None:
            return None
        if _hasher.check_needs_rehash(stored):
            self._db.execute(
                "UPDATE operators SET password_hash = ? WHERE id = ? AND password_hash = ?",
                (_hasher.hash(password), number, stored),
            )
        self._db.execute("UPDATE operators SET last_sign_in = ? WHERE id = ?", (to_stamp(self._clock()), number))
        return self.of_session(number)

    def of_session(self, number: int, version: int | None = None) -> Operator | None:
        """The account with this id; ``None`` if it is no more, or has another version than what is asked for."""
        found = self._select("WHERE id = ?", number)
        return found[0] if found and version in {None, found[0].version} else None

    def _select(self, rest: str, *parameters: object) -> list[Operator]:
        rows = self._db.query(f"SELECT {_COLUMNS} FROM operators {rest}", parameters)  # noqa: S608 - our own words
        return [_loaded(row) for row in list(rows)]


def _taken(name: str) -> InvalidRequest:
    return InvalidRequest("name", f"there is an operator {name} already: see 'bridge operators list'")


def _loaded(row: dict[str, Any]) -> Operator:
    sources = None if row["sources"] is None else frozenset(json.loads(row["sources"]))
    return Operator(**{**row, "sources": sources, "unmasks": bool(row["unmasks"])})


def _listed(sources: frozenset[str] | None) -> str | None:
    return None if sources is None else json.dumps(sorted(sources))


def check_password(password: str) -> None:
    """Accept a password that can be used. Length is what counts: NIST SP 800-63B section 3.1.1.2.

    :raises InvalidRequest: if it is too short or too long.
    """
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise InvalidRequest("password", f"must be {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters")
