"""What a document holds at a path."""

from collections.abc import Iterator, Mapping
from typing import Any


def values_at(document: Mapping[str, Any], path: str) -> Iterator[str]:
    """Every scalar at a dotted path, in the document's order, through lists and objects, as text.

    Booleans and numbers take their JSON text. ``null``, lists of lists and objects at the end of the path give nothing.

    >>> list(values_at({"roles": [{"role": "teacher"}, {"role": "aide"}]}, "roles.role"))
    ['teacher', 'aide']
    """
    whole, at, beside = path.partition("@")
    if at:
        # Two fields of one entry of a list, as a pair: "roles.role@org.sourcedId".
        head, _, field = whole.partition(".")
        for entry in document.get(head, ()):
            yield from (f"{a}@{b}" for a in values_at(entry, field) for b in values_at(entry, beside))
    else:
        yield from _walk(document, path.split("."))


def _walk(value: Any, rest: list[str]) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            if not isinstance(item, list):
                yield from _walk(item, rest)
    elif rest:
        if isinstance(value, Mapping) and rest[0] in value:
            yield from _walk(value[rest[0]], rest[1:])
    elif isinstance(value, bool):
        yield "true" if value else "false"
    elif isinstance(value, str | int | float):
        yield str(value)
