"""The schema of a database file: taken forward to the present one, and back to an earlier one.

Each step is an SQL file in its room's package of migrations: ``0007_tools.sql``, and ``0007_tools.down.sql``, which
takes it back. Numbers rise, with gaps. What has been applied is recorded in the file, in the table ``migrations``. The
first step makes the file what it is and cannot be taken back.

A step back keeps whatever the earlier schema has a place for, unless an older version would do harm with it. What is
lost beyond the tables that go is said in its comments that begin with ``Lost:``.
"""

import re
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import resources

from sqlite_utils import Database

from bridge.clock import to_stamp, utc_now
from bridge.errors import ConfigError
from bridge.storage import write

_NAME = re.compile(r"(\d{4})_(\w+)\.sql")
_LOST = re.compile(r"^-- Lost: (.*(?:\n-- (?!Lost:).*)*)", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of a schema.

    :param down: the statements that take it back; ``None`` if it cannot be.
    """

    number: int
    name: str
    up: str
    down: str | None

    @property
    def lost(self) -> list[str]:
        """What taking it back loses beyond repair, in sentences for the operator."""
        return [found[1].replace("\n-- ", " ") for found in _LOST.finditer(self.down or "")]


def steps_of(package: str) -> list[Step]:
    """The steps of a package of migrations, such as ``bridge.registry.migrations``, in order."""
    texts = {
        entry.name: entry.read_text(encoding="utf-8")
        for entry in resources.files(package).iterdir()
        if entry.name.endswith(".sql")
    }
    return [
        Step(number=int(match[1]), name=match[2], up=texts[name], down=texts.get(f"{match[1]}_{match[2]}.down.sql"))
        for name in sorted(texts)
        if (match := _NAME.fullmatch(name))
    ]


def migrate(db: Database, package: str, *, until: int | None = None) -> None:
    """Bring a file to the present schema.

    Each step is run in a transaction of its own. Several processes may do this at once.

    :param until: the last number to apply, for an earlier schema.
    :raises ConfigError: if the file was written by a newer version of the bridge.
    """
    db.execute(
        "CREATE TABLE IF NOT EXISTS migrations"
        " (number INTEGER PRIMARY KEY, name TEXT NOT NULL, applied TEXT NOT NULL) STRICT"
    )
    steps = steps_of(package)
    _check_known(db, steps)
    for step in steps:
        if (until is not None and step.number > until) or step.number in _applied(db):
            continue
        with write(db):
            if step.number not in _applied(db):  # another process may have been first
                for statement in _statements(step.up):
                    db.execute(statement)
                db.execute(
                    "INSERT INTO migrations (number, name, applied) VALUES (?, ?, ?)",
                    (step.number, step.name, to_stamp(utc_now())),
                )


def schema_of(db: Database) -> int:
    """The number of the last step that a file has."""
    return max(_applied(db), default=0)


def steps_back(db: Database, package: str, to: int) -> list[Step]:
    """The steps to take back, the last one first, for a file to have the schema ``to``, which is one of the package's.

    :raises ConfigError: if there is no way to it.
    """
    steps = steps_of(package)
    _check_known(db, steps)
    applied = _applied(db)
    back = [step for step in reversed(steps) if step.number > to and step.number in applied]
    for step in back:
        if step.down is None:
            raise ConfigError([f"schema {step.number} ({step.name}) cannot be taken back"])
    return back


def take_back(db: Database, steps: Sequence[Step]) -> None:
    """Take these steps back, inside the transaction that the caller holds."""
    for step in steps:
        for statement in _statements(step.down or ""):
            db.execute(statement)
        db.execute("DELETE FROM migrations WHERE number = ?", (step.number,))


def _check_known(db: Database, steps: Sequence[Step]) -> None:
    latest = steps[-1].number if steps else 0
    if (held := schema_of(db)) > latest:
        problem = f"the database has schema {held}, this version of the bridge knows {latest}"
        remedy = "update the bridge, or have the newer version take the database back ('bridge downgrade')"
        raise ConfigError([f"{problem}: {remedy}"])


def _statements(sql: str) -> Iterator[str]:
    """The statements of a file, each ending with its line."""
    pending = ""
    for line in sql.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            yield pending
            pending = ""


def _applied(db: Database) -> set[int]:
    return {number for (number,) in db.execute("SELECT number FROM migrations").fetchall()}
