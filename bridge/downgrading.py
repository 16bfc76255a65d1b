"""Both databases taken back to the schemas of an older version, which could not read them otherwise.

Each file goes back in one transaction, while nobody has it open; if one of them cannot, neither does. What both
versions know stays as it is. What an older version has no place for is lost, which is said before.
"""

import sqlite3
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

from sqlite_utils import Database

from bridge import storage
from bridge.errors import ConfigError
from bridge.migrations import Step, migrate, schema_of, steps_back, steps_of, take_back
from bridge.releases import Schemas
from bridge.settings import Storage

_PACKAGES = ("bridge.mirror.migrations", "bridge.registry.migrations")


@dataclass(frozen=True, slots=True, kw_only=True)
class WayBack:
    """What taking one file back comes to.

    :param before: the number of its schema now.
    :param after: the one that it would have.
    :param steps: what is taken back, the last one first.
    :param rows: of each table that goes and is not empty, how many rows it has.
    """

    path: Path
    before: int
    after: int
    steps: list[Step]
    rows: dict[str, int]
    """For programs: an operator reads in :attr:`lost` what that means."""

    @property
    def lost(self) -> list[str]:
        """What is lost beyond repair, in sentences for the operator."""
        return [sentence for step in self.steps for sentence in step.lost]


def ways_back(files: Storage, to: Schemas) -> list[WayBack]:
    """What :func:`downgrade` would do now; nothing is changed. A file that is old enough has no steps.

    :raises ConfigError: if a file cannot be used, or there is no way to that schema.
    """
    asked = list(zip((files.mirror, files.registry), _PACKAGES, to, strict=True))
    problems = [
        f"{path.name} has no schema {target}: this version of the bridge knows {', '.join(map(str, known))}"
        for path, package, target in asked
        if target not in (known := [step.number for step in steps_of(package)])
    ]
    if problems:
        raise ConfigError(problems)
    return [_way_back(*each) for each in asked]


def present() -> Schemas:
    """The schemas that this version of the bridge works with."""
    return Schemas(*(steps_of(package)[-1].number for package in _PACKAGES))


def _way_back(path: Path, package: str, target: int) -> WayBack:
    db = storage.open_database(path, read_only=True)
    with closing(db.conn):
        steps = steps_back(db, package, target)
        before = schema_of(db)
        after = min(before, target)
        return WayBack(path=path, before=before, after=after, steps=steps, rows=_going(db, package, after))


def downgrade(files: Storage, to: Schemas) -> list[WayBack]:
    """Take both files back, and forget where clients that count offsets have come to.

    :returns: what was done.
    :raises bridge.storage.InUse: if somebody has a file open. Nothing has been changed then.
    :raises ConfigError: as :func:`ways_back`.
    """
    ways = ways_back(files, to)
    with ExitStack() as stack:
        for way in ways:
            take_back(stack.enter_context(storage.alone(way.path)), way.steps)
    for path in (files.walks, *files.former_walks):
        path.unlink(missing_ok=True)
    return ways


def _going(db: Database, package: str, after: int) -> dict[str, int]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        earlier = Database(connection)
        migrate(earlier, package, until=after)
        going = sorted(_tables(db) - _tables(earlier))
    counts = {name: int(db.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]) for name in going}  # noqa: S608
    return {name: count for name, count in counts.items() if count}


def _tables(db: Database) -> set[str]:
    return {name for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()}
