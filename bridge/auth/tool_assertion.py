"""The signed assertion by which an LTI tool proves who it is at the token endpoint.

The tool is not told which check failed: whoever tries out what is let through learns nothing. The log says it.

Clauses: RFC 7523 section 3, RFC 7521 section 4.2, 1EdTech Security Framework 1.0 section 4.1.1.
"""

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import structlog

from bridge.auth.tool_keys import keys_of
from bridge.clock import Clock, from_unix_ms, to_stamp
from bridge.errors import LaunchRefused, RequestError
from bridge.lti.keyset import PlatformKeys
from bridge.lti.public_keys import ALGORITHMS, Malformed, NotSigned, signed_claims
from bridge.registry.registry import Registry
from bridge.registry.tools import Tool

LONGEST_LIFE = timedelta(hours=1)
"""From ``iat`` to ``exp``, and the age of an assertion: used ones are remembered for as long."""
LEEWAY = timedelta(seconds=60)
"""By how much a tool's clock may differ."""

_LONGEST_JTI = 512

_log = structlog.get_logger(__name__)


class AssertionRefused(RequestError):
    """An assertion that proves nothing."""

    def __init__(self) -> None:
        super().__init__(
            "the client assertion is not accepted: its alg, kid, signature, iss, sub, aud, iat, exp and jti must be as"
            " docs/nrps.md says; which of them was not, is in the log of the bridge"
        )


class _Failed(Exception):
    """One check that failed, in a word."""


class ToolAssertions:
    """Finds out which tool an assertion is of.

    :param registry: gives this thread's registry.
    :param keys: reads and caches the key sets of tools.
    :param audiences: what an assertion may be made out to: the token URL and the issuer, each exactly.
    """

    def __init__(
        self, registry: Callable[[], Registry], *, keys: PlatformKeys, audiences: frozenset[str], clock: Clock
    ) -> None:
        self._registry = registry
        self._keys = keys
        self._audiences = audiences
        self._clock = clock

    def tool_of(self, assertion: str, client_id: str | None) -> Tool:
        """The tool that has signed the assertion. It is used then, and good for nothing more.

        :param client_id: as the request states it beside the assertion, if it does.
        :raises AssertionRefused: if a check fails.
        """
        tool: Tool | None = None
        try:
            header, stated = (_part(assertion, place) for place in (0, 1))
            algorithm, kid = _algorithm_and_kid(header)
            tool = self._tool(stated.get("iss"))
            claims = self._verified(assertion, algorithm, kid, tool)
            _check_subject(claims, tool, client_id)
            self._check_audience(claims)
            self._use(tool, claims, self._expiry(claims))
        except _Failed as failed:
            _log.info("assertion_refused", check=str(failed), tool=tool.client_id if tool else None)
            raise AssertionRefused from failed
        return tool

    def _tool(self, issuer: object) -> Tool:
        tool = self._registry().tools.by_id(issuer) if isinstance(issuer, str) else None
        if tool is None or tool.revoked is not None:
            raise _Failed("iss")
        return tool

    def _verified(self, assertion: str, algorithm: str, kid: str, tool: Tool) -> Mapping[str, Any]:
        try:
            keys = [key for key in keys_of(tool, kid, self._keys) if key.algorithm == algorithm]
        except LaunchRefused as refusal:
            raise _Failed(f"kid: {refusal}") from refusal
        if not keys:
            raise _Failed("alg")
        try:
            return signed_claims(assertion, keys)
        except NotSigned as error:
            raise _Failed("signature") from error
        except Malformed as error:
            raise _Failed("form") from error

    def _check_audience(self, claims: Mapping[str, Any]) -> None:
        aud = claims.get("aud")
        stated = aud if isinstance(aud, list) else [aud]
        if not any(isinstance(each, str) and each in self._audiences for each in stated):
            raise _Failed("aud")

    def _expiry(self, claims: Mapping[str, Any]) -> float:
        """When the assertion ends, in seconds since 1970."""
        now, leeway, longest = self._clock().timestamp(), LEEWAY.total_seconds(), LONGEST_LIFE.total_seconds()
        exp, iat = _seconds(claims, "exp"), _seconds(claims, "iat")
        if exp <= now - leeway or exp > iat + longest:
            raise _Failed("exp")
        if iat > now + leeway or iat < now - leeway - longest:
            raise _Failed("iat")
        if "nbf" in claims and _seconds(claims, "nbf") > now + leeway:
            raise _Failed("nbf")
        return exp

    def _use(self, tool: Tool, claims: Mapping[str, Any], expiry: float) -> None:
        jti = claims.get("jti")
        if not isinstance(jti, str) or not 0 < len(jti) <= _LONGEST_JTI:
            raise _Failed("jti")
        kept_until = from_unix_ms(int((expiry + LEEWAY.total_seconds()) * 1000)) + timedelta(seconds=1)
        if not self._registry().assertions.use(tool.client_id, jti, to_stamp(kept_until)):
            raise _Failed("jti")


def _algorithm_and_kid(header: Mapping[str, Any]) -> tuple[str, str]:
    algorithm = header.get("alg")
    if algorithm not in ALGORITHMS:
        raise _Failed("alg")
    if "crit" in header:
        raise _Failed("crit")
    kid = header.get("kid")
    if not isinstance(kid, str) or not kid:
        raise _Failed("kid")
    return algorithm, kid


def _check_subject(claims: Mapping[str, Any], tool: Tool, client_id: str | None) -> None:
    if claims.get("iss") != tool.client_id or claims.get("sub") != tool.client_id:
        raise _Failed("sub")
    if client_id not in (None, tool.client_id):
        raise _Failed("client_id")


def _part(assertion: str, place: int) -> Mapping[str, Any]:
    """Header or claims, of which nothing is believed yet."""
    parts = assertion.split(".")
    if len(parts) != 3:
        raise _Failed("form")
    text = parts[place]
    try:
        found = json.loads(base64.b64decode(text + "=" * (-len(text) % 4), altchars="-_", validate=True))
        json.dumps(found, ensure_ascii=False).encode()  # half a surrogate pair is no text that could be looked up
    except (binascii.Error, ValueError, RecursionError) as error:
        raise _Failed("form") from error
    if not isinstance(found, dict):
        raise _Failed("form")
    return found


def _seconds(claims: Mapping[str, Any], name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e11:
        raise _Failed(name)
    return value
