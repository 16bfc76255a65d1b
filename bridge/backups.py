"""Backups of both files while everything runs, and restoring them where nothing does.

A backup is a folder or a zip file with ``mirror.sqlite``, ``registry.sqlite`` and ``backup.json``. Each database is
consistent in itself. Between the two a moment may lie, which does no harm: a restored mirror has a new epoch, so no
place in it that the registry remembers means anything.
"""

import json
import os
import secrets
import shutil
import sqlite3
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from bridge import __version__, storage
from bridge.clock import Clock, to_stamp
from bridge.errors import BridgeError, ConfigError
from bridge.mirror.mirror import Mirror
from bridge.mirror.writes import move_marks, next_changed, stamp
from bridge.people import erase_again, erased_in
from bridge.registry.erased import ErasedList
from bridge.registry.key_lock import KeyLock
from bridge.registry.registry import Registry
from bridge.roster.model import COLLECTIONS
from bridge.settings import Storage

MIRROR, REGISTRY, ABOUT = "mirror.sqlite", "registry.sqlite", "backup.json"
_FORMAT = 1
_COPY = 1024 * 1024


class BackupFailed(BridgeError):
    """A backup that cannot be made, or that cannot be restored here: the message says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """What a backup says of itself.

    :param made: the stamp of its beginning.
    :param epoch: the mirror's.
    """

    format: int
    version: str
    made: str
    epoch: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What a restore did.

    :param backup: what was restored.
    :param epoch: the mirror's new one.
    :param set_aside: the files that were there before, under their new names.
    """

    backup: Backup
    epoch: str
    set_aside: list[Path]


def back_up(files: Storage, out: Path, clock: Clock) -> Backup:
    """Copy both databases as they are now, without stopping anybody.

    :param out: a zip file if it is called so, else a folder; it must not be there yet.
    :raises BackupFailed: if it is, or cannot be written.
    :raises ConfigError: if a database cannot be used.
    """
    if out.exists():
        raise BackupFailed(f"{out} is there already: name another, the bridge overwrites no backup")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out.parent, prefix=".backup-") as name:  # readable by its owner only
            folder = Path(name) / "backup"
            folder.mkdir(mode=0o700)
            made = to_stamp(clock())
            _copy_database(files.mirror, folder / MIRROR)
            _copy_database(files.registry, folder / REGISTRY)
            with closing(Mirror.open_read_only(folder / MIRROR)) as mirror:
                backup = Backup(format=_FORMAT, version=__version__, made=made, epoch=mirror.epoch)
            _write(folder / ABOUT, json.dumps(asdict(backup), indent=2).encode())
            if out.suffix == ".zip":
                folder = _zipped(folder)
            folder.rename(out)
    except OSError as error:
        raise BackupFailed(f"{out}: cannot be written: {error.strerror}") from error
    return backup


def restore(files: Storage, source: Path, clock: Clock, *, erased: ErasedList | None = None) -> Restored:
    """Put a backup in the place of both databases, bring it to the present schema, and give the mirror a new epoch.

    Every record counts as changed now: consumers that ask for changes by time get whatever they had been told since the
    backup was made put right.

    Whoever was erased here since is erased from it again.

    :param erased: who was erased where the backup comes from, if that is elsewhere.
    :raises BackupFailed: if the bridge runs here, this is no usable backup, or the list is of another installation than
        the backup. Nothing has been changed then.
    :raises ConfigError: if the backup is of a newer version of the bridge, or the list of the erased cannot be carried
        over, because ``storage.key_file`` does not open one of the two registries.
    """
    files.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=files.directory, prefix=".restore-") as name:
        folder = Path(name)
        backup = _unpack(source, folder)
        _check_all_stopped(files)
        key_lock = KeyLock.of_file(files.key_file)
        lists = [_erased_until_now(files.registry, clock, key_lock), erased]
        epoch = _begin_anew(folder, lists, clock, key_lock)
        _check_all_stopped(files)  # that took its time
        set_aside: list[Path] = []
        for path in (files.registry, files.mirror):
            set_aside.extend(_set_aside(path, f"{clock():%Y%m%dT%H%M%SZ}"))
            (folder / path.name).rename(path)
    return Restored(backup=backup, epoch=epoch, set_aside=set_aside)


