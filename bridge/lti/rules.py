"""What the operator has decided about logins, launches and registrations."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from urllib.parse import urlsplit

from bridge.transport.policy import OutgoingPolicy

LAUNCH_PATH = "/lti/launch"
LOGIN_PATH = "/lti/login"
REGISTER_PATH = "/lti/register"
ROSTER_PATH = "/lti/roster"
STATIC_PATH = "/lti/static"
JWKS_PATH = "/.well-known/jwks.json"


class LearnDeployments(StrEnum):
    """Which deployment ids are learned from launches, since they are signed by the platform.

    A platform that serves many institutions under one client id must not be trusted with more than it was given.
    """

    NONE = "none"
    FIRST = "first"
    ANY = "any"


class SelfRegistration(StrEnum):
    """Which LMSs may register themselves at the bridge: LTI Dynamic Registration 1.0."""

    CLOSED = "closed"
    INVITED = "invited"
    """Whoever has a link that the operator made, once."""
    APPROVED = "approved"
    """Whoever knows the address; the operator accepts each. Links of the operator's work at once."""
    OPEN = "open"
    """Whoever knows the address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LaunchRules:
    """What the operator has decided about launches.

    :param public_url: where the bridge is reached, without a slash at the end.
    :param outgoing: which URLs the bridge may be told to read.
    :param learn_deployments: the platform option of the same name overrides it.
    :param leeway: by how much a platform's clock may differ.
    :param state_only: whether a browser that has kept nothing is trusted to be the one that began the login.
    :param registration: which LMSs may register themselves.
    :param tool_name: what the bridge calls itself when an LMS registers it.
    """

    public_url: str
    outgoing: OutgoingPolicy
    learn_deployments: LearnDeployments = LearnDeployments.FIRST
    leeway: timedelta = timedelta(seconds=60)
    state_only: bool = False
    registration: SelfRegistration = SelfRegistration.INVITED
    tool_name: str = "Roster bridge"

    @property
    def redirect_uri(self) -> str:
        """Where platforms send launches to."""
        return self.public_url + LAUNCH_PATH

    @property
    def secure(self) -> bool:
        """Whether browsers reach the bridge by https."""
        return self.public_url.startswith("https:")

    @property
    def origin(self) -> str:
        """The origin of the bridge's own pages, as browsers write it."""
        return origin_of(self.public_url)


def origin_of(url: str) -> str:
    """The origin of an absolute http or https URL, as browsers write it: RFC 6454 section 6.2.

    >>> origin_of("https://LMS.example.org:443/auth?school=3")
    'https://lms.example.org'
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    port = "" if parts.port in {None, {"http": 80, "https": 443}.get(parts.scheme)} else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}"
