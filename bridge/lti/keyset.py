"""Key sets: those of platforms, fetched and cached, and the bridge's own, published.

Nothing in a token says where its key comes from: it is looked up by ``kid`` in the key set that was registered for
the platform, and ``jku``, ``x5u`` and ``jwk`` headers are not looked at.

Clauses: RFC 7517 sections 4 and 5, 1EdTech Security Framework 1.0 section 6.3.
"""

import re
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from bridge.clock import Clock, utc_now
from bridge.errors import LaunchRefused, SourceRefused, SourceUnavailable
from bridge.registry.keys import SigningKey
from bridge.transport.http import Answer, Http, host_of

CACHED_AT_LEAST = timedelta(minutes=1)
CACHED_AT_MOST = timedelta(hours=24)
CACHED_BY_DEFAULT = timedelta(hours=1)  # Brightspace changes its keys about hourly
COOL_DOWN = timedelta(seconds=30)
"""How long an unknown ``kid`` asks the platform for nothing new: anybody can send one."""

_NEVER = datetime.min.replace(tzinfo=UTC)
_MAX_BYTES = 512 * 1024
_SHORTEST_MODULUS = 342  # base64 characters of 2048 bits, the least that RFC 7518 section 3.3 allows
_MAX_AGE = re.compile(r"(?:^|[,\s])max-age\s*=\s*\"?(\d{1,9})", re.IGNORECASE)


@dataclass(slots=True)
class _Cached:
    """One platform's key set; ``lock`` lets one thread fetch it while others wait for the result."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    keys: Mapping[str, tuple[RSAKey, ...]] = field(default_factory=dict)
    fetched: datetime = _NEVER
    expires: datetime = _NEVER


class PlatformKeys:
    """The key sets of the platforms, shared by all threads of a process."""

    def __init__(self, http: Http, clock: Clock = utc_now) -> None:
        self._http = http
        self._clock = clock
        self._cached: dict[str, _Cached] = {}

    def find(self, jwks_url: str, kid: str) -> tuple[RSAKey, ...]:
        """The keys with this ``kid`` in the key set at ``jwks_url``: one, or, with careless platforms, several.

        The set is fetched when it has never been, when it is too old, and, once, when it lacks the ``kid``.

        :raises LaunchRefused: check ``key``, if the set cannot be had or lacks the ``kid``.
        """
        cached = self._cached.setdefault(jwks_url, _Cached())
        with cached.lock:
            now = self._clock()
            wanted = kid not in cached.keys and now >= cached.fetched + COOL_DOWN
            if wanted or now >= cached.expires:
                self._fetch(jwks_url, cached, now)
            found = cached.keys.get(kid)
        if not found:
            raise LaunchRefused(
                "key",
                f"the id_token is signed with a key that the key set at {host_of(jwks_url)} does not hold:"
                " check the platform's registered key set URL",
            )
        return found

    def _fetch(self, jwks_url: str, cached: _Cached, now: datetime) -> None:
        host = host_of(jwks_url)
        try:
            answer = self._http.get(jwks_url, headers={"Accept": "application/json"}, max_bytes=_MAX_BYTES)
        except (SourceUnavailable, SourceRefused) as error:
            raise LaunchRefused("key", f"the platform's key set cannot be read: {error}") from error
        if answer.status != 200:
            raise LaunchRefused("key", f"the platform's key set cannot be read: {host} answers {answer.status}")
        cached.keys = _parse(answer, host)
        cached.fetched = now
        cached.expires = now + _lifetime(answer.headers.get("Cache-Control", ""))


def public_jwks(keys: Iterable[SigningKey]) -> dict[str, list[dict[str, Any]]]:
    """The JWK set that platforms fetch: the public halves of our keys, and nothing else."""
    return {"keys": [dict(key.rsa.as_dict(private=False)) for key in keys]}


def _parse(answer: Answer, host: str) -> dict[str, tuple[RSAKey, ...]]:
    """The usable keys of a set by ``kid``; a key that is of no use here does not spoil the others."""
    try:
        document = answer.json()
    except ValueError as error:
        raise LaunchRefused("key", f"what {host} gives as key set is not JSON") from error
    listed = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(listed, list):
        raise LaunchRefused("key", f"what {host} gives as key set is no JWK set")
    keys: dict[str, tuple[RSAKey, ...]] = {}
    for jwk in listed:
        if isinstance(jwk, dict) and isinstance(kid := jwk.get("kid"), str) and (key := _usable(jwk)):
            keys[kid] = (*keys.get(kid, ()), key)
    return keys


def _usable(jwk: Mapping[str, Any]) -> RSAKey | None:
    modulus, exponent = jwk.get("n"), jwk.get("e")
    if jwk.get("kty") != "RSA" or jwk.get("use", "sig") != "sig" or jwk.get("alg", "RS256") != "RS256":
        return None
    if not isinstance(modulus, str) or not isinstance(exponent, str) or len(modulus) < _SHORTEST_MODULUS:
        return None
    try:
        return RSAKey.import_key({"kty": "RSA", "n": modulus, "e": exponent})
    except (JoseError, ValueError):
        return None


def _lifetime(cache_control: str) -> timedelta:
    stated = _MAX_AGE.search(cache_control)
    lifetime = timedelta(seconds=int(stated[1])) if stated else CACHED_BY_DEFAULT
    return max(CACHED_AT_LEAST, min(lifetime, CACHED_AT_MOST))
