"""``manifest.csv``: what a set of files says of itself.

Spec: OneRoster CSV Binding 1.2, "Manifest"; 1.1 has fewer rows of the same form, and 1.0 no manifest at all.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from io import StringIO
from typing import TextIO

from bridge.errors import SourceRefused
from bridge.oneroster.csv.tables import DATA_FILES

FILE = "manifest.csv"
_HEADER = ["propertyName", "value"]
_LONGEST = 64 * 1024
"""Characters: some forty rows have fewer than two thousand."""


class Mode(StrEnum):
    """What a file holds."""

    ABSENT = "absent"
    BULK = "bulk"
    """All records there are: who is not in it has ended."""
    DELTA = "delta"
    """What has changed."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """A set's description of itself.

    :param version: ``oneroster.version``; ``1.0`` where there is no manifest.
    :param modes: of each data file that it names, by name without ``.csv``.
    """

    version: str
    modes: Mapping[str, Mode] = field(default_factory=dict)


def parse_manifest(text: TextIO) -> Manifest:
    """Read a manifest. Unknown properties are passed over.

    :raises SourceRefused: if it is none, or has a mode that there is not.
    """
    content = text.read(_LONGEST + 1)
    if len(content) > _LONGEST:
        raise SourceRefused(f"{FILE}: is longer than any manifest")
    try:
        rows = [[cell.strip() for cell in row] for row in csv.reader(StringIO(content, newline="")) if any(row)]
    except csv.Error as error:
        raise SourceRefused(f"{FILE}: cannot be read as CSV") from error
    if not rows or [cell.lower() for cell in rows[0][:2]] != [name.lower() for name in _HEADER]:
        raise SourceRefused(f"{FILE}: the first line must be {','.join(_HEADER)}")
    said = {row[0]: row[1] for row in rows[1:] if len(row) >= 2}
    modes = {}
    for name, value in said.items():
        if name.startswith("file."):
            try:
                modes[name.removeprefix("file.")] = Mode(value.lower())
            except ValueError:
                raise SourceRefused(f"{FILE}: {name} must be absent, bulk or delta") from None
    version = said.get("oneroster.version", "1.2")
    if version.partition(".")[0] != "1":
        raise SourceRefused(f"{FILE}: oneroster.version is one that this bridge does not know; it knows 1.0 to 1.2")
    return Manifest(version, modes)


def manifest_rows(modes: Mapping[str, Mode]) -> list[list[str]]:
    """The rows of a manifest for OneRoster 1.2, with the header.

    :param modes: of the files that are there; all others are absent.
    """
    return [
        _HEADER,
        ["manifest.version", "1.0"],
        ["oneroster.version", "1.2"],
        *([f"file.{name}", modes.get(name, Mode.ABSENT)] for name in DATA_FILES),
        ["source.systemName", "OneRoster NRPS bridge"],
        ["source.systemCode", "oneroster-nrps-bridge"],
    ]
