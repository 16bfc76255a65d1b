"""The practice SIS: a OneRoster 1.2 and 1.1 rostering provider.

:class:`Sis` is what it knows, :func:`create_sis` its web application. It is strict: it refuses what a tolerant provider
would let pass. What it does differently on request is in :class:`~bridge.practice.sis_manners.SisManners`.

Spec: OneRoster 1.2 rostering service REST binding; OneRoster 1.1 REST binding, for the same operations.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from urllib.parse import unquote

import msgspec
from flask import Flask, Response, jsonify, render_template_string, request

from bridge.clock import Clock
from bridge.practice.lms_tokens import AccessTokens
from bridge.practice.manners import Failure
from bridge.practice.sis_clients import CORE, DEMOGRAPHICS, ROSTER, SisClients, SisTokenEndpoint, scope
from bridge.practice.sis_errors import SisRefused, refused
from bridge.practice.sis_manners import SisManners
from bridge.practice.sis_pages import counters_of, headers_of, page_of
from bridge.practice.sis_queries import SisQuery, parse_query
from bridge.practice.sis_records import COLLECTIONS, Record, SisRoster
from bridge.practice.sis_signatures import BadSignature, Signatures
from bridge.practice.sis_views import View, view_of
from bridge.practice.sis_writing import Writer

BASES = {"1.2": "/ims/oneroster/rostering/v1p2", "1.1": "/ims/oneroster/v1p1"}
"""The base path of each version."""

_FRONT_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Practice SIS</title></head>
<body><h1>Practice SIS</h1>
<table>{% for name, records in collections %}<tr><th>{{ name }}</th><td>{{ records }}</td></tr>{% endfor %}</table>
</body></html>
"""


@dataclass(slots=True, kw_only=True)
class Sis:
    """One SIS: its roster, its consumers and which tokens are out.

    :param url: its own root, without a trailing slash.
    """

    url: str
    roster: SisRoster
    manners: SisManners
    clock: Clock
    clients: SisClients = field(default_factory=SisClients)
    tokens: AccessTokens = field(init=False)
    requests: list[str] = field(default_factory=list)
    """Every request for rosters so far: method, path and query."""

    def __post_init__(self) -> None:
        self.tokens = AccessTokens(self.clock)

    @property
    def token_url(self) -> str:
        """The token endpoint."""
        return f"{self.url}/oauth/token"

    def base_url(self, version: str) -> str:
        """Where a version's operations are."""
        return f"{self.url}{BASES[version]}"


def create_sis(sis: Sis) -> Flask:
    """The SIS's web application."""
    app = Flask(__name__, static_folder=None)
    app.add_url_rule(
        "/oauth/token", "token", SisTokenEndpoint(sis.clients, sis.tokens, sis.manners).answer, methods=["POST"]
    )
    for version, base in BASES.items():
        service = _Service(sis, version)
        app.add_url_rule(f"{base}/<path:_>", f"rostering {version}", service.answer)

    @app.get("/")
    def front_page() -> str:
        counts = [(name, len(sis.roster.records(name))) for name in COLLECTIONS]
        return render_template_string(_FRONT_PAGE, collections=counts)

    @app.errorhandler(404)
    @app.errorhandler(405)
    def nowhere(error: Any) -> tuple[Response, int]:
        return jsonify({"error": error.name}), error.code

    return app


