"""Opening a zip that somebody has handed over: nothing in it is believed before it is checked, and nothing is unpacked.

The files of a set lie at the root of the zip. One folder around all of them is tolerated, and what macOS adds.
"""

import codecs
import io
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Self, TextIO

from bridge.errors import SourceRefused

_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
_ENCRYPTED = 0x1
_HEADER = 30  # bytes before each packed file, at least


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a zip may hold.

    :param entries: files and folders.
    :param total_bytes: of all files, unpacked.
    :param ratio: how many times larger than in the zip a file may be, if it is larger than ``ratio_from`` bytes.
        A megabyte of rows that repeat each other seldom packs better than 60 times.
    """

    entries: int = 1_000
    total_bytes: int = 16 * 1024**3
    ratio: int = 200
    ratio_from: int = 4 * 1024**2


class Archive:
    """The CSV files of a zip, by name.

    :param encoding: of files that begin with no byte order mark.
    :raises SourceRefused: if it is no zip, or one that is not to be trusted: the message says why.
    """

    def __init__(self, path: Path, *, encoding: str = "utf-8", limits: Limits | None = None) -> None:
        self._encoding = encoding
        try:
            self._zip = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, NotImplementedError, UnicodeDecodeError) as error:
            raise SourceRefused(f"{path.name} is not a zip file") from error
        except OSError as error:
            raise SourceRefused(f"{path.name} cannot be read: {error.strerror}") from error
        try:
            self._members = _members(self._zip.infolist(), limits or Limits())
            _check_apart(self._zip.infolist(), self._zip.start_dir)
        except BaseException:
            self._zip.close()
            raise

    @property
    def names(self) -> tuple[str, ...]:
        """The names of its CSV files, in their order."""
        return tuple(self._members)

    def __contains__(self, name: str) -> bool:
        return name in self._members

    @contextmanager
    def open(self, name: str) -> Iterator[TextIO]:
        """One file as text, with line ends as they are.

        :raises SourceRefused: while it is read, if it is damaged; :class:`UnicodeDecodeError` if it is not of the
            encoding.
        """
        try:
            with self._unpacked(name) as packed:
                start = packed.peek(4) if hasattr(packed, "peek") else b""
                with io.TextIOWrapper(packed, encoding=_encoding(start, self._encoding), newline="") as text:
                    yield text
        except (zipfile.BadZipFile, zlib.error, EOFError) as error:
            raise SourceRefused(f"{name} is damaged in the zip: make it anew") from error

    def _unpacked(self, name: str) -> IO[bytes]:
        try:
            return self._zip.open(self._members[name])
        except (NotImplementedError, RuntimeError, UnicodeDecodeError, OSError) as error:  # its header, or its place
            raise SourceRefused(f"{name} is packed in the zip in a way that is not read: make it anew") from error

    def close(self) -> None:
        """Let the file go."""
        self._zip.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def _encoding(start: bytes, otherwise: str) -> str:
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    return "utf-8-sig" if start.startswith(codecs.BOM_UTF8) else otherwise


def _members(entries: list[zipfile.ZipInfo], limits: Limits) -> dict[str, zipfile.ZipInfo]:
    if len(entries) > limits.entries:
        raise SourceRefused(f"the zip holds {len(entries)} entries; a set has at most 22 files")
    files = [one for one in entries if not one.filename.endswith("/") and not _is_macos(one.filename)]
    if sum(one.file_size for one in files) > limits.total_bytes:
        raise SourceRefused(f"the zip unpacks to more than {limits.total_bytes} bytes")
    for one in files:
        _check(one, limits)
    folders = {one.filename.rpartition("/")[0] for one in files}
    if len(folders) > 1 or any("/" in folder for folder in folders):
        raise SourceRefused("the files must lie at the root of the zip, not in folders")
    members: dict[str, zipfile.ZipInfo] = {}
    for one in files:
        name = one.filename.rpartition("/")[2]
        if any(name.lower() == other.lower() for other in members):
            raise SourceRefused(f"the zip holds {name} twice")
        if name.endswith(".csv"):
            members[name] = one
    return members


def _check(entry: zipfile.ZipInfo, limits: Limits) -> None:
    path = entry.filename
    if path.startswith("/") or "\\" in path or ":" in path or ".." in path.split("/"):
        raise SourceRefused("the zip holds a file whose name leads out of it")
    if entry.flag_bits & _ENCRYPTED:
        raise SourceRefused("the zip is encrypted: make one without a password")
    if entry.compress_type not in _METHODS:
        raise SourceRefused("the zip is packed in another way than deflate: make it anew with an ordinary zip program")
    if entry.file_size > limits.ratio_from and entry.file_size > limits.ratio * max(1, entry.compress_size):
        raise SourceRefused(f"a file in the zip unpacks to more than {limits.ratio} times its size: it is no roster")


def _check_apart(entries: list[zipfile.ZipInfo], end: int) -> None:
    """No two files share what they are packed in: a little of it would unpack to very much."""
    for entry in sorted(entries, key=lambda one: one.header_offset, reverse=True):
        if entry.header_offset + _HEADER + entry.compress_size > end:
            raise SourceRefused("files in the zip overlap each other: make it anew with an ordinary zip program")
        end = entry.header_offset


def _is_macos(path: str) -> bool:
    return path.startswith("__MACOSX/") or path.rpartition("/")[2].startswith("._") or path.endswith(".DS_Store")
