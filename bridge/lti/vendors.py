"""The manners of the LMSs that the bridge knows, as named options.

A vendor profile says what a platform cannot say, or says differently. Each option can be overridden for one platform
(``bridge platforms add --option``, ``bridge platforms set``); nothing in the general path asks for a vendor's name.
``docs/vendors.md`` has the same table, with what each vendor's administrators have to know.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from bridge.errors import InvalidRequest
from bridge.lti.options import check_options
from bridge.lti.platform import Platform


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorProfile:
    """What is particular about a platform.

    :param complete_rosters: a roster read to its end holds everybody, so that who is missing has left.
    :param differences: where the platform offers NRPS differences, they are asked for between full pulls.
    :param page_limit: the ``limit`` to ask for; 0 asks for none and takes the pages as they come, whatever the
        configuration says; ``None`` leaves it to the configuration.
    :param renew_on_403: an expired access token may be answered 403 instead of 401.
    :param token_audience: the ``aud`` of client assertions; empty is the token URL.
    :param escaped_names: names arrive HTML-escaped, once.
    :param merge_launch_roles: NRPS tells less of a member's roles than her launches do: the context roles of her latest
        launch are added while that is recent.
    :param contexts_by_deployment: context ids are unique within a deployment only, so that the deployment is part of
        what names a context.
    :param people_by_deployment: one registration serves many customers, so that the deployment is part of what names a
        person. Only with ``contexts_by_deployment``.
    """

    complete_rosters: bool = True
    differences: bool = True
    page_limit: int | None = None
    renew_on_403: bool = True
    token_audience: str = ""
    escaped_names: bool = False
    merge_launch_roles: bool = False
    contexts_by_deployment: bool = False
    people_by_deployment: bool = False


PROFILES: Mapping[str, VendorProfile] = {
    # What the standards say, and where they are silent, what harms nobody.
    "generic": VendorProfile(),
    # Canvas answers 401 to an expired token; its 403 is its throttle, which the client tells by its text, or a missing
    # permission. Every developer key of a cloud region shares one issuer, and a course may be reached through several
    # deployments, so these are no part of a name: its ids are unique by themselves.
    "canvas": VendorProfile(renew_on_403=False),
    # Moodle 4.5 pages by an offset into an order that it makes anew for each request, so members are lost or repeated
    # when somebody joins between two pages; without a limit it gives everybody in one answer. It passes names through
    # its HTML formatter, and calls a teacher who may not edit a Learner in NRPS and an Instructor in her launches.
    "moodle": VendorProfile(page_limit=0, renew_on_403=False, escaped_names=True, merge_launch_roles=True),
    # One issuer and one client id for every institution that adds the tool: only the deployment tells them apart.
    "blackboard": VendorProfile(contexts_by_deployment=True, people_by_deployment=True),
    # Unless an administrator has switched "Classlist including users not known to this deployment" on, only those who
    # have launched are listed: the list grows and is never complete. Every site wants the same audience.
    "brightspace": VendorProfile(complete_rosters=False, token_audience="https://api.brightspace.com/auth/token"),  # noqa: S106
    # An expired token is answered 403.
    "sakai": VendorProfile(renew_on_403=True),
    # 403 means that the course is larger than the site lets anybody read: asking again will not help.
    "openedx": VendorProfile(renew_on_403=False),
}
"""The profiles by name."""

OPTIONS = tuple(option.name for option in fields(VendorProfile))


def profile_of(platform: Platform) -> VendorProfile:
    """The platform's vendor profile, with what the operator has set for it.

    :raises InvalidRequest: if the platform names a profile, or has an option, that this version does not know, or an
        option's value is impossible, alone or beside the others.
    """
    check_options(platform.options)
    try:
        profile = PROFILES[platform.vendor]
    except KeyError:
        raise InvalidRequest("vendor", f"must be one of {', '.join(sorted(PROFILES))}") from None
    changes: dict[str, Any] = {name: value for name, value in platform.options.items() if name in OPTIONS}
    profile = replace(profile, **changes)
    if profile.people_by_deployment and not profile.contexts_by_deployment:
        raise InvalidRequest("option", "people_by_deployment needs contexts_by_deployment: set both, or neither")
    return profile


def audience_of(platform: Platform) -> str:
    """The ``aud`` that a platform wants in client assertions (1EdTech Security Framework 1.0 section 4.1.1).

    The option goes before what was registered, that before the vendor profile, and the token URL is what is left.

    :raises InvalidRequest: as :func:`profile_of` does.
    """
    told = platform.options.get("token_audience") or platform.token_audience
    return str(told) if told else profile_of(platform).token_audience or platform.token_url
