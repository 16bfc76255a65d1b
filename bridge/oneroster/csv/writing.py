"""A set of CSV files, written to a zip one row at a time.

The same records give the same bytes: rows come in the order of their sourcedIds, and no file in the zip has a time.

Spec: OneRoster CSV Binding 1.2: RFC 4180 in UTF-8, no byte order mark; a file without rows is left out and called
absent; in bulk files status and dateLastModified are blank, in delta files they are not.
"""

import csv
import io
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from types import TracebackType
from typing import BinaryIO, Self

_BEGINNING = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a zip can tell."""


class SetWriter:
    """Writes one zip, which is finished at the end of the block.

    :param out: a binary file, which need not be able to seek.
    """

    def __init__(self, out: BinaryIO) -> None:
        self._zip = zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED)

    def write(self, file: str, header: Sequence[str], rows: Iterable[Sequence[str]]) -> int:
        """Write a file, if it has rows.

        :returns: how many rows it has, without the header.
        """
        remaining = iter(rows)
        first = next(remaining, None)
        if first is None:
            return 0
        counted = _Counted(chain([first], remaining))
        entry = zipfile.ZipInfo(file, _BEGINNING)
        entry.compress_type = zipfile.ZIP_DEFLATED
        entry.create_system = 3  # Unix, wherever this runs
        entry.external_attr = 0o600 << 16
        with (
            self._zip.open(entry, "w", force_zip64=True) as packed,
            io.TextIOWrapper(packed, encoding="utf-8", newline="", write_through=False) as text,
        ):
            writer = csv.writer(text, lineterminator="\r\n")
            writer.writerow(header)
            writer.writerows(counted)
        return counted.count

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._zip.close()


class _Counted:
    def __init__(self, rows: Iterable[Sequence[str]]) -> None:
        self._rows = rows
        self.count = 0

    def __iter__(self) -> Iterator[Sequence[str]]:
        for row in self._rows:
            self.count += 1
            yield row
