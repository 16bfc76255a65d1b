"""Whose a sourcedId is: of each collection there is one record of one sourcedId, and it belongs to one source.

A source that brings its own sourcedIds may bring one that is taken. Its record is not used then, and takes nothing from
the one that is there; nor is any record used that refers to it, since that would make a person of one school a member
of another's class.
"""

from collections.abc import Sequence

from sqlite_utils import Database

from bridge.roster.identity import SourcedId
from bridge.roster.model import COLLECTIONS

_REMEMBERED = 10_000


class Ownership:
    """Knows what a source may not use. To be used within one transaction.

    :param source: the source's number; ``None`` if it is new.
    """

    def __init__(self, db: Database, source: int | None) -> None:
        self._db = db
        self._source = source
        self._known: dict[tuple[str, SourcedId], bool] = {}

    def objection(self, mentions: Sequence[tuple[str, SourcedId]]) -> str | None:
        """Why something cannot be used that is about the first of these records, and refers to the others.

        The reason says nothing of the other source.
        """
        for number, (collection, sourced_id) in enumerate(mentions):
            if self._is_taken(collection, sourced_id):
                what = f"refers to a sourcedId in {collection}" if number else "its sourcedId is one"
                return f"{what} that is taken by another source: give this source a prefix (--prefix)"
        return None

    def _is_taken(self, collection: str, sourced_id: SourcedId) -> bool:
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        key = (collection, sourced_id)
        if key not in self._known:
            row = self._db.execute(
                f'SELECT 1 FROM "{COLLECTIONS[collection].name}" WHERE sourcedId = ? AND source IS NOT ?',  # noqa: S608
                (sourced_id, self._source),
            ).fetchone()
            self._known[key] = row is not None
        return self._known[key]
