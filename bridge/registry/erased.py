"""People who were erased: known again by a keyed hash of their sourcedId, and by nothing else."""

import hashlib
import json
from collections.abc import Callable, Iterable
from typing import NamedTuple, Self

from sqlite_utils import Database

from bridge.clock import Clock, to_stamp
from bridge.registry.secrets import Secrets
from bridge.roster.identity import SourcedId

_KEY = "erased"


class ErasedList(NamedTuple):
    """All who were erased, to be carried over to another registry.

    :param key: what the marks are made with.
    :param marks: each with the stamp of the erasure.
    """

    key: bytes
    marks: list[tuple[bytes, str]]

    def write(self) -> bytes:
        """The list as JSON, for a file that travels apart from the backups. It names nobody."""
        marks = [[mark.hex(), stamp] for mark, stamp in self.marks]
        return json.dumps({"key": self.key.hex(), "marks": marks}).encode()

    @classmethod
    def read(cls, content: bytes) -> Self:
        """The list that :meth:`write` wrote.

        :raises ValueError: if it is none.
        """
        try:
            found = json.loads(content)
            return cls(
                bytes.fromhex(found["key"]), [(bytes.fromhex(mark), str(stamp)) for mark, stamp in found["marks"]]
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError("no list of erased people") from error


class Erased:
    """The list of them."""

    def __init__(self, db: Database, clock: Clock, secrets: Secrets) -> None:
        self._db = db
        self._clock = clock
        self._secrets = secrets

    def add(self, sourced_id: SourcedId) -> None:
        """Let nobody bring this person back."""
        self._db.execute(
            "INSERT OR IGNORE INTO erased (mark, erased) VALUES (?, ?)",
            (_mark(self._secrets.get(_KEY), sourced_id), to_stamp(self._clock())),
        )

    def holds(self, sourced_id: SourcedId) -> bool:
        """Whether this person was erased."""
        return bool(self.among([sourced_id]))

    def among(self, sourced_ids: Iterable[SourcedId]) -> set[SourcedId]:
        """Those of these people who were erased."""
        known = self.list()
        if known is None:
            return set()
        marks = {mark for mark, _ in known.marks}
        return {sourced_id for sourced_id in sourced_ids if _mark(known.key, sourced_id) in marks}

    def test(self) -> Callable[[SourcedId], bool] | None:
        """What tells whether somebody was erased, by the list as it is now; ``None`` if nobody was."""
        known = self.list()
        if known is None:
            return None
        key, marks = known.key, {mark for mark, _ in known.marks}
        return lambda sourced_id: _mark(key, sourced_id) in marks

    def list(self) -> ErasedList | None:
        """The whole list; ``None`` if nobody was erased."""
        rows = self._db.execute("SELECT mark, erased FROM erased ORDER BY erased").fetchall()
        if not rows or (key := self._secrets.find(_KEY)) is None:
            return None
        return ErasedList(key, [(mark, stamp) for mark, stamp in rows])

    def adopt(self, other: ErasedList) -> None:
        """Take over the list of a later state of this registry, whose key replaces this one's.

        Marks that only this registry has were made with the same key, if there are any at all.

        :raises ValueError: if there are some that were made with another: two installations' lists cannot be joined.
        """
        present = self.list()
        if present is not None and present.key != other.key:
            raise ValueError("this list of erased people is of another installation")
        self._secrets.put(_KEY, other.key)
        self._db.conn.executemany("INSERT OR IGNORE INTO erased (mark, erased) VALUES (?, ?)", other.marks)


def _mark(key: bytes, sourced_id: SourcedId) -> bytes:
    return hashlib.blake2b(sourced_id.encode(), key=key, digest_size=32).digest()
