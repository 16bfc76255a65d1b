"""What every request must keep to, whatever it asks for.

What a request says about the address that it was sent to is not believed: the bridge has been told its own. Sizes are
bounded before anything is read; then addresses are counted: in memory on the way to everything, and exactly, for all
processes together, at the doors where somebody might try keys or make the bridge ask others.
"""

from collections.abc import Callable, Iterable
from urllib.parse import urlsplit
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from flask import Flask, request
from werkzeug.middleware.proxy_fix import ProxyFix

from bridge.around import told_of
from bridge.auth.rate_limit import RateLimit
from bridge.auth.token_endpoint import TOKEN_PATH
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


def guard(
    app: Flask, settings: Settings, tries: Callable[[], Tries], bodies: RequestBodies, *, mounted_at: str = ""
) -> None:
    """Hold all requests of an application to the bounds.

    :param tries: gives this thread's counts.
    :param bodies: reads the bodies of all requests of this process.
    :param mounted_at: the path below which the application is served.
    """
    app.config["MAX_CONTENT_LENGTH"] = min(app.config["MAX_CONTENT_LENGTH"] or MAX_BODY, MAX_BODY)
    if settings.server.proxies:
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]  # Flask's own way of adding middleware
            app.wsgi_app, x_for=settings.server.proxies, x_proto=0, x_host=0
        )
    app.wsgi_app = _AtOwnAddress(app.wsgi_app, settings.server.public_url)  # type: ignore[method-assign]  # likewise
    per_address = RateLimit(settings.server.requests_per_second)
    tokens = settings.oneroster.token_requests_per_minute

    def check() -> None:
        environ, rule = request.environ, request.url_rule
        # The route's own path, however a request has spelt it.
        route = "" if rule is None else mounted_at + rule.rule
        told_of(environ).route = route or None
        _check_size(environ)
        address = environ.get("REMOTE_ADDR", "")
        try:
            bodies.read(address)
        finally:  # whatever is the matter with the body
            per_address.take(address)
        if route == TOKEN_PATH and request.method == "POST":
            tries().count("token", address, tokens)
        elif route == REGISTER_PATH or route.startswith(f"{REGISTER_PATH}/"):
            tries().count("register", address, REGISTRATIONS_PER_MINUTE)

    # Before what the application itself does first: looking for a form's token would read the body.
    app.before_request_funcs[None].insert(0, check)


class _AtOwnAddress:
    """Puts the bridge's own host in the place of whatever a request names, lest a redirect lead there."""

    def __init__(self, application: WSGIApplication, public_url: str) -> None:
        self._application = application
        self._host = urlsplit(public_url).netloc

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        environ["HTTP_HOST"] = self._host
        environ["PATH_INFO"] = environ.get("PATH_INFO") or "/"  # RFC 9112 section 3.2.1
        return self._application(environ, start_response)


def _check_size(environ: WSGIEnvironment) -> None:
    if len(environ.get("PATH_INFO", "")) > MAX_PATH:
        raise InvalidRequest("path", f"is longer than {MAX_PATH} bytes")
    if len(environ.get("QUERY_STRING", "")) > MAX_QUERY:
        raise InvalidRequest("query string", f"is longer than {MAX_QUERY} bytes")
    headers = 0
    for name, value in environ.items():
        if name.startswith("HTTP_"):
            headers += len(name) + len(value)
    if headers > MAX_HEADERS:
        raise InvalidRequest("headers", f"are longer than {MAX_HEADERS} bytes")
