"""What an LTI resource link launch says, checked claim by claim.

Clauses: LTI Core 1.3 sections 5.3 (required claims) and 5.4 (optional ones), NRPS 2.0 section "LTI 1.3
integration". Unknown claims are passed over. Whether the token may be believed is :mod:`bridge.lti.id_token`'s.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard

import structlog

from bridge.errors import LaunchRefused, SourceRefused
from bridge.lti.platform import Platform
from bridge.roster.identity import LtiUserId
from bridge.roster.memberships import Membership
from bridge.transport.policy import OutgoingPolicy

CORE = "https://purl.imsglobal.org/spec/lti/claim/"
NRPS = "https://purl.imsglobal.org/spec/lti-nrps/claim/namesroleservice"
RESOURCE_LINK_REQUEST = "LtiResourceLinkRequest"

KEPT = tuple(CORE + name for name in ("resource_link", "lis", "custom", "tool_platform"))
"""Claims that are handed on as they came, where they are objects."""

_LONGEST_ID = 255

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class LaunchContext:
    """The context claim: a :class:`~bridge.roster.memberships.Context` with its types.

    :param types: as the platform writes them, URIs or short names.
    """

    context_id: str
    label: str | None
    title: str | None
    types: tuple[str, ...]


def check_message(claims: Mapping[str, Any]) -> None:
    """The message is a resource link launch of LTI 1.3.

    :raises LaunchRefused: checks ``version``, ``message_type`` and ``resource_link``.
    """
    if claims.get(CORE + "version") != "1.3.0":
        raise LaunchRefused("version", "the message must be of LTI version 1.3.0")
    if claims.get(CORE + "message_type") != RESOURCE_LINK_REQUEST:
        raise LaunchRefused("message_type", f"the only message that is served here is {RESOURCE_LINK_REQUEST}")
    link = claims.get(CORE + "resource_link")
    if not isinstance(link, dict) or not _is_id(link.get("id")):
        raise LaunchRefused("resource_link", "the launch names no resource link")


def read_deployment_id(claims: Mapping[str, Any], hinted: str | None) -> str:
    """The deployment through which the launch comes.

    :param hinted: ``lti_deployment_id`` of the login request, if it had one.
    :raises LaunchRefused: check ``deployment_id``.
    """
    deployment_id = claims.get(CORE + "deployment_id")
    if not _is_id(deployment_id) or not deployment_id.isascii():
        raise LaunchRefused("deployment_id", "the launch names no deployment of 1 to 255 ASCII characters")
    if hinted is not None and deployment_id != hinted:
        raise LaunchRefused("deployment_id", "the launch comes through another deployment than its login")
    return deployment_id


def check_target(claims: Mapping[str, Any], target_link_uri: str) -> str:
    """The signed target is the one that the login asked for.

    :raises LaunchRefused: check ``target_link_uri``.
    """
    if claims.get(CORE + "target_link_uri") != target_link_uri:
        raise LaunchRefused("target_link_uri", "the launch is for another target than its login")
    return target_link_uri


def read_roles(claims: Mapping[str, Any]) -> tuple[str, ...]:
    """The roles as they are listed; the list may be empty, but not absent.

    :raises LaunchRefused: check ``roles``.
    """
    roles = claims.get(CORE + "roles")
    if not isinstance(roles, list) or not all(isinstance(role, str) for role in roles):
        raise LaunchRefused("roles", "the launch must hold roles, a list that may be empty")
    return tuple(roles)


def read_person(claims: Mapping[str, Any], roles: tuple[str, ...]) -> Membership | None:
    """Who launches; ``None`` for an anonymous launch, which has no ``sub``.

    :raises LaunchRefused: check ``sub``.
    """
    if "sub" not in claims:
        return None
    sub = claims["sub"]
    if not _is_id(sub) or not sub.isascii():
        raise LaunchRefused("sub", "the launch must name its user by a sub of 1 to 255 ASCII characters, or not at all")
    lis = claims.get(CORE + "lis")
    return Membership(
        user_id=LtiUserId(sub),
        roles=roles,
        name=_text(claims.get("name")),
        given_name=_text(claims.get("given_name")),
        family_name=_text(claims.get("family_name")),
        middle_name=_text(claims.get("middle_name")),
        email=_text(claims.get("email")),
        picture=_text(claims.get("picture")),
        person_sourced_id=_text(lis.get("person_sourcedid")) if isinstance(lis, dict) else None,
    )


def read_context(claims: Mapping[str, Any]) -> LaunchContext | None:
    """The context that the launch comes from, if from any.

    :raises LaunchRefused: check ``context``.
    """
    context = claims.get(CORE + "context")
    if context is None:
        return None
    if not isinstance(context, dict) or not _is_id(context.get("id")):
        raise LaunchRefused("context", "the launch's context must have an id of 1 to 255 characters")
    types = context.get("type")
    return LaunchContext(
        context_id=context["id"],
        label=_text(context.get("label")),
        title=_text(context.get("title")),
        types=tuple(each for each in types if isinstance(each, str)) if isinstance(types, list) else (),
    )


def read_memberships_url(claims: Mapping[str, Any], outgoing: OutgoingPolicy, platform: Platform) -> str | None:
    """Where the context's memberships are; ``None`` if the platform offers no roster for this launch.

    :param outgoing: what the bridge may ask; the URL is checked before anybody stores it.
    :raises LaunchRefused: check ``nrps``.
    """
    service = claims.get(NRPS)
    if service is None:
        return None
    url = service.get("context_memberships_url") if isinstance(service, dict) else None
    if not isinstance(url, str) or not url.isascii():
        raise LaunchRefused("nrps", "the launch's Names and Role service has no context_memberships_url that is a URL")
    try:
        outgoing.check_url_of_peer(
            url, (platform.issuer, platform.auth_login_url, platform.token_url, platform.jwks_url)
        )
    except SourceRefused as error:
        raise LaunchRefused("nrps", f"the launch's context_memberships_url cannot be used: {error}") from error
    versions = service.get("service_versions")
    if isinstance(versions, list) and "2.0" not in versions:
        _log.warning("nrps_version_not_listed", listed=len(versions))
    return url


def kept_claims(claims: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The claims of :data:`KEPT`; custom parameters that the platform left unresolved are left out."""
    kept: dict[str, Mapping[str, Any]] = {name: claim for name in KEPT if isinstance(claim := claims.get(name), dict)}
    if custom := kept.get(CORE + "custom"):
        kept[CORE + "custom"] = {name: value for name, value in custom.items() if not _is_unresolved(value)}
    return kept


def _is_id(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and 1 <= len(value) <= _LONGEST_ID and _whole(value) == value


def _text(value: object) -> str | None:
    """A text that says something: hidden values come as blanks, and unknown variables unresolved."""
    return _whole(value) if isinstance(value, str) and value.strip() and not _is_unresolved(value) else None


def _whole(text: str) -> str:
    """The text with half characters, as a label cut in UTF-16 may end in, replaced: nothing could store them."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _is_unresolved(value: object) -> bool:
    """Whether a value is a substitution variable that the platform does not know: ``$Person.sourcedId``."""
    return isinstance(value, str) and value.startswith("$") and value[1:2].isalpha()