def _copy_database(source: Path, target: Path) -> None:
    """By SQLite's backup interface, in one step: it reads one snapshot, and writers go on."""
    os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    db = storage.open_database(source, read_only=True)
    with closing(db.conn), closing(sqlite3.connect(target)) as copy:
        db.conn.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE")  # one file, without a log beside it
        _check_whole(copy, source)


def _check_whole(connection: sqlite3.Connection, path: Path) -> None:
    (answer,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if answer != "ok":
        raise BackupFailed(f"{path} is damaged: {answer}")


def _zipped(folder: Path) -> Path:
    path = folder.with_suffix(".zip")
    with (
        os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600), "wb") as file,
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        for each in (MIRROR, REGISTRY, ABOUT):
            archive.write(folder / each, each)
    return path


def _write(path: Path, content: bytes) -> None:
    with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
        file.write(content)


def _unpack(source: Path, folder: Path) -> Backup:
    try:
        with _opened(source) as archive:
            about = json.loads((archive / ABOUT).read_bytes())
            for each in (MIRROR, REGISTRY):
                with (archive / each).open("rb") as content, (folder / each).open("xb") as file:
                    os.fchmod(file.fileno(), 0o600)
                    shutil.copyfileobj(content, file, _COPY)
        backup = Backup(**about)
        for each in (MIRROR, REGISTRY):
            with closing(sqlite3.connect(folder / each)) as connection:
                _check_whole(connection, source / each)
    except (OSError, KeyError, TypeError, ValueError, zipfile.BadZipFile, sqlite3.DatabaseError) as error:
        raise BackupFailed(f"{source}: is no backup of a bridge that can be read ({type(error).__name__})") from error
    if backup.format > _FORMAT:
        raise BackupFailed(f"{source}: was made by version {backup.version}: update the bridge first")
    return backup


@contextmanager
def _opened(source: Path) -> Iterator[Path | zipfile.Path]:
    if source.is_dir():
        yield source
        return
    with zipfile.ZipFile(source) as archive:
        yield zipfile.Path(archive)


def _erased_until_now(path: Path, clock: Clock, key_lock: KeyLock) -> ErasedList | None:
    """Who was erased here, by the registry that is to be replaced."""
    if not path.exists():
        return None
    try:
        db = storage.open_database(path, read_only=True)
    except ConfigError:
        return None
    with closing(db.conn):
        return erased_in(db, clock, key_lock)


def _begin_anew(folder: Path, lists: Iterable[ErasedList | None], clock: Clock, key_lock: KeyLock) -> str:
    """Make the copies what a bridge can start from; returns the new epoch."""
    epoch = secrets.token_hex(16)
    with closing(Mirror.open(folder / MIRROR)) as mirror, storage.write(mirror.db):
        changed = next_changed(mirror.db)
        for name in COLLECTIONS:
            mirror.db.execute(f'UPDATE "{name}" SET changed = ?', (changed,))  # noqa: S608 - our own names
            move_marks(mirror.db, name, changed)
        mirror.db.execute("UPDATE meta SET value = ? WHERE key = 'epoch'", (epoch,))
        stamp(mirror.db, changed, None, clock)
    with Registry.open(folder / REGISTRY, clock, key_lock=key_lock) as registry:
        registry.leases.end_all()
        registry.inbox.reopen()
        for erased in filter(None, lists):
            try:
                registry.erased.adopt(erased)
            except ValueError as error:
                raise BackupFailed(
                    f"{error}, and cannot be applied to this backup: restore the backup into an empty folder, with the"
                    " list of where it comes from"
                ) from error
        with closing(Mirror.open(folder / MIRROR)) as mirror:
            erase_again(mirror, registry, clock)
    return epoch


def _check_all_stopped(files: Storage) -> None:
    for path in (files.mirror, files.registry):
        _check_stopped(path)


def _check_stopped(path: Path) -> None:
    if not path.exists():
        return
    try:
        storage.check_unused(path)
    except storage.InUse as error:
        raise BackupFailed(str(error)) from error
    except sqlite3.OperationalError as error:
        raise BackupFailed(f"{path}: {error}") from error
    except sqlite3.DatabaseError:
        return  # damaged beyond reading, which may be why a backup is restored


def _set_aside(path: Path, now: str) -> Iterator[Path]:
    """Give a database other names, with the logs that a crash may have left beside it."""
    for suffix in ("", "-wal", "-shm"):
        former = path.with_name(path.name + suffix)
        if former.exists():
            yield former.rename(former.with_name(f"{path.name}.before-{now}{suffix}"))
