"""What to enter in each LMS to install the bridge there by hand, with this bridge's own addresses.

One text per vendor lies beside this module. The words in it are the vendors' own, which change with their versions.
"""

import re
from collections.abc import Mapping
from importlib import resources
from string import Template

from bridge.lti.rules import JWKS_PATH, LAUNCH_PATH, LOGIN_PATH, REGISTER_PATH
from bridge.transport.http import host_of

GUIDES: Mapping[str, str] = {
    "canvas": "Canvas",
    "moodle": "Moodle",
    "blackboard": "Blackboard Learn",
    "brightspace": "Brightspace",
    "sakai": "Sakai",
    "openedx": "Open edX",
    "generic": "another LMS",
}
"""What there is a guide to, and what its users call it."""

REGISTER_THEMSELVES = frozenset({"canvas", "moodle", "blackboard", "brightspace", "sakai", "generic"})
"""Those that can register a tool by LTI Dynamic Registration, at least in some version."""

_OPTION = re.compile(r"--([a-z-]+) ([A-Za-z]+://\S+)")


def guide_to(vendor: str, public_url: str, tool_name: str) -> str:
    """The guide to one vendor's LMS.

    :param vendor: one of :data:`GUIDES`.
    """
    return (
        Template(_text(vendor))
        .substitute(
            login_url=public_url + LOGIN_PATH,
            launch_url=public_url + LAUNCH_PATH,
            jwks_url=public_url + JWKS_PATH,
            register_url=public_url + REGISTER_PATH,
            domain=host_of(public_url),
            tool_name=tool_name,
        )
        .rstrip("\n")
    )


def examples(vendor: str) -> Mapping[str, str]:
    """What the addresses of one vendor's LMS look like, by the fields of a registration; capitals stand for a name."""
    return {name.replace("-", "_"): url for name, url in _OPTION.findall(_text(vendor))}


def _text(vendor: str) -> str:
    return resources.files(__name__).joinpath(f"{vendor}.txt").read_text(encoding="utf-8")
