"""SQLite files: how they are opened, written and migrated."""

import multiprocessing
import sqlite3
import stat
import sys
from importlib import resources

import pytest

from bridge.errors import ConfigError
from bridge.migrations import migrate
from bridge.storage import open_database, write

REGISTRY = "bridge.registry.migrations"
STEPS = sorted(
    (int(file.name[:4]), file.name[5:].removesuffix(".sql"))
    for file in resources.files(REGISTRY).iterdir()
    if file.name.endswith(".sql") and not file.name.endswith(".down.sql")
)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "var" / "a registry?.sqlite"


@pytest.fixture
def steps(tmp_path, monkeypatch):
    """A package of migrations, filled by the test; gives its name and a function that adds a step."""
    folder = tmp_path / "steps_of_this_test"
    folder.mkdir()
    (folder / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)

    def add(name, sql):
        (folder / name).write_text(sql)

    yield "steps_of_this_test", add
    sys.modules.pop("steps_of_this_test", None)


def tables(db):
    return {name for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()}


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_new_file_and_its_folder_are_for_their_owner_only(path):
    open_database(path).close()

    assert (mode(path), mode(path.parent)) == (0o600, 0o700)


def test_write_ahead_log_is_for_the_owner_only_too(path):
    db = open_database(path)
    db.execute("CREATE TABLE things (name TEXT) STRICT")

    assert {mode(each) for each in path.parent.iterdir()} == {0o600}
    assert len(list(path.parent.iterdir())) == 3


@pytest.mark.parametrize(
    ("pragma", "value"),
    [("journal_mode", "wal"), ("foreign_keys", 1), ("busy_timeout", 10_000), ("synchronous", 1)],
)
def test_connection_is_set_up(path, pragma, value):
    assert open_database(path).execute(f"PRAGMA {pragma}").fetchone() == (value,)


def test_statement_outside_a_write_is_committed_at_once(path):
    db, other = open_database(path), open_database(path)
    db.execute("CREATE TABLE things (name TEXT) STRICT")
    db["things"].insert({"name": "one"})
    db.execute("INSERT INTO things VALUES ('two')")

    assert other.execute("SELECT count(*) FROM things").fetchone() == (2,)
    assert not db.conn.in_transaction


def test_write_shows_nothing_before_its_end(path):
    db, other = open_database(path), open_database(path)
    db.execute("CREATE TABLE things (name TEXT) STRICT")

    with write(db):
        db["things"].insert({"name": "one"})
        db.execute("INSERT INTO things VALUES ('two')")
        seen = other.execute("SELECT count(*) FROM things").fetchone()

    assert seen == (0,)
    assert other.execute("SELECT count(*) FROM things").fetchone() == (2,)


def test_write_that_raises_leaves_nothing(path):
    db = open_database(path)
    db.execute("CREATE TABLE things (name TEXT) STRICT")

    def insert_and_stumble():
        with write(db):
            db["things"].insert({"name": "one"})
            raise KeyError

    with pytest.raises(KeyError):
        insert_and_stumble()

    assert db.execute("SELECT count(*) FROM things").fetchone() == (0,)
    assert not db.conn.in_transaction


def test_writes_do_not_nest(path):
    db = open_database(path)

    with pytest.raises(sqlite3.OperationalError, match="within a transaction"), write(db), write(db):
        pass


def test_read_only_connection_sees_later_writes_and_makes_none(path):
    db = open_database(path)
    reader = open_database(path, read_only=True)
    db.execute("CREATE TABLE things (name TEXT) STRICT")

    assert reader.execute("SELECT count(*) FROM things").fetchone() == (0,)
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        reader.execute("INSERT INTO things VALUES ('one')")


def test_reading_a_file_that_is_not_there_is_a_problem_of_configuration(path):
    with pytest.raises(ConfigError, match=r"registry\?\.sqlite: cannot be used"):
        open_database(path, read_only=True)
    assert not path.exists()


def test_file_that_is_no_database_is_a_problem_of_configuration(tmp_path):
    (tmp_path / "notes.txt").write_text("not a database " * 100)

    with pytest.raises(ConfigError, match=r"notes\.txt: cannot be used as database"):
        open_database(tmp_path / "notes.txt")


def test_folder_that_cannot_be_made_is_a_problem_of_configuration(tmp_path):
    (tmp_path / "file").touch()

    with pytest.raises(ConfigError, match="cannot be made"):
        open_database(tmp_path / "file" / "registry.sqlite")


def test_fresh_file_gets_every_table(path):
    db = open_database(path)

    migrate(db, REGISTRY)

    assert {"platforms", "contexts", "clients", "leases", "migrations"} <= tables(db)
    assert db.execute("SELECT number, name FROM migrations").fetchall() == STEPS


def test_every_table_is_strict(path):
    db = open_database(path)
    migrate(db, REGISTRY)

    loose = db.execute("SELECT name FROM pragma_table_list WHERE strict = 0 AND name NOT LIKE 'sqlite_%'").fetchall()
    assert loose == []


def test_second_migration_does_nothing(path):
    db = open_database(path)
    migrate(db, REGISTRY)
    before = db.execute("SELECT * FROM migrations").fetchall()

    migrate(db, REGISTRY)

    assert db.execute("SELECT * FROM migrations").fetchall() == before


def test_later_step_is_applied_to_a_file_that_has_the_earlier_ones(path, steps):
    package, add = steps
    db = open_database(path)
    add("0001_first.sql", "CREATE TABLE first (a TEXT) STRICT;")
    migrate(db, package)
    add("0002_second.sql", "CREATE TABLE second (a TEXT) STRICT;\nINSERT INTO first VALUES ('kept');")

    migrate(db, package)

    assert {"first", "second"} <= tables(db)
    assert db.execute("SELECT a FROM first").fetchall() == [("kept",)]


def test_step_that_fails_leaves_nothing_of_itself(path, steps):
    package, add = steps
    db = open_database(path)
    add("0001_broken.sql", "CREATE TABLE first (a TEXT) STRICT;\nINSERT INTO nowhere VALUES (1);")

    with pytest.raises(sqlite3.OperationalError, match="nowhere"):
        migrate(db, package)

    assert tables(db) == {"migrations"}


def test_file_of_a_newer_version_is_refused(path):
    db = open_database(path)
    migrate(db, REGISTRY)
    db.execute("INSERT INTO migrations VALUES (99, 'from_the_future', '2030-01-01T00:00:00.000Z')")

    with pytest.raises(ConfigError, match="schema 99"):
        migrate(db, REGISTRY)


def start(path, barrier):
    barrier.wait(timeout=30)
    db = open_database(path)
    migrate(db, REGISTRY)
    db.close()


def test_two_processes_may_start_at_once(path):
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(2)
    processes = [context.Process(target=start, args=(path, barrier)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(timeout=60)

    assert [process.exitcode for process in processes] == [0, 0]
    assert open_database(path).execute("SELECT number, name FROM migrations").fetchall() == STEPS
