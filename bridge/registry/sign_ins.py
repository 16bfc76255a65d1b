"""Sign-ins that failed, counted over all workers: after too many, no password is looked at for a while.

Three things are counted within one window: an account tried from one address, an address, and an account. The first
stops whoever guesses at one account without keeping its owner out, who sits elsewhere; the second whoever tries one
password on many accounts; the third, with a high bound, whoever guesses from many addresses.
"""

import hashlib
from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlite_utils import Database

from bridge.clock import Clock, from_stamp, to_stamp
from bridge.storage import write

WINDOW = timedelta(minutes=15)
MOST_BY_BOTH = 5
MOST_BY_ADDRESS = 30
MOST_BY_ACCOUNT = 60


class SignIns:
    """The failures of the last quarter of an hour."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    def locked_until(self, account: str, address: str) -> datetime | None:
        """Until when nobody is let in to this account from this address; ``None`` if a password may be tried."""
        since = to_stamp(self._clock() - WINDOW)
        ends = []
        for counted, most in _counted(account, address):
            # The failure that has to grow old before fewer than the most are left.
            row = self._db.execute(
                "SELECT failed FROM sign_in_failures WHERE counted = ? AND failed > ?"
                " ORDER BY failed DESC LIMIT 1 OFFSET ?",
                (counted, since, most - 1),
            ).fetchone()
            if row:
                ends.append(from_stamp(row[0]) + WINDOW)
        return max(ends, default=None)

    def begin(self, account: str, address: str) -> datetime | None:
        """Count a try, as a failure until it has succeeded, so that of many at once no more are tried than one by one.

        :returns: until when it is locked, and nothing is counted; ``None`` if the password may be tried.
        """
        with write(self._db):
            until = self.locked_until(account, address)
            if until is None:
                self._count(account, address)
        return until

    def failed(self, account: str, address: str) -> None:
        """Count a failure."""
        with write(self._db):
            self._count(account, address)

    def succeeded(self, account: str, address: str) -> None:
        """Forget the try that was begun, and the failures of the account at the address: its owner has found the right
        password.
        """
        (both, _), *others = _counted(account, address)
        with write(self._db):
            self._db.execute("DELETE FROM sign_in_failures WHERE counted = ?", (both,))
            for counted, _ in others:
                self._db.execute(
                    "DELETE FROM sign_in_failures WHERE rowid ="
                    " (SELECT rowid FROM sign_in_failures WHERE counted = ? ORDER BY failed DESC LIMIT 1)",
                    (counted,),
                )

    def _count(self, account: str, address: str) -> None:
        now = self._clock()
        self._db.execute("DELETE FROM sign_in_failures WHERE failed <= ?", (to_stamp(now - WINDOW),))
        for counted, _ in _counted(account, address):
            self._db.execute("INSERT INTO sign_in_failures (counted, failed) VALUES (?, ?)", (counted, to_stamp(now)))


def _counted(account: str, address: str) -> Iterator[tuple[bytes, int]]:
    account = account.casefold()
    yield _hash("both", account, address), MOST_BY_BOTH
    yield _hash("address", address), MOST_BY_ADDRESS
    yield _hash("account", account), MOST_BY_ACCOUNT


def _hash(*parts: str) -> bytes:
    return hashlib.sha256("\0".join(parts).encode(errors="surrogatepass")).digest()
