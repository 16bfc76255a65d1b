"""Reading all pages of a OneRoster provider's collections.

A page that is short is no proof of the end: providers clamp ``limit``. The end is where there is nothing more: no next
link and an empty page behind what was received, or a total that agrees with a ``Link`` header that leads no further. A
walk that ends before the provider's own total, or that cannot tell, makes the reading one that is not whole; one that
goes in circles, leaves the origin or has no end is refused.

Where a page is refused, too large or too slow, half as many records are asked for, from the same place on.

Spec: OneRoster 1.2 REST binding, "Pagination"; ``docs/decisions/0016-reading-a-sis.md`` says what is done where it is
silent.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any
from urllib.parse import quote

from bridge.clock import Clock
from bridge.errors import AnswerTooLarge, BridgeError, SourceRefused, SourceUnavailable
from bridge.oneroster.page_bodies import parse_page
from bridge.oneroster.page_walk import Page, Walk
from bridge.roster.model import DEMOGRAPHICS, Collection
from bridge.transport.http import Answer, without_query
from bridge.transport.links import find_link, parse_links
from bridge.transport.retry import Patience, asks_to_wait, retry_after

DEFAULT_LIMIT = 1000
_LEAST_LIMIT = 25
_LONGEST_LINKS = 8 * 1024
_ASK_FOR_LESS = frozenset({400, 413, 414, 422})
_BUSY = frozenset({408, 425, 429, 503})

_WHAT_TO_CHECK = {
    400: "it does not accept the request: check the version and the base URL",
    401: "it refuses a fresh access token: check the client id, the secret and the scopes",
    403: "it does not let the bridge read this: check the scopes that it grants to the client",
    404: "it knows no such address: check the base URL, which ends before the collection's name",
}


class _TooMuch(Exception):
    """A page that less may be asked for. Never leaves this module."""

    def __init__(self, error: BridgeError) -> None:
        super().__init__()
        self.error = error


class _Busy(SourceUnavailable):
    """The provider asks to be left alone for a while: asking for less would not help."""


class Reading:
    """One reading of one provider: its collections one after the other.

    :param get: asks, authorised.
    :param base_url: what the collections' names go behind.
    :param limit: how many records to ask for at a time; it falls where that is too much.
    :param max_records: more than that in all are refused.
    :param max_minutes: how long it may take.
    :ivar whole: whether everything was received that the provider has, as far as it can be told.
    :ivar began: the provider's own time at its first answer; ``None`` if it does not tell.
    """

    def __init__(
        self,
        get: Callable[[str], Answer],
        base_url: str,
        *,
        limit: int,
        max_records: int,
        max_minutes: float,
        patience: Patience,
        clock: Clock,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self._get = get
        self._base_url = base_url
        self._limit = limit
        self._max_records = max_records
        self._max_minutes = max_minutes
        self._patience = patience
        self._clock = clock
        self._ticks = ticks
        self._deadline = ticks() + max_minutes * 60
        self._received = 0
        self.whole = True
        self.began: datetime | None = None

    def pages(self, collection: Collection, condition: str | None = None) -> Iterator[Sequence[Any]]:
        """The records of a collection, a page at a time; one that has moved between two pages comes twice.

        :param condition: a ``filter``.
        :raises SourceUnavailable: if the provider is busy or out of reach for longer than patience lasts.
        :raises SourceRefused: if it says no, leads in circles or elsewhere or on without end, or has more records than
            are accepted.
        """
        walk = Walk(without_query(f"{self._base_url}/{collection.name}"), self._limit)
        url, linked = self._url(collection, 0, condition), False
        while True:
            try:
                page, linked = self._fetch(collection, url, walk.offset, condition, linked)
            except SourceRefused:
                if walk.is_past_end(linked):
                    break  # some refuse to be asked for what is behind the end
                raise
            if walk.repeats(page, linked):
                break
            walk.note(page)
            self._count(len(page.records), walk.where)
            yield page.records
            if page.next_url is not None:
                walk.check_next(page.next_url, self._base_url)
                url, linked = page.next_url, True
            elif not page.records or walk.is_at_linked_end(page):
                break
            else:
                url, linked = self._url(collection, walk.offset, condition), False
        self.whole = self.whole and walk.is_whole

    def _url(self, collection: Collection, offset: int, condition: str | None) -> str:
        chosen = f"&filter={quote(condition, safe='')}" if condition else ""
        return f"{self._base_url}/{collection.name}?limit={self._limit}&offset={offset}{chosen}"

    def _count(self, records: int, where: str) -> None:
        self._received += records
        if self._received > self._max_records:
            raise SourceRefused(
                f"{where}: the provider has more than {self._max_records} records: if that is right, raise"
                " sources.max_records"
            )

    def _fetch(
        self, collection: Collection, url: str, offset: int, condition: str | None, linked: bool
    ) -> tuple[Page, bool]:
        """One page, and whether it was found by a link: it is not, once less had to be asked for."""
        while True:
            try:
                return self._patience.insist(partial(self._ask, collection, url)), linked
            except _TooMuch as refusal:
                error = refusal.error
            except SourceUnavailable as unavailable:
                if isinstance(unavailable, _Busy) or unavailable.retry_after is not None:
                    raise
                error = unavailable
            if self._limit <= _LEAST_LIMIT:
                raise error
            self._limit = max(_LEAST_LIMIT, self._limit // 2)
            url, linked = self._url(collection, offset, condition), False

    def _ask(self, collection: Collection, url: str) -> Page:
        where = without_query(url)
        if self._ticks() > self._deadline:
            raise SourceRefused(
                f"{where}: reading the provider takes more than {self._max_minutes:g} minutes: if that is right, raise"
                " sources.max_minutes"
            )
        try:
            answer = self._get(url)
            if self.began is None:
                self.began = _date_of(answer)
            if answer.status not in (200, 204):
                raise self._refusal(collection, answer)
            records = parse_page(answer.body, collection, where)
        except AnswerTooLarge as error:
            raise _TooMuch(error) from None
        lines = answer.headers.getlist("Link")
        if sum(map(len, lines)) > _LONGEST_LINKS:
            raise SourceRefused(f"{where} sends Link headers of more than {_LONGEST_LINKS} bytes")
        links = parse_links(lines, url)
        following = find_link(links, "next")
        total = answer.headers.get("X-Total-Count", "").strip()
        return Page(
            records,
            following.target if following else None,
            linked=bool(links),
            total=int(total) if total.isascii() and total.isdigit() and len(total) < 10 else None,
        )

    def _refusal(self, collection: Collection, answer: Answer) -> Exception:
        where = f"{without_query(answer.url)} answers {answer.status}"
        if answer.status in _BUSY or "Retry-After" in answer.headers:
            return _Busy(where, retry_after(answer, self._clock()))
        if asks_to_wait(answer.status):
            return SourceUnavailable(where)
        hint = _WHAT_TO_CHECK.get(answer.status, "check the base URL")
        if collection is DEMOGRAPHICS:
            hint += ", or register the source without demographics"
        refused = SourceRefused(f"{where}: {hint}")
        return _TooMuch(refused) if answer.status in _ASK_FOR_LESS else refused


def _date_of(answer: Answer) -> datetime | None:
    try:
        moment = parsedate_to_datetime(answer.headers.get("Date", ""))
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
