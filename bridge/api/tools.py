"""What LTI tools use the bridge's own interface with: their API key, and what stands for a launch.

The headers are LTIAAS's (https://docs.ltiaas.com/guides/api/authentication), so that a tool written for it needs
another base URL and nothing else::

    Authorization: Bearer {apiKey}
    Authorization: LTIK-AUTH-V2 {apiKey}:{ltik}
    Authorization: SERVICE-AUTH-V1 {apiKey}:{serviceKey}
    Authorization: LTIK-AUTH-V1 Token={ltik}, Additional=Bearer {apiKey}

The last is the older form; who uses it is answered in the older spelling, too.
"""

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta

from bridge.auth.rate_limit import RateLimit
from bridge.clock import Clock, utc_now
from bridge.errors import Unauthorised
from bridge.lti.keyset import PlatformKeys
from bridge.lti.rules import LaunchRules
from bridge.mirror.feeding import has_roster
from bridge.mirror.memberships import Memberships
from bridge.mirror.mirror import Mirror
from bridge.registry.launches import LaunchContextKey, TakenLaunch
from bridge.registry.registry import Registry
from bridge.registry.tool_keys import ToolKey
from bridge.registry.tools import Tool
from bridge.roster.identity import ContextKey
from bridge.seals import Seals

_HEADERS = (
    ("bearer", re.compile(r"Bearer +(?P<key>[^\s:]+)", re.IGNORECASE)),
    ("ltik", re.compile(r"LTIK-AUTH-V2 +(?P<key>[^\s:]+):(?P<text>\S+)", re.IGNORECASE)),
    ("service", re.compile(r"SERVICE-AUTH-V1 +(?P<key>[^\s:]+):(?P<text>\S+)", re.IGNORECASE)),
    ("older", re.compile(r"LTIK-AUTH-V1 +Token=(?P<text>[^\s,]+), *Additional=Bearer +(?P<key>\S+)", re.IGNORECASE)),
)
_WITH_KEY = "send 'Authorization: Bearer {apiKey}'"
_WITH_LAUNCH = (
    "send 'Authorization: LTIK-AUTH-V2 {apiKey}:{ltik}', 'SERVICE-AUTH-V1 {apiKey}:{serviceKey}', or the older"
    " 'LTIK-AUTH-V1 Token={ltik}, Additional=Bearer {apiKey}'"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """A tool that asks.

    :param api_key: as it was presented.
    """

    tool: Tool
    key: ToolKey
    api_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LaunchCaller(Caller):
    """A tool that asks about one launch, or one launch context.

    :param context: the key of its context; ``None`` if the launch named none.
    :param resource_link: its id; empty if the launch named none.
    :param launch: ``None`` of a service key.
    :param older: whether the older header was used.
    """

    tenant: str
    context: ContextKey | None
    resource_link: str
    launch: TakenLaunch | None
    older: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolApi:
    """What the routes are made with, for all threads of a process.

    :param registry: gives this thread's registry.
    :param mirror: gives this thread's mirror, to read.
    :param memberships: gives what reads memberships from it…
    :param reading: …inside one read transaction.
    :param seals: gives what seals the places of pages.
    :param keys: the platforms' key sets.
    :param grace: how long after its end an id_token is still taken.
    :param most_kept: how many characters of claims may be kept of all launches that a tool has handed in.
    :param max_page: the most members of one page.
    """

    registry: Callable[[], Registry]
    mirror: Callable[[], Mirror]
    memberships: Callable[[], Memberships]
    reading: Callable[[], AbstractContextManager[None]]
    seals: Callable[[], Seals]
    keys: PlatformKeys
    rules: LaunchRules
    grace: timedelta
    most_kept: int
    max_page: int
    rate_limit: RateLimit
    clock: Clock = utc_now

    def authenticate(self, authorization: str | None) -> Caller:
        """Which tool asks, by its API key alone.

        :raises Unauthorised: if the header holds none that is good.
        :raises Busy: if the tool asks too often.
        """
        kind, key, _ = _parts(authorization, otherwise=_WITH_KEY)
        if kind != "bearer":
            raise Unauthorised(_WITH_KEY, token_sent=False)
        tool, found = self._tool(key)
        return Caller(tool=tool, key=found, api_key=key)

    def authenticate_launch(self, authorization: str | None) -> LaunchCaller:
        """Which tool asks, and about which launch or launch context.

        :raises Unauthorised: if the header does not hold both, good and belonging together.
        :raises Busy: if the tool asks too often.
        """
        kind, key, text = _parts(authorization, otherwise=_WITH_LAUNCH)
        if kind == "bearer":
            raise Unauthorised(
                "an API key alone does not say about which launch: send 'Authorization: LTIK-AUTH-V2 {apiKey}:{ltik}'"
                " or 'SERVICE-AUTH-V1 {apiKey}:{serviceKey}'",
                token_sent=True,
            )
        tool, found = self._tool(key)
        if kind == "service":
            place = self.registry().service_keys.find(text, tool.client_id)
            if place is None:
                raise Unauthorised("the service key is unknown, was revoked, or is another tool's", token_sent=True)
            return _with_service_key(tool, found, key, place)
        launch = self.registry().launches.find(text, tool.client_id)
        if launch is None:
            raise Unauthorised("the ltik is unknown or over, or is another tool's: launch again", token_sent=True)
        return LaunchCaller(
            tool=tool,
            key=found,
            api_key=key,
            tenant=launch.tenant,
            context=launch.context,
            resource_link=launch.resource_link,
            launch=launch,
            older=kind == "older",
        )

    def _tool(self, key: str) -> tuple[Tool, ToolKey]:
        found = self.registry().tool_keys.find(key)
        tool = None if found is None else self.registry().tools.by_id(found.tool)
        if found is None or tool is None or tool.revoked is not None:
            raise Unauthorised("the API key is unknown or was revoked", token_sent=True)
        self.rate_limit.take(tool.client_id)
        return tool, found

    def is_available(self, tool: Tool, tenant: str, context: ContextKey | None) -> bool:
        """Whether names and roles are: a roster of the context is held, or will be read, and the tool may see it."""
        if context is None or not tool.visibility.sees_context(tenant, context):
            return False
        return has_roster(self.mirror(), tenant, context) or self.registry().contexts.is_known(tenant, context)

    def service_key(self, caller: Caller, launch: TakenLaunch) -> str | None:
        """The service key of a launch's context; ``None`` if it has none."""
        if launch.context is None:
            return None
        place = LaunchContextKey(
            tool=caller.tool.client_id,
            tenant=launch.tenant,
            context=launch.context,
            resource_link=launch.resource_link,
        )
        return self.registry().service_keys.give(place, api_key=caller.api_key, api_key_id=caller.key.id)


def _with_service_key(tool: Tool, key: ToolKey, api_key: str, place: LaunchContextKey) -> LaunchCaller:
    return LaunchCaller(
        tool=tool,
        key=key,
        api_key=api_key,
        tenant=place.tenant,
        context=place.context,
        resource_link=place.resource_link,
        launch=None,
        older=False,
    )


def _parts(authorization: str | None, *, otherwise: str) -> tuple[str, str, str]:
    """The kind of header, the API key in it, and what stands beside it.

    :param otherwise: says what to send instead of a header of no kind.
    """
    for kind, pattern in _HEADERS:
        if found := pattern.fullmatch((authorization or "").strip()):
            return kind, found["key"], found.groupdict().get("text", "")
    raise Unauthorised(otherwise, token_sent=False)
