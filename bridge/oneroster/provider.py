"""The bridge as a OneRoster 1.2 Rostering provider.

One view serves every operation of :mod:`bridge.oneroster.operations`: who asks, may she, what exactly, a page of stored
texts, headers. Refusals are raised as :class:`bridge.errors.RequestError` and worded by
:mod:`bridge.oneroster.status_info`.

Whatever is read for one answer is read in one transaction of the mirror, so that the page, its total, its parents and
its entity tag agree. The choices are in ``docs/decisions/0003-paging.md``, ``0012-entity-tags.md`` and
``0011-nested-operations.md``.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import islice
from wsgiref.types import StartResponse, WSGIEnvironment

import structlog
from flask import Blueprint, Response, request

from bridge import __version__
from bridge.around import told_of
from bridge.auth.at_once import AtOnce
from bridge.auth.bearer import Grant, require
from bridge.auth.rate_limit import RateLimit
from bridge.errors import Forbidden, RequestError, UnknownObject
from bridge.mirror.pages import Pages
from bridge.oneroster.cursors import Cursors
from bridge.oneroster.operations import Operation, match
from bridge.oneroster.paging import Counters, Served, Walk, link_header, links_begin
from bridge.oneroster.projection import Selection
from bridge.oneroster.query import CollectionQuery, parse_collection_query, parse_selection, split_query_string
from bridge.oneroster.walks import Walks
from bridge.roster.references import ROSTERING_PATH

log = structlog.get_logger(__name__)

_LATELY_ASKED = 1_000
"""How many requests are remembered as they were read: most consumers ask for the same again and again."""
_MOST_READINGS = 20
"""In how many ways a path may be read, since sourcedIds may hold slashes: each costs looking somebody up."""
_OFTEN_ASKED = 2_000
"""Characters of a path and a query string that may be: longer ones are read each time."""


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
    """What a request asks for, as far as its text and its grant tell: nothing in it comes from the mirror.

    :param ids: the sourcedIds in its path.
    :param read: its query, if it asks for a collection.
    :param selection: the fields to serve; ``None`` for all.
    :param depends_on: the collections that the answer depends on.
    :param records: names the caller, and which of the operation's records she asks for, whatever the page.
    :param all: names the caller, and all that she asks for.
    :param links: what the links to all pages begin with.
    """

    grant: Grant
    operation: Operation
    ids: tuple[str, ...]
    read: CollectionQuery | None
    selection: Selection | None
    depends_on: frozenset[str]
    records: str
    all: str
    links: str


class Provider:
    """Serves the operations.

    :param authenticate: turns the ``Authorization`` header into a grant, or raises.
    :param pages: gives this thread's reader of the mirror.
    :param cursors: gives what writes and reads cursors.
    :param walks: gives the memory of where counting clients are.
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
        self._service = f"{settings.public_url}{ROSTERING_PATH}/"
        self._read = lru_cache(maxsize=_LATELY_ASKED)(self._reading)

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
        candidates = list(islice(match(path), _MOST_READINGS + 1))
        if not 0 < len(candidates) <= _MOST_READINGS:
            raise UnknownObject("the Rostering service has no such path")
        environ = request.environ
        told = told_of(environ)
        told.operation = candidates[-1][0].operation_id
        grant = self._authenticate(environ.get("HTTP_AUTHORIZATION"))
        self._rate_limit.take(grant.client_id)
        pages = self._pages()
        with self._at_once.one_more(grant.client_id), pages.reading():
            operation, ids = _find(candidates, grant, pages)
            told.operation = operation.operation_id
            query_string = environ.get("QUERY_STRING", "")
            read = self._read if len(path) + len(query_string) <= _OFTEN_ASKED else self._read.__wrapped__
            asked = read(grant, operation, ids, query_string)
            response = self._one(asked, pages) if asked.read is None else self._collection(asked, asked.read, pages)
        if environ.get("HTTP_IF_NONE_MATCH", "").strip() == "*":
            # Whatever there is (RFC 9110 section 13.1.2), and now there is something.
            response = _unchanged(response.get_etag()[0])
        return response

    def _reading(self, grant: Grant, operation: Operation, ids: tuple[str, ...], query_string: str) -> _Asked:
        """What a request asks for; the same as often as it is asked."""
        pairs = split_query_string(query_string)
        shown = grant.visibility.shown(operation.collection)
        who = (grant.client_id, grant.visibility.key, grant.body_style)
        read = None
        if operation.single:
            selection, records, links = parse_selection(pairs, shown), "", ""
        else:
            read = parse_collection_query(
                pairs,
                shown,
                grant.visibility,
                max_limit=self._settings.max_limit,
                preset=operation.condition(ids),
            )
            selection, records = read.selection, f"{who!r}, {(operation.operation_id, ids, read.asks_for)!r}"
            links = links_begin(f"{self._service}{operation.path(ids)}", read.kept, read.limit)
        everything = repr((who, operation.operation_id, ids, pairs))
        return _Asked(grant, operation, ids, read, selection, operation.depends_on(ids), records, everything, links)

    def _one(self, asked: _Asked, pages: Pages) -> Response:
        operation, (sourced_id,) = asked.operation, asked.ids
        tag = self._tag(asked, pages)
        if tag is not None and _is_known(tag):
            return _unchanged(tag)
        document = pages.one(operation.collection, sourced_id, asked.grant.visibility, operation.preset)
        if asked.selection is not None:
            document = asked.selection.apply(document)
        body = b'{"%b":%b}' % (operation.envelope.encode(), document)
        return _answer(body, tag or self._tag_of(body, asked))

    def _collection(self, asked: _Asked, read: CollectionQuery, pages: Pages) -> Response:
        if read.ignored_sort is not None:
            log.info("unknown_sort_field", operation=asked.operation.operation_id)
        binding = f"({pages.epoch!r}, {asked.records})"
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
        if read.cursor is None and request.environ["REQUEST_METHOD"] == "GET":
            self._walks().keep(asked.grant.client_id, binding, served)
        link = link_header(
            asked.links,
            limit=served.limit,
            offset=served.offset,
            total=served.total,
            next_cursor=self._cursors().write(following, binding) if (following := served.following) else None,
            has_next=served.more,
        )
        body = self._body(asked, page.documents, served)
        if tag is None:
            # Not of the link: a cursor is sealed anew each time.
            tag = self._tag_of(body, asked, served.total, served.offset, served.limit, served.more)
        return _answer(body, tag, ("X-Total-Count", str(served.total)), ("Link", link))

    def _body(self, asked: _Asked, documents: bytes, served: Served) -> bytes:
        if asked.selection is not None:
            documents = asked.selection.apply(documents)
        counters = Counters(total=served.total, offset=served.offset, limit=served.limit)
        tail = counters.as_json_members() if self._wants_counters(asked.grant) else ""
        return b'{"%b":[%b]%b}' % (asked.operation.envelope.encode(), documents, tail.encode())

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
        mark = pages.mark(asked.grant.visibility, asked.depends_on)
        return self._cursors().mark(f"{self._constant}{pages.epoch}{pages.moved_from}{mark}{walk!r}{asked.all}")

    def _tag_of(self, body: bytes, asked: _Asked, *about: object) -> str:
        """The tag that is made from an answer itself.

        :param about: what else than the body the answer says.
        """
        return self._cursors().mark(f"{(__version__, about)!r}{asked.all}", body)

    def _wants_counters(self, grant: Grant) -> bool:
        return self._settings.counters if grant.body_style is None else grant.body_style == "counters"


