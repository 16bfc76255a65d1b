"""A set of CSV files as a snapshot of a source: what the reconciler reads.

The files are read in an order in which what is referred to comes first, one row at a time. Of a bulk set the sourcedIds
of everything but enrollments and demographics are remembered, to find references that lead nowhere. A row that cannot
be used is rejected with its file and line, and whatever was held of its record stays.

A user's roles are rows of a file of their own. In a bulk set each is stated as a part of the user, and the parts are
put together where they are staged. In a delta set they change the roles that are held, so those rows are gathered
first.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from bridge.oneroster.csv.archive import Archive
from bridge.oneroster.csv.cells import record_of, role_sourced_id
from bridge.oneroster.csv.manifest import Mode
from bridge.oneroster.csv.places import Places
from bridge.oneroster.csv.references import NEEDED, referred
from bridge.oneroster.csv.rows import Header, Row, read_rows
from bridge.oneroster.csv.sets import CsvSet
from bridge.oneroster.csv.tables import ROLES, TABLES, Table
from bridge.roster.identity import ContextKey
from bridge.roster.model import USERS, Collection
from bridge.roster.normalising import is_ended
from bridge.roster.ports import Gone, PageRead, Rejected, Stated
from bridge.roster.records import WHOLE_SOURCE, state, subject_of

_NESTING = frozenset({"orgs", "academicSessions"})
_REMEMBERED = frozenset({"orgs", "academicSessions", "courses", "classes", "users"})


class Held(Protocol):
    """What the mirror holds of the source."""

    def record(self, collection: Collection, sourced_id: str) -> Mapping[str, Any] | None:
        """One record as it was stated; ``None`` if there is none that lives."""

    def facts(self, collection: Collection) -> Iterator[Stated]:
        """All that is held of a collection, tombstones too."""


class CsvSnapshot:
    """:class:`bridge.roster.ports.Snapshot` of a set. Iterated once.

    :param held: what a set that does not say all is completed by.
    :param prefix: goes before every sourcedId.
    :ivar places: where each record stood, once it has been read.
    """

    def __init__(self, archive: Archive, csv_set: CsvSet, source: str, held: Held, *, prefix: str = "") -> None:
        self._archive = archive
        self._set = csv_set
        self._held = held
        self._prefix = prefix
        self.source = source
        self.context: ContextKey = WHOLE_SOURCE
        self.bookmark: str | None = None
        self.delta_rows = 0
        self.places = Places()
        self._ids: dict[str, set[str]] = defaultdict(set)

    @property
    def complete(self) -> bool:
        """Whether a record that did not come has ended: rows that are dated as changes contradict the manifest."""
        return self._set.mode is Mode.BULK and not self.delta_rows

    def __iter__(self) -> Iterator[Stated | Rejected | Gone | PageRead]:
        for name, table in TABLES.items():
            if name in self._set.files:
                self.places.enter(table.file)
                yield from self._table(table)
            elif self._set.mode is Mode.BULK and table is not ROLES:
                for stated in self._held.facts(table.collection):
                    if stated.kind.counted:
                        self.places.note()
                    yield stated

    def merge(self, earlier: bytes, later: bytes) -> bytes:
        """A user and one more of her roles.

        :raises ValueError: if both are whole records: a sourcedId stands for one row of a file.
        """
        first, second = json.loads(earlier), json.loads(later)
        if second.keys() != {"sourcedId", "roles"}:
            raise ValueError("is listed twice")
        first["roles"] = [*first.get("roles", ()), *second["roles"]]
        return json.dumps(first, ensure_ascii=False, separators=(",", ":")).encode()

    def _table(self, table: Table) -> Iterator[Stated | Rejected | Gone]:
        if table.collection is USERS and self._set.mode is not Mode.BULK:
            if table is not ROLES or "users" not in self._set.files:
                yield from self._changed_users()
            return
        children = self._children(table)
        with self._archive.open(table.file) as text:
            header, rows = read_rows(table, text)
            self._set.notice_header(table, header)
            for row in rows:
                record = self._usable(table, header, row)
                if isinstance(record, str):
                    yield self._rejected(row.line, self._subject(table, row), record)
                    if table is ROLES:
                        yield from self._part_as_held(row)
                elif table is ROLES:
                    yield from self._part(row, record)
                else:
                    if found := children(record["sourcedId"]):
                        record["children"] = [{"sourcedId": one} for one in found]
                    if table.name == "users" and "role" not in header.columns and "roles" not in self._set.files:
                        record["roles"] = self._held_roles(record["sourcedId"])
                    yield from self._stated(table.collection, record, row.line)

    def _children(self, table: Table) -> Callable[[str], Sequence[str]]:
        """Who names a record as its parent, which the JSON binding says of both: of a bulk set by reading the file
        ahead, of a delta set as it is held."""
        if table.name not in _NESTING:
            return lambda _: ()
        if self._set.mode is not Mode.BULK:
            return lambda sourced_id: self._held_children(table.collection, sourced_id)
        found: dict[str, list[str]] = defaultdict(list)
        with self._archive.open(table.file) as text:
            header, rows = read_rows(table, text)
            for row in rows:
                record = record_of(header.columns, row.cells)
                if not is_ended(record) and "sourcedId" in record:
                    for parent in referred(record.get("parent")):
                        found[parent].append(record["sourcedId"])
        return lambda sourced_id: sorted(found.get(sourced_id, ()))

    def _held_children(self, collection: Collection, sourced_id: str) -> list[str]:
        held = self._held.record(collection, self._prefix + sourced_id) or {}
        return list(referred(held.get("children")))

    def _usable(self, table: Table, header: Header, row: Row) -> dict[str, Any] | str:
        """The record in a row, or why there is none that can be used."""
        if row.problem is not None:
            return row.problem
        record = record_of(header.columns, row.cells)
        if "sourcedId" not in record:
            return "has no sourcedId"
        if record.get("dateLastModified") and not self._set.told_to_be_bulk:
            self.delta_rows += 1
        if is_ended(record):
            return record
        if self._set.mode is Mode.BULK:
            for name, collection in NEEDED[table.name]:
                known = self._ids[collection.name]
                if collection.name in self._set.files and not known.issuperset(referred(record.get(name))):
                    return f"{name}: refers to a record that {collection.name}.csv does not hold"
        if table.name in _REMEMBERED:
            self._ids[table.name].add(record["sourcedId"])
        return record

    def _part(self, row: Row, record: dict[str, Any]) -> Iterator[Stated | Rejected | Gone]:
        """A row of roles.csv in a bulk set."""
        user, role = _role(record)
        if user is None:
            yield self._rejected(row.line, None, "userSourcedId is missing")
        elif "users" not in self._set.files:
            yield self._rejected(row.line, subject_of(USERS.name, self._prefix + user), "there is no users.csv with it")
        elif not is_ended(record):
            yield from self._stated(USERS, {"sourcedId": user, "roles": [role]}, row.line)

    def _part_as_held(self, row: Row) -> Iterator[Stated | Rejected | Gone]:
        """The role that a row of a bulk set cannot replace."""
        user = row.cells.get("userSourcedId", "")
        roles = [one for one in self._held_roles(user) if one.get("sourcedId") == row.cells.get("sourcedId")]
        if roles and user in self._ids["users"]:
            yield from self._stated(USERS, {"sourcedId": user, "roles": roles}, row.line)

    def _changed_users(self) -> Iterator[Stated | Rejected | Gone]:
        """Users and roles of a delta set, upon what is held."""
        changes: dict[str, list[tuple[int, dict[str, Any]]]] = defaultdict(list)
        if "roles" in self._set.files:
            self.places.enter(ROLES.file)
            with self._archive.open(ROLES.file) as text:
                header, rows = read_rows(ROLES, text)
                for row in rows:
                    record = self._usable(ROLES, header, row)
                    if isinstance(record, str) or (user := _role(record)[0]) is None:
                        reason = record if isinstance(record, str) else "userSourcedId is missing"
                        yield self._rejected(row.line, self._subject(ROLES, row), reason)
                    else:
                        changes[user].append((row.line, record))
        if "users" in self._set.files:
            self.places.enter(TABLES["users"].file)
            with self._archive.open(TABLES["users"].file) as text:
                header, rows = read_rows(TABLES["users"], text)
                for row in rows:
                    record = self._usable(TABLES["users"], header, row)
                    if isinstance(record, str):
                        yield self._rejected(row.line, self._subject(TABLES["users"], row), record)
                        continue
                    if "role" not in header.columns:
                        of_user = changes.pop(record["sourcedId"], [])
                        record["roles"] = self._roles_after(record["sourcedId"], of_user)
                    yield from self._stated(USERS, record, row.line)
        self.places.enter(ROLES.file)
        for user, of_user in changes.items():
            line = of_user[0][0]
            held = self._held.record(USERS, self._prefix + user)
            if held is None:
                subject = subject_of(USERS.name, self._prefix + user)
                yield self._rejected(line, subject, "names a user who is neither in users.csv nor known already")
            else:
                yield from self._stated(USERS, {**held, "roles": self._roles_after(user, of_user)}, line)

    def _roles_after(self, user: str, changes: list[tuple[int, dict[str, Any]]]) -> list[dict[str, Any]]:
        """A user's roles after rows of a delta; those that are held without a sourcedId have the one of an export."""
        roles = {role.get("sourcedId") or role_sourced_id(user, role): role for role in self._held_roles(user)}
        for _, record in changes:
            roles.pop(record["sourcedId"], None)
            if not is_ended(record):
                roles[record["sourcedId"]] = _role(record)[1]
        return list(roles.values())

    def _held_roles(self, user: str) -> list[dict[str, Any]]:
        held = self._held.record(USERS, self._prefix + user) or {}
        return [one for one in held.get("roles", ()) if isinstance(one, dict)]

    def _stated(self, collection: Collection, record: object, line: int) -> Iterator[Stated | Rejected | Gone]:
        yield from state(collection, record, self.places.note(line), self._prefix)

    def _rejected(self, line: int, subject: str | None, reason: str) -> Rejected:
        return Rejected(self.places.note(line), subject, reason)

    def _subject(self, table: Table, row: Row) -> str | None:
        """Whom a row that cannot be used is about."""
        sourced_id = row.cells.get("userSourcedId" if table is ROLES else "sourcedId")
        return subject_of(table.collection.name, self._prefix + sourced_id) if sourced_id else None


def _role(record: Mapping[str, Any]) -> tuple[str | None, dict[str, Any]]:
    """Whose role a row of roles.csv is, and the role, with the row's sourcedId and what else a user's role has."""
    user = next(referred(record.get("user")), None)
    names = ("sourcedId", "roleType", "role", "org", "beginDate", "endDate")
    return user, {name: record[name] for name in names if name in record}
