"""What a query means, in plain Python: the other half of every comparison with SQL.

Written from :mod:`bridge.roster.query` alone, record by record, with nothing of the code that it checks.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from bridge.roster.model import Collection, Path, Shape
from bridge.roster.query import And, Comparison, Condition, Or, Predicate, Query, Sort


@dataclass(frozen=True)
class Record:
    """A record as the mirror holds it."""

    seq: int
    source: str
    stamp: str
    document: dict[str, Any]


def matching(query: Query, records: Iterable[Record]) -> list[Record]:
    """The records that a query finds, on all its pages, in its order."""
    found = [record for record in records if _is_found(query, record)]
    if query.sort is None:
        return sorted(found, key=lambda record: record.seq, reverse=query.descending)
    sort = query.sort
    return sorted(
        found, key=lambda record: (*_order(sort, record, query.collection), record.seq), reverse=sort.descending
    )


def _is_found(query: Query, record: Record) -> bool:
    visible = query.visibility.sources
    if visible is not None and record.source not in visible:
        return False
    conditions = [condition for condition in (query.preset, query.where) if condition is not None]
    if not all(holds(condition, record, query.collection) for condition in conditions):
        return False
    return query.search is None or any(
        query.search.casefold() in text.casefold()
        for name in query.collection.searchable
        for text in _texts(_path(query.collection, name), record)
    )


def _order(sort: Sort, record: Record, collection: Collection) -> tuple[bool, list[int]]:
    (text,) = list(_texts(_path(collection, sort.field), record)) or [None]
    return text is None, [ord(character) for character in text or ""]


def holds(condition: Condition, record: Record, collection: Collection) -> bool:
    match condition:
        case And(terms):
            return all(holds(term, record, collection) for term in terms)
        case Or(terms):
            return any(holds(term, record, collection) for term in terms)
        case Comparison(field, Predicate.NOT_EQUAL, value):
            return not holds(Comparison(field, Predicate.EQUAL, value), record, collection)
        case Comparison(field, predicate, value):
            path = _path(collection, field)
            texts = list(_texts(path, record))
            if path.many and "," in value and predicate is Predicate.EQUAL:
                return _keys(path, texts) == _keys(path, value.split(","))
            if path.many and "," in value and predicate is Predicate.CONTAINS:
                return bool(set(texts) & set(value.split(",")))
            return any(_satisfies(path, text, predicate, value) for text in texts)


def _satisfies(path: Path, text: str, predicate: Predicate, value: str) -> bool:
    if predicate is Predicate.CONTAINS:
        return value in text
    ((have,), (want,)) = (_keys(path, [text]), _keys(path, [value]))
    match predicate:
        case Predicate.EQUAL:
            return have == want
        case Predicate.GREATER:
            return have > want
        case Predicate.GREATER_OR_EQUAL:
            return have >= want
        case Predicate.LESS:
            return have < want
        case _:
            return have <= want


def _keys(path: Path, texts: Iterable[str]) -> set[Any]:
    """What texts are compared by: instants, or code points."""
    if path.shape is Shape.TEXT:
        return {tuple(map(ord, text)) for text in texts}
    instants = (datetime.fromisoformat(text[:19] + text[19:].replace(" ", "+")) for text in texts)
    return {instant if instant.tzinfo else instant.replace(tzinfo=UTC) for instant in instants}


def _path(collection: Collection, name: str) -> Path:
    path = collection.path(name)
    assert path is not None
    return path


def _texts(path: Path, record: Record) -> Iterator[str]:
    if path.shape is Shape.INSTANT:
        yield record.stamp
    elif path.name.startswith("metadata."):
        key = path.name.removeprefix("metadata.")
        value = None if any(mark in key for mark in '"\\\n') else record.document.get("metadata", {}).get(key)
        if isinstance(value, str):
            yield value
        elif isinstance(value, bool | int | float):
            yield json.dumps(value)
    else:
        yield from _scalars(record.document, path.name.split("."))


def _scalars(value: Any, steps: list[str]) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _scalars(item, steps)
    elif not steps:
        yield value
    elif steps[0] in value:
        yield from _scalars(value[steps[0]], steps[1:])
