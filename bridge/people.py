"""What is held on one person, in all files, and erasing it for good.

A keyed hash of her sourcedId stays in the registry: whoever reads a roster, imports files or takes up launches leaves
her out, and a backup from before is made to forget her when it is restored.
"""

import json
import sqlite3
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from sqlite_utils import Database

from bridge import storage
from bridge.clock import Clock
from bridge.errors import Busy, UnknownObject
from bridge.mirror.erasing import People, Person
from bridge.mirror.mirror import Mirror
from bridge.registry.erased import ErasedList
from bridge.registry.key_lock import KeyLock
from bridge.registry.people import PeopleOfLaunches
from bridge.registry.registry import Registry
from bridge.registry.rosters import Reconciled
from bridge.roster.identity import SourcedId
from bridge.wiring import Wiring

_PATIENCE = 60
"""Seconds for readings to end that began before somebody was erased, and may yet be applied."""


def export_person(wiring: Wiring, sourced_id: str) -> dict[str, Any]:
    """Everything that is held on a person.

    :raises UnknownObject: if nothing is.
    """
    person = find_person(wiring, sourced_id)
    return {
        "sourcedId": person.sourced_id,
        "source": person.source,
        **People(wiring.mirror, wiring.clock).export(person),
        **PeopleOfLaunches(wiring.registry.db).export(person.sourced_id, person.source, _user_ids(person)),
    }


def erase_person(wiring: Wiring, sourced_id: str, *, sleep: Callable[[float], None] = time.sleep) -> None:
    """Erase a person: from the mirror, the registry and the memory of walks, and from their files' unused parts.

    :raises UnknownObject: if nothing is held on her.
    :raises Busy: if one of her rosters is being reconciled just now, or another of her source's for a long time. She is
        left out of that reading's successors already; erase her again when it has ended.
    """
    person = find_person(wiring, sourced_id)
    # First of all: a reading that begins while this goes on must leave her out.
    wiring.registry.erased.add(person.sourced_id)
    with ExitStack() as held:
        rosters = _rosters_of(wiring.registry, person.source)
        hers = {lease: roster for lease, roster in rosters.items() if roster.key in person.contexts}
        for lease, roster in rosters.items():
            if lease in hers and held.enter_context(wiring.holding(roster)) is None:
                raise Busy(f"{roster.name} is being reconciled just now: try again", 60)
        # Those that she is new to may be in the middle of a reading that tells of her.
        deadline = time.monotonic() + _PATIENCE
        for lease, roster in rosters.items():
            while lease not in hers and wiring.registry.leases.held(lease) is not None:
                if time.monotonic() > deadline:
                    raise Busy(f"{roster.name} is being reconciled just now: try again", 60)
                sleep(0.2)
        erase_from(wiring.mirror, wiring.registry, person, wiring.clock)
    try:
        for db in (wiring.mirror.db, wiring.registry.db):
            storage.scrub(db)
    finally:
        # A walk that is sorted by name remembers the last one; now no page is being read any more that has hers on it.
        wiring.walks.forget_all()


def erase_from(mirror: Mirror, registry: Registry, person: Person, clock: Clock) -> None:
    """Erase a person from both databases; what was overwritten may still be in their logs until they are scrubbed."""
    # What waits in the inbox first: what is taken up from it later is held against the list.
    with storage.write(registry.db):
        PeopleOfLaunches(registry.db).erase(person.sourced_id, person.source, _user_ids(person))
    People(mirror, clock).erase(person)


def erase_again(mirror: Mirror, registry: Registry, clock: Clock) -> int:
    """Erase from a mirror that is older than the registry's list whoever stands on that; how many there were."""
    people, of_launches = People(mirror, clock), PeopleOfLaunches(registry.db)
    found = registry.erased.among({*people.ids(), *of_launches.ids()})
    for sourced_id in sorted(found):
        person = _held(people, of_launches, sourced_id)
        if person is not None:
            erase_from(mirror, registry, person, clock)
    if found:
        for db in (mirror.db, registry.db):
            storage.scrub(db)
    return len(found)


def erase_held_again(wiring: Wiring) -> int:
    """The same for these files, whose memory of walks may have come to them; how many there were."""
    count = erase_again(wiring.mirror, wiring.registry, wiring.clock)
    if count:
        wiring.walks.forget_all()
    return count


def held_again(wiring: Wiring) -> int:
    """How many people are held who were erased: none, unless the mirror's file was put back by hand."""
    people, of_launches = People(wiring.mirror, wiring.clock), PeopleOfLaunches(wiring.registry.db)
    if wiring.registry.erased.list() is None:
        return 0
    return len(wiring.registry.erased.among({*people.ids(), *of_launches.ids()}))


def erased_in(registry: Database, clock: Clock, key_lock: KeyLock) -> ErasedList | None:
    """The list in a registry that may be of an older version, or damaged: ``None`` if it cannot be read.

    :raises ConfigError: if it is there, and its key cannot be opened.
    """
    try:
        return Registry(registry, clock, key_lock=key_lock).erased.list()
    except sqlite3.DatabaseError:
        return None


def find_person(wiring: Wiring, sourced_id: str) -> Person:
    """The person with this sourcedId, as she is held.

    :raises UnknownObject: if nothing is held on her.
    """
    people, of_launches = People(wiring.mirror, wiring.clock), PeopleOfLaunches(wiring.registry.db)
    person = _held(people, of_launches, SourcedId(sourced_id))
    if person is None:
        raise UnknownObject("nobody has this sourcedId: it is the 'sourcedId' of a user, as OneRoster serves it")
    return person


def _held(people: People, of_launches: PeopleOfLaunches, sourced_id: SourcedId) -> Person | None:
    """Her as the mirror knows her, or as somebody of whom nothing but a launch has told."""
    person = people.find(sourced_id)
    if person is None and (tenant := of_launches.tenant_of(sourced_id)) is not None:
        person = Person(sourced_id=sourced_id, source=tenant, subjects=(), contexts=())
    return person


def _rosters_of(registry: Registry, source: str) -> dict[str, Reconciled]:
    """By their leases: files of a provider that is asked too are read under the same."""
    every: list[Reconciled] = [*registry.rosters.all(), *registry.csv_sources.all()]
    return {roster.lease: roster for roster in every if roster.tenant == source}


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
