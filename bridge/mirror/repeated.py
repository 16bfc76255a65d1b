"""What a source says again, byte for byte, in the order in which it said it before.

Of a large roster that has not changed, this is nearly all. Whoever is known here is neither looked into nor written:
she is told by the number of the fact that is held. Order is only a guess where to look: who is not found here is staged
as well, and compared with all that is held.
"""

import json
from collections.abc import Sequence

from sqlite_utils import Database

from bridge.roster.identity import ContextKey
from bridge.roster.ports import FactKind

IN_ORDER = {FactKind.MEMBER: "facts_of_members", FactKind.RECORD: "facts_of_records"}
"""The index that holds the live facts of a context in the order in which they were first stated, by kind."""

_MORE = 100
"""How many more facts are looked at than were stated: some of those that were there may have left."""

_MOST_BYTES = 8 * 1024 * 1024
"""Of the facts that are looked at at once, whatever they hold."""

_NEXT = """
SELECT subject, id, CAST(raw AS BLOB) FROM facts INDEXED BY {index}
WHERE source = :source AND context = :context AND kind = '{kind}' AND gone IS NULL
    AND id >= (SELECT id FROM facts
        WHERE source = :source AND context = :context AND kind = '{kind}' AND subject = :first AND gone IS NULL)
ORDER BY id LIMIT :most
"""
_NEXT_OF = {kind: _NEXT.format(kind=kind, index=index) for kind, index in IN_ORDER.items()}
# A platform may repeat a page: then the first time counts.
_NOTE = """
INSERT OR IGNORE INTO temp.repeated (fact, position)
SELECT value, :position + key FROM json_each(:facts) WHERE value IS NOT NULL
"""


class Repeated:
    """Knows the members, or records, of one context again.

    :param source: the source's number; ``None`` if nobody is to be known again.
    :ivar key: both, as the parameters of a statement.
    """

    def __init__(self, db: Database, source: int | None, context: ContextKey) -> None:
        self.key = {"source": source, "context": context}
        self._db = db

    def known(self, kind: FactKind, subjects: Sequence[str | None], raws: Sequence[bytes]) -> list[int | None]:
        """For each of these, the number of the live fact that says the same of the same subject, if it is found."""
        key = {**self.key, "first": subjects[0], "most": len(subjects) + _MORE}
        held: dict[str | None, tuple[str, int, bytes]] = {}
        room = _MOST_BYTES
        for row in self._db.execute(_NEXT_OF[kind], key):
            held[row[0]] = row
            room -= len(row[2])
            if room < 0:
                break
        return [
            fact[1] if (fact := held.get(subject)) is not None and fact[2] == raw else None
            for subject, raw in zip(subjects, raws, strict=True)
        ]

    def note(self, facts: Sequence[int | None], position: int) -> None:
        """Write down who was known again: ``facts`` as :meth:`known` gives them.

        :param position: the first one's place among those that are counted.
        """
        self._db.execute(_NOTE, {"facts": json.dumps(facts), "position": position})
