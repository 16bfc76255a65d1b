"""A OneRoster provider as a source of the reconciler: everything it has, or what has changed since.

Every record is stated as it came (:func:`bridge.roster.records.state`), collection by collection, those first that
others refer to. Of changes a provider tells by ``dateLastModified``, and of what has ended by its tombstones.

Spec: OneRoster 1.2 CSV binding, section 2 (the life cycle of records, for REST too); REST binding, "Filtering".
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

import msgspec
import structlog

from bridge.clock import from_stamp, to_stamp
from bridge.oneroster.client import Account, OneRosterClient
from bridge.oneroster.reading import DEFAULT_LIMIT, Reading
from bridge.roster.identity import ContextKey
from bridge.roster.instants import parse_instant
from bridge.roster.model import ACADEMIC_SESSIONS, CLASSES, COURSES, DEMOGRAPHICS, ENROLLMENTS, ORGS, USERS, Collection
from bridge.roster.ports import Gone, PageRead, Rejected, Stated
from bridge.roster.records import WHOLE_SOURCE, RecordSnapshot

log = structlog.get_logger(__name__)

_COLLECTIONS = (ORGS, ACADEMIC_SESSIONS, COURSES, CLASSES, USERS, ENROLLMENTS)


class Changes(StrEnum):
    """How a provider is asked for what has changed."""

    INSTANT = "instant"
    """By a date-time, as OneRoster wants it."""
    DATE = "date"
    """By a date: some providers read nothing else."""
    OFF = "off"
    """Not at all: everything is read every time."""


class _Bookmark(msgspec.Struct, frozen=True, array_like=True):
    """The moment, by the provider's clock, up to which its changes are known, and what was read."""

    base_url: str
    demographics: bool
    until: str


class OneRosterSnapshot:
    """What a provider says: a :class:`bridge.roster.ports.Snapshot`.

    :param prefix: goes before every sourcedId.
    :param demographics: whether these are read too.
    :param limit: how many records to ask for at a time.
    :param changes: how to ask for changes next time; with ``OFF`` there is no bookmark.
    :param overlap: how much further back than the bookmark to ask: clocks differ, and records are saved late.
    :param since: what an earlier reading has remembered; ``None`` reads everything.
    :ivar complete: known when all was read: a reading that is not whole ends nobody's record.
    """

    context: ContextKey = WHOLE_SOURCE

    def __init__(
        self,
        client: OneRosterClient,
        account: Account,
        *,
        prefix: str = "",
        demographics: bool = False,
        limit: int = DEFAULT_LIMIT,
        changes: Changes = Changes.INSTANT,
        overlap: timedelta = timedelta(minutes=15),
        since: _Bookmark | None = None,
    ) -> None:
        self.source = account.name
        self.complete = False
        self.bookmark: str | None = msgspec.json.encode(since).decode() if since else None
        self._client = client
        self._account = account
        self._prefix = prefix
        self._collections = (*_COLLECTIONS, DEMOGRAPHICS) if demographics else _COLLECTIONS
        self._demographics = demographics
        self._limit = limit
        self._changes = changes
        self._overlap = overlap
        self._since = since
        self._latest: datetime | None = from_stamp(since.until) if since else None

    def __iter__(self) -> Iterator[Stated | Rejected | Gone | PageRead]:
        reading = self._client.read(self._account, limit=self._limit)
        yield from RecordSnapshot(self.source, self._records(reading), complete=False, prefix=self._prefix)
        self.complete = self._since is None and reading.whole
        if self._since is None and not reading.whole:
            log.warning("reading_not_whole", source=self.source)
        self.bookmark = self._bookmark(reading)

    def merge(self, earlier: bytes, later: bytes) -> bytes:
        """A record that comes twice has moved between two pages: what was read last counts."""
        return later

    def since(self, bookmark: str) -> "OneRosterSnapshot | None":
        """What has changed since an earlier reading; ``None`` if that was of something else, or changes are not asked
        for.

        :param bookmark: the earlier reading's.
        """
        try:
            mark = msgspec.json.decode(bookmark, type=_Bookmark)
            from_stamp(mark.until)
        except (msgspec.DecodeError, ValueError):
            return None  # another version's
        if self._changes is Changes.OFF or (mark.base_url, mark.demographics) != (
            self._account.base_url,
            self._demographics,
        ):
            return None
        return OneRosterSnapshot(
            self._client,
            self._account,
            prefix=self._prefix,
            demographics=self._demographics,
            limit=self._limit,
            changes=self._changes,
            overlap=self._overlap,
            since=mark,
        )

    def _records(self, reading: Reading) -> Iterator[tuple[Collection, Any] | PageRead]:
        condition = self._condition()
        for collection in self._collections:
            for page in reading.pages(collection, condition):
                yield PageRead()
                for record in page:
                    self._look_at(record)
                    yield collection, record
                del page  # lest two be held while the next one is read

    def _condition(self) -> str | None:
        if self._since is None:
            return None
        until = from_stamp(self._since.until)
        stamp = to_stamp(until - min(self._overlap, until - datetime.min.replace(tzinfo=UTC)))
        return f"dateLastModified>='{stamp[:10] if self._changes is Changes.DATE else stamp}'"

    def _look_at(self, record: Any) -> None:
        """Note the latest change seen. Some records have no date, or one that is none."""
        stated = record.get("dateLastModified") if isinstance(record, dict) else None
        if isinstance(stated, str):
            try:
                instant = parse_instant(stated.strip())
            except ValueError:
                return
            self._latest = instant if self._latest is None else max(self._latest, instant)

    def _bookmark(self, reading: Reading) -> str | None:
        """Up to when nothing can have been missed: the latest change seen, but not after the reading began."""
        if self._changes is Changes.OFF or self._latest is None:
            return None
        if not reading.whole:
            return self.bookmark
        until = self._latest if reading.began is None else min(self._latest, reading.began)
        mark = _Bookmark(self._account.base_url, self._demographics, to_stamp(until))
        return msgspec.json.encode(mark).decode()
