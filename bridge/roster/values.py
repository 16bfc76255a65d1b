"""What a document holds at a path."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any


def values_at(document: Mapping[str, Any], path: str) -> list[str]:
    """Every scalar at a dotted path, in the document's order, through lists and objects, as text.

    Booleans and numbers take their JSON text. ``null``, lists of lists and objects at the end of the path give nothing.

    >>> values_at({"roles": [{"role": "teacher"}, {"role": "aide"}]}, "roles.role")
    ['teacher', 'aide']
    """
    whole, at, beside = path.partition("@")
    if at:
        # Two fields of one entry of a list, as a pair: "roles.role@org.sourcedId".
        head, _, field = whole.partition(".")
        entries = document.get(head, ())
        return [f"{a}@{b}" for entry in entries for a in values_at(entry, field) for b in values_at(entry, beside)]
    found: list[Any] = [document]
    for step in _steps(path):
        further: list[Any] = []
        for value in found:
            if isinstance(value, dict) and step in value:
                at_step = value[step]
                if isinstance(at_step, list):
                    further.extend(item for item in at_step if not isinstance(item, list))
                else:
                    further.append(at_step)
        found = further
    return [_text(value) for value in found if isinstance(value, str | int | float)]


@lru_cache(maxsize=1024)
def _steps(path: str) -> tuple[str, ...]:
    return tuple(path.split("."))


def _text(value: str | float) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
