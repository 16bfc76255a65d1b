"""The query string of a OneRoster read: parameters in, a checked query out.

What the standard does not allow is refused, and the message names the parameter. What it tolerates is tolerated: an
unknown parameter is ignored, an unknown sort field gives the default order and is handed back to be logged, a limit
above the server's own is cut to that.

Spec: OneRoster 1.2 Rostering OpenAPI, parameters ``limit``, ``offset``, ``sort``, ``orderBy``, ``filter``, ``fields``.
``search`` and ``cursor`` are ours. The choices are in ``docs/decisions/0002-filter-grammar.md`` and
``docs/decisions/0003-paging.md``.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from bridge.errors import InvalidRequest
from bridge.oneroster.filters import parse_filter
from bridge.oneroster.projection import Selection, parse_fields
from bridge.roster.model import Collection
from bridge.roster.query import And, Comparison, Condition, Predicate, Query, Sort
from bridge.roster.visibility import Visibility

DEFAULT_LIMIT = 100
MAX_SEARCH = 256
"""Characters."""

Pairs = Sequence[tuple[str, str]]

_KNOWN = ("limit", "offset", "sort", "orderBy", "filter", "fields", "search", "cursor")
_KEPT = ("filter", "sort", "orderBy", "fields", "search")
_LIMIT = re.compile(r"[0-9]{1,10}")
_OFFSET = re.compile(r"[0-9]{1,19}")
_MAX_OFFSET = 2**63 - 1
_ORDER_OF_CHANGE = Sort("dateLastModified")


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionQuery:
    """What was asked of a collection.

    :param query: the query for the mirror; its ``after`` is not set yet, because only the provider can read ``cursor``.
    :param selection: the fields to serve; ``None`` for all.
    :param kept: the parameters that the links of the answer repeat, as given.
    :param asked_limit: the page size that was asked for; that in force is the query's ``limit``.
    :param cursor: the place that a ``next`` link named, opaque here.
    :param ignored_sort: a ``sort`` that names nothing to sort by, for the log.
    """

    query: Query
    selection: Selection | None
    kept: tuple[tuple[str, str], ...]
    asked_limit: int
    cursor: str | None
    ignored_sort: str | None

    @property
    def limit(self) -> int:
        return self.query.limit

    @property
    def asks_for(self) -> tuple[object, ...]:
        """Which of the operation's records, in which order, whatever the pages and whichever fields they show."""
        query = self.query
        return (query.where, query.search, query.sort, query.descending)


def split_query_string(raw: str) -> list[tuple[str, str]]:
    """The parameters of a query string, decoded, in order.

    ``+`` is a blank. A ``%`` that begins no escape stands for itself.

    :param raw: as WSGI gives it, each character one byte (PEP 3333, "Unicode Issues").
    :raises InvalidRequest: if it is not UTF-8, or holds a NUL.
    """
    pairs = []
    for part in raw.split("&"):
        if part:
            name, _, value = part.partition("=")
            decoded_name = _decode(name, "query string")
            pairs.append((decoded_name, _decode(value, decoded_name)))
    return pairs


def parse_collection_query(
    pairs: Pairs, collection: Collection, visibility: Visibility, *, max_limit: int, preset: Condition | None = None
) -> CollectionQuery:
    """Read the parameters of a collection.

    :param pairs: the parameters, decoded, in order.
    :param max_limit: larger pages than this are cut to it.
    :param preset: what the operation itself restricts to.
    :raises InvalidRequest: if a parameter is outside its range or grammar, or is repeated.
    """
    given = _single_values(pairs)
    asked_limit = _limit(given.get("limit"))
    descending = _is_descending(given.get("orderBy"))
    filter_ = given.get("filter")
    where = None if filter_ is None else parse_filter(filter_, collection)
    sort = _sort(given.get("sort"), collection, descending=descending)
    ignored_sort = given.get("sort") if sort is None else None
    if sort is None and not descending and _asks_for_changes(where):
        sort = _ORDER_OF_CHANGE
    search = _search(given.get("search"))
    query = Query(
        collection=collection,
        visibility=visibility,
        limit=min(asked_limit, max_limit),
        offset=_offset(given.get("offset")),
        preset=preset,
        where=where,
        search=search,
        sort=sort,
        descending=descending and ignored_sort is None,
    )
    return CollectionQuery(
        query=query,
        selection=parse_selection(pairs, collection),
        kept=tuple((name, value) for name, value in pairs if name in _KEPT),
        asked_limit=asked_limit,
        cursor=given.get("cursor"),
        ignored_sort=ignored_sort,
    )


def parse_selection(pairs: Pairs, collection: Collection) -> Selection | None:
    """The fields that ``fields`` selects, on a collection and on a single read alike; ``None`` if it is not given.

    :raises InvalidSelection: if it names a field that the class does not have.
    """
    values = [value for name, value in pairs if name == "fields"]
    return parse_fields(values, collection) if values else None


def _decode(text: str, parameter: str) -> str:
    try:
        decoded = unquote_to_bytes(text.replace("+", " ").encode("latin-1")).decode()
    except UnicodeError as error:
        raise InvalidRequest(parameter, "is not UTF-8, percent-encoded") from error
    if "\0" in decoded:
        raise InvalidRequest(parameter, "holds a NUL character")
    return decoded


def _single_values(pairs: Pairs) -> dict[str, str]:
    values: dict[str, str] = {}
    for name, value in pairs:
        if name in values and name in _KNOWN and name != "fields":
            raise InvalidRequest(name, "is given more than once")
        values[name] = value
    return values


def _limit(text: str | None) -> int:
    if text is None:
        return DEFAULT_LIMIT
    if not _LIMIT.fullmatch(text) or int(text) == 0:
        raise InvalidRequest("limit", "must be a whole number from 1, in at most 10 digits")
    return int(text)


def _offset(text: str | None) -> int:
    if text is None:
        return 0
    if not _OFFSET.fullmatch(text) or int(text) > _MAX_OFFSET:
        raise InvalidRequest("offset", f"must be a whole number from 0 to {_MAX_OFFSET}")
    return int(text)


def _is_descending(text: str | None) -> bool:
    if text is None:
        return False
    if text.lower() not in ("asc", "desc"):
        raise InvalidRequest("orderBy", "must be asc or desc")
    return text.lower() == "desc"


def _sort(text: str | None, collection: Collection, *, descending: bool) -> Sort | None:
    path = None if text is None else collection.path(text)
    if path is None or path.many:  # a list has no one place in an order
        return None
    return Sort(path.name, descending)


def _asks_for_changes(where: Condition | None) -> bool:
    """Whether a filter asks for what has changed since some time.

    Read over several pages in the order of ``seq``, a record that changes behind the reader would be missed, and the
    highest ``dateLastModified`` on the later pages would be later than its own: the next poll would miss it too.
    """
    match where:
        case And(terms):
            return any(_asks_for_changes(term) for term in terms)
        case Comparison("dateLastModified", Predicate.GREATER | Predicate.GREATER_OR_EQUAL):
            return True
        case _:
            return False


def _search(text: str | None) -> str | None:
    if text is None or not text.strip():
        return None
    if len(text) > MAX_SEARCH:
        raise InvalidRequest("search", f"is longer than {MAX_SEARCH} characters")
    return text
