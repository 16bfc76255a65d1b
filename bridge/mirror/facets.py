"""Which facets the mirror keeps, brought in line with the model's when a mirror is opened.

A version of the bridge that can look records up by another value finds mirrors whose records have no facet of it yet.
Here it is given to them, a batch at a time: nobody waits for long, no document and no stamp moves, and what is
reconciled meanwhile has the facet already.
"""

import json

import msgspec
from sqlite_utils import Database

from bridge.roster.model import COLLECTIONS, Collection
from bridge.roster.values import values_at
from bridge.storage import write

_FILLED = "facets_filled"
_BATCH = 2000


def fill_facets(db: Database) -> None:
    """See to it that every record has every facet of the model.

    Which facets all records have is noted in the mirror, so that there is nothing to do but once for each new one.
    Several processes may do it at once; one that is stopped in the middle leaves the rest to the next.
    """
    wanted = {f"{collection.name} {path.name}" for collection in COLLECTIONS.values() for path in collection.facets}
    row = db.execute("SELECT value FROM meta WHERE key = ?", (_FILLED,)).fetchone()
    filled = set(json.loads(row[0])) if row else set()
    if filled == wanted:
        return
    for collection in COLLECTIONS.values():
        new = [path.name for path in collection.facets if f"{collection.name} {path.name}" not in filled]
        if new:
            _fill(db, collection, _begin(db, collection, new))
    with write(db):
        db.execute("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", (_FILLED, json.dumps(sorted(wanted))))


def _begin(db: Database, collection: Collection, paths: list[str]) -> dict[str, int]:
    """Number the fields: from now on the records that change have these facets. What an older version left goes."""
    with write(db):
        db.conn.executemany(
            "INSERT OR IGNORE INTO facet_fields (collection, path) VALUES (?, ?)",
            [(collection.name, path) for path in paths],
        )
        fields = dict(
            db.execute("SELECT path, field FROM facet_fields WHERE collection = ?", (collection.name,)).fetchall()
        )
        db.conn.executemany("DELETE FROM facets WHERE field = ?", [(fields[path],) for path in paths])
    return {path: fields[path] for path in paths}


def _fill(db: Database, collection: Collection, fields: dict[str, int]) -> None:
    last = 0
    while True:
        with write(db):
            rows = db.execute(
                f'SELECT seq, source, document FROM "{collection.name}" WHERE seq > ? ORDER BY seq LIMIT ?',  # noqa: S608
                (last, _BATCH),
            ).fetchall()
            db.conn.executemany(
                "INSERT OR IGNORE INTO facets (field, source, value, seq) VALUES (?, ?, ?, ?)",
                [
                    (field, source, value, seq)
                    for seq, source, document in rows
                    for body in (msgspec.json.decode(document),)
                    for path, field in fields.items()
                    for value in values_at(body, path)
                ],
            )
        if len(rows) < _BATCH:
            return
        last = rows[-1][0]
