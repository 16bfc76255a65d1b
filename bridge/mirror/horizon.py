"""Which records a client that is limited to orgs or classes may see.

The classes that it is limited to, and those whose school is one of its orgs or below one, are seen; around them

* their enrollments, and the users who have one, whatever its status; the users with a role at one of the orgs;
* their courses, and the courses of the orgs;
* their schools, and the orgs themselves with those below them;
* the sessions that these classes and courses are in, the sessions that those are part of, and the parts of them;
* the demographics of these users.

All that is worked out from records of visible sources alone, once for each state of the mirror: what there is beside
them makes no difference to it.
"""

# ruff: noqa: S608 - every value is bound, and the names that stand in the SQL are the model's own

import json
import threading
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any

from sqlite_utils import Database

from bridge.mirror.condition_sql import ALWAYS, ANY_SOURCE, FACET_FIELD, Term
from bridge.roster.model import (
    ACADEMIC_SESSIONS,
    CLASSES,
    COURSES,
    DEMOGRAPHICS,
    ENROLLMENTS,
    ORGS,
    USERS,
    Collection,
)
from bridge.roster.visibility import Visibility

_KEPT = 16
"""How many clients' horizons a process remembers."""

_LISTED = "(SELECT value FROM json_each(?))"


class Horizon:
    """What one limited client may see of one state of the mirror. Does not change, and serves all threads.

    :param ids: the sourcedIds of the visible records, by collection; enrollments are those of the visible classes.
    :param sources: a SELECT of the numbers of the visible sources.
    """

    def __init__(self, ids: Mapping[str, frozenset[str]], sources: Term) -> None:
        self._ids = ids
        self._sources = sources

    @cached_property
    def _texts(self) -> Mapping[str, str]:
        return {name: _json(ids) for name, ids in self._ids.items()}

    def sees(self, collection: str, sourced_id: str) -> bool:
        """Whether a record, of any collection but enrollments, may be seen; one that is not there may not."""
        return sourced_id in self._ids[collection]

    def terms(self, collection: Collection, *, row_given: bool = False) -> list[Term]:
        """What holds for a row ``r`` of a collection that may be seen.

        :param row_given: whether something else leads to the rows already, so that each is only to be looked at.
        """
        if collection.name != ENROLLMENTS.name:
            plus = "+" if row_given else ""
            return [Term(f"{plus}r.sourcedId IN {_LISTED}", (self._texts[collection.name],))]
        if row_given:
            return [Term(f'r."class.sourcedId" IN {_LISTED}', (self._texts[CLASSES.name],))]
        return [_refer_to(ENROLLMENTS, "class.sourcedId", self._ids[CLASSES.name], self._sources)]


