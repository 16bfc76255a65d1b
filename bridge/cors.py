"""Letting web pages of other origins read: off, unless an operator names them.

Only reads are let through, and no cookies: what a page may see is in its token.

Spec: WHATWG Fetch, "CORS protocol".
"""

from collections.abc import Collection

from flask import Request, Response

_SHOWN = "ETag, Link, Retry-After, WWW-Authenticate, X-Request-Id, X-Total-Count"
_SENT = "Accept, Authorization, If-None-Match"
_DAY = "86400"


def preflight(request: Request, origins: Collection[str]) -> Response | None:
    """The answer to a browser that asks beforehand; ``None`` if the request is no such question from these origins."""
    asks = request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers
    if not asks or not _is_allowed(request, origins):
        return None
    response = Response(status=204)
    response.headers["Access-Control-Allow-Methods"] = "GET, HEAD"
    response.headers["Access-Control-Allow-Headers"] = _SENT
    response.headers["Access-Control-Max-Age"] = _DAY
    return response


def allow_origin(response: Response, request: Request, origins: Collection[str]) -> None:
    """Say that a page may read the answer, if its origin is one of these; ``*`` stands for every origin."""
    if not origins:
        return
    response.vary.add("Origin")
    if _is_allowed(request, origins):
        response.headers["Access-Control-Allow-Origin"] = request.headers["Origin"]
        response.headers["Access-Control-Expose-Headers"] = _SHOWN


def _is_allowed(request: Request, origins: Collection[str]) -> bool:
    origin = request.headers.get("Origin")
    return origin is not None and ("*" in origins or origin in origins)
