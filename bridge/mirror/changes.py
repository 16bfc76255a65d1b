"""The change log: what was done to each served record, when and by which run, with the record before and after.

Only the former document is stored. What a change led to is what the next change of the same record replaced, or, if
there is none, the record as it is.
"""

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from bridge.mirror.documents import RecordChange
from bridge.mirror.mirror import Mirror
from bridge.roster.model import COLLECTIONS

_SELECT = """
SELECT c.id, writes.stamp, writes.run, sources.name, c.collection, c.sourcedId, c.kind, c.before, n.id, n.before
FROM changes AS c
JOIN writes ON writes.changed = c.changed
JOIN sources ON sources.id = c.source
LEFT JOIN changes AS n ON n.id = (
    SELECT min(id) FROM changes AS later
    WHERE later.collection = c.collection AND later.sourcedId = c.sourcedId AND later.id > c.id
)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change of one record.

    :param stamp: of the write transaction that made it: the record's ``dateLastModified`` from then on.
    :param run: the run that made it; ``None`` if no run did.
    :param before: the document without ``dateLastModified``; ``None`` if there was no such record.
    :param after: likewise; ``None`` if the record has been purged since.
    """

    id: int
    stamp: str
    run: int | None
    source: str
    collection: str
    sourced_id: str
    kind: RecordChange
    before: dict[str, Any] | None
    after: dict[str, Any] | None


class Changes:
    """The change log of one mirror."""

    def __init__(self, mirror: Mirror) -> None:
        self._db = mirror.db

    def of_run(self, run: int) -> Iterator[Change]:
        """What a run did, in the order in which it was done."""
        return self._select("WHERE writes.run = ? ORDER BY c.id", (run,))

    def page_of_run(self, run: int, limit: int, *, after: int, collections: Collection[str]) -> list[Change]:
        """Some of what a run did to records of these collections, in the order in which it was done.

        :param after: only what was done behind the change with this id.
        """
        rest = (
            "WHERE writes.run = ? AND c.id > ? AND c.collection IN (SELECT value FROM json_each(?))"
            " ORDER BY c.id LIMIT ?"
        )
        return list(self._select(rest, (run, after, json.dumps(list(collections)), limit)))

    def latest(
        self,
        limit: int,
        *,
        record: str | None = None,
        run: int | None = None,
        collection: str | None = None,
        source: str | None = None,
        before: int | None = None,
    ) -> Iterator[Change]:
        """The latest changes, newest first.

        :param record: only those of records with this sourcedId.
        :param run: only those that this run made.
        :param before: only those with a lower number than this one.
        """
        conditions: list[str] = ["TRUE"]
        parameters: list[object] = []
        if record is not None or collection is not None:
            # Collections are always named beside a sourcedId: the log is indexed by both together.
            conditions.append("c.collection IN (SELECT value FROM json_each(?))")
            parameters.append(json.dumps(list(COLLECTIONS) if collection is None else [collection]))
        if before is not None:
            conditions.append("c.id < ?")
            parameters.append(before)
        for column, value in (("c.sourcedId", record), ("writes.run", run), ("sources.name", source)):
            if value is not None:
                conditions.append(f"{column} = ?")
                parameters.append(value)
        return self._select(f"WHERE {' AND '.join(conditions)} ORDER BY c.id DESC LIMIT ?", (*parameters, limit))

    def _select(self, rest: str, parameters: tuple[object, ...]) -> Iterator[Change]:
        for number, stamp, run, source, collection, sourced_id, kind, before, later, later_before in self._db.execute(
            _SELECT + rest, parameters
        ):
            after = later_before if later is not None else self._present(collection, sourced_id)
            yield Change(
                id=number,
                stamp=stamp,
                run=run,
                source=source,
                collection=collection,
                sourced_id=sourced_id,
                kind=RecordChange(kind),
                before=None if before is None else json.loads(before),
                after=None if after is None else json.loads(after),
            )

    def _present(self, collection: str, sourced_id: str) -> str | None:
        name = COLLECTIONS[collection].name
        row = self._db.execute(f'SELECT document FROM "{name}" WHERE sourcedId = ?', (sourced_id,)).fetchone()  # noqa: S608
        return str(row[0]) if row else None
