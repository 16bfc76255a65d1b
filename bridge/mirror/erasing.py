"""A person in the mirror: everything that is held on her, and taking it out.

What stays is a tombstone: her record and those of her enrollments, ``tobedeleted``, without a name, so that consumers
hear of it and references to her lead somewhere. What is taken out is overwritten in the file.
"""

# ruff: noqa: S608 - every value is bound, and the names that stand in the SQL are the model's own

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from bridge import storage
from bridge.clock import Clock
from bridge.mirror.documents import Documents
from bridge.mirror.mirror import Mirror
from bridge.mirror.writes import next_changed, stamp
from bridge.roster.erasure import people_in
from bridge.roster.identity import ContextKey, SourcedId
from bridge.roster.model import COLLECTIONS, DEMOGRAPHICS, ENROLLMENTS, USERS
from bridge.roster.ports import Derived
from bridge.roster.supplied import SUPPLIED

ERASED = "bridge.erased"
"""The metadata key of a tombstone of somebody who was erased."""

_OF_RUNS = "run IN (SELECT id FROM runs WHERE source = :source)"
_SUBJECTS = "subject IN (SELECT value FROM json_each(:subjects))"
_RECORDS = "(collection, sourcedId) IN (SELECT value ->> 0, value ->> 1 FROM json_each(:records))"

