"""What is held on one person, in all files, and erasing it for good.

A keyed hash of her sourcedId stays in the registry: whoever reads a roster leaves her out, and a backup from before is
made to forget her when it is restored.
"""

import json
import sqlite3
from contextlib import ExitStack
from typing import Any

from sqlite_utils import Database

from bridge import storage
from bridge.clock import Clock
from bridge.errors import Busy, UnknownObject
from bridge.mirror.erasing import People, Person
from bridge.mirror.mirror import Mirror
from bridge.registry.erased import ErasedList
from bridge.registry.registry import Registry
from bridge.roster.identity import SourcedId
from bridge.wiring import Wiring


def export_person(wiring: Wiring, sourced_id: str) -> dict[str, Any]:
    """Everything that is held on a person.

    :raises UnknownObject: if nothing is.
    """
    person = _find(wiring, sourced_id)
    return {
        "sourcedId": person.sourced_id,
        "source": person.source,
        **People(wiring.mirror, wiring.clock).export(person),
        **_in_registry(wiring.registry.db, person),
    }


def erase_person(wiring: Wiring, sourced_id: str) -> None:
    """Erase a person: from the mirror, the registry and the memory of walks, and from their files' unused parts.

    :raises UnknownObject: if nothing is held on her, or no more than a tombstone.
    :raises Busy: if one of her rosters is being reconciled just now. She is left out of that reading's successors
        already; erase her again when it has ended.
    """
    person = _find(wiring, sourced_id)
    # First of all: a reading that begins while this goes on must leave her out.
    wiring.registry.erased.add(person.sourced_id)
    with ExitStack() as held:
        for context in wiring.registry.contexts.all():
            is_hers = context.tenant == person.source and context.key in person.contexts
            if is_hers and held.enter_context(wiring.holding(context)) is None:
                raise Busy(f"class {context.class_sourced_id} is being reconciled just now: try again", 60)
        erase_from(wiring.mirror, wiring.registry, person, wiring.clock)
    with storage.write(wiring.walks.db):
        wiring.walks.forget_all()  # a walk that is sorted by name remembers the last one
    for db in (wiring.mirror.db, wiring.registry.db, wiring.walks.db):
        storage.scrub(db)


def erase_from(mirror: Mirror, registry: Registry, person: Person, clock: Clock) -> None:
    """Erase a person from both databases; what was overwritten may still be in their logs until they are scrubbed."""
    People(mirror, clock).erase(person)
    registry.db.execute("PRAGMA secure_delete = ON")
    users = json.dumps(sorted(_user_ids(person)))
    with storage.write(registry.db):
        registry.db.execute(
            "DELETE FROM launch_roles WHERE tenant = ? AND user_id IN (SELECT value FROM json_each(?))",
            (person.source, users),
        )
        registry.db.execute(
            "DELETE FROM inbox WHERE payload ->> '$.tenant' = ?"
            " AND payload ->> '$.user' IN (SELECT value FROM json_each(?))",
            (person.source, users),
        )


def erase_again(mirror: Mirror, registry: Registry, clock: Clock) -> int:
    """Erase from a mirror that is older than the registry's list whoever stands on that; how many there were."""
    people = People(mirror, clock)
    found = registry.erased.among(set(people.ids()))
    for sourced_id in sorted(found):
        person = people.find(sourced_id)
        if person is not None:
            erase_from(mirror, registry, person, clock)
    if found:
        for db in (mirror.db, registry.db):
            storage.scrub(db)
    return len(found)


def erased_in(registry: Database, clock: Clock) -> ErasedList | None:
    """The list in a registry that may be of an older version, or damaged: ``None`` if it cannot be read."""
    try:
        return Registry(registry, clock).erased.list()
    except sqlite3.DatabaseError:
        return None


def _find(wiring: Wiring, sourced_id: str) -> Person:
    person = People(wiring.mirror, wiring.clock).find(SourcedId(sourced_id))
    if person is None:
        raise UnknownObject("nobody has this sourcedId: it is the 'sourcedId' of a user, as OneRoster serves it")
    return person


def _in_registry(db: Database, person: Person) -> dict[str, Any]:
    users = json.dumps(sorted(_user_ids(person)))
    roles = db.query(
        "SELECT context, user_id, roles, launched FROM launch_roles WHERE tenant = ?"
        " AND user_id IN (SELECT value FROM json_each(?))",
        (person.source, users),
    )
    waiting = db.query(
        "SELECT kind, payload, created FROM inbox WHERE payload ->> '$.tenant' = ?"
        " AND payload ->> '$.user' IN (SELECT value FROM json_each(?))",
        (person.source, users),
    )
    return {"launchRoles": list(roles), "inbox": list(waiting)}


def _user_ids(person: Person) -> set[str]:
    """What her LMS calls her: a subject, or the first part of one that names a deployment too."""
    found = set()
    for subject in person.subjects:
        found.add(subject)
        try:
            parts = json.loads(subject)
        except ValueError:
            continue
        if isinstance(parts, list) and parts and isinstance(parts[0], str):
            found.add(parts[0])
    return found
