"""The records of a run that is being undone: which are still as it left them, and what has become of each."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlite_utils import Database

from bridge.mirror.runs import Run
from bridge.mirror.writes import last_write
from bridge.roster.difference import differences
from bridge.roster.model import COLLECTIONS

RecordKey = tuple[str, str]
"""Collection and sourcedId."""


@dataclass(frozen=True, slots=True)
class Left:
    """A record that the run had changed and that undoing it did not bring back, and why."""

    collection: str
    sourced_id: str
    reason: str


@dataclass(slots=True)
class Undone:
    """What undoing a run did, or would do.

    :ivar restored: the records that are again as they were before the run: those that it had added are ``tobedeleted``.
    :ivar left: the run's other records.
    """

    restored: list[RecordKey] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)


class RunRecords:
    """What a run changed, gathered in a temporary table before anything is undone.

    To be used inside the transaction that undoes the run, with :data:`TABLE` there and empty.
    """

    TABLE = """
    CREATE TEMP TABLE undone (
        collection TEXT NOT NULL, sourcedId TEXT NOT NULL, first INTEGER NOT NULL, changed INTEGER,
        PRIMARY KEY (collection, sourcedId)
    ) STRICT, WITHOUT ROWID;
    """

    def __init__(self, db: Database, run: Run) -> None:
        self._db = db
        # A run that changed no record has no write of its own: then all that came before its end counts.
        (last,) = db.execute(
            f"SELECT coalesce((SELECT max(changed) FROM writes WHERE run = ?), {last_write('<=')})",  # noqa: S608
            (run.id, run.finished),
        ).fetchone()
        self._last = int(last)
        for name in COLLECTIONS:
            db.execute(
                "INSERT INTO temp.undone (collection, sourcedId, first, changed)"  # noqa: S608 - our own names
                " SELECT c.collection, c.sourcedId, min(c.id), r.changed"
                " FROM changes AS c JOIN writes ON writes.changed = c.changed"
                f' LEFT JOIN "{name}" AS r ON r.sourcedId = c.sourcedId'
                " WHERE writes.run = ? AND c.collection = ? GROUP BY c.sourcedId",
                (run.id, name),
            )

    def since(self, changed: int) -> bool:
        """Whether a write came after the run."""
        return changed > self._last

    def is_as_left(self, record: RecordKey) -> bool:
        """Whether a record is one of the run's, and as the run left it."""
        row = self._db.execute(
            "SELECT 1 FROM temp.undone WHERE collection = ? AND sourcedId = ? AND changed <= ?", (*record, self._last)
        ).fetchone()
        return row is not None

    def report(self, reasons: Mapping[RecordKey, str]) -> Undone:
        """What has become of each, when all is done.

        :param reasons: why some were left, where that is known already.
        """
        report = Undone()
        for name in COLLECTIONS:
            rows = self._db.execute(
                "SELECT u.sourcedId, u.changed, c.before, r.document FROM temp.undone AS u"  # noqa: S608 - our own names
                f' JOIN changes AS c ON c.id = u.first LEFT JOIN "{name}" AS r ON r.sourcedId = u.sourcedId'
                " WHERE u.collection = ? ORDER BY u.sourcedId",
                (name,),
            )
            for sourced_id, changed, before, document in rows:
                if changed is None:
                    reason: str | None = "purged since"
                elif self.since(changed):
                    reason = self._changed_since(changed)
                else:
                    reason = reasons.get((name, sourced_id)) or _why_left(name, before, document)
                if reason is None:
                    report.restored.append((name, sourced_id))
                else:
                    report.left.append(Left(name, sourced_id, reason))
        return report

    def _changed_since(self, changed: int) -> str:
        (run,) = self._db.execute("SELECT run FROM writes WHERE changed = ?", (changed,)).fetchone()
        return f"changed since, by run {run}" if run is not None else "changed since"


def _why_left(collection: str, before: str | None, document: str) -> str | None:
    """Why a record that nobody has changed since is not as it was; ``None`` if it is."""
    present = json.loads(document)
    if before is None:
        as_before = present["status"] == "tobedeleted"
    else:
        as_before = not differences(collection, json.loads(before), present)
    return None if as_before else "does not follow from what the roster said alone, or that is no longer kept"