class _Service:
    """All operations of one version."""

    def __init__(self, sis: Sis, version: str) -> None:
        self._sis = sis
        self._manners = sis.manners
        self._version = version
        self._base = sis.base_url(version)
        self._signatures = Signatures(sis.clients, sis.clock)
        self._numbers = count(1)

    def answer(self, _: str) -> Response:
        """Answer the present request with records, or with what was wrong with it."""
        manners = self._manners
        url = self._sis.url + request.environ["REQUEST_URI"]
        self._sis.requests.append(f"{request.method} {request.environ['REQUEST_URI']}")
        time.sleep(manners.delay_seconds)
        failure = manners.next_failure()
        if failure is None and manners.throttle_every and next(self._numbers) % manners.throttle_every == 0:
            failure = manners.throttle
        if failure is not None:
            return _failed(failure)
        try:
            return self._served(url)
        except SisRefused as refusal:
            return refused(refusal, self._version, manners)

    def _served(self, url: str) -> Response:
        manners = self._manners
        path, _, raw_query = url.removeprefix(f"{self._base}/").partition("?")
        if self._version not in manners.versions or path.partition("/")[0] in manners.unserved:
            raise SisRefused(404, "unknownobject", "there is no such path")
        scopes = self._authorise(url)
        view = view_of(self._sis.roster, [unquote(segment) for segment in path.split("/")])
        self._check_scope(view, scopes)
        query = parse_query(raw_query, view.collection, manners, single=view.sourced_id is not None)
        if manners.expire_at is not None and query.offset >= manners.expire_at:
            manners.expire_at = None
            self._sis.tokens.expire_all()
            self._authorise(url)
        failure = manners.fail_at.pop((path, query.offset), None)
        if failure is not None:
            return _failed(failure)
        response = self._collection(view, query, path) if view.sourced_id is None else self._single(view, query)
        if manners.cut_connection_at == (path, query.offset):
            manners.cut_connection_at = None
            body = response.data
            response.response = [body[: len(body) // 2]]
            response.content_length = len(body)
        return response

    def _authorise(self, url: str) -> tuple[str, ...]:
        """RFC 6750 section 3.1, or for OneRoster 1.1 a signature. Gives the scopes of whoever asks."""
        manners = self._manners
        older = self._version == "1.1"
        scheme, _, rest = request.headers.get("Authorization", "").partition(" ")
        if scheme == "OAuth" and older and manners.oauth1:
            try:
                return self._signatures.verify(rest, request.method, url, manners.oauth1).scopes
            except BadSignature as error:
                raise SisRefused(401, "unauthorisedrequest", str(error), 'OAuth realm="practice"') from error
        if scheme != "Bearer" or (older and not manners.oauth2_for_1p1):
            wanted = "OAuth" if older and not manners.oauth2_for_1p1 else "Bearer"
            raise SisRefused(401, "unauthorisedrequest", "authorization is needed", f'{wanted} realm="practice"')
        grant = self._sis.tokens.grant(rest)
        if grant is None:
            challenge = 'Bearer realm="practice", error="invalid_token"'
            reason = "the access token is unknown or has expired"
            raise SisRefused(manners.expired_status, "unauthorisedrequest", reason, challenge)
        return grant.scopes

    def _check_scope(self, view: View, scopes: Sequence[str]) -> None:
        if view.collection == "demographics":
            names: tuple[str, ...] = (DEMOGRAPHICS,)
        else:
            names = (ROSTER,) if view.nested else (CORE, ROSTER)
        wanted = [scope(self._version, name) for name in names]
        if not set(wanted) & set(scopes):
            challenge = f'Bearer realm="practice", error="insufficient_scope", scope="{" ".join(wanted)}"'
            raise SisRefused(403, "forbidden", f"the scope {' or '.join(wanted)} is needed", challenge)

    def _collection(self, view: View, query: SisQuery, path: str) -> Response:
        manners = self._manners
        told = [one for one in view.records if manners.tombstones != "untold" or one["status"] == "active"]
        page = page_of(query.ordered(told), query, manners)
        rows = self._written(page.rows, view, query)
        body: Any = {view.collection: rows}
        if manners.counters_in_body:
            body |= counters_of(page, query)
        response = self._response(rows if manners.envelope == "bare list" else body)
        for name, value in headers_of(page, query, f"{self._base}/{path}", manners):
            response.headers.add(name, value)
        return response

    def _single(self, view: View, query: SisQuery) -> Response:
        if self._manners.tombstones == "untold" and view.records[0]["status"] != "active":
            raise SisRefused(404, "unknownobject", "there is no such record")
        (row,) = self._written(view.records, view, query)
        return self._response({COLLECTIONS[view.collection]: row})

    def _written(self, records: Sequence[Record], view: View, query: SisQuery) -> list[dict[str, Any]]:
        writer = Writer(self._base, self._version, self._manners)
        rows = [writer.write(record, view.collection) for record in records]
        if query.fields is None:
            return rows
        return [{name: value for name, value in row.items() if name in query.fields} for row in rows]

    def _response(self, body: Any) -> Response:
        text = msgspec.json.encode(body)
        if self._manners.byte_order_mark:
            text = b"\xef\xbb\xbf" + text
        return Response(text, content_type=self._manners.media_type)


def _failed(failure: Failure) -> Response:
    return Response(failure.body, failure.status, failure.headers)
