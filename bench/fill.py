"""``python -m bench.fill --enrollments N DIR``: a mirror of any size, and clients to read it.

Two sources, ``north`` and ``south``; for every million enrollments 200,000 people and 33,000 classes. Everybody is
invented. Records are written through :class:`bridge.mirror.documents.Documents`, as reconciling does, in writes that
alternate between the sources; there are no facts below them, so nothing can be reconciled into such a mirror. The
last write changes a hundred enrollments, for whoever asks what has changed.

Ten million would take hours if every record went into the middle of a dozen large indexes. So indexes are made when
the records are there, and facets are put in their order then: the mirror is the same, and memory does not grow.

``BRIDGE_CONFIG=DIR/bridge.toml bridge serve`` serves it.
"""

import argparse
import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from bridge import storage
from bridge.clock import utc_now
from bridge.mirror.documents import Documents
from bridge.mirror.mirror import Mirror
from bridge.mirror.writes import next_changed, stamp
from bridge.oneroster.scopes import ROSTER
from bridge.registry.registry import Registry
from bridge.roster.calendar import school_year_of
from bridge.roster.identity import (
    LtiUserId,
    class_sourced_id,
    context_key,
    enrollment_sourced_id,
    org_sourced_id,
    user_sourced_id,
)
from bridge.roster.memberships import Context
from bridge.roster.model import CLASSES, ENROLLMENTS, ORGS, USERS
from bridge.roster.ports import Derived
from bridge.roster.references import References
from bridge.roster.supplied import SUPPLIED, Surroundings
from bridge.settings import load_settings

SOURCES = ("north", "south")
PUBLIC_URL = "http://127.0.0.1:8080"
CHANGED_LAST = 100
"""Enrollments that the last write changes."""

_CLIENTS = "clients.json"
_SMALLEST = 600
_CLASSES_PER_WRITE = 300
_CACHE = 256 * 1024
"""KiB of pages that are held while filling, and of rows while sorting."""
_GIVEN = ("Amara", "Bao", "Chiara", "Deniz", "Émile", "Farah", "Goran", "Hana", "Ines", "Jonas", "Kofi", "Lena")
_FAMILY = ("Adeyemi", "Berg", "Costa", "Dubois", "Evans", "Fischer", "García", "Haddad", "Ivanova", "Jensen", "Kim")
_LEARNER = '["http://purl.imsglobal.org/vocab/lis/v2/membership#Learner"]'
_INSTRUCTOR = '["http://purl.imsglobal.org/vocab/lis/v2/membership#Instructor"]'


@dataclass(frozen=True, slots=True)
class FilledClient:
    """A client that may read the mirror.

    :param source: the only one that it sees; ``None`` if it sees both.
    """

    source: str | None
    client_id: str
    client_secret: str


