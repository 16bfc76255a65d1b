"""The web application: the rooms' routes, and one shape of error per protocol.

Errors that Flask raises before any route is found (404, 405) reach no blueprint, so the shape is picked here, by path.
"""

import secrets
import sqlite3
import time
from collections.abc import Mapping
from datetime import timedelta
from http import HTTPStatus
from typing import Any

import structlog
from flask import Flask, Response, g, jsonify, request
from structlog.contextvars import bind_contextvars, clear_contextvars
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound

from bridge import log as bridge_log
from bridge.api.events import EventsFeed
from bridge.auth.bearer import Grant, authenticate
from bridge.auth.token_endpoint import token_blueprint
from bridge.errors import ConfigError, InvalidRequest, RequestError
from bridge.lti.keyset import PlatformKeys
from bridge.lti.rules import LaunchRules
from bridge.lti.views import lti_blueprint
from bridge.oneroster import status_info
from bridge.oneroster.provider import Provider, ProviderSettings
from bridge.settings import Settings, load_settings
from bridge.wiring import SCHEDULER_LEASE, Wiring

log = structlog.get_logger(__name__)

_ONEROSTER = "/ims"
_TOKEN = "/oauth2/token"  # noqa: S105 - a path


def create_app(settings: Settings) -> Flask:
    """The WSGI application.

    :raises bridge.errors.ConfigError: if the mirror or the registry cannot be used.
    """
    bridge_log.configure(settings.log.level, settings.log.format)
    wiring = Wiring(settings)
    wiring.prepare()
    app = Flask(__name__, static_folder=None)
    # sourcedIds may hold any character: "a//b" is one, and no path is to be tidied up.
    app.url_map.merge_slashes = False
    app.extensions["bridge"] = wiring

    def grant(authorization: str | None) -> Grant:
        return authenticate(authorization, wiring.registry)

    provider = Provider(
        ProviderSettings(
            public_url=settings.server.public_url,
            max_limit=settings.oneroster.max_limit,
            counters=settings.oneroster.body == "counters",
        ),
        authenticate=grant,
        pages=lambda: wiring.pages,
        cursors=lambda: wiring.cursors,
    )
    app.register_blueprint(provider.blueprint())
    events = EventsFeed(authenticate=grant, outbox=lambda: wiring.outbox, seals=lambda: wiring.event_seals)
    app.register_blueprint(events.blueprint())
    app.register_blueprint(
        token_blueprint(lambda: wiring.registry, lifetime=timedelta(seconds=settings.oneroster.token_lifetime))
    )
    app.register_blueprint(
        lti_blueprint(
            lambda: wiring.registry,
            keys=PlatformKeys(wiring.http, wiring.clock),
            rules=LaunchRules(public_url=settings.server.public_url, outgoing=wiring.policy),
            clock=wiring.clock,
        )
    )
    _add_health(app, wiring)
    _add_hooks(app)
    return app


def _add_health(app: Flask, wiring: Wiring) -> None:
    @app.get("/healthz")
    def healthz() -> Response:
        """Alive: says nothing about the mirror."""
        return jsonify(status="ok")

    @app.get("/readyz")
    def readyz() -> tuple[Response, int]:
        """Ready: both files can be read. Whether a scheduler runs is told, and does not make it unready."""
        try:
            scheduler = wiring.registry.leases.held(SCHEDULER_LEASE) is not None
            latest = wiring.pages.latest_stamp()
        except (ConfigError, sqlite3.Error) as error:
            log.error("not_ready", error=type(error).__name__, exc_info=True)
            return jsonify(status="unavailable"), HTTPStatus.SERVICE_UNAVAILABLE
        return jsonify(status="ok", scheduler="running" if scheduler else "not running", lastWrite=latest), HTTPStatus.OK


def _add_hooks(app: Flask) -> None:
    @app.before_request
    def begin() -> None:
        g.begun = time.perf_counter()
        g.request_id = secrets.token_hex(8)
        clear_contextvars()
        bind_contextvars(request=g.request_id)

    @app.after_request
    def end(response: Response) -> Response:
        response.headers["X-Request-Id"] = g.request_id
        response.headers["X-Content-Type-Options"] = "nosniff"
        log.info(
            "request",
            method=request.method,
            route=_route(),
            status=response.status_code,
            milliseconds=round((time.perf_counter() - g.begun) * 1000, 1),
        )
        return response

    @app.errorhandler(RequestError)
    def refuse(error: RequestError) -> Response:
        info = status_info.status_info(error)
        if not _is_oneroster(request.path):
            return _problem(info.status, str(error), info.headers)
        return _oneroster(info)

    @app.errorhandler(HTTPException)
    def refuse_http(error: HTTPException) -> Response:
        if not _is_oneroster(request.path):
            return _plain(error)
        match error:
            case NotFound():
                return _oneroster(status_info.not_found_path())
            case MethodNotAllowed():
                return _oneroster(status_info.method_not_allowed(_allowed(error)))
            case _:
                return _oneroster(status_info.status_info(InvalidRequest("request", "cannot be read")))

    @app.errorhandler(Exception)
    def fail(error: Exception) -> Response:
        log.error("request_failed", route=_route(), error=type(error).__name__, exc_info=True)
        if _is_oneroster(request.path):
            return _oneroster(status_info.internal_error(g.request_id))
        reason = f"the server failed; its operator finds the cause under request {g.request_id}"
        if request.path == _TOKEN:
            return _json(HTTPStatus.INTERNAL_SERVER_ERROR, {"error": "server_error", "error_description": reason})
        return _problem(HTTPStatus.INTERNAL_SERVER_ERROR, reason)


def _is_oneroster(path: str) -> bool:
    return path == _ONEROSTER or path.startswith(f"{_ONEROSTER}/")


def _route() -> str | None:
    """The rule that the path matched, for the log: the path itself may hold anything, an e-mail address too."""
    return request.url_rule.rule if request.url_rule is not None else None


def _oneroster(info: status_info.StatusInfo) -> Response:
    return _json(info.status, info.body, {**info.headers, "Cache-Control": "no-store"})


def _plain(error: HTTPException) -> Response:
    headers = {"Allow": _allowed(error)} if isinstance(error, MethodNotAllowed) else {}
    return _problem(error.code or HTTPStatus.INTERNAL_SERVER_ERROR, str(error.description), headers)


def _allowed(error: MethodNotAllowed) -> str:
    return ", ".join(sorted(error.valid_methods or ()))


def _problem(status: int, detail: str, headers: Mapping[str, str] | None = None) -> Response:
    return _json(status, {"error": HTTPStatus(status).phrase, "detail": detail}, headers)


def _json(status: int, body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Response:
    response = jsonify(body)
    response.status_code = status
    response.headers.update(headers or {})
    return response


def from_environment() -> Flask:
    """The application with the settings that the environment names: what ``wsgi.py`` and ``bridge serve`` run."""
    return create_app(load_settings())
