"""Launches that LTI tools have handed in or were handed: what an ``ltik`` and a service key stand for.

An ltik stands for one launch and ends after 24 hours, and with it ends what is kept of the launch. A service key stands
for one launch context, that is a context and a resource link, until it is revoked. Both are kept as hashes.

Some answers have to give the same text again: the same id_token the same ltik, and each launch of a context the same
service key. So these texts are made from a random salt that is kept and from something that is not, and that only the
caller has: the id_token, the API key.
"""

import hashlib
import hmac
import json
import math
import secrets
import sys
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlite_utils import Database

from bridge.clock import Clock, from_stamp, to_stamp
from bridge.errors import Busy, LaunchRefused
from bridge.registry.erased import Erased
from bridge.registry.mentored import without
from bridge.roster.identity import ContextKey, PersonKey, user_sourced_id

LTIK_LIFETIME = timedelta(hours=24)
_UNBOUNDED = sys.maxsize

_RESOURCE_LINK = "https://purl.imsglobal.org/spec/lti/claim/resource_link"


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenLaunch:
    """What an ltik stands for.

    :param context: the key of its context; ``None`` if the launch named none.
    :param person: the key of whoever launched; ``None`` if that is not said.
    :param claims: the message's claims, as they came.
    """

    tool: str
    tenant: str
    context: ContextKey | None
    person: PersonKey | None
    claims: Mapping[str, Any]

    @property
    def resource_link(self) -> str:
        """The id of the resource link through which it came; empty if it names none."""
        link = self.claims.get(_RESOURCE_LINK)
        found = link.get("id") if isinstance(link, dict) else None
        return found if isinstance(found, str) else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LaunchContextKey:
    """What a service key stands for.

    :param resource_link: its id; empty if the launch named none.
    """

    tool: str
    tenant: str
    context: ContextKey
    resource_link: str


class Launches:
    """The launches of the last 24 hours.

    :param erased: of whom nothing is kept.
    """

    def __init__(self, db: Database, clock: Clock, erased: Erased) -> None:
        self._db = db
        self._clock = clock
        self._erased = erased

    def take(
        self,
        launch: TakenLaunch,
        *,
        nonce: str | None = None,
        id_token: str | None = None,
        most_kept: int = _UNBOUNDED,
    ) -> tuple[str, bool]:
        """Keep a launch, and forget those that are over.

        :param nonce: with the issuer and the audience in the claims, what names a signed launch; given with
            ``id_token``.
        :param most_kept: how many characters of claims may be kept of all launches of the tool.
        :returns: its ltik, and whether it is new: the same id_token is the same launch, with the same ltik.
        :raises LaunchRefused: check ``nonce``, if another id_token had the same; check ``erased``, if the person was
            erased: nothing is kept of her.
        :raises Busy: if as much is kept of the tool as may be, with the seconds until the oldest launch is forgotten.
        """
        if launch.person is not None and self._erased.holds(user_sourced_id(launch.tenant, launch.person)):
            raise LaunchRefused(
                "erased", "whoever launched was erased from the bridge, which keeps nothing of the launch"
            )
        now, salt = self._clock(), secrets.token_bytes(32)
        self.forget_ended()
        named = None
        if nonce is not None:
            named = _hash(json.dumps([launch.tool, launch.claims["iss"], launch.claims["aud"], nonce]))
        ltik = _made(salt, id_token) if id_token is not None else secrets.token_urlsafe(32)
        claims = json.dumps(self._without_erased(launch))
        kept = self._db.execute(
            "INSERT INTO launches (ltik_hash, tool, token, salt, tenant, context, person, claims, expires, size)"
            " SELECT :hash, :tool, :token, :salt, :tenant, :context, :person, :claims, :expires, :size WHERE"
            " (SELECT coalesce(sum(size), 0) FROM launches WHERE tool = :tool) + :size <= :most ON CONFLICT DO NOTHING",
            {
                "hash": _hash(ltik),
                "tool": launch.tool,
                "token": named,
                "salt": salt,
                "tenant": launch.tenant,
                "context": launch.context,
                "person": launch.person,
                "claims": claims,
                "expires": to_stamp(now + LTIK_LIFETIME),
                "size": len(claims),
                "most": most_kept,
            },
        ).rowcount
        if kept:
            return ltik, True
        known = self._db.execute("SELECT salt, ltik_hash FROM launches WHERE token = ?", (named,)).fetchone()
        if known is None or id_token is None:
            raise Busy("as much is kept of this tool's launches as may be", self._wait(launch.tool))
        salt, former = known
        ltik = _made(salt, id_token)
        if not hmac.compare_digest(_hash(ltik), former):
            raise LaunchRefused("nonce", "another id_token with this nonce was handed in already")
        return ltik, False

    def _without_erased(self, launch: TakenLaunch) -> dict[str, Any]:
        """The claims without people who were erased, whom it may name as mentored."""
        is_erased = self._erased.test()
        if is_erased is None:
            return dict(launch.claims)
        return without(launch.claims, launch.tenant, launch.context, is_erased)

    def _wait(self, tool: str) -> int:
        """Seconds until the oldest launch of a tool is forgotten."""
        ((expires,),) = self._db.execute("SELECT min(expires) FROM launches WHERE tool = ?", (tool,)).fetchall()
        return 1 if expires is None else max(1, math.ceil((from_stamp(expires) - self._clock()).total_seconds()))

    def forget_ended(self) -> None:
        """Forget the launches whose ltik is good no more."""
        self._db.execute("DELETE FROM launches WHERE expires <= ?", (to_stamp(self._clock()),))

    def find(self, ltik: str, tool: str) -> TakenLaunch | None:
        """What an ltik stands for, unless it is unknown, over, or another tool's."""
        row = self._db.execute(
            "SELECT tenant, context, person, claims FROM launches WHERE ltik_hash = ? AND tool = ? AND expires > ?",
            (_hash(ltik), tool, to_stamp(self._clock())),
        ).fetchone()
        if row is None:
            return None
        tenant, context, person, claims = row
        return TakenLaunch(
            tool=tool,
            tenant=tenant,
            context=None if context is None else ContextKey(context),
            person=None if person is None else PersonKey(person),
            claims=json.loads(claims),
        )


