"""``/healthz`` and ``/readyz``: what a supervisor and a load balancer ask. Neither tells anybody about rosters."""

import sqlite3
from collections.abc import Callable
from datetime import timedelta

import structlog
from flask import Blueprint, Response, jsonify

from bridge.clock import Clock
from bridge.errors import ConfigError
from bridge.mirror.totals import Totals

log = structlog.get_logger(__name__)


def health_blueprint(
    *,
    scheduler_runs: Callable[[], bool],
    totals: Callable[[], Totals],
    stale_after: timedelta | None,
    clock: Clock,
) -> Blueprint:
    """The two paths.

    :param stale_after: for how long no roster may be readable before the bridge counts as not ready; ``None``: for
        ever.
    """
    blueprint = Blueprint("health", __name__)

    @blueprint.get("/healthz")
    def healthz() -> Response:
        """Alive: says nothing about the mirror."""
        return jsonify(status="ok")

    @blueprint.get("/readyz")
    def readyz() -> tuple[Response, int]:
        """Ready: both files can be read, and the mirror is not stale past the limit.

        Whether a scheduler runs is told, and does not make it unready.
        """
        try:
            scheduler = "running" if scheduler_runs() else "not running"
            last_reading = totals().last_good_reading()
        except (ConfigError, sqlite3.Error) as error:
            log.exception("not_ready", error=type(error).__name__)
            return jsonify(status="unavailable"), 503
        if stale_after is not None and last_reading is not None and clock() - last_reading > stale_after:
            return jsonify(status="stale", scheduler=scheduler), 503
        return jsonify(status="ok", scheduler=scheduler), 200

    return blueprint
