"""What a collection's answer says about its pages: counters, and the ``Link`` header.

Spec: OneRoster 1.2 Rostering OpenAPI (``X-Total-Count``, and the links ``next``, ``prev``, ``first``, ``last``);
RFC 8288 section 3. The choices are in ``docs/decisions/0003-paging.md``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote


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


def link_header(
    url: str,
    kept: Sequence[tuple[str, str]],
    *,
    limit: int,
    offset: int,
    total: int,
    next_cursor: str | None,
    has_next: bool,
) -> str:
    """The ``Link`` header of one page.

    The page size is the same in every link. ``first`` is always there; ``prev`` is left out on the first page, ``next``
    on the last, ``last`` when nothing matches. ``last`` lies on the grid of pages that begins at offset 0, also when
    this page does not, and so does ``prev`` when this page lies behind the end.

    :param url: the collection's absolute public URL, without a query.
    :param kept: the parameters to repeat, as the caller gave them, decoded.
    :param limit: the page size in force, at least 1.
    :param next_cursor: what names the next page's place, besides its offset.
    :param has_next: whether a record follows this page.
    """
    last = max(total - 1, 0) // limit * limit

    def link(relation: str, at: int, cursor: str | None = None) -> str:
        pairs = [*kept, ("limit", str(limit)), ("offset", str(at))]
        if cursor is not None:
            pairs.append(("cursor", cursor))
        query = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in pairs)
        return f'<{url}?{query}>; rel="{relation}"'

    links = []
    if has_next:
        links.append(link("next", offset + limit, next_cursor))
    if offset > 0:
        links.append(link("prev", min(max(offset - limit, 0), last)))
    links.append(link("first", 0))
    if total > 0:
        links.append(link("last", last))
    return ", ".join(links)
