"""How deep JSON is nested: deep texts are small to send and costly to walk."""

from typing import Any


def is_deeper(value: Any, deepest: int) -> bool:
    """Whether a value read from JSON is nested deeper than that. A text or a number is 0 deep.

    >>> is_deeper({"a": [1]}, 2), is_deeper({"a": [[1]]}, 2)
    (False, True)
    """
    level = [value]
    for _ in range(deepest):
        level = [inner for each in level for inner in _inside(each)]
    return any(isinstance(each, dict | list) for each in level)


def _inside(value: Any) -> list[Any]:
    match value:
        case dict():
            return list(value.values())
        case list():
            return value
        case _:
            return []
