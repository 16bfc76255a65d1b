"""The rows of one file, each with the line that it begins on, or with what is wrong with it.

RFC 4180, with line ends of any kind and quoted line breaks, which the OneRoster binding forbids and real files have.
"""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TextIO

from bridge.errors import SourceRefused
from bridge.oneroster.csv.tables import FIRST, METADATA, USERS_1_1, USERS_1_2_0, Column, Table
from bridge.wording import counted

LONGEST_CELL = 128 * 1024
"""Characters in a cell. More means that a quote was never closed, and that the rest of the file stands in one cell."""
_LONGEST_LINE = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Row:
    """One row.

    :param line: of the file, from 1, where it begins.
    :param cells: by the name of the column, trimmed.
    :param problem: why it cannot be used; its cells are then what could be read.
    """

    line: int
    cells: Mapping[str, str]
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Header:
    """The first line of a file, understood.

    :param names: of each column, in the binding's spelling where the binding knows it.
    :param columns: those that the binding knows, by name, without the first three.
    :param unknown: how many there are besides that are no metadata.
    """

    names: tuple[str, ...]
    columns: Mapping[str, Column]
    unknown: int


def read_rows(table: Table, text: TextIO) -> tuple[Header, Iterator[Row]]:
    """Read a file.

    :raises SourceRefused: if its header lacks a column that must have values, here or while it is iterated if a quote
        is never closed, a line has no end, or if it is not in the encoding that it was opened with.
    """
    csv.field_size_limit(LONGEST_CELL)
    reader = csv.reader(_lines(text, table))
    first = _next(reader, table)
    if first is None:
        raise SourceRefused(f"{table.file} is empty: leave it out, or give it a header")
    header = _header(table, [cell.strip() for cell in first])
    return header, _rows(reader, table, header)


def _header(table: Table, cells: Sequence[str]) -> Header:
    candidates = [table]
    if table.name == "users":
        candidates = [table, USERS_1_2_0, USERS_1_1]
    known = {column.name.lower(): column for one in candidates for column in one.columns}
    first = {name.lower(): name for name in FIRST}
    names: list[str] = []
    for cell in cells:
        lower = cell.lower()
        column = known.get(lower)
        names.append(column.name if column else first.get(lower, cell))
    repeated = {name for name in names if name and names.count(name) > 1}
    if repeated:
        raise SourceRefused(f"{table.file}: a column is there twice: {sorted(repeated)[0][:64]}")
    columns = {column.name: column for column in known.values() if column.name in names}
    _check_required(table, names)
    unknown = [name for name in names if name not in columns and name not in FIRST and not name.startswith(METADATA)]
    return Header(tuple(names), columns, len(unknown))


def _check_required(table: Table, names: Sequence[str]) -> None:
    wanted = ["sourcedId", *(column.name for column in table.columns if column.required)]
    missing = [name for name in wanted if name not in names]
    if missing:
        raise SourceRefused(
            f"{table.file}: the header lacks {', '.join(missing)}: it must be the OneRoster CSV binding's"
        )


def _rows(reader: Iterator[list[str]], table: Table, header: Header) -> Iterator[Row]:
    width = len(header.names)
    while True:
        line = reader.line_num + 1  # type: ignore[attr-defined]  # of csv's readers, which have no public class
        cells = _next(reader, table)
        if cells is None:
            return
        if not any(cell.strip() for cell in cells):
            continue
        problem = None
        if len(cells) < width or any(cells[width:]):
            problem = f"has {counted(len(cells), 'cell')}, the header {width}"
        elif any("\x00" in cell for cell in cells):
            problem = "holds a NUL character"
        yield Row(line, {name: cell.strip() for name, cell in zip(header.names, cells, strict=False)}, problem)


def _lines(text: TextIO, table: Table) -> Iterator[str]:
    """The lines of a file, none of which can fill the memory."""
    while line := text.readline(_LONGEST_LINE):
        if len(line) == _LONGEST_LINE:
            raise SourceRefused(f"{table.file} has a line of more than {_LONGEST_LINE} characters: it is no CSV")
        yield line


def _next(reader: Iterator[list[str]], table: Table) -> list[str] | None:
    line = reader.line_num + 1  # type: ignore[attr-defined]  # as above
    try:
        return next(reader, None)
    except UnicodeDecodeError as error:
        raise SourceRefused(
            f"{table.file}, behind line {line}: is not {error.encoding.upper()}: save it as UTF-8, or name its"
            " encoding, as in --encoding windows-1252"
        ) from error
    except csv.Error as error:
        raise SourceRefused(
            f"{table.file}, line {line}: cannot be read as CSV: a quote that is opened here may not be closed"
        ) from error
