"""Everything that a caller may see of the mirror, at one moment, streamed: for exports.

One read transaction, one record in memory at a time, in the order of sourcedIds.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, Self

from bridge.mirror.mirror import Mirror
from bridge.roster.model import CLASSES, Collection
from bridge.roster.visibility import Visibility

_REMEMBERED = 65_536


class Extract:
    """A caller's view of the mirror, within a read transaction: see :meth:`of`.

    :param visibility: of whole sources.
    :param since: the number of a write: only what later ones have changed, tombstones included; ``None`` is everything
        that is active.
    """

    def __init__(self, mirror: Mirror, visibility: Visibility, since: int | None) -> None:
        self._db = mirror.db
        self._since = since
        sources = mirror.source_ids()
        seen = visibility.whole_sources
        names = list(sources) if seen is None else sorted(seen)
        self._sources = json.dumps([sources[name] for name in names if name in sources])
        self._is_active = lru_cache(maxsize=_REMEMBERED)(self._look_up)

    @classmethod
    @contextmanager
    def of(cls, mirror: Mirror, visibility: Visibility, since: str | None = None) -> Iterator[Self]:
        """One read transaction for all that is read inside the block, so that it agrees.

        :param since: a stamp: only what has changed after it.
        :raises ValueError: if the visibility is limited beyond sources: an extract would not honour that.
        """
        mirror.db.execute("BEGIN")
        try:
            row = mirror.db.execute(
                "SELECT coalesce(max(changed), 0) FROM writes WHERE stamp <= ?", (since,)
            ).fetchone()
            yield cls(mirror, visibility, None if since is None else int(row[0]))
        finally:
            mirror.db.execute("ROLLBACK")

    def records(self, collection: Collection) -> Iterator[tuple[Mapping[str, Any], str]]:
        """The active records, or those that have changed, each with its dateLastModified."""
        rows = self._db.execute(
            f'SELECT document, stamp FROM "{collection.name}" AS record'  # noqa: S608 - a name of ours
            f" JOIN writes ON writes.changed = record.changed WHERE {self._wanted} ORDER BY record.sourcedId",
            self._parameters,
        )
        for document, stamp in rows:
            yield json.loads(document), stamp

    def metadata_keys(self, collection: Collection) -> Sequence[str]:
        """The keys that their metadata have, in order."""
        rows = self._db.execute(
            f'SELECT DISTINCT json_each.key FROM "{collection.name}" AS record,'  # noqa: S608
            f" json_each(record.document, '$.metadata') WHERE {self._wanted} ORDER BY 1",
            self._parameters,
        )
        return [key for (key,) in rows.fetchall()]

    def is_active(self, collection: Collection, sourced_id: str) -> bool:
        """Whether there is an active record of this sourcedId."""
        return self._is_active(collection.name, sourced_id)

    def before(self, collection: Collection, sourced_id: str) -> Mapping[str, Any] | None:
        """What a record was before the changes that are told of, as long as the change log goes back."""
        row = self._db.execute(
            "SELECT before FROM changes WHERE collection = ? AND sourcedId = ? AND changed > ? ORDER BY id LIMIT 1",
            (collection.name, sourced_id, self._since),
        ).fetchone()
        return None if row is None or row[0] is None else dict(json.loads(row[0]))

    def org_of_course(self, sourced_id: str) -> str | None:
        """The school of one of a course's classes."""
        row = self._db.execute(
            'SELECT min("school.sourcedId") FROM "classes" WHERE seq IN (SELECT seq FROM facets WHERE value = :course'
            " AND source IN (SELECT value FROM json_each(:sources))"
            " AND field = (SELECT field FROM facet_fields WHERE collection = :collection AND path = :path))"
            " AND status = 'active' AND source IN (SELECT value FROM json_each(:sources))",
            {"course": sourced_id, "collection": CLASSES.name, "path": "course.sourcedId", "sources": self._sources},
        ).fetchone()
        return None if row[0] is None else str(row[0])

    # The plus signs keep SQLite from choosing an index other than that of the order.
    @property
    def _wanted(self) -> str:
        which = "+record.status = 'active'" if self._since is None else "record.changed > :since"
        return f"{which} AND +record.source IN (SELECT value FROM json_each(:sources))"  # noqa: S608

    @property
    def _parameters(self) -> dict[str, object]:
        return {"sources": self._sources, "since": self._since}

    def _look_up(self, name: str, sourced_id: str) -> bool:
        row = self._db.execute(
            f"SELECT 1 FROM \"{name}\" WHERE sourcedId = ? AND status = 'active'"  # noqa: S608
            " AND +source IN (SELECT value FROM json_each(?))",
            (sourced_id, self._sources),
        ).fetchone()
        return row is not None
