"""Whom a stated thing is about, so that nobody who was erased comes back with the next reading."""

import json
from collections.abc import Callable, Iterator
from typing import Any

from bridge.roster.identity import ContextKey, PersonKey, SourcedId, user_sourced_id
from bridge.roster.ports import Gone, PageRead, Rejected, Snapshot, Stated

_ABOUT_HER = ("users/", "demographics/")
_HERS = "enrollments/"

IsErased = Callable[[SourcedId], bool]


def people_in(source: str, subject: str, raw: bytes = b"") -> Iterator[SourcedId]:
    """The sourcedIds of those whom a fact may be about.

    An LMS names its people, and their ids are made of that; a student information system names records.

    >>> list(people_in("sis", "users/17"))[-1]
    '17'
    """
    if not subject:
        return
    yield user_sourced_id(source, PersonKey(subject))
    for prefix in _ABOUT_HER:
        if subject.startswith(prefix):
            yield SourcedId(subject.removeprefix(prefix))
    if subject.startswith(_HERS) and raw:
        yield from _user_of(raw)


def _user_of(raw: bytes) -> Iterator[SourcedId]:
    try:
        body: Any = json.loads(raw)
    except ValueError:
        return
    match body:
        case {"user": {"sourcedId": str(sourced_id)}}:
            yield SourcedId(sourced_id)


class WithoutErased:
    """A snapshot without what it says of people who were erased. Nothing of it is kept, not even that it was said."""

    def __init__(self, snapshot: Snapshot, is_erased: IsErased) -> None:
        self._snapshot = snapshot
        self._is_erased = is_erased

    @property
    def source(self) -> str:
        return self._snapshot.source

    @property
    def context(self) -> ContextKey:
        return self._snapshot.context

    @property
    def complete(self) -> bool:
        return self._snapshot.complete

    @property
    def bookmark(self) -> str | None:
        return self._snapshot.bookmark

    def __iter__(self) -> Iterator[Stated | Rejected | Gone | PageRead]:
        for entry in self._snapshot:
            if isinstance(entry, PageRead) or not self._is_about_erased(entry):
                yield entry

    def _is_about_erased(self, entry: Stated | Rejected | Gone) -> bool:
        raw = entry.raw if isinstance(entry, Stated) else b""
        return any(map(self._is_erased, people_in(self.source, entry.subject or "", raw)))

    def merge(self, earlier: bytes, later: bytes) -> bytes:
        return self._snapshot.merge(earlier, later)
