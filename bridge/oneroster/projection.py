"""The OneRoster ``fields`` parameter, and documents with only the selected fields.

Documents are JSON throughout: they are read just far enough to drop what was not selected, and the values that
stay are copied as they are written.

Spec: OneRoster 1.2 Rostering REST binding, "Field selection". An unknown or blank name is refused, as the OpenAPI
document says (``invalid_selection_field``); ``sourcedId`` is not added by itself.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import msgspec

from bridge.errors import InvalidSelection
from bridge.roster.model import Collection

_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Selection:
    """The top-level fields to keep, in the order in which the class lists them.

    That is the order in which they are written, too.
    """

    fields: tuple[str, ...]

    def apply(self, documents: bytes) -> bytes:
        """The same documents, with only the selected fields.

        :param documents: in UTF-8, joined by commas, as the answer is.
        """
        return _encode(_reader(self.fields)(b"[%b]" % documents))[1:-1]


def parse_fields(values: Sequence[str], collection: Collection) -> Selection:
    """Read ``fields``: a comma list, or the parameter repeated, or both.

    :param values: the parameter's values, percent-decoded.
    :raises InvalidSelection: if a name is blank, dotted, or not one of the class.
    """
    chosen = {name.strip(" \t") for value in values for name in value.split(",")}
    for name in sorted(chosen):
        _check(name, collection)
    return Selection(tuple(name for name in collection.fields if name in chosen))


def _check(name: str, collection: Collection) -> None:
    if name in collection.fields:
        return
    if not name:
        raise InvalidSelection("holds a blank name; write a comma list, or leave the parameter out for all fields")
    top = name.partition(".")[0]
    if top in collection.fields:
        raise InvalidSelection(f"selects whole fields only: write {top}")
    raise InvalidSelection(f"{collection.why_not(name)}; it has {', '.join(collection.fields)}")


@lru_cache(maxsize=256)
def _reader(fields: tuple[str, ...]) -> Callable[[bytes], list[object]]:
    """Reads an array of documents, knowing these fields alone: others are skipped unread, absent ones stay absent."""
    selected = msgspec.defstruct(
        "Selected", [(name, msgspec.Raw | msgspec.UnsetType, msgspec.UNSET) for name in fields]
    )
    return msgspec.json.Decoder(list[selected]).decode  # type: ignore[valid-type]  # made at run time
