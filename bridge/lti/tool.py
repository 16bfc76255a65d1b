"""What the tool's routes are made with."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bridge.clock import Clock, utc_now
from bridge.lti.keyset import PlatformKeys
from bridge.lti.page_tokens import PageTokens
from bridge.lti.platform import Platform
from bridge.lti.rules import LaunchRules
from bridge.mirror.mirror import Mirror
from bridge.registry.registry import Registry
from bridge.transport.http import Http


@dataclass(frozen=True, slots=True, kw_only=True)
class LtiTool:
    """The tool, for all threads of a process.

    :param registry: gives this thread's registry.
    :param mirror: gives this thread's mirror, to read.
    :param keys: the platforms' key sets.
    :param http: asks platforms that register themselves.
    :param teaches: whether somebody with these roles at this platform is a teacher.
    :param scheduler_runs: whether somebody takes up what is put into the inbox.
    """

    registry: Callable[[], Registry]
    mirror: Callable[[], Mirror]
    keys: PlatformKeys
    http: Http
    rules: LaunchRules
    teaches: Callable[[Platform, Sequence[str]], bool]
    scheduler_runs: Callable[[], bool]
    clock: Clock = utc_now

    def page_tokens(self) -> PageTokens:
        """The tokens of launch pages."""
        return PageTokens(self.registry().secrets.get("lti-pages"), self.clock)
