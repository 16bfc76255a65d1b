"""The manners of the LMSs that the bridge knows, as named options.

A vendor profile says what a platform cannot say, or says differently. Each option can be overridden for one platform
(``bridge platforms add --option``); nothing in the general path asks for a vendor's name.
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

    :param escaped_names: names arrive HTML-escaped, once.
    :param complete_rosters: a roster read to its end holds everybody, so that who is missing has left.
    :param contexts_by_deployment: context ids are unique within a deployment only, so that the deployment is part of
        what names a context.
    :param page_limit: the ``limit`` to ask for; 0 asks for none and takes the pages as they come.
    """

    escaped_names: bool = False
    complete_rosters: bool = True
    contexts_by_deployment: bool = False
    page_limit: int = 0


PROFILES: Mapping[str, VendorProfile] = {
    "generic": VendorProfile(),
    # Moodle 4.5 pages by an offset into an order that it makes anew for each request, so members are lost or repeated
    # when somebody joins between two pages; without a limit it gives everybody in one answer. It passes names through
    # its HTML formatter.
    "moodle": VendorProfile(escaped_names=True),
}

OPTIONS = tuple(option.name for option in fields(VendorProfile))


def profile_of(platform: Platform) -> VendorProfile:
    """The platform's vendor profile, with what the operator has set for it.

    :raises InvalidRequest: if the platform names a profile, or has an option, that this version does not know, or an
        option's value is impossible.
    """
    check_options(platform.options)
    try:
        profile = PROFILES[platform.vendor]
    except KeyError:
        raise InvalidRequest("vendor", f"must be one of {', '.join(sorted(PROFILES))}") from None
    changes: dict[str, Any] = {name: value for name, value in platform.options.items() if name in OPTIONS}
    return replace(profile, **changes)
