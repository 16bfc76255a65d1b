"""What the operator has decided about logins and launches."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from bridge.transport.policy import OutgoingPolicy

LAUNCH_PATH = "/lti/launch"


class LearnDeployments(StrEnum):
    """Which deployment ids are learned from launches, since they are signed by the platform.

    A platform that serves many institutions under one client id must not be trusted with more than it was given.
    """

    NONE = "none"
    FIRST = "first"
    ANY = "any"


@dataclass(frozen=True, slots=True, kw_only=True)
class LaunchRules:
    """What the operator has decided about launches.

    :param public_url: where the bridge is reached, without a slash at the end.
    :param outgoing: which URLs the bridge may be told to read.
    :param learn_deployments: the platform option of the same name overrides it.
    :param leeway: by how much a platform's clock may differ.
    """

    public_url: str
    outgoing: OutgoingPolicy
    learn_deployments: LearnDeployments = LearnDeployments.FIRST
    leeway: timedelta = timedelta(seconds=60)

    @property
    def redirect_uri(self) -> str:
        """Where platforms send launches to."""
        return self.public_url + LAUNCH_PATH

    @property
    def secure(self) -> bool:
        """Whether browsers reach the bridge by https."""
        return self.public_url.startswith("https:")
