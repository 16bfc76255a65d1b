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
from bridge.mirror.condition_sql import ANY_SOURCE
from bridge.mirror.documents import Documents
from bridge.mirror.mirror import Mirror
from bridge.mirror.stated_members import ERASED as ERASED_OF
from bridge.mirror.writes import next_changed, stamp
from bridge.roster.erasure import people_in
from bridge.roster.identity import ContextKey, SourcedId
from bridge.roster.model import COLLECTIONS, DEMOGRAPHICS, ENROLLMENTS, USERS
from bridge.roster.ports import Derived
from bridge.roster.supplied import SUPPLIED

ERASED = "bridge.erased"
"""The metadata key of a tombstone of somebody who was erased."""

_ENROLLED = "coalesce(\"user.sourcedId\", x'')"  # as the index has it
_OF_RUNS = "run IN (SELECT id FROM runs WHERE source = :source)"
_SUBJECTS = "subject IN (SELECT value FROM json_each(:subjects))"
_RECORDS = "(collection, sourcedId) IN (SELECT value ->> 0, value ->> 1 FROM json_each(:records))"
# An enrollment that was hers may be somebody else's by now: what it was goes, and what it is stays.
_FORMER = f"({_SUBJECTS} AND {_OF_RUNS} OR rowid IN (SELECT value FROM json_each(:former)))"
_CHANGES = (
    f"source = :source AND ({_RECORDS} OR collection = 'enrollments' AND before ->> '$.user.sourcedId' = :sourced_id)"
)
# Only an enrollment's text tells whose it is.
_TEXT = "CASE WHEN subject > 'enrollments/' AND subject < 'enrollments0' THEN raw END"
_NAMING = f"""
SELECT DISTINCT users.sourcedId FROM users JOIN facets USING (seq)
WHERE value = :sourced_id AND facets.source IN ({ANY_SOURCE.sql})
    AND field = (SELECT field FROM facet_fields WHERE collection = 'users' AND path = 'agents.sourcedId')
ORDER BY 1
"""

_EXPORTS = {
    "facts": f"SELECT context, kind, subject, raw, run, gone FROM facts WHERE source = :source AND {_SUBJECTS}",
    "formerFacts": f"SELECT run, kind, subject, change, raw FROM fact_changes WHERE {_FORMER}",
    "changes": f"SELECT changed, collection, sourcedId, kind, before FROM changes WHERE {_CHANGES} ORDER BY id",
    "events": f"SELECT event, collection, sourcedId, kind FROM outbox WHERE source = :source AND {_RECORDS}",
    "heldPlans": f"SELECT run, subject FROM held WHERE {_SUBJECTS} AND {_OF_RUNS}",
    "quarantine": f"SELECT run, subject, reason FROM quarantine WHERE {_SUBJECTS} AND {_OF_RUNS}",
}
_ERASURES = (
    f"DELETE FROM facts WHERE source = :source AND {_SUBJECTS}",
    f"DELETE FROM fact_changes WHERE {_FORMER}",
    f"UPDATE changes SET before = NULL WHERE {_CHANGES}",
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
        subjects, contexts, source = set(), set(), ""
        for name, subject, context, raw in self._facts():
            if sourced_id in people_in(name, subject, raw):
                source = name
                subjects.add(subject)
                contexts.add(ContextKey(context))
        if not source:
            rows = self._db.execute(
                "SELECT name FROM sources JOIN (SELECT source FROM users WHERE sourcedId = :id"
                " UNION SELECT source FROM demographics WHERE sourcedId = :id"
                f" UNION SELECT source FROM enrollments WHERE {_ENROLLED} = :id) AS held"
                " ON held.source = sources.id",
                {"id": sourced_id},
            ).fetchall()
            if not rows:
                return None
            source = rows[0][0]
        return Person(
            sourced_id=sourced_id, source=source, subjects=tuple(sorted(subjects)), contexts=tuple(sorted(contexts))
        )

    def ids(self) -> Iterator[SourcedId]:
        """The sourcedIds of everybody on whom something may be held."""
        for source, subject, _, raw in self._facts():
            yield from people_in(source, subject, raw)
        for (sourced_id,) in self._db.execute(
            f"SELECT sourcedId FROM users WHERE document ->> '$.metadata.\"{ERASED}\"' IS NULL"
            " UNION SELECT sourcedId FROM demographics WHERE status = 'active'"
            " UNION SELECT \"user.sourcedId\" FROM enrollments WHERE status = 'active'"
        ).fetchall():
            yield SourcedId(sourced_id)

    def _facts(self) -> Iterator[tuple[str, str, str, bytes]]:
        """Source, subject, context and, of enrollments, the text, of all that is and was said of anybody."""
        for source, subject, context, raw in self._db.execute(
            f"SELECT name, subject, context, {_TEXT} FROM facts JOIN sources ON sources.id = facts.source"
            " WHERE subject <> ''"
        ):
            yield source, subject, context, (raw or "").encode()

    def _former(self, person: Person) -> list[int]:
        """The rows of what was said of her before, and is said no more."""
        rows = self._db.execute(
            f"SELECT fact_changes.rowid, subject, {_TEXT} FROM fact_changes JOIN runs ON runs.id = run"
            " WHERE runs.source = ? AND subject <> ''",
            (self._mirror.source_ids().get(person.source),),
        )
        return [
            row
            for row, subject, raw in rows
            if person.sourced_id in people_in(person.source, subject, (raw or "").encode())
        ]

    def export(self, person: Person) -> dict[str, Any]:
        """Everything that the mirror holds on her."""
        values = self._values(person)
        records = [
            {"collection": collection, "record": json.loads(document)}
            for collection, _, document in self._records(person)
        ]
        held = {name: list(self._db.query(sql, values)) for name, sql in _EXPORTS.items()}
        named_by = [row[0] for row in self._db.execute(_NAMING, {"sourced_id": person.sourced_id}).fetchall()]
        return {"records": records, "namedAsAgentBy": named_by, **held}

    def erase(self, person: Person) -> None:
        """Take out everything that the mirror holds on her, in one transaction, leaving a tombstone.

        :param person: as she was found; what was said of her since goes too.
        """
        self._db.execute("PRAGMA secure_delete = ON")
        with storage.write(self._db):
            found = self.find(person.sourced_id)
            if found is None:
                return
            person = found
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
            self._mirror.note(ERASED_OF.format(source), str(changed))
            stamp(self._db, changed, None, self._clock)

    def _values(self, person: Person) -> dict[str, object]:
        records = [(collection, sourced_id) for collection, sourced_id, _ in self._records(person)]
        subjects = {*person.subjects, *(f"{collection}/{sourced_id}" for collection, sourced_id in records)}
        return {
            "source": self._mirror.source_ids().get(person.source),
            "sourced_id": person.sourced_id,
            "subjects": json.dumps(sorted(subjects)),
            "former": json.dumps(self._former(person)),
            "records": json.dumps(records),
        }

    def _records(self, person: Person) -> Sequence[tuple[str, str, str]]:
        """Her records: collection, sourcedId, document."""
        found = []
        for collection, column in ((USERS, "sourcedId"), (ENROLLMENTS, _ENROLLED), (DEMOGRAPHICS, "sourcedId")):
            rows = self._db.execute(
                f'SELECT sourcedId, document FROM "{collection.name}" WHERE {column} = ?', (person.sourced_id,)
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