def _find(
    candidates: Sequence[tuple[Operation, tuple[str, ...]]], grant: Grant, pages: Pages
) -> tuple[Operation, tuple[str, ...]]:
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


def _is_known(tag: str) -> bool:
    given = request.environ.get("HTTP_IF_NONE_MATCH")
    if given is None:
        return False
    if given == _written(tag):
        return True  # the one that we gave, and nothing else: what clients send
    known = request.if_none_match
    return known.is_weak(tag) or known.is_strong(tag)


def _written(tag: str) -> str:
    return f'W/"{tag}"'


_JSON = ("Content-Type", "application/json")
_ALWAYS = (("Cache-Control", "private, no-cache"), ("Vary", "Authorization"))


class _Answer(Response):
    """An answer whose headers are complete, written as they stand: Flask would look them all over once more."""

    default_mimetype = None

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response(self.status, self.headers.to_wsgi_list())
        return () if environ["REQUEST_METHOD"] == "HEAD" else (self.get_data(),)


def _answer(body: bytes, tag: str, *headers: tuple[str, str]) -> Response:
    """An answer with its tag, or that it is known already."""
    if _is_known(tag):
        return _unchanged(tag)
    tagged = ("ETag", _written(tag))
    return _Answer(body, headers=[_JSON, *_ALWAYS, tagged, *headers])


def _unchanged(tag: str | None) -> Response:
    tags = [] if tag is None else [("ETag", _written(tag))]
    return _Answer(status=304, headers=[*_ALWAYS, *tags])
