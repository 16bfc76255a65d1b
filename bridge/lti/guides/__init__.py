"""What to enter in each LMS to install the bridge there by hand, with this bridge's own addresses.

One text per vendor lies beside this module. The words in it are the vendors' own, which change with their versions.
"""

from importlib import resources
from string import Template

from bridge.lti.rules import JWKS_PATH, LAUNCH_PATH, LOGIN_PATH, REGISTER_PATH
from bridge.transport.http import host_of

GUIDES = ("canvas", "moodle", "blackboard", "brightspace", "sakai", "openedx", "generic")


def guide_to(vendor: str, public_url: str, tool_name: str) -> str:
    """The guide to one vendor's LMS.

    :param vendor: one of :data:`GUIDES`.
    """
    text = resources.files(__name__).joinpath(f"{vendor}.txt").read_text(encoding="utf-8")
    return (
        Template(text)
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
