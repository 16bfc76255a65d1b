"""What every request must keep to, whatever it asks for, and what every answer tells browsers.

What a request says about the address that it was sent to is not believed: the bridge has been told its own. Sizes are
bounded before anything is read; addresses are counted: in memory on the way to everything, and exactly, for all
processes together, at the doors where somebody might try keys or make the bridge ask others.
"""

from collections.abc import Callable, Iterable
from urllib.parse import urlsplit
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from flask import Flask, Request, Response, request
from werkzeug.middleware.proxy_fix import ProxyFix

from bridge.auth.rate_limit import RateLimit
from bridge.errors import InvalidRequest
from bridge.lti.rules import REGISTER_PATH
from bridge.registry.tries import Tries
from bridge.request_bodies import RequestBodies
from bridge.settings import Settings

MAX_PATH = 16 * 1024
MAX_QUERY = 96 * 1024
"""Bytes: the longest filter, every character of it percent-encoded, and room for the rest."""
MAX_HEADERS = 32 * 1024
MAX_BODY = 1024 * 1024
"""Bytes of a body, where an endpoint sets no bound of its own."""

REGISTRATIONS_PER_MINUTE = 10

_TOKEN_PATH = "/oauth2/token"  # noqa: S105 - a path
_NO_PAGE = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


def guard(app: Flask, settings: Settings, tries: Callable[[], Tries], bodies: RequestBodies) -> None:
    """Hold all requests of an application to the bounds, and add the headers to all answers.

    To be called when what gives requests their ids has been added already.

    :param tries: gives this thread's counts.
    :param bodies: reads the bodies of all requests of this process.
    """
    app.config["MAX_CONTENT_LENGTH"] = min(app.config["MAX_CONTENT_LENGTH"] or MAX_BODY, MAX_BODY)
    if settings.server.proxies:
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]  # Flask's own way of adding middleware
            app.wsgi_app, x_for=settings.server.proxies, x_proto=0, x_host=0
        )
    app.wsgi_app = _AtOwnAddress(app.wsgi_app, settings.server.public_url)  # type: ignore[method-assign]  # likewise
    per_address = RateLimit(settings.server.requests_per_second)
    tokens = settings.oneroster.token_requests_per_minute

    @app.before_request
    def check() -> None:
        _check_size(request)
        address = request.remote_addr or ""
        per_address.take(address)
        if request.path == _TOKEN_PATH and request.method == "POST":
            tries().count("token", address, tokens)
        elif request.path == REGISTER_PATH or request.path.startswith(f"{REGISTER_PATH}/"):
            tries().count("register", address, REGISTRATIONS_PER_MINUTE)
        bodies.read(address)

    secure = settings.server.public_url.startswith("https://")

    @app.after_request
    def protect(response: Response) -> Response:
        # Pages have policies of their own: this is for all that is none.
        response.headers.setdefault("Content-Security-Policy", _NO_PAGE)
        response.headers.setdefault("Referrer-Policy", "no-referrer")
        if secure:
            response.headers["Strict-Transport-Security"] = "max-age=31536000"
        return response


class _AtOwnAddress:
    """Puts the bridge's own host in the place of whatever a request names, lest a redirect lead there."""

    def __init__(self, application: WSGIApplication, public_url: str) -> None:
        self._application = application
        self._host = urlsplit(public_url).netloc

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        environ["HTTP_HOST"] = self._host
        environ["PATH_INFO"] = environ.get("PATH_INFO") or "/"  # RFC 9112 section 3.2.1
        return self._application(environ, start_response)


def _check_size(request: Request) -> None:
    if len(request.environ.get("PATH_INFO", "")) > MAX_PATH:
        raise InvalidRequest("path", f"is longer than {MAX_PATH} bytes")
    if len(request.query_string) > MAX_QUERY:
        raise InvalidRequest("query string", f"is longer than {MAX_QUERY} bytes")
    headers = sum(len(name) + len(value) for name, value in request.environ.items() if name.startswith("HTTP_"))
    if headers > MAX_HEADERS:
        raise InvalidRequest("headers", f"are longer than {MAX_HEADERS} bytes")
