"""The bridge as a OneRoster 1.2 Rostering provider.

One view serves every operation of :mod:`bridge.oneroster.operations`: who asks, may she, what exactly, a page of stored
texts, headers. Refusals are raised as :class:`bridge.errors.RequestError` and worded by
:mod:`bridge.oneroster.status_info`.

Whatever is read for one answer is read in one transaction of the mirror, so that the page, its total, its parents and
its entity tag agree. The choices are in ``docs/decisions/0003-paging.md``, ``0012-entity-tags.md`` and
``0011-nested-operations.md``.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import structlog
from flask import Blueprint, Response, request
from werkzeug.http import quote_etag

from bridge import __version__
from bridge.around import told_of
from bridge.auth.at_once import AtOnce
from bridge.auth.bearer import Grant, require
from bridge.auth.rate_limit import RateLimit
from bridge.errors import Forbidden, RequestError, UnknownObject
from bridge.mirror.pages import Pages
from bridge.oneroster.cursors import Cursors
from bridge.oneroster.operations import Operation, match
from bridge.oneroster.paging import Counters, Served, Walk, link_header
from bridge.oneroster.query import CollectionQuery, parse_collection_query, parse_selection, split_query_string
from bridge.oneroster.walks import Walks
from bridge.roster.references import ROSTERING_PATH

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSettings:
    """What an operator can set about the provider.

    :param public_url: the root that clients see, without a trailing slash.
    :param max_limit: the largest page that is served.
    :param at_once: the most requests of one client that are in hand at the same time.
    :param counters: whether the body carries the counters for clients that are not registered for one style.
    """

    public_url: str
    max_limit: int
    counters: bool
    at_once: int


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a request asks for.

    :param who: names the caller and all about her that an answer depends on.
    :param ids: the sourcedIds in its path.
    """

    grant: Grant
    who: str
    operation: Operation
    ids: Sequence[str]
    pairs: list[tuple[str, str]]


class Provider:
    """Serves the operations.

    :param authenticate: turns the ``Authorization`` header into a grant, or raises.
    :param pages: gives this thread's reader of the mirror.
    :param cursors: gives what writes and reads cursors.
    :param walks: gives this thread's memory of where counting clients are.
    """

    def __init__(
        self,
        settings: ProviderSettings,
        *,
        authenticate: Callable[[str | None], Grant],
        rate_limit: RateLimit,
        pages: Callable[[], Pages],
        cursors: Callable[[], Cursors],
        walks: Callable[[], Walks],
    ) -> None:
        self._settings = settings
        self._constant = repr((__version__, settings))
        self._authenticate = authenticate
        self._rate_limit = rate_limit
        self._at_once = AtOnce(settings.at_once)
        self._pages = pages
        self._cursors = cursors
        self._walks = walks

    def blueprint(self) -> Blueprint:
        """The routes under the service's base path."""
        blueprint = Blueprint("oneroster", __name__, url_prefix=ROSTERING_PATH)
        # Without the automatic OPTIONS: its answer is not JSON.
        blueprint.add_url_rule(
            "/<path:path>", "operation", self.serve, methods=["GET"], provide_automatic_options=False
        )
        return blueprint

    def serve(self, path: str) -> Response:
        """Answer one GET or HEAD."""
        candidates = list(match(path))
        if not candidates:
            raise UnknownObject("the Rostering service has no such path")
        told = told_of(request.environ)
        told.operation = candidates[-1][0].operation_id
        grant = self._authenticate(request.headers.get("Authorization"))
        self._rate_limit.take(grant.client_id)
        pages = self._pages()
        with self._at_once.one_more(grant.client_id), pages.reading():
            operation, ids = _find(candidates, grant, pages)
            told.operation = operation.operation_id
            pairs = split_query_string(request.query_string.decode("latin-1"))
            asked = _Asked(grant, _who(grant), operation, ids, pairs)
            response = self._one(asked, pages) if operation.single else self._collection(asked, pages)
        if _is_conditional() and request.if_none_match.star_tag:
            # Whatever there is (RFC 9110 section 13.1.2), and now there is something.
            response = _unchanged(response.get_etag()[0])
        return response

    def _one(self, asked: _Asked, pages: Pages) -> Response:
        operation, (sourced_id,) = asked.operation, asked.ids
        selection = parse_selection(asked.pairs, asked.grant.visibility.shown(operation.collection))
        tag = self._tag(asked, pages)
        if tag is not None and _is_known(tag):
            return _unchanged(tag)
        document = pages.one(operation.collection, sourced_id, asked.grant.visibility, operation.preset)
        if selection is not None:
            document = selection.apply(document)
        body = f'{{"{operation.envelope}":{document}}}'
        return _answer(body, tag or self._tag_of(body, asked))

    def _collection(self, asked: _Asked, pages: Pages) -> Response:
        operation = asked.operation
        read = parse_collection_query(
            asked.pairs,
            asked.grant.visibility.shown(operation.collection),
            asked.grant.visibility,
            max_limit=self._settings.max_limit,
            preset=operation.condition(asked.ids),
        )
        if read.ignored_sort is not None:
            log.info("unknown_sort_field")
        binding = repr((pages.epoch, asked.who, operation.operation_id, asked.ids, read.asks_for))
        walk = self._walk(read, asked.grant, binding)
        tag = self._tag(asked, pages, walk)
        if tag is not None and _is_known(tag):
            return _unchanged(tag)
        page = pages.page(replace(read.query, after=walk.place, offset=0) if walk else read.query)
        served = Served.on(
            walk,
            offset=read.query.offset,
            limit=read.limit,
            last=page.last,
            count=page.count,
            total=page.total,
            more=page.more,
        )
        if read.cursor is None and request.method == "GET":
            self._walks().keep(asked.grant.client_id, binding, served)
        link = link_header(
            f"{self._settings.public_url}{ROSTERING_PATH}/{operation.path(asked.ids)}",
            read.kept,
            limit=served.limit,
            offset=served.offset,
            total=served.total,
            next_cursor=self._cursors().write(following, binding) if (following := served.following) else None,
            has_next=served.more,
        )
        body = self._body(asked, read, page.documents, served)
        if tag is None:
            # Not of the link: a cursor is sealed anew each time.
            tag = self._tag_of(body, asked, served.total, served.offset, served.limit, served.more)
        return _answer(body, tag, ("X-Total-Count", str(served.total)), ("Link", link))

    def _body(self, asked: _Asked, read: CollectionQuery, documents: str, served: Served) -> str:
        if read.selection is not None:
            documents = read.selection.apply(documents)
        counters = Counters(total=served.total, offset=served.offset, limit=served.limit)
        tail = counters.as_json_members() if self._wants_counters(asked.grant) else ""
        return f'{{"{asked.operation.envelope}":[{documents}]{tail}}}'

    def _walk(self, read: CollectionQuery, grant: Grant, binding: str) -> Walk | None:
        """The walk that the request continues: by its cursor, or by an offset at which it was left."""
        if read.cursor is not None:
            return self._cursors().read(read.cursor, binding)
        if read.query.offset == 0:
            return None
        return self._walks().find(grant.client_id, binding, read.query.offset)

    def _tag(self, asked: _Asked, pages: Pages, walk: Walk | None = None) -> str | None:
        """What stays the same while the answer does: nothing in it depends on what the client may not see.

        ``None`` for a client that is limited to some of its sources' records: only the answer itself tells when it
        changes, and nothing else.
        """
        if asked.grant.visibility.is_limited:
            return None
        mark = pages.mark(asked.grant.visibility, asked.operation.depends_on(asked.ids))
        request_ = (asked.operation.operation_id, asked.ids, asked.pairs, walk, asked.who)
        return self._cursors().mark(f"{self._constant}{(pages.epoch, pages.moved_from, mark, request_)!r}")

    def _tag_of(self, body: str, asked: _Asked, *about: object) -> str:
        """The tag that is made from an answer itself.

        :param about: what else than the body the answer says.
        """
        return self._cursors().mark(repr((__version__, asked.who, body, about)))

    def _wants_counters(self, grant: Grant) -> bool:
        return self._settings.counters if grant.body_style is None else grant.body_style == "counters"


