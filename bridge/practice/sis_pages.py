"""The pages of a collection: which rows a page holds, and what its headers say of the others."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from bridge.practice.links import next_link
from bridge.practice.sis_manners import SisManners
from bridge.practice.sis_queries import SisQuery
from bridge.practice.sis_records import Record


class Page(NamedTuple):
    """Rows, and their place among all.

    :ivar total: rows of all pages together, those that are repeated counted twice.
    :ivar onward: the offset of the next page; ``None`` on the last.
    """

    rows: Sequence[Record]
    total: int
    onward: int | None


def page_of(records: Sequence[Record], query: SisQuery, manners: SisManners) -> Page:
    """Cut the page that a query asks for out of all rows that it wants."""
    size = min(query.limit, manners.short_pages.get(query.offset, query.limit))
    repeats = min(manners.repeats, size - 1)
    start = query.offset - repeats * (query.offset // query.limit)
    rows = records[start : start + size]
    total = len(records)
    if repeats and total > query.limit:
        pages = -(-(total - repeats) // (query.limit - repeats))
        total += repeats * (pages - 1)
    onward = query.offset + size if start + size < len(records) else None
    return Page([row for row in rows if row["sourcedId"] not in manners.withheld], total, onward)


def headers_of(page: Page, query: SisQuery, url: str, manners: SisManners) -> list[tuple[str, str]]:
    """``X-Total-Count`` and ``Link``.

    :param url: the collection's, without a query.
    """
    headers = []
    match manners.total:
        case "right":
            headers.append(("X-Total-Count", str(page.total)))
        case "of the page":
            headers.append(("X-Total-Count", str(len(page.rows))))
        case "no number":
            headers.append(("X-Total-Count", "many"))
        case "absent":
            pass
    return headers + [("Link", line) for line in _links(page, query, url, manners)]


def counters_of(page: Page, query: SisQuery) -> dict[str, Any]:
    """What some providers put beside the rows."""
    return {"totalCount": page.total, "limit": query.limit, "offset": query.offset}


def _links(page: Page, query: SisQuery, url: str, manners: SisManners) -> list[str]:
    limit = query.asked if manners.over_limit == "clamped silently" else query.limit

    def to(offset: int) -> str:
        return f"{url}?{query.query_string(offset=offset, limit=limit)}"

    onward = None
    if page.onward is not None:
        onward = to(query.offset if manners.next_leads == "here" else page.onward)
        if manners.next_leads == "elsewhere":
            onward = onward.replace("//127.0.0.1:", "//localhost:", 1)
    if manners.links == "absent":
        return []
    if manners.links == "next" or manners.link_form != manners.link_form.QUOTED:
        return [] if onward is None else next_link(manners.link_form, onward)
    links = [] if onward is None else [f'<{onward}>; rel="next"']
    links.append(f'<{to(0)}>; rel="first"')
    if page.total:
        links.append(f'<{to((page.total - 1) // query.limit * query.limit)}>; rel="last"')
    if query.offset:
        links.append(f'<{to(max(0, query.offset - query.limit))}>; rel="prev"')
    return [", ".join(links)]
