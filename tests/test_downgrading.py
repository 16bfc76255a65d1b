"""Databases taken back to the schema of an older version: from any number to any earlier one, and forward again."""

import re
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from sqlite_utils import Database

from bridge import __version__, storage
from bridge.downgrading import downgrade, ways_back
from bridge.errors import ConfigError
from bridge.migrations import migrate, schema_of, steps_back, steps_of, take_back
from bridge.mirror.mirror import Mirror
from bridge.mirror.query_sql import register_functions
from bridge.registry.registry import Registry
from bridge.releases import RELEASES, Schemas
from bridge.roster.privacy import PersonDetail
from bridge.settings import Storage
from tests.mirror.conftest import biology
from tests.mirror.rosters_in_memory import School

__all__ = ["biology"]

MIRROR, REGISTRY = "bridge.mirror.migrations", "bridge.registry.migrations"
EARLIER = [
    pytest.param(package, step.number, id=f"{package.split('.')[1]}-{step.number}")
    for package in (MIRROR, REGISTRY)
    for step in steps_of(package)[:-1]
]
# Written anew where an older version would do harm, or could not be understood: each has a test of its own.
REWRITTEN = {"migrations", "meta"}


def fresh(package, until=None):
    db = Database(sqlite3.connect(":memory:", isolation_level=None))
    migrate(db, package, until=until)
    return db


def schema(db):
    """What the file holds, as SQLite tells it, but for blanks."""
    rows = db.execute("SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%'").fetchall()
    return {
        (kind, name): (table, re.sub(r"\s+|(?<=[(),])|(?=[(),])", " ", sql).split()) for kind, name, table, sql in rows
    }


def columns(db, table):
    return [name for (name,) in db.execute("SELECT name FROM pragma_table_info(?)", [table]).fetchall()]


def tables(db):
    return {name for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()}


def contents(db, like):
    """Every row of the tables that both files have, in the columns that both have."""
    found = {}
    for table in tables(like) & tables(db) - REWRITTEN - {"sqlite_sequence"}:
        shared = [name for name in columns(like, table) if name in columns(db, table)]
        listed = ", ".join(f'"{name}"' for name in shared)
        found[table] = sorted(db.execute(f'SELECT {listed} FROM "{table}"').fetchall(), key=repr)
    return found


def fill(db):
    """Two rows into every table that has none, whatever it is; one where there can be but one."""
    empty = [name for name in sorted(tables(db)) if not db.execute(f'SELECT 1 FROM "{name}"').fetchone()]
    db.execute("PRAGMA foreign_keys = OFF")  # what they refer to is filled too
    for table in empty:
        if table == "sqlite_sequence":
            continue
        refers = {row[3] for row in db.execute(f'PRAGMA foreign_key_list("{table}")').fetchall()}
        text = db.execute("SELECT sql FROM sqlite_schema WHERE name = ?", [table]).fetchone()[0]
        for number in (1,) if "CHECK (id = 1)" in text else (1, 2):
            row = {
                name: value_of(name, kind, number, text, refers)
                for _, name, kind, _, _, _ in db.execute(f'PRAGMA table_info("{table}")').fetchall()
            }
            db[table].insert(row)
    db.execute("PRAGMA foreign_keys = ON")
    return empty


def value_of(name, kind, number, text, refers):
    if "CREATE TABLE operators" in text and name in {"sources", "unmasks"}:
        return {"sources": None, "unmasks": 1}[name]  # limits are lost: a test of its own
    if "CREATE TABLE untold" in text and name == "place":
        number += 10  # whoever is in there is not told
    if name in {"withdrawn", "key_set", "privacy", "document"}:
        return {"privacy": "public", "document": "{}"}.get(name)
    if said := re.search(rf"CHECK \([^()]*\b{name} IN \('([^']+)'", text):
        return said[1]
    if said := re.search(rf"json_type\({name}\) = '(\w+)'", text):
        return {"array": "[]", "object": "{}"}[said[1]]
    if kind == "INTEGER":
        return number
    return f"{name} {number}".encode() if kind == "BLOB" else f"{'x' if name in refers else name} {number}"


