"""Records as rows and rows as records: the differences between the CSV and the JSON binding, field by field."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID, uuid5

from bridge.oneroster.csv.tables import METADATA, Column, Form

_NAMESPACE = UUID("a1d2c6a4-33a5-5a0f-8c53-5a3f4f2a7b11")
_USER_ID = re.compile(r"\{([^:{}]+):([^{}]*)\}")
_UNPRINTABLE = re.compile(r"[{}]")
_BREAKS = re.compile(r"[\r\n]+")

Record = Mapping[str, Any]


def role_sourced_id(user: str, role: Record) -> str:
    """The sourcedId of a row of ``roles``: the JSON binding has none, so it is computed from what the role says.

    A promise: the same role of the same user has the same sourcedId in every export.
    """
    org = role.get("org", "")
    parts = [
        user,
        role.get("roleType", ""),
        role.get("role", ""),
        org.get("sourcedId") if isinstance(org, dict) else org,
    ]
    parts += [role.get("beginDate", ""), role.get("endDate", "")]
    return str(uuid5(_NAMESPACE, json.dumps(parts, ensure_ascii=False)))


def cells_of(columns: Sequence[Column], record: Record) -> list[str]:
    """The cells of a record, without the first three and the metadata.

    Line breaks become blanks, and commas within elements of lists semicolons: the binding allows neither.
    """
    return [_WRITERS[column.form](record.get(column.field)) for column in columns]


def metadata_cells(keys: Sequence[str], record: Record) -> list[str]:
    """The cells of a record's metadata; what is no text is written as JSON."""
    metadata = record.get("metadata", {})
    return [_metadata_text(metadata.get(key)) for key in keys]


def record_of(columns: Mapping[str, Column], row: Mapping[str, str]) -> dict[str, Any]:
    """The record, or the part of one, that a row says, as the JSON binding would have it; blanks are left out.

    :param columns: the known columns by name; others are passed over, but for those of metadata.
    :param row: the cells by column.
    """
    record: dict[str, Any] = {}
    metadata: dict[str, str] = {}
    for name, text in row.items():
        if not text:
            continue
        if name.startswith(METADATA):
            metadata[name.removeprefix(METADATA)] = text
        elif (column := columns.get(name)) is None:
            if name in ("sourcedId", "status", "dateLastModified"):
                record[name] = text
        elif (value := _READERS[column.form](text)) is not None:
            record[column.field] = value
    if metadata:
        record["metadata"] = metadata
    return record


def _text(value: Any) -> str:
    if value is None:
        return ""
    return _BREAKS.sub(" ", value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def _metadata_text(value: Any) -> str:
    # NRPS and SISs alike put structured things here; a text stays the text that it is.
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _joined(values: Any) -> str:
    return ",".join(_text(value).replace(",", ";") for value in values or ())


def _ids(values: Any) -> str:
    return ",".join(value["sourcedId"] for value in values or ())


def _user_ids(values: Any) -> str:
    return ",".join(
        f"{{{_UNPRINTABLE.sub('', one['type']).replace(':', '.')}:{_UNPRINTABLE.sub('', one['identifier'])}}}"
        for one in values or ()
    )


_WRITERS: Mapping[Form, Callable[[Any], str]] = {
    Form.TEXT: _text,
    Form.LIST: _joined,
    Form.REFERENCE: lambda value: value["sourcedId"] if value else "",
    Form.REFERENCES: _ids,
    Form.USER_IDS: _user_ids,
    Form.UNKEPT: lambda _: "",
}


def _elements(text: str) -> list[str]:
    return [one for part in text.split(",") if (one := part.strip())]


_READERS: Mapping[Form, Callable[[str], Any]] = {
    Form.TEXT: lambda text: text,
    Form.LIST: _elements,
    Form.REFERENCE: lambda text: {"sourcedId": text},
    Form.REFERENCES: lambda text: [{"sourcedId": one} for one in _elements(text)],
    Form.USER_IDS: lambda text: [{"type": type_, "identifier": one} for type_, one in _USER_ID.findall(text)],
    Form.UNKEPT: lambda _: None,
}
