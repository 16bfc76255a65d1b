"""The application with one more route, which answers given bytes from memory: what everything is measured against.

``/static/<name>`` goes through the same server, application and hooks; it asks no token and no mirror.
``/bare/<name>`` is the same without the hooks: another application, of Flask alone, in the same server.
"""

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from flask import Flask, Response

from bridge.app import from_environment

BODIES = "BENCH_STATIC_BODIES"
"""The environment variable that names the folder with the bytes: each file of it is one answer."""

NOT_MODIFIED = "not-modified"
"""Answers 304, without a body."""


def app() -> Callable[[dict[str, Any], Any], Iterable[bytes]]:
    """The application under measurement, with ``/static`` and ``/bare`` beside it."""
    application, bare = from_environment(), Flask("bare", static_folder=None)
    bodies = {path.name: path.read_bytes() for path in Path(os.environ[BODIES]).iterdir()}

    def answer(name: str) -> Response:
        if name == NOT_MODIFIED:
            return Response(status=304)
        return Response(bodies[name], mimetype="application/json")

    application.add_url_rule("/static/<name>", "static_body", answer)
    bare.add_url_rule("/bare/<name>", "bare_body", answer)

    def either(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        chosen = bare if environ["PATH_INFO"].startswith("/bare/") else application
        return chosen.wsgi_app(environ, start_response)

    return either
