"""Whether the files that hold names and keys can be read by their owner only."""

import stat
from collections.abc import Iterator
from pathlib import Path

from bridge.settings import Storage

_OTHERS = stat.S_IROTH | stat.S_IWOTH | stat.S_IRGRP | stat.S_IWGRP


def open_to_others(files: Storage) -> list[Path]:
    """What others than their owner can open: databases, their logs, what was set aside of them, the memory of walks.

    Nobody gets at a file in a folder that only its owner may enter, so that is enough.
    """
    if not files.directory.exists() or not _can(files.directory, stat.S_IXOTH | stat.S_IXGRP):
        return []
    return [path for path in sorted(_holding_names(files)) if _can(path, _OTHERS)]


def key_file_open_to_others(files: Storage) -> bool:
    """Whether others than its owner can open the file with the passphrase of keys and secrets."""
    return files.key_file is not None and files.key_file.exists() and _can(files.key_file, _OTHERS)


def _holding_names(files: Storage) -> Iterator[Path]:
    for path in (files.mirror, files.registry, files.walks):
        yield from files.directory.glob(f"{path.name}*")


def _can(path: Path, bits: int) -> bool:
    return bool(path.stat().st_mode & bits)
