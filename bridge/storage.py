"""SQLite files, opened and written in one way.

The mirror and the registry are two files with the same manners: write-ahead log, so that readers never wait;
foreign keys on; every transaction explicit. Python's own transaction handling is switched off, so a statement
outside :func:`write` is committed as it runs, and nothing stays open behind anybody's back.

A connection belongs to the thread that opened it. This module knows nothing about what the files hold.
"""

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlite_utils import Database

from bridge.errors import BridgeError, ConfigError

MINIMUM_SQLITE = (3, 38, 0)
"""The first with ``->>``, JSON built in and STRICT tables."""

BUSY_TIMEOUT = 10.0
"""Seconds that a statement waits for another writer, unless the file's owner knows of longer writes."""


def open_database(path: Path, *, read_only: bool = False, busy_timeout: float = BUSY_TIMEOUT) -> Database:
    """Open a database file, made (readable by its owner only) if it is not there.

    :param read_only: writes are refused, and the file must exist.
    :param busy_timeout: seconds that a statement waits for another writer.
    :raises ConfigError: if the file cannot be made, opened or read as a database, or if SQLite is too old.
    """
    if sqlite3.sqlite_version_info < MINIMUM_SQLITE:
        wanted = ".".join(map(str, MINIMUM_SQLITE))
        raise ConfigError([f"SQLite {sqlite3.sqlite_version} is too old: Python must be linked with {wanted} or later"])
    try:
        if not read_only:
            _make(path)
        # isolation_level: None means that Python begins and commits nothing by itself.
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode={'ro' if read_only else 'rw'}",
            uri=True,
            timeout=busy_timeout,
            isolation_level=None,
            check_same_thread=False,  # one thread uses it at a time: bridge.wiring sees to that
        )
        try:
            _configure(connection, read_only=read_only)
        except BaseException:
            connection.close()
            raise
    except OSError as error:
        raise ConfigError([f"{path}: cannot be made: {error.strerror}"]) from error
    except sqlite3.DatabaseError as error:
        raise ConfigError([f"{path}: cannot be used as database: {error}"]) from error
    return Database(connection, execute_plugins=False)


@contextmanager
def write(db: Database) -> Iterator[None]:
    """One write transaction: committed at the end of the block, rolled back if the block raises.

    The lock is taken at the start, so what is read inside cannot change before it is written. Blocks do not nest.

    :raises sqlite3.OperationalError: if another writer holds the file for longer than the connection waits.
    """
    db.conn.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.conn.execute("COMMIT")
    except BaseException:
        db.rollback()
        raise


@contextmanager
def rehearse(db: Database) -> Iterator[None]:
    """A write transaction that is always rolled back: what is read at its end is what a write would have led to.

    :raises sqlite3.OperationalError: as :func:`write` does.
    """
    db.conn.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        db.rollback()


class InUse(BridgeError):
    """A database file that others have open, and that somebody wants alone."""


def check_unused(path: Path) -> None:
    """Make sure that nobody has the file open, by a switch that SQLite makes only for whoever is alone.

    :raises InUse: if somebody has.
    :raises sqlite3.DatabaseError: if it cannot be read as a database.
    """
    with closing(sqlite3.connect(path, timeout=1)) as connection:
        _take_alone(connection, path)


@contextmanager
def alone(path: Path) -> Iterator[Database]:
    """One write transaction on a file that nobody else has open, nor can read until it ends.

    It is committed at the end of the block, rolled back if the block raises.

    :raises InUse: if somebody has it open.
    :raises ConfigError: if there is no such file, or it is no database.
    """
    try:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=1, isolation_level=None)
        with closing(connection):
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")  # what is locked stays so
            _take_alone(connection, path)
            db = Database(connection, execute_plugins=False)
            with write(db):
                yield db
    except sqlite3.DatabaseError as error:
        raise ConfigError([f"{path}: cannot be used as database: {error}"]) from error


def _take_alone(connection: sqlite3.Connection, path: Path) -> None:
    try:
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("BEGIN EXCLUSIVE")
        connection.execute("ROLLBACK")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
            raise InUse(
                f"{path} is in use: stop 'bridge serve', 'bridge schedule' and every other bridge command first"
            ) from error
        raise


def scrub(db: Database) -> None:
    """Write the file anew without its unused parts, and empty its log: what was deleted is in neither any more.

    Readers that are in the middle of something keep the log from being emptied; it is then tried for a while, and
    otherwise emptied by whoever writes later.
    """
    db.execute("VACUUM")
    deadline = time.monotonic() + BUSY_TIMEOUT
    while True:
        (busy, _, _) = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if not busy or time.monotonic() > deadline:
            return
        time.sleep(0.05)


def make_folder(path: Path) -> None:
    """Make a folder that its owner alone can look into, and those above it; nothing if it is there."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)


def _make(path: Path) -> None:
    """Make the file before SQLite does, which would leave its mode to the umask.

    A file that exists is not touched: opening and closing it here would drop the locks of this process's own
    connections to it.
    """
    make_folder(path.parent)
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except FileExistsError:
        return


def _configure(connection: sqlite3.Connection, *, read_only: bool) -> None:
    if not read_only:
        _switch_to_wal(connection)
        connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()  # notices a file that is no database


def _switch_to_wal(connection: sqlite3.Connection) -> None:
    """Switch the journal, which needs the file to oneself, and for which SQLite does not wait by itself."""
    deadline = time.monotonic() + BUSY_TIMEOUT
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL").fetchone()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return
