"""Records as a set of CSV files: everything that is active, or what has changed since a moment.

A bulk set is closed under references: what refers to a record that is not in it goes without that reference, or, where
it cannot, stays out itself and is counted. A delta set says what has changed, tombstones included, and nothing else.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Protocol

from bridge.oneroster.csv.cells import Record, cells_of, metadata_cells, role_sourced_id
from bridge.oneroster.csv.manifest import FILE, Mode, manifest_rows
from bridge.oneroster.csv.references import NEEDED, SPARED, referred
from bridge.oneroster.csv.tables import METADATA, ROLES, TABLES, USERS_1_2_0, Table
from bridge.oneroster.csv.writing import SetWriter
from bridge.roster.model import CLASSES, COURSES, USERS, Collection

_SUPPLIED = {"classType": "scheduled"}
"""What the CSV binding requires and the JSON binding does not."""

_FORMULAS = ("=", "+", "-", "@")

_TOLD_EVERY = 1_000
"""Rows."""


class Extract(Protocol):
    """What is to be written, at one moment, in the order of sourcedIds."""

    def records(self, collection: Collection) -> Iterator[tuple[Record, str]]:
        """The active records, or those that have changed, each with its dateLastModified."""

    def metadata_keys(self, collection: Collection) -> Sequence[str]:
        """The keys that their metadata have, in order."""

    def is_active(self, collection: Collection, sourced_id: str) -> bool:
        """Whether there is an active record of this sourcedId."""

    def before(self, collection: Collection, sourced_id: str) -> Record | None:
        """What a record was before the changes that are told of; ``None`` if it was not there, or is not known."""

    def org_of_course(self, sourced_id: str) -> str | None:
        """The school of one of a course's classes."""


@dataclass(slots=True)
class ExportReport:
    """What was written.

    :ivar rows: by file, without the header; files that are absent are not named.
    :ivar left_out: by file: records that refer to something that is not there and cannot do without.
    :ivar formulas: cells that a spreadsheet may take for a formula. They are written as they are.
    """

    rows: dict[str, int] = field(default_factory=dict)
    left_out: Counter[str] = field(default_factory=Counter)
    formulas: int = 0


def export_set(
    extract: Extract,
    out: BinaryIO,
    mode: Mode,
    *,
    with_resources: bool = False,
    progress: Callable[[int], None] = lambda _: None,
) -> ExportReport:
    """Write a set.

    :param with_resources: write the header of ``users`` as CSV Binding 1.2.0 has it, with ``resourceSourcedIds``.
    :param progress: told now and then how many rows have been written.
    """
    with SetWriter(out) as writer:
        return _Export(extract, writer, mode, with_resources, progress).run()


class _Export:
    def __init__(
        self,
        extract: Extract,
        writer: SetWriter,
        mode: Mode,
        with_resources: bool,
        progress: Callable[[int], None],
    ) -> None:
        self._extract = extract
        self._writer = writer
        self._mode = mode
        self._tables = {**TABLES, "users": USERS_1_2_0} if with_resources else TABLES
        self._gone: dict[str, set[str]] = {}
        self._progress = progress
        self._written = 0
        self._report = ExportReport()

    def run(self) -> ExportReport:
        for table in self._tables.values():
            if table is ROLES:
                header, rows = list(table.header), self._role_rows()
            else:
                keys = self._extract.metadata_keys(table.collection)
                header = [*table.header, *(METADATA + key for key in keys)]
                rows = self._rows(table, keys)
            if count := self._writer.write(table.file, header, rows):
                self._report.rows[table.file] = count
        modes = {name.removesuffix(".csv"): self._mode for name in self._report.rows}
        (first, *rest) = manifest_rows(modes)
        self._writer.write(FILE, first, rest)
        return self._report

    def _rows(self, table: Table, keys: Sequence[str]) -> Iterator[list[str]]:
        for record, stamp in self._extract.records(table.collection):
            usable = self._closed(table, record) if self._mode is Mode.BULK else record
            if usable is None:
                self._report.left_out[table.file] += 1
                self._gone.setdefault(table.name, set()).add(record["sourcedId"])
                continue
            cells = cells_of(table.columns, self._with_what_csv_requires(table, usable))
            yield self._counted([*self._first(usable["sourcedId"], record["status"], stamp), *cells,
                                 *metadata_cells(keys, record)])  # fmt: skip

    def _role_rows(self) -> Iterator[list[str]]:
        for record, stamp in self._extract.records(USERS):
            user = record["sourcedId"]
            rows = {role_sourced_id(user, role): role for role in record["roles"]}
            ended = dict.fromkeys(rows, str(record["status"]))
            if self._mode is Mode.BULK:
                rows = {sourced_id: role for sourced_id, role in rows.items() if self._is_there(ROLES, role, "org")}
            elif (before := self._extract.before(USERS, user)) is not None:
                former = {role_sourced_id(user, role): role for role in before["roles"]}
                rows |= {sourced_id: role for sourced_id, role in former.items() if sourced_id not in rows}
            for sourced_id, role in rows.items():
                status = ended.get(sourced_id, "tobedeleted")
                cells = cells_of(ROLES.columns, {**role, "user": {"sourcedId": user}})
                yield self._counted([*self._first(sourced_id, status, stamp), *cells])

    def _first(self, sourced_id: str, status: str, stamp: str) -> tuple[str, str, str]:
        return (sourced_id, "", "") if self._mode is Mode.BULK else (sourced_id, status, stamp)

    def _closed(self, table: Table, record: Record) -> Record | None:
        """The record without references that lead nowhere; ``None`` if it needs one of them."""
        closed = dict(record)
        for name, _ in (*NEEDED[table.name], *SPARED.get(table.name, ())):
            if name not in closed or name == "sourcedId":
                continue
            value = closed[name]
            if isinstance(value, list):
                closed[name] = [one for one in value if self._is_there(table, {name: one}, name)]
            elif not self._is_there(table, record, name):
                del closed[name]
        for name, _ in NEEDED[table.name]:
            if name in record and not closed.get(name):
                return None
        if table.name == "demographics" and not self._is_there(table, record, "sourcedId"):
            return None
        return closed

    def _is_there(self, table: Table, record: Mapping[str, Any], name: str) -> bool:
        collection = dict((*NEEDED[table.name], *SPARED.get(table.name, ())))[name]
        gone = self._gone.get(collection.name, ())
        return all(
            sourced_id not in gone and self._extract.is_active(collection, sourced_id)
            for sourced_id in referred(record.get(name))
        )

    def _with_what_csv_requires(self, table: Table, record: Record) -> Record:
        if table.collection is CLASSES:
            return {**_SUPPLIED, **record}
        if table.collection is USERS and "username" not in record:
            return {**record, "username": record["sourcedId"]}
        if table.collection is COURSES and "org" not in record:
            org = self._extract.org_of_course(record["sourcedId"])
            return record if org is None else {**record, "org": {"sourcedId": org}}
        return record

    def _counted(self, row: list[str]) -> list[str]:
        self._report.formulas += sum(cell.startswith(_FORMULAS) for cell in row)
        self._written += 1
        if self._written % _TOLD_EVERY == 0:
            self._progress(self._written)
        return row
