"""Flask as the services use it: views are plain functions, nobody has a session, and there is one address.

Flask asks at every request for what is the same at all of them, which takes half of its time.
"""

from collections.abc import Callable, Mapping
from typing import Any

from flask import Flask, Request
from flask.sessions import NullSession, SessionInterface
from werkzeug.routing import MapAdapter, PathConverter, Rule

_LATELY_ASKED = 1_000
"""How many paths are remembered, with the route that each leads to."""
_OFTEN_ASKED = 2_000
"""Characters of a path that may be remembered: longer ones are looked up each time."""

_Matched = tuple[Rule, Mapping[str, Any]]


class Services(Flask):
    """The application. Whatever stands before it sets ``HTTP_HOST`` to the bridge's own."""

    def __init__(self, name: str) -> None:
        super().__init__(name, static_folder=None)
        self.session_interface = _NoSessions()
        # sourcedIds may hold any character: "a//b" is one, "/a" another, and no path is to be tidied up.
        self.url_map.merge_slashes = False
        self.url_map.converters["path"] = _AnyPath
        self._matched: dict[tuple[str, str], _Matched] = {}

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        # Flask looks every time whether it is a coroutine, at every view and hook of a request.
        return func

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        # Flask looks for the host among the headers, and for a subdomain in it.
        return None if request is None else _Routes(self, request.environ)

    def matched(self, method: str, path: str, match: Callable[[], _Matched]) -> _Matched:
        """The route of a path, and what it says; looked up if that was not asked for lately."""
        key = (method, path)
        found = self._matched.get(key)
        if found is None:
            found = match()
            if len(path) <= _OFTEN_ASKED:
                if len(self._matched) >= _LATELY_ASKED:
                    self._matched.clear()
                self._matched[key] = found
        return found


class _Routes(MapAdapter):
    """The routes, as one request asks for them."""

    def __init__(self, services: Services, environ: Mapping[str, Any]) -> None:
        super().__init__(
            services.url_map,
            server_name=environ["HTTP_HOST"].lower(),
            script_name=_text(environ.get("SCRIPT_NAME", "")),
            subdomain="",
            url_scheme=environ["wsgi.url_scheme"],
            path_info=_text(environ["PATH_INFO"]),
            default_method=environ["REQUEST_METHOD"],
            query_args=_text(environ.get("QUERY_STRING", "")),
        )
        self._services = services

    def match(self, *asked: Any, **options: Any) -> Any:
        if asked or options != {"return_rule": True}:
            return super().match(*asked, **options)
        rule, values = self._services.matched(
            self.default_method, self.path_info, lambda: super(_Routes, self).match(return_rule=True)
        )
        return rule, dict(values)


class _NoSessions(SessionInterface):
    """Nobody has one, and Flask need not look for its cookie."""

    _none = NullSession()

    def open_session(self, app: Flask, request: Request) -> NullSession:
        return self._none


class _AnyPath(PathConverter):
    """A path, or an id with slashes, one in front too: WSGI hands over ``%2Fa`` as it does ``/a``."""

    regex = ".+?"
    part_isolating = False


def _text(of_request: str) -> str:
    """WSGI gives bytes as characters (PEP 3333, "Unicode Issues")."""
    return of_request.encode("latin-1").decode(errors="replace")