@pytest.fixture
def files(tmp_path):
    return Storage(directory=tmp_path / "var")


@pytest.fixture
def filled(files, biology):
    """Both files, with something in every table; nobody has them open."""
    files.directory.mkdir()
    school = School(files.mirror)
    school.reconcile(biology)
    biology.leave("ann")
    biology.enrol("ben", given_name="Benjamin", family_name="Berg")
    school.reconcile(biology)
    school.mirror.db.execute("UPDATE meta SET value = '0' WHERE key = 'events_gone'")
    fill(school.mirror.db)
    school.close()
    with Registry.open(files.registry) as registry:
        fill(registry.db)
    return files


def path_of(files, package):
    return files.mirror if package == MIRROR else files.registry


def opened(path):
    db = storage.open_database(path)
    register_functions(db.conn)
    return db


@pytest.mark.parametrize("package", [MIRROR, REGISTRY])
def test_every_step_but_the_first_can_be_taken_back(package):
    first, *later = steps_of(package)

    assert [step.name for step in later if not step.down] == []
    assert first.down is None


@pytest.mark.parametrize("package", [MIRROR, REGISTRY])
def test_every_way_back_belongs_to_a_step(package):
    folder = Path(*package.split("."))
    names = {f"{step.number:04}_{step.name}" for step in steps_of(package)}

    assert {path.name.removesuffix(".down.sql") for path in folder.glob("*.down.sql")} <= names


def test_sample_has_something_in_every_table(filled):
    for path in (filled.mirror, filled.registry):
        with closing(opened(path).conn) as connection:
            db = Database(connection)
            assert [name for name in tables(db) if not db.execute(f'SELECT 1 FROM "{name}"').fetchone()] == []


@pytest.mark.parametrize(("package", "number"), EARLIER)
def test_file_taken_back_has_the_schema_of_a_fresh_one(filled, package, number):
    with storage.alone(path_of(filled, package)) as db:
        take_back(db, steps_back(db, package, number))

    with closing(opened(path_of(filled, package)).conn) as connection:
        db = Database(connection)
        assert schema(db) == schema(fresh(package, number))
        assert schema_of(db) == number
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


@pytest.mark.parametrize(("package", "number"), EARLIER)
def test_what_both_schemas_know_is_unchanged(filled, package, number):
    like = fresh(package, number)
    with storage.alone(path_of(filled, package)) as db:
        before = contents(db, like)
        take_back(db, steps_back(db, package, number))
        after = contents(db, like)

    assert after == before
    assert set(before) == tables(like) - REWRITTEN - {"sqlite_sequence"}


@pytest.mark.parametrize(("package", "number"), EARLIER)
def test_file_taken_back_goes_forward_again(filled, package, number):
    path = path_of(filled, package)
    with storage.alone(path) as db:
        before = contents(db, fresh(package, number))
        take_back(db, steps_back(db, package, number))

    with closing((Mirror if package == MIRROR else Registry).open(path)) as thing:
        assert schema(thing.db) == schema(fresh(package))
        assert contents(thing.db, fresh(package, number)) == before


def test_rosters_are_reconciled_on_after_a_way_back_and_forth(files, biology):
    files.directory.mkdir()
    school = School(files.mirror)
    school.reconcile(biology)
    school.close()
    Registry.open(files.registry).close()

    downgrade(files, Schemas(mirror=1, registry=1))

    school = School(files.mirror)
    biology.enrol("cem")
    assert (school.reconcile(biology).added, school.count("users")) == (1, 4)
    school.close()


@pytest.mark.parametrize(("package", "number"), EARLIER)
def test_steps_can_be_taken_back_one_by_one(filled, package, number):
    with storage.alone(path_of(filled, package)) as db:
        for step in steps_back(db, package, number):
            take_back(db, [step])
            assert schema(db) == schema(fresh(package, step.number - 1))


