"""The number and the stamp of a write transaction."""

from datetime import timedelta

from sqlite_utils import Database

from bridge.clock import Clock, from_stamp, to_stamp


def next_changed(db: Database) -> int:
    """The number of the write transaction that the caller holds."""
    return int(db.execute("SELECT coalesce(max(changed), 0) + 1 FROM writes").fetchone()[0])


def last_write(operator: str) -> str:
    """SQL of the number of the last write whose stamp compares so with a parameter, 0 if there is none.

    By the index of the stamps, which rise with the numbers: a maximum of the numbers would walk all later writes.

    :param operator: ``<`` or ``<=``.
    """
    last = f"SELECT w.changed FROM writes AS w WHERE w.stamp {operator} ? ORDER BY w.stamp DESC LIMIT 1"  # noqa: S608
    return f"coalesce(({last}), 0)"


def move_marks(db: Database, collection: str, changed: int) -> None:
    """Note that this write has changed records of a collection: answers that depend on them are not what they were."""
    db.execute(
        "INSERT OR REPLACE INTO marks (source, collection, changed)"  # noqa: S608 - a name of ours
        f' SELECT DISTINCT source, :collection, changed FROM "{collection}" WHERE changed = :changed',
        {"collection": collection, "changed": changed},
    )


def stamp(db: Database, changed: int, run: int | None, clock: Clock) -> None:
    """Give the write transaction its stamp, later than every earlier one whatever the clock says.

    To be the last statement before the commit, so that whoever polls by time misses nothing that is committed later.

    :param run: the run that it belongs to, if it belongs to one.
    """
    latest = db.execute("SELECT stamp FROM writes ORDER BY changed DESC LIMIT 1").fetchone()
    now = to_stamp(clock())
    if latest is not None and now <= latest[0]:
        now = to_stamp(from_stamp(latest[0]) + timedelta(milliseconds=1))
    db.execute("INSERT INTO writes (changed, stamp, run) VALUES (?, ?, ?)", (changed, now, run))
