"""Which facets the mirror keeps, brought in line with the model's, and which of them can be relied on.

A version of the bridge that can look records up by another value finds mirrors whose records have no facet of it yet.
Opening such a mirror only numbers the new facet, so that records that change from now on have it; the others are given
theirs in the background, a short write at a time. No document and no stamp moves. Until a facet is *full*, pages are
found without it: :func:`without_facets` says how a collection is read then.

What the mirror's own statements look up (who is enrolled in a class, what a tombstone is referred to by) are references
that its first migration numbers: no mirror lacks these.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import NamedTuple

import msgspec
from sqlite_utils import Database

from bridge.roster.model import COLLECTIONS, Collection
from bridge.roster.query import Among, And, Condition, Or, Query
from bridge.roster.values import values_at
from bridge.storage import write

FacetNames = frozenset[tuple[str, str]]
"""Collections and paths."""

_FULL = "facets_filled"
_FILLED_TO = "facets_filled_to"
_BATCH = 2_000


def number_facets(db: Database) -> None:
    """See to it that whatever changes from now on has every facet of the model.

    The facets of a collection without records are full at once. If there is nothing to do, nothing is written.
    """
    if _to_do(db) is None:
        return  # without asking for the lock, which a large plan may hold for a while
    with write(db):
        to_do = _to_do(db)
        if to_do is not None:
            db.conn.executemany("INSERT INTO facet_fields (collection, path) VALUES (?, ?)", sorted(to_do.new))
            _note(db, to_do.full)
            _note_progress(db, to_do.progress)


class _ToDo(NamedTuple):
    """What opening is to note.

    :param new: facets without a number.
    :param progress: how far each is filled that is being filled.
    """

    new: FacetNames
    full: FacetNames
    progress: dict[str, int]


def _to_do(db: Database) -> _ToDo | None:
    wanted, numbered, noted, progress = _of_model(), _numbered(db), _noted(db), _progress(db)
    known = numbered if noted is None else noted  # older than the note: each was kept since it was numbered
    empty = {name for name, _ in wanted - known if _is_empty(db, name)}
    # What this version does not know, it does not keep: nobody can rely on it behind this version's back.
    full = frozenset(one for one in wanted if one in known or one[0] in empty)
    going_on = {name: last for name, last in progress.items() if name in map(" ".join, wanted)}
    to_do = _ToDo(wanted - numbered, full, going_on)
    return None if to_do == _ToDo(frozenset(), frozenset(noted or ()), progress) and noted is not None else to_do


def unfilled(db: Database) -> FacetNames:
    """The facets that some records do not have yet."""
    return _of_model() - (_noted(db) or frozenset())


def fill_facets(db: Database, between: Callable[[], None] = lambda: None) -> int:
    """Give every record the facets that it does not have yet; returns how many facets were not full.

    Several processes may do it at once; one that is stopped in the middle leaves the rest to the next.

    :param between: called between two transactions.
    """
    missing = sorted(unfilled(db))
    for name, path in missing:
        while not _fill_some(db, name, path):
            between()
    return len(missing)


def _fill_some(db: Database, name: str, path: str) -> bool:
    """Go on with one facet; whether it is full now."""
    with write(db):
        (field,) = db.execute(
            "SELECT field FROM facet_fields WHERE collection = ? AND path = ?", (name, path)
        ).fetchone()
        progress = _progress(db)
        last = progress.get(f"{name} {path}")
        if last is None:
            # What a version has left that did not keep it in line.
            gone = db.execute(
                "DELETE FROM facets WHERE field = ? AND (source, value, seq) IN"
                " (SELECT source, value, seq FROM facets WHERE field = ? LIMIT ?)",
                (field, field, _BATCH),
            ).rowcount
            if gone == _BATCH:
                return False
        rows = db.execute(
            f'SELECT seq, source, document FROM "{name}" WHERE seq > ? ORDER BY seq LIMIT ?',  # noqa: S608 - a name of ours
            (last or 0, _BATCH),
        ).fetchall()
        db.conn.executemany(
            "INSERT OR IGNORE INTO facets (field, source, value, seq) VALUES (?, ?, ?, ?)",
            [
                (field, source, value, seq)
                for seq, source, text in rows
                for value in values_at(msgspec.json.decode(text), path)
            ],
        )
        full = len(rows) < _BATCH
        if full:
            progress.pop(f"{name} {path}", None)
            _note(db, (_noted(db) or frozenset()) | {(name, path)})
        else:
            progress[f"{name} {path}"] = rows[-1][0]
        _note_progress(db, progress)
    return full


@cache
def without_facets(collection: Collection, missing: FacetNames | None = None) -> Collection:
    """The same class, of which some things cannot be looked up in the facets.

    :param missing: which; ``None`` for all of them.
    """

    def is_facet(name: str) -> bool:
        return missing is not None and (collection.name, name) not in missing

    return replace(
        collection,
        paths=tuple(replace(path, facet=path.facet and is_facet(path.name)) for path in collection.paths),
        looked_up=tuple(replace(path, facet=is_facet(path.name)) for path in collection.looked_up),
    )


def reading_without(query: Query, missing: FacetNames) -> Query:
    """The same query, of which some things are not looked up in the facets."""
    if not missing:
        return query

    def of(condition: Condition | None) -> Condition | None:
        match condition:
            case Among(collection, path, where):
                return Among(without_facets(collection, missing), path, _given(of(where)))
            case And(terms):
                return And(tuple(_given(of(term)) for term in terms))
            case Or(terms):
                return Or(tuple(_given(of(term)) for term in terms))
            case _:
                return condition

    collection = without_facets(query.collection, missing)
    return replace(query, collection=collection, preset=of(query.preset), where=of(query.where))


def _given(condition: Condition | None) -> Condition:
    assert condition is not None
    return condition


@cache
def _of_model() -> FacetNames:
    return frozenset((name, path.name) for name, collection in COLLECTIONS.items() for path in collection.facets)


def _numbered(db: Database) -> FacetNames:
    return frozenset(db.execute("SELECT collection, path FROM facet_fields").fetchall())


def _noted(db: Database) -> FacetNames | None:
    """Which facets are full, by the mirror's own note; ``None`` if it has none yet."""
    text = _value(db, _FULL)
    if text is None:
        return None
    split = (name.partition(" ") for name in json.loads(text))
    return frozenset((collection, path) for collection, _, path in split)


def _note(db: Database, full: FacetNames) -> None:
    text = json.dumps(sorted(f"{name} {path}" for name, path in full))
    db.execute("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", (_FULL, text))


def _progress(db: Database) -> dict[str, int]:
    return dict(json.loads(_value(db, _FILLED_TO) or "{}"))


def _note_progress(db: Database, progress: dict[str, int]) -> None:
    db.execute("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", (_FILLED_TO, json.dumps(progress)))


def _is_empty(db: Database, name: str) -> bool:
    return db.execute(f'SELECT 1 FROM "{name}" LIMIT 1').fetchone() is None  # noqa: S608 - a name of ours


def _value(db: Database, key: str) -> str | None:
    row = db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return str(row[0]) if row else None
