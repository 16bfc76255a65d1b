"""Handing a launch on: the browser goes to the registered application, with a text that stands for the launch.

So an application without any LTI code gets launches. Where the browser goes is what the operator has registered and
nothing that a request says.
"""

from urllib.parse import urlsplit, urlunsplit

import structlog

from bridge.lti.launch import Launch, names_of
from bridge.lti.rules import origin_of
from bridge.registry.launches import TakenLaunch
from bridge.registry.registry import Registry

_log = structlog.get_logger(__name__)


def hand_on(launch: Launch, registry: Registry) -> str | None:
    """Where the browser goes with a checked launch.

    :returns: ``None`` if its platform's launches are not handed on, or the application's tool may not see the class.
    """
    application = registry.applications.of_platform(launch.platform.id)
    if application is None:
        return None
    tool = registry.tools.by_id(application.tool)
    if tool is None or tool.revoked is not None:
        _log.warning("not_handed_on", tool=application.tool, platform=launch.platform.id)
        return None
    context, person = names_of(launch)
    tenant = launch.platform.tenant
    if context is not None and not tool.visibility.sees_context(tenant, context):
        _log.warning("not_handed_on", tool=application.tool, platform=launch.platform.id)
        return None
    taken = TakenLaunch(
        tool=application.tool,
        tenant=tenant,
        context=context,
        person=person,
        claims=dict(launch.said),
    )
    ltik, _ = registry.launches.take(taken)
    return with_ltik(application.url, ltik)


def leads_to(platform_id: int, registry: Registry) -> str:
    """Where a form may lead that posts a launch to us, as Content Security Policy has it; empty if nowhere else.

    Browsers hold a form's redirects to its page's policy: the first, to the application, and those by which that sends
    people on, to its own sign-in or the like, over https.
    """
    application = registry.applications.of_platform(platform_id)
    return "" if application is None else f"https: {origin_of(application.url)}"


def with_ltik(url: str, ltik: str) -> str:
    """An application's address with the launch in its query, behind what is there already.

    >>> with_ltik("https://app.example.org/start?school=3", "abc")
    'https://app.example.org/start?school=3&ltik=abc'
    """
    parts = urlsplit(url)
    query = f"{parts.query}&ltik={ltik}" if parts.query else f"ltik={ltik}"
    return urlunsplit(parts._replace(query=query))
