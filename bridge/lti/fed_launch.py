"""A launch that an LTI tool was given and hands in: checked like one of our own, but for another audience.

The id_token is for the tool's client id, not for the bridge's, and it may be a little late: it shows what the platform
has said; it opens no session. Plain claims show nothing, and are the tool's own word. Neither teaches the bridge a
deployment: the tool's are not the bridge's.

Clauses: 1EdTech Security Framework 1.0 section 5.1.3, LTI Core 1.3 section 5; what is left out of these, and why, is in
``docs/decisions/0018-fed-launches.md``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeGuard

import structlog

from bridge.clock import from_unix_ms, to_stamp
from bridge.errors import Forbidden, LaunchRefused
from bridge.lti import claims as lti
from bridge.lti.id_token import check_audience, check_issuer, check_times, unverified_claims, verify_id_token
from bridge.lti.keyset import PlatformKeys
from bridge.lti.launch import Launch
from bridge.lti.platform import Platform
from bridge.lti.rules import LaunchRules
from bridge.registry.feeders import as_platform, choose
from bridge.registry.registry import Registry

_LONGEST_NONCE = 1024

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class FedLaunch:
    """A launch that was handed in.

    :param launch: its platform is the feeder's registration there.
    :param nonce: of a signed one; ``None`` if it is only claimed.
    :param said: the stamp of what was said: of the signature, or of the hand-in.
    """

    launch: Launch
    nonce: str | None
    said: str

    @property
    def signed(self) -> bool:
        return self.nonce is not None


def read_signed_launch(
    id_token: str,
    tool: str,
    registry: Registry,
    keys: PlatformKeys,
    rules: LaunchRules,
    now: datetime,
    *,
    grace: timedelta,
) -> FedLaunch:
    """Check an id_token that a tool hands in, and read it.

    :param tool: the feeder's client id here.
    :param grace: how long after its end a token is still taken.
    :raises LaunchRefused: with the name of the first check that failed.
    :raises Forbidden: if the token is for an audience that the tool is not bound to.
    """
    platform, trusted = _platform(unverified_claims(id_token), tool, registry)
    claims = verify_id_token(id_token, platform, keys)
    check_issuer(claims, platform)
    check_audience(claims, platform, trusted)
    check_times(claims, now, rules.leeway, grace=grace)
    nonce = claims.get("nonce")
    if not isinstance(nonce, str) or not 1 <= len(nonce) <= _LONGEST_NONCE:
        raise LaunchRefused("nonce", "the id_token has no nonce, so it could be handed in twice without being noticed")
    lti.check_message(claims)
    said = from_unix_ms(int(claims["iat"] * 1000))
    url = _memberships_url(claims, platform, rules)
    return FedLaunch(launch=_launch(claims, platform, url), nonce=nonce, said=to_stamp(said))


def read_claimed_launch(claims: Mapping[str, Any], tool: str, registry: Registry, now: datetime) -> FedLaunch:
    """Read the claims of a launch that nobody has signed; where its memberships are is not believed.

    :param claims: as an id_token would hold them.
    :raises LaunchRefused: with the name of the first check that failed.
    :raises Forbidden: if they are for an audience that the tool is not bound to.
    """
    platform, _ = _platform(claims, tool, registry)
    return FedLaunch(launch=_launch(claims, platform, None), nonce=None, said=to_stamp(now))


def _platform(claims: Mapping[str, Any], tool: str, registry: Registry) -> tuple[Platform, set[str]]:
    """The platform as the tool is registered there, and the client ids at that issuer that the tool is bound to."""
    issuer, aud = claims.get("iss"), claims.get("aud")
    if not _is_name(issuer):
        raise LaunchRefused("iss", "the launch names no issuer")
    named = [each for each in (aud if isinstance(aud, list) else [aud]) if _is_name(each)]
    bound = {client_id: found for client_id in named if (found := registry.feeders.bound(tool, issuer, client_id))}
    if not bound:
        raise Forbidden("the launch is for an audience that this tool is not bound to: see 'bridge feeders bind'")
    azp = claims.get("azp")
    client_id = azp if isinstance(azp, str) and azp in bound else next(iter(bound))
    audience = choose(bound[client_id], lti.read_deployment_id(claims, None))
    if audience is None:
        raise Forbidden("the launch comes through a deployment that this tool is not bound to")
    return as_platform(audience, registry.platforms.of_tenant(audience.tenant)), set(bound)


def _is_name(value: object) -> TypeGuard[str]:
    """Whether it can be looked up: half a surrogate pair, which JSON allows, can not."""
    return isinstance(value, str) and value != "" and value.isprintable()


def _memberships_url(claims: Mapping[str, Any], platform: Platform, rules: LaunchRules) -> str | None:
    """Where the context's memberships are, as far as the bridge may read there at all."""
    if not platform.id:
        return None
    try:
        return lti.read_memberships_url(claims, rules.outgoing, platform)
    except LaunchRefused as refusal:
        # What the feeder cannot help: the launch tells who was there all the same.
        _log.warning("fed_memberships_url_refused", platform=platform.id, reason=str(refusal))
        return None


def _launch(claims: Mapping[str, Any], platform: Platform, memberships_url: str | None) -> Launch:
    roles = lti.read_roles(claims)
    target = claims.get(lti.CORE + "target_link_uri")
    return Launch(
        platform=platform,
        deployment_id=lti.read_deployment_id(claims, None),
        person=lti.read_person(claims, roles),
        roles=roles,
        context=lti.read_context(claims),
        memberships_url=memberships_url,
        target_link_uri=target if isinstance(target, str) else "",
        claims=lti.kept_claims(claims),
        said=claims,
    )
