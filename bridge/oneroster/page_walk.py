"""How far a walk through the pages of one collection has come, and what its pages say of the end.

The rules are in ``docs/decisions/0016-reading-a-sis.md``.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bridge.errors import SourceRefused
from bridge.origins import origin_of

_MOST_EMPTY_PAGES = 20


@dataclass(frozen=True, slots=True)
class Page:
    """One page.

    :param next_url: where it links to.
    :param linked: whether it has any link.
    :param total: ``X-Total-Count``; ``None`` if it has none that can be read.
    """

    records: Sequence[Any]
    next_url: str | None
    linked: bool
    total: int | None


class Walk:
    """How far the walk through one collection has come, and what it has seen.

    :ivar offset: how many records were received.
    """

    def __init__(self, where: str, limit: int) -> None:
        self.where = where
        self.offset = 0
        self._limit = limit
        self._distinct = 0
        self._total: int | None = None
        self._pages = self._empty = 0
        self._first: int | None = None
        self._blind = False
        self._marks: set[int] = set()
        self._seen: set[str] = set()
        # Rows that come or go move others over the edge of a page, not further.
        self._latest: deque[frozenset[str]] = deque(maxlen=2)

    def repeats(self, page: Page, linked: bool) -> bool:
        """Whether a page is one that came before.

        :raises SourceRefused: if that means that the walk goes in circles. It does not where nothing is known of
            paging: such a provider gives all that it has with every answer, or all that it will ever give.
        """
        if not page.records or self._mark(page) not in self._marks:
            return False
        if self._pages == 1 and not linked and page.next_url is None:
            self._blind = self.offset not in (self._total, page.total) and self.offset <= self._limit
            return True
        raise SourceRefused(f"{self.where} sends a page again that was read already: it leads in circles")

    def note(self, page: Page) -> None:
        """Take a page into account."""
        ids = frozenset(_id_of(record) for record in page.records)
        self._distinct += len(ids.difference(*self._latest))
        self._latest.append(ids)
        self._marks.add(self._mark(page))
        self._pages += 1
        self.offset += len(page.records)
        if page.total is not None:
            self._total = max(self._total or 0, page.total)
        self._empty = 0 if page.records else self._empty + 1
        if self._empty > _MOST_EMPTY_PAGES:
            raise SourceRefused(f"{self.where} links on and on to pages without records: it has no end")

    def check_next(self, url: str, base_url: str) -> None:
        """Keep the walk on the registered origin, where the credentials belong, and out of circles."""
        if _origin(url) != _origin(base_url):
            raise SourceRefused(
                f"{self.where} links to a page at another scheme, host or port, where the credentials do not belong:"
                " check the provider's own idea of its public address"
            )
        if url in self._seen:
            raise SourceRefused(f"{self.where} links back to a page that was read already: it has no end")
        self._seen.add(url)

    def is_at_linked_end(self, page: Page) -> bool:
        """Whether two signs agree that there is no more: the provider links its pages, and its total is reached."""
        return page.linked and self._total is not None and self.offset >= self._total

    def is_past_end(self, linked: bool) -> bool:
        """Whether what was asked for is behind the provider's own total, and not by its own link."""
        return not linked and self._total is not None and 0 < self._total <= self.offset

    @property
    def is_whole(self) -> bool:
        """Whether nothing speaks for records that did not come."""
        return not self._blind and (self._total is None or self._distinct >= self._total)

    def _mark(self, page: Page) -> int:
        return hash(tuple(_id_of(record) for record in page.records))


def _id_of(record: Any) -> str:
    return str(record.get("sourcedId")) if isinstance(record, dict) else repr(record)


def _origin(url: str) -> tuple[str, str, int]:
    try:
        return origin_of(url)
    except ValueError:
        raise SourceRefused("a link to a next page is not a URL: check the base URL") from None
