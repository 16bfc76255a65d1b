"""Assertions that tools have used: each is good for one token, whichever worker it comes to."""

import hashlib

from sqlite_utils import Database

from bridge.clock import Clock, to_stamp


class Assertions:
    """The used assertions, by tool and ``jti``."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    def use(self, client_id: str, jti: str, expires: str) -> bool:
        """Use an assertion; false if it has been used before.

        Those that have expired are forgotten: they are refused for that.

        :param expires: the stamp from which on the assertion is refused anyway.
        """
        self._db.execute("DELETE FROM assertions WHERE expires <= ?", (to_stamp(self._clock()),))
        used = self._db.execute(
            "INSERT OR IGNORE INTO assertions (client_id, jti_hash, expires) VALUES (?, ?, ?)",
            (client_id, hashlib.sha256(jti.encode()).digest(), expires),
        )
        return used.rowcount > 0
