"""What a collection's answer says about its pages, counters and the ``Link`` header, and how a walk goes on.

Spec: OneRoster 1.2 Rostering OpenAPI (``X-Total-Count``, and the links ``next``, ``prev``, ``first``, ``last``);
RFC 8288 section 3. The choices are in ``docs/decisions/0003-paging.md``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self
from urllib.parse import quote

from bridge.roster.query import Place


@dataclass(frozen=True, slots=True)
class Counters:
    """Where a page lies in its collection.

    :param total: how many records match on all pages.
    """

    total: int
    offset: int
    limit: int

    @property
    def page_count(self) -> int:
        return -(-self.total // self.limit)

    @property
    def page_number(self) -> int:
        """From 1; between two pages of the grid it is that of the earlier one."""
        return self.offset // self.limit + 1

    def as_json_members(self) -> str:
        """The members that follow the records in the body, as JSON text that begins with a comma."""
        return (
            f',"totalCount":{self.total},"pageCount":{self.page_count},"pageNumber":{self.page_number}'
            f',"offset":{self.offset},"limit":{self.limit}'
        )


@dataclass(frozen=True, slots=True)
class Walk:
    """A client's way through a collection, as far as it has come.

    :param place: the last record that was served.
    :param offset: the offset that the client has come to.
    :param total: the highest total that was told on the way.
    """

    place: Place
    offset: int
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A page as it is served.

    The total never falls on one walk: whoever counts up to it must not be stopped before the end by records that have
    left the filter behind her.

    :param behind: the place at which it ends; on an empty page, that at which it began, if one is known.
    :param count: how many records it holds.
    :param more: whether a record follows.
    """

    behind: Place | None
    offset: int
    count: int
    limit: int
    total: int
    more: bool

    @classmethod
    def on(
        cls, walk: Walk | None, *, offset: int, limit: int, last: Place | None, count: int, total: int, more: bool
    ) -> Self:
        """A page that continues a walk, or begins one at an offset.

        :param offset: where it begins if it continues none.
        :param last: the place of its last record.
        :param total: how many records match now.
        """
        begun = walk.offset if walk else offset
        return cls(
            behind=last or (walk.place if walk else None),
            offset=begun,
            count=count,
            limit=limit,
            total=max(total, walk.total if walk else 0, begun + count + 1 if more else 0),
            more=more,
        )

    @property
    def following(self) -> Walk | None:
        """The walk behind this page; ``None`` if nothing follows."""
        return self._at(self.offset + self.count) if self.behind and self.more else None

    @property
    def counted_on(self) -> Sequence[Walk]:
        """The walk at the offsets that a counting client may ask for next.

        At the end, some count on by what they received and others by what they asked for. A first page that is the last
        one too is not remembered: look-ups of single records are many, and nobody counts on from there.
        """
        if self.behind is None or (self.offset == 0 and not self.more):
            return []
        reached = self.offset + self.count
        if self.more:
            return [self._at(reached)]
        return [self._at(offset) for offset in sorted({reached, self.offset + self.limit} - {self.offset})]

    def _at(self, offset: int) -> Walk:
        assert self.behind is not None
        return Walk(self.behind, offset, self.total)


def links_begin(url: str, kept: Sequence[tuple[str, str]], limit: int) -> str:
    """What the links to all pages of a query begin with.

    :param url: the collection's absolute public URL, without a query.
    :param kept: the parameters to repeat, as the caller gave them, decoded.
    :param limit: the page size in force, at least 1: it is the same in every link.
    """
    repeated = "".join(f"{quote(name, safe='')}={quote(value, safe='')}&" for name, value in kept)
    return f"<{url}?{repeated}limit={limit}&offset="


def link_header(page: str, *, limit: int, offset: int, total: int, next_cursor: str | None, has_next: bool) -> str:
    """The ``Link`` header of one page.

    ``first`` is always there; ``prev`` is left out on the first page, ``next`` on the last, ``last`` when nothing
    matches. ``last`` lies on the grid of pages that begins at offset 0, also when this page does not, and so does
    ``prev`` when this page lies behind the end.

    :param page: what all links begin with (:func:`links_begin`).
    :param limit: the page size in force.
    :param next_cursor: what names the next page's place, besides its offset.
    :param has_next: whether a record follows this page.
    """
    last = max(total - 1, 0) // limit * limit
    links = []
    if has_next:
        cursor = "" if next_cursor is None else f"&cursor={quote(next_cursor, safe='')}"
        links.append(f'{page}{offset + limit}{cursor}>; rel="next"')
    if offset > 0:
        links.append(f'{page}{min(max(offset - limit, 0), last)}>; rel="prev"')
    links.append(f'{page}0>; rel="first"')
    if total > 0:
        links.append(f'{page}{last}>; rel="last"')
    return ", ".join(links)
