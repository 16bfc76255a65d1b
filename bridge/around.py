"""What happens around every request, whichever application answers it: its id, its line in the log, its place in the
metrics, and the headers that every answer has.

This lies outside Flask: here a header is a pair in a list, and adding one costs next to nothing.
"""

import secrets
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from structlog.contextvars import bind_contextvars, clear_contextvars

from bridge.compression import varies
from bridge.log import line_writer

Observe = Callable[[str | None, str, int, float], None]
"""Told of an answer: its route or operation, the method, the status, and the seconds it took."""

_KEY = "bridge.told"
_NO_PAGE = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


@dataclass(slots=True)
class Told:
    """What the log and the metrics are told of a request.

    :ivar request_id: names it, to the caller and in the log.
    :ivar route: the rule that its path matched: the path itself may hold anything, an e-mail address too.
    :ivar operation: the operation of a service whose operations are one route to Flask.
    """

    request_id: str
    route: str | None = None
    operation: str | None = None


def told_of(environ: WSGIEnvironment) -> Told:
    """What is told of this request. Whoever serves it may say more."""
    told: Told | None = environ.get(_KEY)
    if told is None:
        told = environ[_KEY] = Told(secrets.token_hex(8))
    return told


class Around:
    """An application, and what happens around it.

    To be made when the log has been configured.

    :param observe: told of every answer.
    :param secure: whether browsers reach the bridge by https.
    """

    def __init__(self, application: WSGIApplication, *, observe: Observe, secure: bool) -> None:
        self._application = application
        self._observe = observe
        self._always = [("X-Content-Type-Options", "nosniff")]
        if secure:
            self._always.append(("Strict-Transport-Security", "max-age=31536000"))
        self._write_line = line_writer("request")

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        begun = time.perf_counter()
        environ.pop(_KEY, None)
        told = told_of(environ)
        clear_contextvars()
        bind_contextvars(request=told.request_id)
        statuses: list[str] = []

        def start(status: str, headers: list[tuple[str, str]], *error: Any) -> Callable[[bytes], object]:
            statuses.append(status)
            return start_response(status, self._completed(status, headers, told), *error)

        answer = self._application(environ, start)
        if statuses:
            self._note(environ["REQUEST_METHOD"], int(statuses[-1][:3]), told, time.perf_counter() - begun)
        return answer

    def _completed(self, status: str, headers: list[tuple[str, str]], told: Told) -> list[tuple[str, str]]:
        given = {name.lower(): value for name, value in headers}
        # A 304 has no content, and varies as what it stands for (RFC 9110 section 15.4.5).
        if status.startswith("304") or varies(given.get("content-type", "")):
            vary = given.get("vary")
            headers = [each for each in headers if each[0].lower() != "vary"] if vary else headers
            headers = [*headers, ("Vary", f"{vary}, Accept-Encoding" if vary else "Accept-Encoding")]
        completed = [*headers, *self._always, ("X-Request-Id", told.request_id)]
        # Pages have policies of their own: these are for all that is none.
        if "content-security-policy" not in given:
            completed.append(("Content-Security-Policy", _NO_PAGE))
        if "referrer-policy" not in given:
            completed.append(("Referrer-Policy", "no-referrer"))
        return completed

    def _note(self, method: str, status: int, told: Told, seconds: float) -> None:
        self._observe(told.operation or told.route, method, status, seconds)
        more = {} if told.operation is None else {"operation": told.operation}
        self._write_line(
            request=told.request_id,
            method=method,
            route=told.route,
            status=status,
            milliseconds=round(seconds * 1000, 1),
            **more,
        )