_EXPORTS = {
    "facts": f"SELECT context, kind, subject, raw, run, gone FROM facts WHERE source = :source AND {_SUBJECTS}",
    "formerFacts": f"SELECT run, kind, subject, change, raw FROM fact_changes WHERE {_SUBJECTS} AND {_OF_RUNS}",
    "changes": "SELECT changed, collection, sourcedId, kind, before FROM changes WHERE"
    f" source = :source AND {_RECORDS} ORDER BY id",
    "events": f"SELECT event, collection, sourcedId, kind FROM outbox WHERE source = :source AND {_RECORDS}",
    "heldPlans": f"SELECT run, subject FROM held WHERE {_SUBJECTS} AND {_OF_RUNS}",
    "quarantine": f"SELECT run, subject, reason FROM quarantine WHERE {_SUBJECTS} AND {_OF_RUNS}",
}
_ERASURES = (
    f"DELETE FROM facts WHERE source = :source AND {_SUBJECTS}",
    f"DELETE FROM fact_changes WHERE {_SUBJECTS} AND {_OF_RUNS}",
    f"UPDATE changes SET before = NULL WHERE source = :source AND {_RECORDS}",
    f"DELETE FROM held WHERE {_SUBJECTS} AND {_OF_RUNS}",
    f"DELETE FROM quarantine WHERE {_SUBJECTS} AND {_OF_RUNS}",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody whom the mirror knows.

    :param source: the source's name.
    :param subjects: what the source's facts about her are known by.
    :param contexts: where there are any.
    """

    sourced_id: SourcedId
    source: str
    subjects: tuple[str, ...]
    contexts: tuple[ContextKey, ...]


class People:
    """The people of one mirror."""

    def __init__(self, mirror: Mirror, clock: Clock) -> None:
        self._mirror = mirror
        self._db = mirror.db
        self._clock = clock

    def find(self, sourced_id: SourcedId) -> Person | None:
        """The person with this sourcedId; ``None`` if nothing is held on her."""
        found = [person for person in self._all() if person.sourced_id == sourced_id]
        if found:
            return found[0]
        rows = self._db.execute(
            "SELECT name FROM sources JOIN users ON users.source = sources.id WHERE sourcedId = ?", (sourced_id,)
        ).fetchall()
        return Person(sourced_id=sourced_id, source=rows[0][0], subjects=(), contexts=()) if rows else None

    def ids(self) -> Iterator[SourcedId]:
        """The sourcedIds of everybody on whom something may be held."""
        for source, subject in self._db.execute(
            "SELECT DISTINCT name, subject FROM facts JOIN sources ON sources.id = facts.source WHERE subject <> ''"
        ).fetchall():
            yield from people_in(source, subject)
        for (sourced_id,) in self._db.execute(
            f"SELECT sourcedId FROM users WHERE document ->> '$.metadata.\"{ERASED}\"' IS NULL"
        ).fetchall():
            yield SourcedId(sourced_id)

    def _all(self) -> Iterator[Person]:
        subjects: dict[tuple[str, SourcedId], tuple[set[str], set[ContextKey]]] = {}
        for source, subject, context in self._db.execute(
            "SELECT name, subject, context FROM facts JOIN sources ON sources.id = facts.source WHERE subject <> ''"
        ):
            for sourced_id in people_in(source, subject):
                names, contexts = subjects.setdefault((source, sourced_id), (set(), set()))
                names.add(subject)
                contexts.add(ContextKey(context))
        for (source, sourced_id), (names, contexts) in subjects.items():
            yield Person(
                sourced_id=sourced_id,
                source=source,
                subjects=tuple(sorted(names)),
                contexts=tuple(sorted(contexts)),
            )

    def export(self, person: Person) -> dict[str, Any]:
        """Everything that the mirror holds on her."""
        values = self._values(person)
        records = [
            {"collection": collection, "record": json.loads(document)}
            for collection, _, document in self._records(person)
        ]
        held = {name: list(self._db.query(sql, values)) for name, sql in _EXPORTS.items()}
        return {"records": records, **held}

    def erase(self, person: Person) -> None:
        """Take out everything that the mirror holds on her, in one transaction, leaving a tombstone."""
        self._db.execute("PRAGMA secure_delete = ON")
        with storage.write(self._db):
            values = self._values(person)
            source = self._mirror.source_ids()[person.source]
            changed = next_changed(self._db)
            documents = Documents(self._db, source, changed)
            documents.put(
                [
                    Derived(collection, SourcedId(sourced_id), _tombstone(collection, json.loads(document)))
                    for collection, sourced_id, document in self._records(person)
                ]
            )
            documents.finish()
            for sql in _ERASURES:
                self._db.execute(sql, values)
            stamp(self._db, changed, None, self._clock)

    def _values(self, person: Person) -> dict[str, object]:
        records = [(collection, sourced_id) for collection, sourced_id, _ in self._records(person)]
        subjects = {*person.subjects, *(f"{collection}/{sourced_id}" for collection, sourced_id in records)}
        return {
            "source": self._mirror.source_ids()[person.source],
            "subjects": json.dumps(sorted(subjects)),
            "records": json.dumps(records),
        }

    def _records(self, person: Person) -> Sequence[tuple[str, str, str]]:
        """Her records: collection, sourcedId, document."""
        found = []
        for collection, column in ((USERS, "sourcedId"), (ENROLLMENTS, "user.sourcedId"), (DEMOGRAPHICS, "sourcedId")):
            rows = self._db.execute(
                f'SELECT sourcedId, document FROM "{collection.name}" WHERE "{column}" = ?', (person.sourced_id,)
            ).fetchall()
            found += [(collection.name, sourced_id, document) for sourced_id, document in rows]
        return found


def _tombstone(collection: str, body: dict[str, Any]) -> dict[str, Any]:
    """What stays of a record: what it is, what it refers to, and nothing that tells who she was."""
    kept = {"sourcedId": body["sourcedId"], "status": "tobedeleted"}
    if collection == USERS.name:
        kept |= {
            "enabledUser": "false",
            "givenName": "Person",
            "familyName": "erased",
            "roles": [{name: role[name] for name in role if name != "userProfile"} for role in body["roles"]],
        }
        return {**kept, "metadata": {SUPPLIED: "enabledUser,givenName,familyName", ERASED: "true"}}
    if collection == ENROLLMENTS.name:
        kept |= {name: body[name] for name in ("user", "class", "school", "role") if name in body}
    assert collection in COLLECTIONS
    return kept