class ServiceKeys:
    """The service keys of all tools."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    def give(self, launch: LaunchContextKey, *, api_key: str, api_key_id: int) -> str:
        """The service key of a launch context: always the same one for the same API key, until it is revoked.

        :param api_key: as the tool has just presented it.
        """
        salt = secrets.token_bytes(32)
        about = (api_key_id, launch.tenant, launch.context, launch.resource_link)
        self._db.execute(
            "INSERT INTO service_keys (api_key, tenant, context, resource_link, tool, hash, salt, created)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (*about, launch.tool, _hash(_made(salt, api_key)), salt, to_stamp(self._clock())),
        )
        (salt,) = self._db.execute(
            "SELECT salt FROM service_keys WHERE api_key = ? AND tenant = ? AND context = ? AND resource_link = ?",
            about,
        ).fetchone()
        return _made(salt, api_key)

    def find(self, service_key: str, tool: str) -> LaunchContextKey | None:
        """What a service key stands for, unless it is unknown, revoked, or another tool's."""
        row = self._db.execute(
            "SELECT tenant, context, resource_link FROM service_keys WHERE hash = ? AND tool = ?",
            (_hash(service_key), tool),
        ).fetchone()
        if row is None:
            return None
        tenant, context, resource_link = row
        return LaunchContextKey(tool=tool, tenant=tenant, context=ContextKey(context), resource_link=resource_link)

    def knows_link(self, tool: str, tenant: str, context: ContextKey, resource_link: str) -> bool:
        """Whether a tool was launched through a resource link of a context, as far as its service keys tell."""
        row = self._db.execute(
            "SELECT 1 FROM service_keys WHERE tool = ? AND tenant = ? AND context = ? AND resource_link = ? LIMIT 1",
            (tool, tenant, context, resource_link),
        ).fetchone()
        return row is not None

    def revoke(self, tool: str, context: tuple[str, ContextKey] | None = None) -> int:
        """Let nobody in by a tool's service keys, or those of one context, any more; returns how many there were.

        :param context: its tenant and key. The next launch of it brings a new service key.
        """
        if context is None:
            return self._db.execute("DELETE FROM service_keys WHERE tool = ?", (tool,)).rowcount
        return self._db.execute(
            "DELETE FROM service_keys WHERE tool = ? AND tenant = ? AND context = ?", (tool, *context)
        ).rowcount


def _made(salt: bytes, text: str) -> str:
    digest = hmac.digest(salt, text.encode(errors="surrogatepass"), hashlib.sha256)
    return urlsafe_b64encode(digest).rstrip(b"=").decode()


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode(errors="surrogatepass")).digest()
