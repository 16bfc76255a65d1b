"""The web application: the rooms' routes, and what happens around every request."""

from collections.abc import Callable, Collection, Iterable
from datetime import timedelta
from urllib.parse import urlsplit
from wsgiref.types import StartResponse, WSGIEnvironment

import structlog
from flask import Flask, Response, request

from bridge import log as bridge_log
from bridge.admin.app import ADMIN_PATH, Mounted, admin_app
from bridge.api.events import EventsFeed
from bridge.api.runs import RunsLog
from bridge.api.syncs import SYNCS_PER_SECOND, Syncs
from bridge.around import Around
from bridge.at_rest import key_file_open_to_others, open_to_others
from bridge.auth.bearer import Grant, authenticate
from bridge.auth.rate_limit import RateLimit
from bridge.clock import Clock, utc_now
from bridge.compression import compress
from bridge.cors import allow_origin, preflight
from bridge.error_shapes import add_error_handlers, is_oneroster
from bridge.health import health_blueprint
from bridge.incoming import MAX_BODY, guard
from bridge.lti.keyset import PlatformKeys
from bridge.lti.tool import LtiTool
from bridge.lti.views import lti_blueprint
from bridge.metrics.requests import RequestMetrics
from bridge.metrics.state import StateMetrics
from bridge.metrics.views import metrics_blueprint
from bridge.oneroster.discovery import Discovery
from bridge.oneroster.provider import Provider, ProviderSettings
from bridge.platform_routes import add_platform_routes
from bridge.request_bodies import RequestBodies
from bridge.roster.model import DEMOGRAPHICS
from bridge.services import Services
from bridge.settings import Settings, load_settings
from bridge.site.views import site_blueprint
from bridge.tool_routes import add_tool_routes
from bridge.wiring import Wiring

log = structlog.get_logger(__name__)


def create_app(settings: Settings, clock: Clock = utc_now) -> Flask:
    """The WSGI application.

    :raises bridge.errors.ConfigError: if the mirror or the registry cannot be used.
    """
    bridge_log.configure(settings.log.level, settings.log.format)
    wiring = Wiring(settings, clock)
    wiring.prepare()
    exposed = open_to_others(settings.storage)
    if settings.storage.key_file is not None and key_file_open_to_others(settings.storage):
        exposed.append(settings.storage.key_file)
    for path in exposed:
        log.warning("readable_by_others", file=str(path), remedy="chmod go= on it, or on its folder")
    app = Services(__name__)
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
    _add_runs(app, wiring, lambda: grant(request.headers.get("Authorization")))
    add_platform_routes(app, wiring)
    add_tool_routes(app, wiring)
    app.register_blueprint(
        lti_blueprint(
            LtiTool(
                registry=lambda: wiring.registry,
                mirror=lambda: wiring.mirror_to_read,
                keys=PlatformKeys(wiring.http, wiring.clock),
                http=wiring.http,
                rules=wiring.launch_rules,
                teaches=wiring.teaches,
                scheduler_runs=wiring.scheduler_runs,
                clock=wiring.clock,
            )
        )
    )
    requests = RequestMetrics(settings.storage.counts)
    app.register_blueprint(metrics_blueprint(requests, state=lambda: _state(wiring), token=settings.monitoring.token))
    app.register_blueprint(
        health_blueprint(
            scheduler_runs=wiring.scheduler_runs,
            totals=lambda: wiring.totals,
            stale_after=timedelta(hours=settings.monitoring.stale_hours) or None,
            clock=wiring.clock,
        )
    )
    _add_hooks(app, settings.oneroster.cors_origins)
    bodies = RequestBodies(settings.server.threads, MAX_BODY)
    guard(app, settings, lambda: wiring.registry.tries, bodies)
    add_error_handlers(app)
    admin = admin_app(wiring)
    guard(admin, settings, lambda: wiring.registry.tries, bodies, mounted_at=ADMIN_PATH)
    app.extensions["bridge.admin"] = admin
    address = urlsplit(settings.server.public_url)
    mounted = Mounted(app.wsgi_app, admin, address.path)

    def lent(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        with wiring.lent():
            return mounted(environ, start_response)

    app.wsgi_app = Around(  # type: ignore[method-assign] # Flask's own way
        lent, observe=requests.observe, secure=address.scheme == "https"
    )
    return app


def _state(wiring: Wiring) -> StateMetrics:
    storage = wiring.settings.storage
    return StateMetrics(
        wiring.totals,
        wiring.registry,
        scheduler_runs=wiring.scheduler_runs,
        files={"mirror": storage.mirror, "registry": storage.registry},
    )


def _add_runs(app: Flask, wiring: Wiring, granted: Callable[[], Grant]) -> None:
    log_of_runs = RunsLog(
        authenticate=granted,
        mirror=lambda: wiring.mirror_to_read,
        seals=lambda: wiring.event_seals,
        clock=wiring.clock,
    )
    syncs = Syncs(
        authenticate=granted,
        registry=lambda: wiring.registry,
        mirror=lambda: wiring.mirror_to_read,
        seals=lambda: wiring.event_seals,
        clock=wiring.clock,
        public_url=wiring.settings.server.public_url,
        scheduler_runs=wiring.scheduler_runs,
        rate_limit=RateLimit(SYNCS_PER_SECOND),
    )
    for each in (log_of_runs, syncs):
        app.register_blueprint(each.blueprint())


def _add_hooks(app: Flask, cors_origins: Collection[str]) -> None:
    @app.after_request
    def end(response: Response) -> Response:
        compress(response, request.environ)
        return response

    if cors_origins:

        @app.before_request
        def begin() -> Response | None:
            return preflight(request, cors_origins) if is_oneroster(request.path) else None

        @app.after_request
        def allow(response: Response) -> Response:
            if is_oneroster(request.path):
                allow_origin(response, request, cors_origins)
            return response


def from_environment() -> Flask:
    """The application with the settings that the environment names: what ``wsgi.py`` and ``bridge serve`` run."""
    return create_app(load_settings())
