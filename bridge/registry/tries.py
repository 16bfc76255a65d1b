"""How often somebody has come to a door lately: counted exactly, for all processes together."""

from sqlite_utils import Database

from bridge.clock import Clock
from bridge.errors import Busy
from bridge.storage import write

_MINUTE = 60


class Tries:
    """Counts by the minute."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    def count(self, door: str, who: str, most: int) -> None:
        """Count one more.

        :param door: what is asked for.
        :param who: an address, or a client's id; it is forgotten within two minutes of the next count.
        :param most: how many there may be in a minute; 0 for any number, which are not counted then.
        :raises Busy: if there were as many in this minute, with the seconds until the next one.
        """
        if most == 0:
            return
        minute, second = divmod(int(self._clock().timestamp()), _MINUTE)
        with write(self._db):
            self._db.execute("DELETE FROM tries WHERE minute < ?", (minute,))
            ((count,),) = self._db.execute(
                "INSERT INTO tries (door, who, minute, count) VALUES (?, ?, ?, 1)"
                " ON CONFLICT DO UPDATE SET count = count + 1 RETURNING count",
                (door, who, minute),
            ).fetchall()
        if count > most:
            raise Busy(f"no more than {most} requests a minute are answered here", retry_after=_MINUTE - second)
