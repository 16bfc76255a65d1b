"""The web application: the rooms' routes, and one shape of error per protocol.

Errors that Flask raises before any route is found (404, 405) reach no blueprint, so the shape is picked here, by path.
"""

import secrets
from datetime import timedelta
from http import HTTPStatus

import structlog
from flask import Flask, Response, g, jsonify, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound

from bridge import log as logging
from bridge.auth.bearer import Grant, authenticate
from bridge.auth.token_endpoint import token_blueprint
from bridge.errors import RequestError
from bridge.lti.keyset import PlatformKeys
from bridge.lti.rules import LaunchRules
from bridge.lti.views import lti_blueprint
from bridge.oneroster import status_info
from bridge.oneroster.provider import Provider, ProviderSettings
from bridge.settings import Settings, load_settings
from bridge.wiring import SCHEDULER_LEASE, Wiring

log = structlog.get_logger(__name__)

_ONEROSTER = "/ims/oneroster/"


def create_app(settings: Settings) -> Flask:
    """The WSGI application.

    :raises bridge.errors.ConfigError: if the mirror or the registry cannot be used.
    """
    logging.configure(settings.log.level, settings.log.format)
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
        scheduler = wiring.registry.leases.held(SCHEDULER_LEASE) is not None
        latest = wiring.pages.latest_stamp()
        return jsonify(status="ok", scheduler="running" if scheduler else "not running", lastWrite=latest), 200


def _add_hooks(app: Flask) -> None:
    @app.before_request
    def begin() -> None:
        g.request_id = secrets.token_hex(8)

    @app.after_request
    def end(response: Response) -> Response:
        response.headers["X-Request-Id"] = g.get("request_id", "")
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    @app.errorhandler(RequestError)
    def refuse(error: RequestError) -> Response:
        return _oneroster(*status_info.status_info(error))

    @app.errorhandler(HTTPException)
    def refuse_http(error: HTTPException) -> Response:
        if not request.path.startswith(_ONEROSTER):
            return _plain(error)
        match error:
            case NotFound():
                return _oneroster(*status_info.not_found_path())
            case MethodNotAllowed():
                return _oneroster(*status_info.method_not_allowed(", ".join(sorted(error.valid_methods or ()))))
            case _:
                return _oneroster(*status_info.internal_error(g.get("request_id", "")))

    @app.errorhandler(Exception)
    def fail(error: Exception) -> Response:
        request_id = g.get("request_id", "")
        log.error("request_failed", request=request_id, path=request.path, error=type(error).__name__, exc_info=True)
        if request.path.startswith(_ONEROSTER):
            return _oneroster(*status_info.internal_error(request_id))
        return _problem(HTTPStatus.INTERNAL_SERVER_ERROR, f"something went wrong; request {request_id}")


def _oneroster(status: int, body: dict[str, object], headers: dict[str, str]) -> Response:
    response = jsonify(body)
    response.status_code = status
    response.headers.update(headers)
    response.headers["Cache-Control"] = "no-store"
    return response


def _plain(error: HTTPException) -> Response:
    response = _problem(HTTPStatus(error.code or 500), str(error.description))
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        response.headers["Allow"] = ", ".join(sorted(error.valid_methods))
    return response


def _problem(status: HTTPStatus, detail: str) -> Response:
    response = jsonify(error=status.phrase, detail=detail)
    response.status_code = status
    return response


def from_environment() -> Flask:
    """The application with the settings that the environment names: what ``wsgi.py`` and ``bridge serve`` run."""
    return create_app(load_settings())