def test_both_files_are_taken_back_and_what_is_lost_is_said_before(filled):
    filled.walks.touch()
    for path in filled.former_walks:
        path.touch()
    to = Schemas(mirror=9, registry=10)

    said = ways_back(filled, to)
    done = downgrade(filled, to)

    assert done == said
    assert [(way.before, way.after) for way in done] == [(*each,) for each in zip(RELEASES["0.1.0"], to, strict=True)]
    assert [way.rows for way in done] == [
        {"held_changes": 2, "run_totals": 1, "told": 2, "told_rosters": 2, "untold": 2},
        {"csv_sources": 2, "sealing_keys": 1},
    ]
    assert [what.split()[:2] for what in done[1].lost] == [
        ["limits", "of"],
        ["what", "is"],
        ["the", "prefixes"],
    ]
    assert [path for path in (filled.walks, *filled.former_walks) if path.exists()] == []


def test_file_that_is_older_than_asked_for_stays_as_it_is(filled):
    downgrade(filled, Schemas(mirror=4, registry=4))

    assert [way.after for way in downgrade(filled, Schemas(mirror=9, registry=2))] == [4, 2]


@pytest.mark.parametrize("held", ["mirror", "registry"])
def test_nothing_is_taken_back_while_somebody_has_a_file_open(filled, held):
    with closing(storage.open_database(getattr(filled, held)).conn) as reader:
        reader.execute("SELECT count(*) FROM migrations").fetchone()

        with pytest.raises(storage.InUse, match=f"{held}.sqlite is in use: stop 'bridge serve'"):
            downgrade(filled, Schemas(mirror=1, registry=1))

    assert [way.before for way in ways_back(filled, Schemas(mirror=1, registry=1))] == list(RELEASES["0.1.0"])


def test_a_file_that_cannot_be_taken_back_keeps_the_other_as_it_was(filled):
    with closing(sqlite3.connect(filled.registry)) as connection, connection:
        connection.execute("CREATE VIEW mine AS SELECT prefix FROM csv_sources")
        connection.execute("DROP TABLE tries")

    with pytest.raises(ConfigError, match=r"registry\.sqlite"):
        downgrade(filled, Schemas(mirror=1, registry=1))

    assert [way.before for way in ways_back(filled, Schemas(mirror=1, registry=1))] == list(RELEASES["0.1.0"])


def test_there_is_nothing_before_the_first_schema(filled):
    with pytest.raises(ConfigError, match="no schema 0"):
        downgrade(filled, Schemas(mirror=0, registry=1))


def test_file_of_a_newer_version_says_which_version_takes_it_back(filled):
    with closing(sqlite3.connect(filled.mirror)) as connection, connection:
        connection.execute("INSERT INTO migrations VALUES (99, 'from_the_future', '')")

    with pytest.raises(ConfigError, match="have the newer version take the database back"):
        downgrade(filled, Schemas(mirror=1, registry=1))


def test_the_present_version_has_the_newest_schemas():
    assert RELEASES[__version__] == (steps_of(MIRROR)[-1].number, steps_of(REGISTRY)[-1].number)


# What an older version would do harm with.


@pytest.mark.parametrize(
    "limit",
    [{"orgs": ["school"]}, {"classes": ["biology"]}, {"privacy": PersonDetail.ANONYMOUS}],
    ids=["orgs", "classes", "privacy"],
)
def test_consumer_whose_limits_an_older_version_does_not_know_is_let_in_no_more(filled, limit):
    with Registry.open(filled.registry) as registry:
        limited, free = (
            registry.clients.add(name, scopes=["s"], **kind)[0].client_id
            for name, kind in {"a": limit, "b": {}}.items()
        )
        for each in (limited, free):
            registry.tokens.add(each.encode(), each, ["s"], timedelta(hours=1))

    downgrade(filled, Schemas(mirror=24, registry=9))

    with closing(sqlite3.connect(filled.registry)) as connection:
        revoked = dict(connection.execute("SELECT client_id, revoked IS NOT NULL FROM clients"))
        assert (revoked[limited], revoked[free]) == (1, 0)
        assert connection.execute(
            "SELECT client_id FROM tokens WHERE client_id IN (?, ?)", (limited, free)
        ).fetchall() == [(free,)]


