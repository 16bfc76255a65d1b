"""Everything that a caller may see of the mirror, at one moment, streamed: for exports.

One read transaction, one record in memory at a time, in the order of sourcedIds.
"""

# ruff: noqa: S608 - every value is bound, and the names that stand in the SQL are the model's own

import json
from collections.abc import Container, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, Self

from bridge.mirror.condition_sql import FACET_FIELD, NEVER, Term, all_of
from bridge.mirror.horizon import Horizons
from bridge.mirror.mirror import Mirror
from bridge.mirror.writes import last_write
from bridge.roster.model import CLASSES, COLLECTIONS, Collection
from bridge.roster.privacy import PersonDetail
from bridge.roster.redaction import redacted
from bridge.roster.visibility import Visibility

_REMEMBERED = 65_536


class Extract:
    """A caller's view of the mirror, within a read transaction: see :meth:`of`.

    :param visibility: whoever is limited gets what she is served, and nothing else.
    :param since: the number of a write: only what later ones have changed, tombstones included; ``None`` is everything
        that is active.
    :param collections: the names of those that she may read.
    """

    def __init__(self, mirror: Mirror, visibility: Visibility, since: int | None, collections: Container[str]) -> None:
        self._db = mirror.db
        self._since = since
        sources = mirror.source_ids()
        names = list(sources) if visibility.sources is None else sorted(visibility.sources)
        self._sources = [sources[name] for name in names if name in sources]
        self._visibility = visibility
        self._collections = collections
        self._horizon = Horizons().of(mirror.db, visibility) if visibility.is_limited else None
        self._is_whole = not visibility.is_limited and visibility.privacy is PersonDetail.PUBLIC
        self._is_active = lru_cache(maxsize=_REMEMBERED)(self._look_up)

    @classmethod
    @contextmanager
    def of(
        cls,
        mirror: Mirror,
        visibility: Visibility,
        since: str | None = None,
        *,
        collections: Container[str] = frozenset(COLLECTIONS),
    ) -> Iterator[Self]:
        """One read transaction for all that is read inside the block, so that it agrees.

        :param since: a stamp: only what has changed after it.
        """
        mirror.db.execute("BEGIN")
        try:
            row = mirror.db.execute(f"SELECT {last_write('<=')}", (since,)).fetchone()
            yield cls(mirror, visibility, None if since is None else int(row[0]), collections)
        finally:
            mirror.db.execute("ROLLBACK")

    def records(self, collection: Collection) -> Iterator[tuple[Mapping[str, Any], str]]:
        """The active records, or those that have changed, each with its dateLastModified."""
        wanted = self._wanted(collection)
        rows = self._db.execute(
            f'SELECT document, stamp FROM "{collection.name}" AS r'
            f" JOIN writes ON writes.changed = r.changed WHERE {wanted.sql} ORDER BY r.sourcedId",
            wanted.parameters,
        )
        for document, stamp in rows:
            yield self._as_seen(collection, json.loads(document)), stamp

    def metadata_keys(self, collection: Collection) -> Sequence[str]:
        """The keys that their metadata have, in order."""
        if "metadata" not in self._visibility.shown(collection).fields:
            return []
        wanted = self._wanted(collection)
        rows = self._db.execute(
            f'SELECT DISTINCT json_each.key FROM "{collection.name}" AS r,'
            f" json_each(r.document, '$.metadata') WHERE {wanted.sql} ORDER BY 1",
            wanted.parameters,
        )
        return [key for (key,) in rows.fetchall()]

    def is_active(self, collection: Collection, sourced_id: str) -> bool:
        """Whether there is an active record of this sourcedId that may be seen."""
        return self._is_active(collection.name, sourced_id)

    def before(self, collection: Collection, sourced_id: str) -> Mapping[str, Any] | None:
        """What a record was before the changes that are told of, as long as the change log goes back."""
        row = self._db.execute(
            "SELECT before FROM changes WHERE collection = ? AND sourcedId = ? AND changed > ? ORDER BY id LIMIT 1",
            (collection.name, sourced_id, self._since),
        ).fetchone()
        return None if row is None or row[0] is None else self._as_seen(collection, json.loads(row[0]))

    def org_of_course(self, sourced_id: str) -> str | None:
        """The school of one of a course's classes."""
        sources = json.dumps(self._sources)
        seen = all_of(self._horizon.terms(CLASSES, row_given=True) if self._horizon else [])
        row = self._db.execute(
            'SELECT min("school.sourcedId") FROM "classes" AS r WHERE seq IN (SELECT seq FROM facets WHERE value = ?'
            f" AND source IN (SELECT value FROM json_each(?)) AND field = {FACET_FIELD})"
            f" AND status = 'active' AND source IN (SELECT value FROM json_each(?)) AND {seen.sql}",
            (sourced_id, sources, CLASSES.name, "course.sourcedId", sources, *seen.parameters),
        ).fetchone()
        return None if row[0] is None else str(row[0])

    def _wanted(self, collection: Collection) -> Term:
        """What holds for a row ``r`` that is to be written."""
        if collection.name not in self._collections:
            return NEVER
        # The plus signs keep SQLite from choosing an index other than that of the order.
        which = Term("+r.status = 'active'") if self._since is None else Term("r.changed > ?", (self._since,))
        of_sources = Term("+r.source IN (SELECT value FROM json_each(?))", (json.dumps(self._sources),))
        seen = self._horizon.terms(collection) if self._horizon else []
        return all_of([which, of_sources, *seen])

    def _as_seen(self, collection: Collection, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """What of a record is served to the caller."""
        if self._is_whole:
            return body
        return redacted(body, self._visibility.shown(collection), self._horizon.sees if self._horizon else None)

    def _look_up(self, name: str, sourced_id: str) -> bool:
        if self._horizon is not None and not self._horizon.sees(name, sourced_id):
            return False
        row = self._db.execute(
            f"SELECT 1 FROM \"{name}\" WHERE sourcedId = ? AND status = 'active'"
            " AND +source IN (SELECT value FROM json_each(?))",
            (sourced_id, json.dumps(self._sources)),
        ).fetchone()
        return row is not None
