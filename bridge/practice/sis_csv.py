"""Reads OneRoster CSV, 1.2 or 1.1, into the practice SIS: a folder or a zip with the files in its root.

It believes its input: columns are found by name, whatever the manifest says, and what is blank is left out. In 1.2 a
user's roles are in ``roles.csv``; in 1.1 they are made of ``role`` and ``orgSourcedIds``.
"""

import csv
import io
import re
import zipfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from bridge.clock import Clock, utc_now
from bridge.practice.sis_records import COLLECTIONS, SisRoster, reference

_USER_ID = re.compile(r"\{([^:}]*):([^}]*)\}")
_ROLES_1P1 = {"administrator": "siteAdministrator"}

Row = Mapping[str, str]


def _list(text: str) -> list[str]:
    return [one.strip() for one in text.split(",") if one.strip()]


def _refer(type_: str) -> Callable[[str], Any]:
    return lambda text: reference(type_, text)


def _refer_each(type_: str) -> Callable[[str], Any]:
    return lambda text: [reference(type_, one) for one in _list(text)]


def _user_ids(text: str) -> list[dict[str, str]]:
    return [{"type": found[1], "identifier": found[2]} for found in _USER_ID.finditer(text)]


_COLUMNS: Mapping[str, tuple[str, Callable[[str], Any]]] = {
    "parentSourcedId": ("parent", str),
    "orgSourcedId": ("org", _refer("org")),
    "primaryOrgSourcedId": ("primaryOrg", _refer("org")),
    "schoolSourcedId": ("school", _refer("org")),
    "schoolYearSourcedId": ("schoolYear", _refer("academicSession")),
    "courseSourcedId": ("course", _refer("course")),
    "classSourcedId": ("class", _refer("class")),
    "userSourcedId": ("user", _refer("user")),
    "termSourcedIds": ("terms", _refer_each("academicSession")),
    "agentSourcedIds": ("agents", _refer_each("user")),
    "userIds": ("userIds", _user_ids),
    "grades": ("grades", _list),
    "subjects": ("subjects", _list),
    "subjectCodes": ("subjectCodes", _list),
    "periods": ("periods", _list),
    "preferredGivenName": ("preferredFirstName", str),
    "preferredFamilyName": ("preferredLastName", str),
}
"""The columns whose name or form differs from the field's."""

_NOT_SERVED = {"sourcedId", "password", "resourceSourcedIds", "role", "orgSourcedIds"}


def read_csv(path: Path, clock: Clock = utc_now) -> SisRoster:
    """A roster of everything that a set of CSV files holds.

    :param path: a folder, or a zip.
    :raises FileNotFoundError: if there is none, or no users.csv in it.
    :raises ValueError: if a sourcedId is repeated in a file.
    """
    roster = SisRoster(clock)
    files = _texts(path)
    if "users" not in files:
        raise FileNotFoundError(f"there is no users.csv in {path.name}")
    roles = _roles(files.get("roles", ""))
    for collection in COLLECTIONS:
        for row in _rows(files.get(collection, "")):
            fields = _fields(row, collection)
            if collection == "users":
                fields["roles"] = roles[row["sourcedId"]] or _roles_1p1(row)
            roster.add(collection, row["sourcedId"], **fields)
    return roster


def _texts(path: Path) -> dict[str, str]:
    if path.is_dir():
        return {one.stem: one.read_text(encoding="utf-8-sig") for one in path.glob("*.csv")}
    with zipfile.ZipFile(path) as archive:
        return {
            name.removesuffix(".csv"): archive.read(name).decode("utf-8-sig")
            for name in archive.namelist()
            if name.endswith(".csv")
        }


def _rows(text: str) -> Iterator[Row]:
    return iter(csv.DictReader(io.StringIO(text)))


def _fields(row: Row, collection: str) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    metadata: dict[str, str] = {}
    for column, text in row.items():
        if not text:
            continue
        if column.startswith("metadata."):
            metadata[column.removeprefix("metadata.")] = text
        elif column not in _NOT_SERVED or (column == "role" and collection == "enrollments"):
            name, read = _COLUMNS.get(column, (column, str))
            fields[name] = read(text)
    if "parent" in fields:
        fields["parent"] = reference(COLLECTIONS[collection], fields["parent"])
    return fields | ({"metadata": metadata} if metadata else {})


def _roles(text: str) -> defaultdict[str, list[dict[str, Any]]]:
    roles: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in _rows(text):
        if row.get("status") != "tobedeleted":
            dates = {name: row[name] for name in ("beginDate", "endDate") if row.get(name)}
            role = {"roleType": row["roleType"], "role": row["role"], "org": reference("org", row["orgSourcedId"])}
            roles[row["userSourcedId"]].append(role | dates)
    return roles


def _roles_1p1(row: Row) -> list[dict[str, Any]]:
    role = _ROLES_1P1.get(row["role"], row["role"])
    return [{"roleType": "primary", "role": role, "org": reference("org", org)} for org in _list(row["orgSourcedIds"])]
