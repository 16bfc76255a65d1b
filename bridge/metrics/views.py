"""``/metrics``: what Prometheus reads.

Source: the Prometheus text format, version 0.0.4, or OpenMetrics where it is asked for.
"""

import hmac
from collections.abc import Callable

from flask import Blueprint, Response, request
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from bridge.api.problems import problem
from bridge.errors import Unauthorised
from bridge.metrics.requests import RequestMetrics

_LOOPBACK = frozenset({"127.0.0.1", "::1"})
_HOW = "the metrics are for this machine, or for who sends 'Authorization: Bearer …' with the setting monitoring.token"


def metrics_blueprint(requests: RequestMetrics, state: Callable[[], Collector], token: str) -> Blueprint:
    """``/metrics``, for who holds the token, or without one for this machine.

    :param state: what the databases say, for one request.
    :param token: empty: only requests from loopback that no proxy has passed on are answered.
    """
    blueprint = Blueprint("metrics", __name__)

    @blueprint.get("/metrics")
    def metrics() -> Response:
        if not _may_look(token):
            return problem(Unauthorised(_HOW, token_sent="Authorization" in request.headers))
        registry = CollectorRegistry()
        registry.register(state())
        requests.collect_into(registry)
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        response = Response(encode(registry), content_type=content_type)
        response.headers["Cache-Control"] = "no-store"
        return response

    return blueprint


def _may_look(token: str) -> bool:
    if token:
        _, _, sent = request.headers.get("Authorization", "").partition(" ")
        return hmac.compare_digest(sent.strip().encode(), token.encode())
    # A reverse proxy on this machine asks from loopback too, for anybody.
    passed_on = any(name in request.headers for name in ("X-Forwarded-For", "Forwarded", "X-Real-Ip", "Via"))
    return request.remote_addr in _LOOPBACK and not passed_on
