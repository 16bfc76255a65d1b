"""The bridge as a OneRoster 1.2 Rostering provider.

One view serves every operation of :mod:`bridge.oneroster.operations`: who asks, may she, what exactly, a page of stored
texts, headers. Refusals are raised as :class:`bridge.errors.RequestError` and worded by
:mod:`bridge.oneroster.status_info`.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import structlog
from flask import Blueprint, Response, request
from structlog.contextvars import bind_contextvars

from bridge.auth.bearer import Grant, require
from bridge.errors import UnknownObject
from bridge.mirror.pages import Page, Pages
from bridge.oneroster.cursors import Cursors, Walk
from bridge.oneroster.operations import Operation, match
from bridge.oneroster.paging import Counters, link_header
from bridge.oneroster.query import CollectionQuery, parse_collection_query, parse_selection, split_query_string
from bridge.roster.references import ROSTERING_PATH

log = structlog.get_logger(__name__)

_JSON = "application/json"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSettings:
    """What an operator can set about the provider.

    :param public_url: the root that clients see, without a trailing slash.
    :param max_limit: the largest page that is served.
    :param counters: whether the body carries the counters for clients that are not registered for one style.
    """

    public_url: str
    max_limit: int
    counters: bool


class Provider:
    """Serves the operations.

    :param authenticate: turns the ``Authorization`` header into a grant, or raises.
    :param pages: gives this thread's reader of the mirror.
    :param cursors: gives what writes and reads cursors.
    """

    def __init__(
        self,
        settings: ProviderSettings,
        *,
        authenticate: Callable[[str | None], Grant],
        pages: Callable[[], Pages],
        cursors: Callable[[], Cursors],
    ) -> None:
        self._settings = settings
        self._authenticate = authenticate
        self._pages = pages
        self._cursors = cursors

    def blueprint(self) -> Blueprint:
        """The routes under the service's base path."""
        blueprint = Blueprint("oneroster", __name__, url_prefix=ROSTERING_PATH)
        # Without the automatic OPTIONS: its answer is not JSON.
        blueprint.add_url_rule(
            "/<path:path>", "operation", self.serve, methods=["GET"], provide_automatic_options=False
        )
        return blueprint

    def serve(self, path: str) -> Response:
        """Answer one GET."""
        matched = match(path)
        if matched is None:
            raise UnknownObject("the Rostering service has no such path")
        operation, sourced_id = matched
        bind_contextvars(operation=operation.operation_id)
        grant = self._authenticate(request.headers.get("Authorization"))
        require(grant, any_of=operation.scopes)
        pairs = split_query_string(request.query_string.decode("latin-1"))
        if operation.single:
            response = self._one(operation, sourced_id, grant, pairs)
        else:
            response = self._collection(operation, grant, pairs)
        response.headers["Cache-Control"] = "private, no-cache"
        response.headers["Vary"] = "Authorization"
        return response

    def _one(self, operation: Operation, sourced_id: str, grant: Grant, pairs: list[tuple[str, str]]) -> Response:
        selection = parse_selection(pairs, operation.collection)
        document = self._pages().one(operation.collection, sourced_id, grant.visibility, operation.preset)
        if selection is not None:
            (document,) = selection.apply([document])
        return Response(f'{{"{operation.envelope}":{document}}}', mimetype=_JSON)

    def _collection(self, operation: Operation, grant: Grant, pairs: list[tuple[str, str]]) -> Response:
        asked = parse_collection_query(
            pairs,
            operation.collection,
            grant.visibility,
            max_limit=self._settings.max_limit,
            preset=operation.preset,
        )
        if asked.ignored_sort is not None:
            log.info("unknown_sort_field")
        pages = self._pages()
        binding = repr((pages.epoch, grant.client_id, operation.path, asked.kept))
        walk = self._cursors().read(asked.cursor, binding) if asked.cursor is not None else None
        query = replace(asked.query, after=walk.place) if walk else asked.query
        offset = walk.offset if walk else query.offset
        page = pages.page(query)
        total = max(page.total, walk.total) if walk else page.total
        served = offset + len(page.documents)
        cursor = self._cursors().write(Walk(page.last, served, total), binding) if page.more and page.last else None
        return self._page(operation, grant, asked, page, offset=offset, total=total, cursor=cursor)

    def _page(
        self,
        operation: Operation,
        grant: Grant,
        asked: CollectionQuery,
        page: Page,
        *,
        offset: int,
        total: int,
        cursor: str | None,
    ) -> Response:
        documents = asked.selection.apply(page.documents) if asked.selection is not None else page.documents
        counters = Counters(total=total, offset=offset, limit=asked.query.limit)
        tail = counters.as_json_members() if self._wants_counters(grant) else ""
        response = Response(f'{{"{operation.envelope}":[{",".join(documents)}]{tail}}}', mimetype=_JSON)
        response.headers["X-Total-Count"] = str(total)
        link = link_header(
            f"{self._settings.public_url}{ROSTERING_PATH}/{operation.path}",
            asked.kept,
            limit=asked.query.limit,
            offset=offset,
            total=total,
            next_cursor=cursor,
            has_next=page.more,
        )
        if link is not None:
            response.headers["Link"] = link
        return response

    def _wants_counters(self, grant: Grant) -> bool:
        return self._settings.counters if grant.body_style is None else grant.body_style == "counters"