class Horizons:
    """The horizons of one process. Safe to use from several threads, each with its own connection."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[tuple[Visibility, str], Horizon] = {}

    def of(self, db: Database, visibility: Visibility) -> Horizon:
        """What a limited client may see now, by the transaction that the caller holds."""
        key = (visibility, _state(db, visibility))
        found = self._known.get(key)
        if found is None:
            found = _Survey(db, visibility).horizon()
            with self._lock:
                for former in [each for each in self._known if each[0] == visibility]:
                    del self._known[former]
                while len(self._known) >= _KEPT:
                    del self._known[next(iter(self._known))]
                self._known[key] = found
        return found


def _state(db: Database, visibility: Visibility) -> str:
    """What names the present state of everything that the visible sources have said."""
    epoch = db.execute("SELECT value FROM meta WHERE key = 'epoch'").fetchone()
    sources = _sources(visibility)
    (changed,) = db.execute(
        f"SELECT max(changed) FROM marks WHERE source IN ({sources.sql})", sources.parameters
    ).fetchone()
    return f"{epoch[0]} {changed}"


def _sources(visibility: Visibility) -> Term:
    """A SELECT of the numbers of the visible sources."""
    if visibility.sources is None:
        return ANY_SOURCE
    return Term(f"SELECT id FROM sources WHERE name IN {_LISTED}", (_json(visibility.sources),))


class _Survey:
    """Works one horizon out."""

    def __init__(self, db: Database, visibility: Visibility) -> None:
        self._db = db
        self._visibility = visibility
        self._sources = _sources(visibility)

    def horizon(self) -> Horizon:
        orgs = self._within_orgs()
        of_orgs = _refer_to(CLASSES, "school.sourcedId", orgs, self._sources)
        classes = self._rows(
            CLASSES, '"course.sourcedId", r."school.sourcedId"', _is_one_of(self._visibility.classes), of_orgs
        )
        class_ids = {sourced_id for sourced_id, *_ in classes}
        courses = self._rows(
            COURSES,
            '"schoolYear.sourcedId"',
            _is_one_of(course for _, course, _ in classes if course),
            _refer_to(COURSES, "org.sourcedId", orgs, self._sources),
        )
        in_classes = _refer_to(ENROLLMENTS, "class.sourcedId", class_ids, self._sources)
        enrolled = self._rows(ENROLLMENTS, '"user.sourcedId"', in_classes)
        users = self._ids(
            USERS,
            _is_one_of({user for _, user in enrolled if user}),
            _refer_to(USERS, "roles.org.sourcedId", orgs, self._sources),
        )
        schools = {school for *_, school in classes if school}
        return Horizon(
            {
                ORGS.name: self._ids(ORGS, _is_one_of(orgs | schools)),
                ACADEMIC_SESSIONS.name: self._sessions(class_ids, [year for _, year in courses if year]),
                COURSES.name: frozenset(sourced_id for sourced_id, _ in courses),
                CLASSES.name: frozenset(class_ids),
                USERS.name: users,
                DEMOGRAPHICS.name: users,
            },
            self._sources,
        )

    def _rows(self, collection: Collection, columns: str, *either: Term) -> list[Any]:
        """Rows of visible sources for which one of the terms holds: the sourcedId, and these columns."""
        where = " OR ".join(term.sql for term in either)
        plus = "" if either == (ALWAYS,) else "+"  # keeps SQLite from the index of sources where ids lead to the rows
        return self._db.execute(
            f'SELECT r.sourcedId, r.{columns} FROM "{collection.name}" AS r'
            f" WHERE ({where}) AND {plus}r.source IN ({self._sources.sql})",
            (*(parameter for term in either for parameter in term.parameters), *self._sources.parameters),
        ).fetchall()

    def _ids(self, collection: Collection, *either: Term) -> frozenset[str]:
        return frozenset(sourced_id for sourced_id, _ in self._rows(collection, "seq", *either))

    def _within_orgs(self) -> frozenset[str]:
        """The orgs that the client is limited to, and those below them."""
        if not self._visibility.orgs:
            return frozenset()
        rows = self._rows(ORGS, '"parent.sourcedId"', ALWAYS)
        return frozenset(_below(self._visibility.orgs & {sourced_id for sourced_id, _ in rows}, rows))

    def _sessions(self, classes: Iterable[str], years: Iterable[str]) -> frozenset[str]:
        rows = self._rows(ACADEMIC_SESSIONS, '"parent.sourcedId"', ALWAYS)
        terms = self._db.execute(
            "SELECT DISTINCT e.value ->> '$.sourcedId' FROM classes AS r"
            f" CROSS JOIN json_each(r.document, '$.terms') AS e WHERE r.sourcedId IN {_LISTED}",
            (_json(classes),),
        )
        parents = dict(rows)
        referred = {*years, *(term for (term,) in terms)} & parents.keys()
        found = set(_below(referred, rows))
        for session in referred:
            above = parents.get(session)
            while above is not None and above in parents and above not in found:
                found.add(above)
                above = parents[above]
        return frozenset(found)


def _is_one_of(ids: Iterable[str]) -> Term:
    return Term(f"r.sourcedId IN {_LISTED}", (_json(ids),))


def _refer_to(collection: Collection, path: str, ids: Iterable[str], sources: Term) -> Term:
    """Rows that hold one of these sourcedIds at a path, found by the facets of these sources."""
    listed = (
        f"SELECT facets.seq FROM facets WHERE facets.field = {FACET_FIELD} AND facets.value IN {_LISTED}"
        f" AND facets.source IN ({sources.sql})"
    )
    return Term(f"r.seq IN ({listed})", (collection.name, path, _json(ids), *sources.parameters))


def _below(tops: Iterable[str], rows: Iterable[tuple[str, str | None]]) -> set[str]:
    """These records and those below them, by their parents."""
    children: dict[str, list[str]] = {}
    for sourced_id, parent in rows:
        if parent is not None:
            children.setdefault(parent, []).append(sourced_id)
    found: set[str] = set()
    waiting = list(tops)
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting.extend(children.get(one, ()))
    return found


def _json(ids: Iterable[str]) -> str:
    return json.dumps(sorted(ids), ensure_ascii=False)