def test_webhook_whose_limits_an_older_version_does_not_know_is_stopped(filled):
    with Registry.open(filled.registry) as registry:
        for name, orgs in {"limited": ["school"], "free": []}.items():
            registry.webhooks.add(
                name, "https://a.example.org", sources=None, orgs=orgs, collections=["users"], epoch="e", position=0
            )

    downgrade(filled, Schemas(mirror=24, registry=9))

    with closing(sqlite3.connect(filled.registry)) as connection:
        stopped = dict(connection.execute("SELECT name, stopped IS NOT NULL FROM webhooks"))
        assert (stopped["limited"], stopped["free"]) == (1, 0)


def test_operator_whose_limits_an_older_version_does_not_know_has_no_account_there(filled):
    with Registry.open(filled.registry) as registry:
        for name, sources, unmasks in (("few", '["north"]', 1), ("masked", None, 0), ("free", None, 1)):
            registry.db.execute(
                "INSERT INTO operators (name, password_hash, created, sources, unmasks) VALUES (?, 'x', 'x', ?, ?)",
                (name, sources, unmasks),
            )

    downgrade(filled, Schemas(mirror=24, registry=15))

    with closing(sqlite3.connect(filled.registry)) as connection:
        names = {name for (name,) in connection.execute("SELECT name FROM operators")}
    assert names & {"few", "masked", "free"} == {"free"}


def test_sealed_secrets_are_not_taken_for_secrets_by_an_older_version(filled):
    sealed = "sealed:1:abc"
    with Registry.open(filled.registry) as registry:
        db = registry.db
        db.execute("DELETE FROM source_pauses")
        db.execute("UPDATE webhooks SET stopped = NULL")
        for table, name in (("sources", "name"), ("webhooks", "name"), ("secrets", "name")):
            column = "value" if table == "secrets" else "secret"
            value = sealed if table == "sources" else sealed.encode()
            db.execute(f"UPDATE {table} SET {column} = ? WHERE {name} = (SELECT min({name}) FROM {table})", (value,))

    downgrade(filled, Schemas(mirror=24, registry=12))

    with closing(sqlite3.connect(filled.registry)) as connection:
        paused = connection.execute("SELECT source FROM source_pauses").fetchall()
        assert paused == connection.execute("SELECT min(name) FROM sources").fetchall()
        assert connection.execute("SELECT count(*) FROM webhooks WHERE stopped IS NOT NULL").fetchone() == (1,)
        assert connection.execute("SELECT count(*) FROM secrets WHERE value = ?", (sealed.encode(),)).fetchone() == (0,)


def test_signing_key_that_was_withdrawn_is_not_there_for_an_older_version_to_publish(filled):
    with Registry.open(filled.registry) as registry:
        registry.db.execute("DELETE FROM keys")
        withdrawn = registry.keys.current().kid
        successor = registry.keys.rotate(withdraw=True).kid

    downgrade(filled, Schemas(mirror=24, registry=1))

    with closing(sqlite3.connect(filled.registry)) as connection:
        kept = {kid for (kid,) in connection.execute("SELECT kid FROM keys")}
    assert withdrawn not in kept
    assert successor in kept


@pytest.mark.parametrize(("gone", "same"), [("0", True), ("7", False)], ids=["none-dropped", "some-dropped"])
def test_epoch_is_new_where_it_is_forgotten_how_far_events_were_dropped(filled, gone, same):
    with closing(Mirror.open(filled.mirror)) as mirror:
        mirror.db.execute("UPDATE meta SET value = ? WHERE key = 'events_gone'", [gone])
        epoch = mirror.epoch

    downgrade(filled, Schemas(mirror=3, registry=23))

    with closing(Mirror.open(filled.mirror)) as mirror:
        assert (mirror.epoch == epoch) is same
