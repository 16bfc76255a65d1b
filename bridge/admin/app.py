"""The pages as one WSGI application, to be mounted at ``/admin``."""

from collections.abc import Iterable
from urllib.parse import urlsplit
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import structlog
from flask import Flask, Response, g, redirect, render_template, request, url_for
from flask_bootstrap import Bootstrap5
from flask_login import current_user
from flask_wtf import CSRFProtect
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from bridge.admin import (
    accounts,
    clients,
    contexts,
    dashboard,
    inspector,
    limits,
    personal,
    plans,
    platforms,
    providers,
    quality,
    runs,
    setup,
    sources,
    tools,
    words,
)
from bridge.admin.addresses import ContextKeyConverter, RowConverter
from bridge.around import told_of
from bridge.errors import Busy, InvalidRequest, RequestError, UnknownObject
from bridge.wiring import Wiring

log = structlog.get_logger(__name__)

ADMIN_PATH = "/admin"

_LARGEST_FORM = 256 * 1024
_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self';"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_OPEN_TO_ALL = frozenset({"accounts.sign_in", "static", "bootstrap.static"})


def admin_app(wiring: Wiring) -> Flask:
    """The pages.

    Its paths are those below ``/admin``, by which :class:`Mounted` serves it.
    """
    server = wiring.settings.server
    secure = server.public_url.startswith("https:")
    app = Flask(__name__)
    app.config.update(
        SECRET_KEY=wiring.registry.secrets.get("sessions"),
        SESSION_COOKIE_NAME="__Secure-bridge_admin" if secure else "bridge_admin",
        SESSION_COOKIE_PATH=urlsplit(server.public_url).path + ADMIN_PATH,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SECURE=secure,
        SESSION_COOKIE_SAMESITE="Lax",  # Strict would show the sign-in page to whoever follows a link from a message
        PERMANENT_SESSION_LIFETIME=accounts.IDLE,
        SESSION_REFRESH_EACH_REQUEST=False,
        MAX_CONTENT_LENGTH=_LARGEST_FORM,
        WTF_CSRF_TIME_LIMIT=None,  # as long as the session
        WTF_CSRF_SSL_STRICT=False,  # TLS ends at the proxy, so whether it was there is not seen here
        BOOTSTRAP_SERVE_LOCAL=True,
    )
    app.url_map.converters["context"] = ContextKeyConverter
    app.url_map.converters["int"] = RowConverter
    _add_hooks(app)
    Bootstrap5(app)
    CSRFProtect(app)
    accounts.manage_logins(app, wiring)
    limits.keep(app, wiring)
    reading = (platforms, contexts, sources, plans, runs, inspector, quality)
    for room in (accounts, personal, dashboard, *reading, clients, tools, setup, providers):
        app.register_blueprint(room.pages(wiring))
    words.teach(app, wiring)
    _add_error_pages(app)
    if server.proxies:
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign] # Flask's own way
            app.wsgi_app, x_for=server.proxies, x_proto=0, x_host=0, x_port=0, x_prefix=0
        )
    return app


class Mounted:
    """Two applications as one: the pages at ``/admin``, the services everywhere else.

    :param root: the path of the bridge's public address, which links begin with: a proxy takes it off.
    """

    def __init__(self, services: WSGIApplication, admin: Flask, root: str) -> None:
        self._services = services
        self._admin = admin
        self._root = root

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path != ADMIN_PATH and not path.startswith(f"{ADMIN_PATH}/"):
            return self._services(environ, start_response)
        within = {"SCRIPT_NAME": self._root + ADMIN_PATH, "PATH_INFO": path.removeprefix(ADMIN_PATH)}
        return self._admin.wsgi_app({**environ, **within}, start_response)


def _add_hooks(app: Flask) -> None:
    @app.before_request
    def let_in() -> Response | None:
        if request.endpoint in _OPEN_TO_ALL or current_user.is_authenticated:
            return None
        asked_for = request.full_path.rstrip("?") if request.method == "GET" else "/"
        return redirect(url_for("accounts.sign_in", next=asked_for))  # type: ignore[return-value] # werkzeug's Response

    @app.after_request
    def protect(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = _POLICY
        response.headers["X-Frame-Options"] = "DENY"
        response.headers["Referrer-Policy"] = "same-origin"
        if request.endpoint not in {"static", "bootstrap.static"}:
            response.headers["Cache-Control"] = "no-store"
        return response


def _add_error_pages(app: Flask) -> None:
    """Every failure as a page that needs neither file: one of them may be what has failed."""

    @app.errorhandler(HTTPException)
    def refuse(error: HTTPException) -> tuple[str, int]:
        if error.code is not None and error.code >= 500:
            log.error("request_failed", status=error.code)
        return render_template("error.html", title=error.name, reason=error.description), error.code or 500

    @app.errorhandler(Busy)
    def refuse_for_now(error: Busy) -> tuple[str, int, dict[str, str]]:
        page = render_template("error.html", title="Too many requests", reason=f"{error}.")
        return page, 429, {"Retry-After": str(error.retry_after)}

    @app.errorhandler(CSRFError)
    def refuse_form(error: CSRFError) -> tuple[str, int]:
        reason = (
            f"{error.description} Nothing was done. The page was opened before you signed in or out, or the browser"
            " keeps no cookies for the bridge: allow them, open the page again, and send it once more."
        )
        return render_template("error.html", title="The form was not accepted", reason=reason), 400

    @app.errorhandler(RequestError)
    def refuse_request(error: RequestError) -> tuple[str, int]:
        status = 404 if isinstance(error, UnknownObject) else 400
        title = "Not found" if status == 404 else "That cannot be done"
        return render_template("error.html", title=title, reason=f"{error}."), status

    @app.errorhandler(Exception)
    def fail(error: Exception) -> tuple[str, int]:
        if g.get("reading_body"):  # WSGI names no exception for that: each server has its own
            return refuse_request(InvalidRequest("body", "cannot be read to its end"))
        log.exception("request_failed", error=type(error).__name__)
        reason = f"The bridge failed. The cause is in its log, under request {told_of(request.environ).request_id}."
        return render_template("error.html", title="Something failed", reason=reason), 500
