"""The web application: the rooms' routes, health, and a log line for every request."""

import secrets
import sqlite3
import time
from collections.abc import Collection
from datetime import timedelta

import structlog
from flask import Flask, Response, g, jsonify, request
from structlog.contextvars import bind_contextvars, clear_contextvars

from bridge import log as bridge_log
from bridge.api.events import EventsFeed
from bridge.auth.bearer import Grant, authenticate
from bridge.auth.rate_limit import RateLimit
from bridge.auth.token_endpoint import token_blueprint
from bridge.compression import compress
from bridge.cors import allow_origin, preflight
from bridge.error_shapes import add_error_handlers, is_oneroster
from bridge.errors import ConfigError
from bridge.lti.keyset import PlatformKeys
from bridge.lti.tool import LtiTool
from bridge.lti.views import lti_blueprint
from bridge.oneroster.discovery import Discovery
from bridge.oneroster.provider import Provider, ProviderSettings
from bridge.roster.model import DEMOGRAPHICS
from bridge.settings import Settings, load_settings
from bridge.site.views import site_blueprint
from bridge.wiring import SCHEDULER_LEASE, Wiring

log = structlog.get_logger(__name__)


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

    counters = settings.oneroster.body == "counters"
    provider = Provider(
        ProviderSettings(
            public_url=settings.server.public_url,
            max_limit=settings.oneroster.max_limit,
            counters=counters,
            at_once=settings.server.threads // 2,
        ),
        authenticate=grant,
        rate_limit=RateLimit(settings.oneroster.requests_per_second),
        pages=lambda: wiring.pages,
        cursors=lambda: wiring.cursors,
        walks=lambda: wiring.walks,
    )
    app.register_blueprint(provider.blueprint())
    discovery = Discovery(
        settings.server.public_url, counters=counters, has_demographics=lambda: wiring.pages.holds(DEMOGRAPHICS)
    )
    app.register_blueprint(discovery.blueprint())
    app.register_blueprint(site_blueprint(discovery.document))
    events = EventsFeed(authenticate=grant, outbox=lambda: wiring.outbox, seals=lambda: wiring.event_seals)
    app.register_blueprint(events.blueprint())
    app.register_blueprint(
        token_blueprint(lambda: wiring.registry, lifetime=timedelta(seconds=settings.oneroster.token_lifetime))
    )
    app.register_blueprint(
        lti_blueprint(
            LtiTool(
                registry=lambda: wiring.registry,
                mirror=lambda: wiring.mirror_to_read,
                keys=PlatformKeys(wiring.http, wiring.clock),
                http=wiring.http,
                rules=wiring.launch_rules,
                teaches=wiring.teaches,
                scheduler_runs=lambda: wiring.registry.leases.held(SCHEDULER_LEASE) is not None,
                clock=wiring.clock,
            )
        )
    )
    _add_health(app, wiring)
    _add_hooks(app, settings.oneroster.cors_origins)
    add_error_handlers(app)
    return app


def _add_health(app: Flask, wiring: Wiring) -> None:
    @app.get("/healthz")
    def healthz() -> Response:
        """Alive: says nothing about the mirror."""
        return jsonify(status="ok")

    @app.get("/readyz")
    def readyz() -> tuple[Response, int]:
        """Ready: both files can be read. Whether a scheduler runs is told, and does not make it unready.

        Anybody may ask, so it tells nothing of what the mirror holds.
        """
        try:
            scheduler = wiring.registry.leases.held(SCHEDULER_LEASE) is not None
            _ = wiring.pages.latest_stamp()
        except (ConfigError, sqlite3.Error) as error:
            log.exception("not_ready", error=type(error).__name__)
            return jsonify(status="unavailable"), 503
        return jsonify(status="ok", scheduler="running" if scheduler else "not running"), 200


def _add_hooks(app: Flask, cors_origins: Collection[str]) -> None:
    @app.before_request
    def begin() -> Response | None:
        g.begun = time.perf_counter()
        g.request_id = secrets.token_hex(8)
        clear_contextvars()
        bind_contextvars(request=g.request_id)
        return preflight(request, cors_origins) if is_oneroster(request.path) else None

    @app.after_request
    def end(response: Response) -> Response:
        response.headers["X-Request-Id"] = g.request_id
        response.headers["X-Content-Type-Options"] = "nosniff"
        if is_oneroster(request.path):
            allow_origin(response, request, cors_origins)
        compress(response, request)
        log.info(
            "request",
            method=request.method,
            route=_route(),
            status=response.status_code,
            milliseconds=round((time.perf_counter() - g.begun) * 1000, 1),
        )
        return response


def _route() -> str | None:
    """The rule that the path matched, for the log: the path itself may hold anything, an e-mail address too."""
    return request.url_rule.rule if request.url_rule is not None else None


def from_environment() -> Flask:
    """The application with the settings that the environment names: what ``wsgi.py`` and ``bridge serve`` run."""
    return create_app(load_settings())
