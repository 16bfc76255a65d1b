"""The second half of a launch: what the platform sends back through the browser, checked and read.

Clauses: LTI Core 1.3 sections 4.1 and 5, 1EdTech Security Framework 1.0 section 5.1.3. This module orders the checks;
:mod:`bridge.lti.id_token` and :mod:`bridge.lti.claims` hold them. It knows no framework.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bridge.clock import Clock
from bridge.errors import LaunchRefused, UnknownObject
from bridge.lti import claims as lti
from bridge.lti.id_token import check_audience, check_issuer, check_nonce, check_times, verify_id_token
from bridge.lti.keyset import PlatformKeys
from bridge.lti.login import take_login
from bridge.lti.platform import Platform
from bridge.lti.rules import LaunchRules, LearnDeployments
from bridge.lti.vendors import profile_of
from bridge.registry.registry import Registry
from bridge.roster.identity import ContextKey, LtiUserId, PersonKey, context_key, person_key
from bridge.roster.memberships import Membership

_OAUTH_ERROR = re.compile(r"[a-z_]{1,40}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """A message that passed every check.

    :param person: who launches, with names and roles as this message has them; ``None`` if anonymous.
    :param memberships_url: ``None`` if the platform offers no roster for this launch.
    :param claims: the claims of :data:`bridge.lti.claims.KEPT` that were there, by their full names.
    :param said: every claim, as it came.
    """

    platform: Platform
    deployment_id: str
    person: Membership | None
    roles: tuple[str, ...]
    context: lti.LaunchContext | None
    memberships_url: str | None
    target_link_uri: str
    claims: Mapping[str, Any]
    said: Mapping[str, Any]

    @property
    def sub(self) -> LtiUserId | None:
        """The platform's identifier of the person."""
        return None if self.person is None else self.person.user_id


def names_of(launch: Launch) -> tuple[ContextKey | None, PersonKey | None]:
    """What a launch's context and person are called within the tenant, by the platform's manners, if it names them.

    :raises InvalidRequest: if the platform has an option that cannot be used.
    """
    profile, key, person = profile_of(launch.platform), None, None
    if launch.context is not None:
        key = context_key(launch.context.context_id, launch.deployment_id if profile.contexts_by_deployment else None)
    if launch.sub is not None:
        person = person_key(launch.sub, launch.deployment_id if profile.people_by_deployment else None)
    return key, person


def finish_launch(
    params: Mapping[str, str],
    kept: Mapping[str, str],
    registry: Registry,
    keys: PlatformKeys,
    rules: LaunchRules,
    clock: Clock,
) -> Launch:
    """Check what the platform sent through the browser, and read it.

    The login is used up by the first answer, whether it passes or not. A deployment id is learned only from a
    message that passes everything else.

    :param params: the form that was posted.
    :param kept: what the browser kept for this login, by name: see :func:`bridge.lti.login.take_login`.
    :raises LaunchRefused: with the name of the first check that failed.
    """
    login = take_login(params, kept, registry, rules)
    if "error" in params:
        code = params["error"] if _OAUTH_ERROR.fullmatch(params["error"]) else "an error"
        raise LaunchRefused("platform", f"the platform refused the login with {code}: ask its administrator")
    try:
        platform = registry.platforms.by_id(login.platform_id)
    except UnknownObject as error:
        raise LaunchRefused("state", "the platform was removed meanwhile") from error
    claims = verify_id_token(params.get("id_token", ""), platform, keys)
    check_issuer(claims, platform)
    check_audience(claims, platform, {each.client_id for each in registry.platforms.of_issuer(platform.issuer)})
    check_times(claims, clock(), rules.leeway)
    check_nonce(claims, login.nonce)
    lti.check_message(claims)
    deployment_id = lti.read_deployment_id(claims, login.deployment_id)
    roles = lti.read_roles(claims)
    launch = Launch(
        platform=platform,
        deployment_id=deployment_id,
        person=lti.read_person(claims, roles),
        roles=roles,
        context=lti.read_context(claims),
        memberships_url=lti.read_memberships_url(claims, rules.outgoing, platform),
        target_link_uri=lti.check_target(claims, login.target_link_uri),
        claims=lti.kept_claims(claims),
        said=claims,
    )
    _know_deployment(launch, registry, rules)
    return launch


def _know_deployment(launch: Launch, registry: Registry, rules: LaunchRules) -> None:
    deployments = registry.deployments
    if launch.deployment_id in deployments.of(launch.platform):
        return
    learn = LearnDeployments(launch.platform.options.get("learn_deployments", rules.learn_deployments))
    if learn is LearnDeployments.ANY:
        deployments.add(launch.platform, [launch.deployment_id])
        return
    if learn is LearnDeployments.FIRST and deployments.add_first(launch.platform, launch.deployment_id):
        return
    raise LaunchRefused(
        "deployment_id",
        f"deployment {launch.deployment_id} is not known for this platform: the operator can add it,"
        " or let the platform's deployments be learned",
    )
