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

import structlog

from bridge.clock import Clock, utc_now
from bridge.errors import LaunchRefused, SourceRefused, SourceUnavailable
from bridge.lti.public_keys import PublicKey, usable_keys
from bridge.registry.keys import SigningKey
from bridge.transport.http import Answer, Http, host_of

CACHED_AT_LEAST = timedelta(minutes=1)
CACHED_AT_MOST = timedelta(hours=24)
CACHED_BY_DEFAULT = timedelta(hours=1)  # Brightspace changes its keys about hourly
COOL_DOWN = timedelta(seconds=30)
"""How long after an attempt, good or bad, a platform is not asked again: anybody can send an unknown ``kid``."""
FETCH_WITHIN = 5.0
"""Seconds in which a key set must arrive: a person waits for it, and so does a thread."""

_NEVER = datetime.min.replace(tzinfo=UTC)
_MAX_BYTES = 512 * 1024
_MAX_AGE = re.compile(r"(?:^|[,\s])max-age\s*=\s*\"?(\d{1,9})", re.IGNORECASE)

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Cached:
    """One platform's key set.

    :ivar lock: held for a look only, never while the platform is asked.
    :ivar asked: when the platform was last asked, whatever came of it.
    :ivar arrived: told when an attempt has ended.
    """

    lock: threading.Lock = field(default_factory=threading.Lock)
    arrived: threading.Event = field(default_factory=threading.Event)
    keys: Mapping[str, tuple[PublicKey, ...]] = field(default_factory=dict)
    asked: datetime = _NEVER
    fetched: datetime = _NEVER
    expires: datetime = _NEVER


class PlatformKeys:
    """The key sets of the platforms, shared by all threads of a process.

    A platform that is slow costs its own launches, and nobody else's: one thread asks it, a few wait for the answer,
    and all others go on with the keys that are there, or are refused at once.

    :param most_waiting: how many threads of the process may ask or wait for key sets at the same time.
    """

    def __init__(self, http: Http, clock: Clock = utc_now, *, most_waiting: int = 8) -> None:
        self._http = http.within(FETCH_WITHIN)
        self._clock = clock
        self._cached: dict[str, _Cached] = {}
        self._waiting = threading.BoundedSemaphore(most_waiting)

    def find(self, jwks_url: str, kid: str) -> tuple[PublicKey, ...]:
        """The keys with this ``kid`` in the key set at ``jwks_url``: one, or, with careless platforms, several.

        The set is fetched when it has never been, when it is too old, and when it lacks the ``kid``, though not twice
        within :data:`COOL_DOWN`. While a set that is too old cannot be had, it counts for a day.

        :raises LaunchRefused: check ``key``, if the set cannot be had or lacks the ``kid``.
        """
        cached = self._cached.setdefault(jwks_url, _Cached())
        now = self._clock()
        failure = None
        if kid not in cached.keys or now >= cached.expires:
            try:
                self._renew(jwks_url, kid, cached, now)
            except LaunchRefused as refusal:
                failure = refusal
                _log.warning("key_set_not_fetched", host=host_of(jwks_url), reason=str(refusal))
        found = cached.keys.get(kid) if now < cached.fetched + CACHED_AT_MOST else None
        if found:
            return found
        raise failure or LaunchRefused(
            "key",
            f"the id_token is signed with a key that the key set at {host_of(jwks_url)} does not hold, or that cannot"
            " be had just now: launch again in half a minute; if that does not help, check the platform's registered"
            " key set URL",
        )

    def _renew(self, jwks_url: str, kid: str, cached: _Cached, now: datetime) -> None:
        """Fetch a key set, or wait for the thread that is fetching it, unless too many threads are at that."""
        if not self._waiting.acquire(blocking=False):
            return
        try:
            with cached.lock:
                mine = now >= cached.asked + COOL_DOWN
                if mine:
                    cached.asked = now
                    cached.arrived.clear()
            if mine:
                self._fetch(jwks_url, cached, now)
            elif kid not in cached.keys:
                cached.arrived.wait(FETCH_WITHIN)
        finally:
            self._waiting.release()

    def _fetch(self, jwks_url: str, cached: _Cached, now: datetime) -> None:
        try:
            answer = self._answer(jwks_url)
            cached.keys = _parse(answer, host_of(jwks_url))
            cached.fetched = now
            cached.expires = now + _lifetime(answer.headers.get("Cache-Control", ""))
        finally:
            cached.arrived.set()

    def _answer(self, jwks_url: str) -> Answer:
        try:
            answer = self._http.get(jwks_url, headers={"Accept": "application/json"}, max_bytes=_MAX_BYTES)
        except (SourceUnavailable, SourceRefused) as error:
            raise LaunchRefused("key", f"the platform's key set cannot be read: {error}") from error
        if answer.status != 200:
            raise LaunchRefused(
                "key", f"the platform's key set cannot be read: {host_of(jwks_url)} answers {answer.status}"
            )
        return answer


def public_jwks(keys: Iterable[SigningKey]) -> dict[str, list[dict[str, Any]]]:
    """The JWK set that platforms fetch: the public halves of our keys, and nothing else."""
    return {"keys": [dict(key.rsa.as_dict(private=False)) for key in keys]}


def _parse(answer: Answer, host: str) -> dict[str, tuple[PublicKey, ...]]:
    """The usable keys of a set by ``kid``; a key that is of no use here does not spoil the others."""
    try:
        document = answer.json()
    except ValueError as error:
        raise LaunchRefused("key", f"what {host} gives as key set is not JSON") from error
    listed = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(listed, list):
        raise LaunchRefused("key", f"what {host} gives as key set is no JWK set")
    return usable_keys(listed)


def _lifetime(cache_control: str) -> timedelta:
    stated = _MAX_AGE.search(cache_control)
    lifetime = timedelta(seconds=int(stated[1])) if stated else CACHED_BY_DEFAULT
    return max(CACHED_AT_LEAST, min(lifetime, CACHED_AT_MOST))
