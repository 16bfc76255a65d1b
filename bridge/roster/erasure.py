"""Whom a stated thing is about, so that nobody who was erased comes back with the next reading."""

import json
from collections.abc import Callable, Iterator

from bridge.roster.identity import ContextKey, PersonKey, SourcedId, user_sourced_id
from bridge.roster.ports import Gone, Listed, PageRead, Rejected, Said, Snapshot, Stated
from bridge.roster.spellings import read_reference, read_text

_ABOUT_HER = ("users/", "demographics/")
_HERS = "enrollments/"

IsErased = Callable[[SourcedId], bool]


def people_in(source: str, subject: str, raw: bytes = b"") -> Iterator[SourcedId]:
    """The sourcedIds of those whom a fact may be about.

    An LMS names its people, and their ids are made of that; a student information system names records. What a record
    refers to has no prefix of its source yet: that stands in the subject, before the record's own sourcedId.

    :param raw: what is said, where that is known: only that tells whose an enrollment is.

    >>> list(people_in("sis", "users/17"))[-1]
    '17'
    >>> list(people_in("sis", "enrollments/n-5", b'{"sourcedId": "5", "user": {"sourcedId": "17"}}'))[-1]
    'n-17'
    """
    if not subject:
        return
    yield user_sourced_id(source, PersonKey(subject))
    for prefix in _ABOUT_HER:
        if subject.startswith(prefix):
            yield SourcedId(subject.removeprefix(prefix))
    if subject.startswith(_HERS) and raw:
        yield from _user_of(subject.removeprefix(_HERS), raw)


def _user_of(sourced_id: str, raw: bytes) -> Iterator[SourcedId]:
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        return
    if isinstance(body, dict) and (user := read_reference(body.get("user"))) is not None:
        yield SourcedId(sourced_id.removesuffix(read_text(body.get("sourcedId")) or "") + user)


class WithoutErased:
    """A snapshot without what it says of people who were erased: in the place of that, that they are gone.

    So nothing of it is kept, and everything else keeps its place, by which bad rows of files are found.
    """

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

    def __iter__(self) -> Iterator[Said]:
        for entry in self._snapshot:
            match entry:
                case PageRead() | Gone():
                    yield entry
                case Listed():
                    yield self._without_erased(entry)
                case _ if not self._is_about_erased(entry.subject, entry.raw if isinstance(entry, Stated) else b""):
                    yield entry
                case _ if entry.subject and (isinstance(entry, Rejected) or entry.kind.counted):
                    yield Gone(entry.subject)

    def _without_erased(self, listed: Listed) -> Listed:
        erased = {
            index: Gone(subject)
            for index, (subject, raw) in enumerate(zip(listed.subjects, listed.raws, strict=True))
            if subject is not None and self._is_about_erased(subject, raw)
        }
        if not erased:
            return listed
        # Of nobody it is told whether she is held already that must not be.
        subjects = [None if index in erased else subject for index, subject in enumerate(listed.subjects)]
        return Listed(listed.kind, subjects, listed.raws, lambda index: erased.get(index) or listed.read(index))

    def _is_about_erased(self, subject: str | None, raw: bytes) -> bool:
        return any(map(self._is_erased, people_in(self.source, subject or "", raw)))

    def merge(self, earlier: bytes, later: bytes) -> bytes:
        return self._snapshot.merge(earlier, later)
