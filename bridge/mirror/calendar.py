"""The start of a day: records whose begin or end date has come count as changed.

Nobody has said anything new about them, and yet what they mean has changed: who asks for changes must be told. So they
are moved into a write transaction of their own, with its number and stamp, its lines in the change log and the outbox.
"""

from datetime import date

from bridge import storage
from bridge.clock import Clock
from bridge.mirror.documents import RecordChange
from bridge.mirror.mirror import Mirror
from bridge.mirror.writes import move_marks, next_changed, stamp

DATES = {"academicSessions": ("startDate", "endDate"), "enrollments": ("beginDate", "endDate")}
"""The collections whose records have dates, and the fields that hold the begin and the end."""

_DAY = "calendar_day"


def turn_page(mirror: Mirror, today: date, clock: Clock) -> int:
    """Touch the records whose dates have come since the last day for which this was done; returns how many.

    Once for each day, however often it is called, and once for all days that were missed. The first call of a mirror's
    life only notes the day: its records are as new as they can be.
    """
    if mirror.noted(_DAY) == today.isoformat():
        return 0  # without asking for the lock, which a large plan may hold for a while
    with storage.write(mirror.db):
        last = mirror.noted(_DAY)
        if last is not None and last >= today.isoformat():
            return 0
        mirror.note(_DAY, today.isoformat())
        if last is None:
            return 0
        changed = next_changed(mirror.db)
        span = {"last": last, "today": today.isoformat(), "changed": changed}
        touched = sum(_touch(mirror, collection, *columns, span) for collection, columns in DATES.items())
        for collection in DATES:
            move_marks(mirror.db, collection, changed)
        if touched:
            stamp(mirror.db, changed, None, clock)
        return touched


def _touch(mirror: Mirror, collection: str, begin: str, end: str, span: dict[str, object]) -> int:
    came = " OR ".join(
        f"coalesce(\"{each}\", x'') > :last AND coalesce(\"{each}\", x'') <= :today" for each in (begin, end)
    )
    touched = mirror.db.execute(
        f"UPDATE \"{collection}\" SET changed = :changed WHERE status = 'active'"  # noqa: S608
        f" AND ({came})",
        span,
    ).rowcount
    for log, rest in (("changes", ", before"), ("outbox", "")):
        mirror.db.execute(
            f"INSERT INTO {log} (changed, source, collection, sourcedId, kind{rest})"  # noqa: S608
            f" SELECT changed, source, :collection, sourcedId, :kind{rest and ', document'}"
            f' FROM "{collection}" WHERE changed = :changed',
            {"collection": collection, "kind": RecordChange.CHANGED, "changed": span["changed"]},
        )
    return touched
