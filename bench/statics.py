"""The application with one more route, which answers the same bytes from memory: what a page is measured against.

The route goes through the same server, the same application and the same hooks; it asks no token and no mirror.
"""

import os
from pathlib import Path

from flask import Flask, Response

from bridge.app import from_environment

BODY = "BENCH_STATIC_BODY"
"""The environment variable that names the file with the bytes."""


def app() -> Flask:
    """The application under measurement, and ``/static`` beside it."""
    application = from_environment()
    body = Path(os.environ[BODY]).read_bytes() if BODY in os.environ else b"{}"

    @application.get("/static")
    def static_body() -> Response:
        return Response(body, mimetype="application/json")

    return application
