"""What a source says, as rows of temporary tables, in the order in which it comes.

Rows are appended, a batch at a time, each batch in a transaction of its own: none is open while the network is read.
Who is spoken of more than once is found when all has come. What repeats byte for byte what is held is told by the
number of the fact (:mod:`bridge.mirror.repeated`), and its text is not written again.
"""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlite_utils import Database

from bridge.mirror.repeated import Repeated
from bridge.roster.ports import Gone, Listed, Rejected, Stated

_BATCH = 1000
_BATCH_BYTES = 1024 * 1024
_TWICE_AT_ONCE = 500

TABLES = """
CREATE TEMP TABLE staged (
    place INTEGER PRIMARY KEY, kind TEXT NOT NULL, subject TEXT NOT NULL, position INTEGER NOT NULL, raw TEXT NOT NULL,
    hash BLOB NOT NULL
) STRICT;
CREATE TEMP TABLE repeated (fact INTEGER PRIMARY KEY, position INTEGER NOT NULL) STRICT;
CREATE TEMP TABLE rejected (position INTEGER NOT NULL, subject TEXT, reason TEXT NOT NULL) STRICT;
CREATE INDEX temp.rejected_by_subject ON rejected (subject);
CREATE TEMP TABLE departed (subject TEXT NOT NULL PRIMARY KEY) STRICT, WITHOUT ROWID;
"""
NAMES = ("staged", "repeated", "rejected", "departed")

REJECT = "INSERT INTO temp.rejected (position, subject, reason) VALUES (?, ?, ?)"
_STAGE = "INSERT INTO temp.staged (kind, subject, position, raw, hash) VALUES (?, ?, ?, ?, ?)"
_DEPART = "INSERT OR IGNORE INTO temp.departed (subject) VALUES (?)"

# Appending is cheap because there is no index until all has come.
_INDEX = "CREATE INDEX temp.staged_by_subject ON staged (kind, subject, hash)"
# Of whom a source says something else besides: then both are to be merged.
_RESTATE = """
INSERT INTO temp.staged (kind, subject, position, raw, hash)
SELECT DISTINCT f.kind, f.subject, r.position, f.raw, f.hash
FROM temp.staged AS s
CROSS JOIN facts AS f
    ON f.source = :source AND f.context = :context AND f.kind = s.kind AND f.subject = s.subject AND f.gone IS NULL
CROSS JOIN temp.repeated AS r ON r.fact = f.id
"""
_FORGET_RESTATED = """
DELETE FROM temp.repeated WHERE fact IN (
    SELECT f.id FROM temp.staged AS s
    CROSS JOIN facts AS f
        ON f.source = :source AND f.context = :context AND f.kind = s.kind AND f.subject = s.subject AND f.gone IS NULL
)
"""
_TWICE = """
SELECT kind, subject FROM temp.staged WHERE (kind, subject) > (?, ?)
GROUP BY kind, subject HAVING count(*) > 1 ORDER BY kind, subject LIMIT ?
"""


Merge = Callable[[bytes, bytes], bytes]
"""See :meth:`bridge.roster.ports.Snapshot.merge`."""


def fact_hash(raw: bytes) -> bytes:
    """What tells whether a source still says the same."""
    return hashlib.blake2b(raw, digest_size=16).digest()


@contextmanager
def transaction(db: Database) -> Iterator[None]:
    """One state of the mirror, beside which temporary tables are written: nobody waits for it."""
    db.execute("BEGIN")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        db.rollback()
        raise


class Staged:
    """Takes what a source says of one context. The tables are its owner's to make and to drop.

    :param repeated: knows who is held already.
    """

    def __init__(self, db: Database, repeated: Repeated) -> None:
        self._db = db
        self._repeated = repeated
        self._bytes = 0
        self._staged: list[tuple[str, str, int, str, bytes]] = []
        self._rejected: list[tuple[int, str | None, str]] = []
        self._departed: list[tuple[str]] = []

    def take(self, item: Stated | Rejected | Gone, position: int) -> None:
        """Take one thing that is said.

        :param position: its place among those that are counted.
        """
        match item:
            case Stated():
                self._stage(item, position)
            case Rejected():
                self._rejected.append((item.position, item.subject, item.reason))
            case Gone():
                self._departed.append((item.subject,))
        waiting = len(self._staged) + len(self._rejected) + len(self._departed)
        if waiting >= _BATCH or self._bytes >= _BATCH_BYTES:
            self._write()

    def take_listed(self, listed: Listed, begin: int, end: int, position: int) -> None:
        """Take some of what is listed, all of which is held in memory meanwhile.

        :param begin: the index of the first of them.
        :param end: the index behind the last.
        :param position: the first one's place among those that are counted.
        """
        known = self._repeated.known(listed.kind, listed.subjects[begin:end], listed.raws[begin:end])
        for index, fact in enumerate(known):
            if fact is None:
                self.take(listed.read(begin + index), position + index)
        with transaction(self._db):
            self._repeated.note(known, position)

    def settle(self, merge: Merge) -> None:
        """When all has come: make one statement of several about the same subject."""
        self._write()
        with transaction(self._db):
            self._db.execute(_INDEX)
            if self._db.execute(_RESTATE, self._repeated.key).rowcount:
                self._db.execute(_FORGET_RESTATED, self._repeated.key)
            last = ("", "")
            while twice := self._db.execute(_TWICE, (*last, _TWICE_AT_ONCE)).fetchall():
                for kind, subject in twice:
                    self._merge(kind, subject, merge)
                last = twice[-1]

    def _stage(self, item: Stated, position: int) -> None:
        try:
            raw = item.raw.decode()
        except UnicodeDecodeError:
            self._rejected.append((position, item.subject, "is not UTF-8"))
            return
        self._staged.append((item.kind.value, item.subject, position, raw, fact_hash(item.raw)))
        self._bytes += len(raw)

    def _write(self) -> None:
        batches = ((_STAGE, self._staged), (REJECT, self._rejected), (_DEPART, self._departed))
        with transaction(self._db):
            for statement, rows in batches:
                self._db.conn.executemany(statement, rows)
        self._staged, self._rejected, self._departed, self._bytes = [], [], [], 0

    def _merge(self, kind: str, subject: str, merge: Merge) -> None:
        rows = self._db.execute(
            "SELECT place, position, raw FROM temp.staged WHERE kind = ? AND subject = ? ORDER BY position, place",
            (kind, subject),
        )
        first, _, said = next(rows)
        for _, position, again in rows:
            if again == said:
                continue
            try:
                said = merge(said.encode(), again.encode()).decode()
            except ValueError:
                reason = "is listed more than once, in ways that do not go together"
                self._db.execute(REJECT, (position, subject, reason))
        self._db.execute(
            "DELETE FROM temp.staged WHERE kind = ? AND subject = ? AND place <> ?", (kind, subject, first)
        )
        self._db.execute(
            "UPDATE temp.staged SET raw = ?, hash = ? WHERE place = ?", (said, fact_hash(said.encode()), first)
        )
