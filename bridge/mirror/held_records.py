"""What the mirror holds of a source that states records, as it was stated."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from bridge.mirror.mirror import Mirror
from bridge.roster.model import Collection
from bridge.roster.ports import FactKind, Stated
from bridge.roster.records import WHOLE_SOURCE, subject_of

_ONE = """
SELECT raw FROM facts
WHERE source = :source AND context = :context AND kind = 'record' AND subject = :subject AND gone IS NULL
"""
# All subjects of a collection begin with its name and a slash; a zero is what follows a slash.
_ALL = """
SELECT kind, subject, raw FROM facts
WHERE source = :source AND context = :context AND kind IN ('record', 'tombstone') AND gone IS NULL
    AND subject > :name || '/' AND subject < :name || '0'
ORDER BY kind, subject
"""


class HeldRecords:
    """The live facts of one source."""

    def __init__(self, mirror: Mirror, source: str) -> None:
        self._db = mirror.db
        self._key = {"source": mirror.source_ids().get(source), "context": WHOLE_SOURCE}

    def record(self, collection: Collection, sourced_id: str) -> Mapping[str, Any] | None:
        """One record as it was stated; ``None`` if there is none that lives.

        :param sourced_id: with the source's prefix.
        """
        subject = subject_of(collection.name, sourced_id)
        row = self._db.execute(_ONE, {**self._key, "subject": subject}).fetchone()
        return None if row is None else dict(json.loads(row[0]))

    def facts(self, collection: Collection) -> Iterator[Stated]:
        """All that is held of a collection, tombstones too."""
        for kind, subject, raw in self._db.execute(_ALL, {**self._key, "name": collection.name}):
            yield Stated(FactKind(kind), subject, raw.encode())