def _find(
    candidates: Sequence[tuple[Operation, tuple[str, ...]]], grant: Grant, pages: Pages
) -> tuple[Operation, Sequence[str]]:
    """The operation that a path means here: of several, the first whose records are there."""
    refusal: RequestError | None = None
    for operation, ids in candidates:
        try:
            require(grant, any_of=operation.scopes)
            if operation.single and len(candidates) > 1:
                pages.one(operation.collection, ids[0], grant.visibility, operation.preset)
            _check_parents(operation, ids, grant, pages)
        except (Forbidden, UnknownObject) as error:
            refusal = error
        else:
            return operation, ids
    assert refusal is not None
    raise refusal


def _check_parents(operation: Operation, ids: Sequence[str], grant: Grant, pages: Pages) -> None:
    for parent, sourced_id in zip(operation.parents, ids, strict=False):
        try:
            pages.one(parent.view.collection, sourced_id, grant.visibility, parent.condition(ids))
        except UnknownObject:
            raise UnknownObject(f"{parent.parameter}: there is no such record") from None


@lru_cache(maxsize=1_000)
def _who(grant: Grant) -> str:
    """Everything about the caller that an answer depends on, the same in every process."""
    return repr((grant.client_id, grant.visibility.key, grant.body_style))


def _is_conditional() -> bool:
    return "HTTP_IF_NONE_MATCH" in request.environ


def _is_known(tag: str) -> bool:
    return _is_conditional() and (request.if_none_match.is_weak(tag) or request.if_none_match.is_strong(tag))


_ALWAYS = (("Cache-Control", "private, no-cache"), ("Vary", "Authorization"))


def _answer(body: str, tag: str, *headers: tuple[str, str]) -> Response:
    """An answer with its tag, or that it is known already."""
    if _is_known(tag):
        return _unchanged(tag)
    tagged = ("ETag", quote_etag(tag, weak=True))
    return Response(body, mimetype="application/json", headers=[*_ALWAYS, tagged, *headers])


def _unchanged(tag: str | None) -> Response:
    tags = [] if tag is None else [("ETag", quote_etag(tag, weak=True))]
    return Response(status=304, headers=[*_ALWAYS, *tags])
