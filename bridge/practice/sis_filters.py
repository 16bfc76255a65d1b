"""The practice SIS's reading of ``filter``: one comparison, or two joined by ``AND`` or ``OR``.

OneRoster 1.2 REST binding, "Filtering". A value stands in quotes, and a quote within it is doubled. A path with dots
leads into references and lists; of a list, any element will do. Instants are compared as such, all else as text.
"""

import re
from collections.abc import Callable, Collection, Iterator
from datetime import UTC, datetime
from typing import Any

from bridge.practice.sis_errors import SisRefused
from bridge.practice.sis_records import Record

_COMPARISON = r"(?P<field{0}>[A-Za-z0-9_.]+)(?P<predicate{0}>!=|>=|<=|=|>|<|~)'(?P<value{0}>(?:[^']|'')*)'"
_FILTER = re.compile(f"{_COMPARISON.format(1)}(?: (?P<join>AND|OR) {_COMPARISON.format(2)})?")
_INSTANT = "dateLastModified"
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")

Filter = Callable[[Record], bool]


def parse_filter(text: str, fields: Collection[str], *, bare_dates: bool = False) -> Filter:
    """Read a filter.

    :param fields: the names that the collection's records have.
    :param bare_dates: an instant must be written as a date.
    :raises SisRefused: with 400 if it cannot be read, or names another field.
    """
    found = _FILTER.fullmatch(text)
    if found is None:
        raise _refused("filter must be field, predicate and 'value', or two of these with AND or OR between")
    first = _comparison(found["field1"], found["predicate1"], found["value1"], fields, bare_dates)
    if found["join"] is None:
        return first
    second = _comparison(found["field2"], found["predicate2"], found["value2"], fields, bare_dates)
    if found["join"] == "AND":
        return lambda record: first(record) and second(record)
    return lambda record: first(record) or second(record)


def _comparison(field: str, predicate: str, value: str, fields: Collection[str], bare_dates: bool) -> Filter:
    name, *path = field.split(".")
    if name not in fields or not all(path):
        raise _refused(f"filter names {field}, which this collection does not have")
    value = value.replace("''", "'")
    if field == _INSTANT and predicate != "~":
        if bare_dates and _DATE.fullmatch(value) is None:
            raise _refused(f"filter must compare {_INSTANT} with a date")
        instant = _instant(value)
        return lambda record: _compares(_instant(record[_INSTANT]), predicate, instant)
    if predicate == "!=":
        return lambda record: value not in _values(record, [name, *path])
    return lambda record: any(_compares(one, predicate, value) for one in _values(record, [name, *path]))


def _values(value: Any, path: list[str]) -> Iterator[str]:
    if isinstance(value, list):
        for one in value:
            yield from _values(one, path)
    elif path:
        if isinstance(value, dict) and path[0] in value:
            yield from _values(value[path[0]], path[1:])
    elif isinstance(value, dict):
        yield from (str(value[name]) for name in ("sourcedId",) if name in value)
    else:
        yield str(value)


def _compares(left: Any, predicate: str, right: Any) -> bool:
    match predicate:
        case "=":
            return bool(left == right)
        case "!=":
            return bool(left != right)
        case ">":
            return bool(left > right)
        case ">=":
            return bool(left >= right)
        case "<":
            return bool(left < right)
        case "<=":
            return bool(left <= right)
        case _:
            return right in left


def _instant(text: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise _refused(f"filter compares {_INSTANT} with something that is no date and no instant") from None
    return instant if instant.tzinfo is not None else instant.replace(tzinfo=UTC)


def _refused(reason: str) -> SisRefused:
    return SisRefused(400, "invalid_filter_field", reason)