@dataclass(frozen=True, slots=True)
class Size:
    """How much there is of everything, in all sources together.

    :param per_class: enrollments of each class; ``None`` for the usual thirty.
    """

    enrollments: int
    per_class: int | None = None

    @property
    def people(self) -> int:
        return max(10, self.enrollments // 5)

    @property
    def classes(self) -> int:
        usual = self.enrollments * 33 // 1000
        return max(2, usual if self.per_class is None else self.enrollments // self.per_class)


def fill(folder: Path, size: Size, *, public_url: str = PUBLIC_URL) -> list[FilledClient]:
    """Make both files in a folder, which must not hold them yet, and a configuration that names it."""
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "bridge.toml"
    config.write_text(
        f'[storage]\ndirectory = {json.dumps(str(folder.absolute()))}\n\n[server]\npublic_url = "{public_url}"\n',
        encoding="utf-8",
    )
    settings = load_settings(environ={"BRIDGE_CONFIG": str(config)})
    mirror = Mirror.open(settings.storage.mirror)
    try:
        mirror.rebase(public_url)
        fill_mirror(mirror, size, public_url=public_url)
    finally:
        mirror.close()
    with Registry.open(settings.storage.registry) as registry:
        clients = []
        for source in (None, *SOURCES):
            client, secret = registry.clients.add(
                f"bench {source or 'all'}", scopes=[ROSTER], sources=None if source is None else [source]
            )
            clients.append(FilledClient(source, client.client_id, secret))
    (folder / _CLIENTS).write_text(json.dumps([asdict(client) for client in clients]), encoding="utf-8")
    return clients


def clients_of(folder: Path) -> list[FilledClient]:
    """The clients of a folder that was filled."""
    return [FilledClient(**client) for client in json.loads((folder / _CLIENTS).read_text(encoding="utf-8"))]


def size_of(folder: Path) -> Size:
    """The size of a folder that was filled, with as many enrollments in each class as usual."""
    with closing(Mirror.open_read_only(folder / "mirror.sqlite")) as mirror:
        count = "SELECT sum(count) FROM tallies WHERE collection = ? AND kind = ''"
        return Size(*mirror.db.execute(count, [ENROLLMENTS.name]).fetchone())


def fill_mirror(mirror: Mirror, size: Size, *, public_url: str = PUBLIC_URL) -> None:
    """Write the records."""
    schools = [_School(source, number, size, public_url) for number, source in enumerate(SOURCES)]
    with _without_indexes(mirror.db):
        for school in schools:
            _write(mirror, school.source, school.surroundings.records())
            for people in school.people():
                _write(mirror, school.source, people)
        step = max(1, min(_CLASSES_PER_WRITE, size.classes // 10))
        for start in range(0, size.classes, step):
            school = schools[start // step % len(schools)]
            _write(mirror, school.source, school.classes(start, min(start + step, size.classes)))
    school = schools[0]
    last = school.classes(0, 1 + CHANGED_LAST * size.classes // size.enrollments * 2)
    enrollments = [one for one in last if one.collection == ENROLLMENTS.name][:CHANGED_LAST]
    _write(mirror, school.source, [_amended(one) for one in enrollments])
    mirror.db.conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()


@contextmanager
def _without_indexes(db: Database) -> Iterator[None]:
    """Take the indexes away, and what would be written twice; make them, and sort the facets, at the end.

    The journal is off, and nothing is waited for: a crash costs a filling, and nothing else.
    """
    execute = db.conn.execute
    execute("PRAGMA journal_mode = OFF").fetchone()
    execute("PRAGMA synchronous = OFF")
    execute(f"PRAGMA cache_size = -{_CACHE}")
    indexes = execute("SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL").fetchall()
    for name, _ in indexes:
        execute(f'DROP INDEX "{name}"')
    # It hides the mirror's own, whose rows lie in the order of their values.
    execute("CREATE TEMP TABLE facets (field INTEGER, source INTEGER, value TEXT, seq INTEGER)")
    yield
    execute("INSERT INTO main.facets SELECT field, source, value, seq FROM temp.facets ORDER BY 1, 2, 3, 4")
    execute("DROP TABLE temp.facets")
    for _, sql in indexes:
        execute(sql)
    execute("PRAGMA journal_mode = WAL").fetchone()


def _write(mirror: Mirror, source: str, derived: list[Derived]) -> None:
    with storage.write(mirror.db):
        changed = next_changed(mirror.db)
        documents = Documents(mirror.db, mirror.add_source(source), changed)
        documents.put(derived)
        documents.finish()
        stamp(mirror.db, changed, None, utc_now)


def _amended(one: Derived) -> Derived:
    assert one.body is not None
    return Derived(one.collection, one.sourced_id, {**one.body, "endDate": "2027-01-31"})


class _School:
    """What one source says: its people and classes are those whose numbers are its own, modulo the sources."""

    def __init__(self, source: str, number: int, size: Size, public_url: str) -> None:
        self.source = source
        self._number = number
        self._size = size
        self._references = References(public_url)
        self.surroundings = Surroundings(
            tenant=source,
            school_name=f"{source.title()} School",
            school_identifier=source,
            school_year=school_year_of(date(2026, 9, 1), (8, 1)),
            references=self._references,
        )

    def people(self) -> Iterator[list[Derived]]:
        """Every person of the source, some thousands at a time: one in thirty teaches."""
        batch = []
        for number in range(self._number, self._size.people, len(SOURCES)):
            batch.append(self._person(number))
            if len(batch) == 5_000:
                yield batch
                batch = []
        yield batch

    def _person(self, number: int) -> Derived:
        role = "teacher" if self._teaches(number) else "student"
        sourced_id = user_sourced_id(self.source, LtiUserId(str(number)))
        body: dict[str, Any] = {
            "sourcedId": sourced_id,
            "status": "active",
            "username": f"user{number * 7919 % 1_000_003}",
            "userIds": [{"type": "LTI", "identifier": str(number)}],
            "enabledUser": "true",
            "givenName": _GIVEN[number * 7 % len(_GIVEN)],
            "familyName": f"{_FAMILY[number * 5 % len(_FAMILY)]}-{number * 31 % 5_003}",
            "email": f"user{number * 7919 % 1_000_003}@example.org",
            "roles": [{"roleType": "primary", "role": role, "org": self._school}],
            "primaryOrg": self._school,
            "metadata": {"lti.userId": str(number), "lti.issuer": "https://lms.example.org", SUPPLIED: "enabledUser"},
        }
        if number % 3:
            body["identifier"] = f"S{number * 104_729 % 10_000_019:08}"
        return Derived(USERS.name, sourced_id, body)

    @property
    def _school(self) -> dict[str, str]:
        return dict(self._references.to(ORGS, org_sourced_id(self.source)))

    def _teaches(self, number: int) -> bool:
        return number // len(SOURCES) % 30 == 0

    def classes(self, start: int, stop: int) -> list[Derived]:
        """Some classes, each with its course and its enrollments."""
        found: list[Derived] = []
        for number in range(start, stop):
            key = context_key(str(number))
            where = {"lti.contextId": str(number), "lti.issuer": "https://lms.example.org"}
            context = Context(context_id=str(number), label=f"C{number}", title=f"Class {number * 7919 % 1_000_003}")
            found += self.surroundings.class_of(key, context, where)
            class_ = self._references.to(CLASSES, class_sourced_id(self.source, key))
            first = self._size.enrollments * number // self._size.classes
            for enrollment in range(first, self._size.enrollments * (number + 1) // self._size.classes):
                found.append(self._enrollment(enrollment, key, class_, where, teaches=enrollment == first))
        return found

    def _enrollment(self, number: int, key: Any, class_: Any, where: dict[str, str], *, teaches: bool) -> Derived:
        people = self._size.people // len(SOURCES)
        place = number % people // 30 * 30 if teaches else number % people
        person = LtiUserId(str(place * len(SOURCES) + self._number))
        sourced_id = enrollment_sourced_id(self.source, key, person)
        body: dict[str, Any] = {
            "sourcedId": sourced_id,
            # Every twentieth has left.
            "status": "tobedeleted" if number % 20 == 7 else "active",
            "user": self._references.to(USERS, user_sourced_id(self.source, person)),
            "class": class_,
            "school": self._school,
            "role": "teacher" if teaches else "student",
        }
        if teaches:
            body["primary"] = "true"
        if number % 3 == 0:  # an SIS gives dates, an LMS none
            body["beginDate"] = f"2026-09-{1 + number % 28:02}"
            body["endDate"] = f"2027-06-{1 + number % 30:02}"
        body["metadata"] = {
            "lti.roles": _INSTRUCTOR if teaches else _LEARNER,
            "lti.status": "Active",
            "lti.userId": str(place),
            **where,
        }
        return Derived(ENROLLMENTS.name, sourced_id, body)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.fill", description=__doc__)
    parser.add_argument("--enrollments", type=int, default=1_000_000, help="how many (default a million)")
    parser.add_argument("folder", type=Path, metavar="DIR", help="an empty folder, made if it is not there")
    options = parser.parse_args()
    if options.enrollments < _SMALLEST:
        parser.error(f"a class of such a mirror would have more places than there are people: at least {_SMALLEST}")
    if options.folder.exists() and any(options.folder.iterdir()):
        parser.error(f"{options.folder} is not empty")
    clients = fill(options.folder, Size(options.enrollments))
    print(f"Serve it: BRIDGE_CONFIG={options.folder / 'bridge.toml'} bridge serve --workers 2")
    for client in clients:
        print(f"sees {client.source or 'both sources'}: client id {client.client_id}, secret {client.client_secret}")
    print(f"A token: curl -u ID:SECRET -d grant_type=client_credentials {PUBLIC_URL}/oauth2/token")


if __name__ == "__main__":
    main()
