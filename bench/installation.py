"""A bridge to measure: a practice LMS with many people, and a bridge registered there, in a temporary folder."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.static_lms import static_lms
from bridge import log
from bridge.lti.keyset import public_jwks
from bridge.practice.manners import Manners
from bridge.practice.rosters import make_roster
from bridge.practice.server import PracticeLms
from bridge.registry.contexts import RegisteredContext
from bridge.roster.identity import context_key
from bridge.roster.memberships import Context
from bridge.settings import load_settings
from bridge.wiring import Wiring

_NOWHERE = "http://127.0.0.1:1"


@dataclass(frozen=True, slots=True)
class Bridge:
    """A bridge that knows all contexts of one LMS.

    :param environment: the settings, as the environment variables that name them.
    """

    wiring: Wiring
    contexts: list[RegisteredContext]
    environment: dict[str, str]


@dataclass(frozen=True, slots=True)
class Installation(Bridge):
    """One practice LMS and one bridge that knows all its contexts."""

    lms: PracticeLms


@contextmanager
def installation(
    *,
    contexts: int,
    members: int,
    people: int,
    port: int = 8080,
    manners: Manners | None = None,
    awkward_every: int = 10,
) -> Iterator[Installation]:
    """Set one up: nothing is reconciled yet.

    :param manners: how the LMS behaves.
    :param awkward_every: how many people are awkward: every so manieth, or nobody.
    """
    roster = make_roster(courses=contexts, members_per_course=members, people=people, awkward_every=awkward_every)
    with PracticeLms(roster, manners=manners) as lms, _wired(port) as (wiring, environment):
        tool = lms.register_tool(
            login_url=f"{_NOWHERE}/lti/login",
            redirect_uris=[f"{_NOWHERE}/lti/launch"],
            jwks=public_jwks(wiring.registry.keys.published()),
        )
        fields = ("issuer", "client_id", "auth_login_url", "token_url", "jwks_url")
        given: dict[str, Any] = {name: tool[name] for name in fields}
        platform = wiring.registry.platforms.add(**given, tenant="bench")
        registered = [
            wiring.registry.contexts.add(
                platform,
                context_key(course.context_id),
                Context(context_id=course.context_id, label=course.label, title=course.title),
                memberships_url=lms.memberships_url(course.context_id),
            )
            for course in roster.courses()
        ]
        yield Installation(wiring, registered, environment, lms)


@contextmanager
def beside_static_lms(*, members: int, page: int, port: int = 8080) -> Iterator[Bridge]:
    """A bridge that knows one context, whose pages a process of its own has ready: nothing is reconciled yet."""
    with static_lms(members, page) as lms, _wired(port) as (wiring, environment):
        platform = wiring.registry.platforms.add(
            issuer=lms.url,
            client_id="bench",
            auth_login_url=f"{lms.url}/auth",
            token_url=lms.token_url,
            jwks_url=f"{lms.url}/jwks",
            tenant="bench",
        )
        about = Context(context_id=lms.context_id, label="C", title="Course")
        context = wiring.registry.contexts.add(
            platform, context_key(lms.context_id), about, memberships_url=lms.memberships_url
        )
        yield Bridge(wiring, [context], environment)


@contextmanager
def _wired(port: int) -> Iterator[tuple[Wiring, dict[str, str]]]:
    log.configure("error", "json")
    with TemporaryDirectory(prefix="bridge-bench-") as folder:
        environment = {
            "BRIDGE_STORAGE_DIRECTORY": str(Path(folder) / "var"),
            "BRIDGE_OUTGOING_ALLOWED_HOSTS": "127.0.0.1",
            "BRIDGE_SERVER_PUBLIC_URL": f"http://127.0.0.1:{port}",
            "BRIDGE_SERVER_PORT": str(port),
            "BRIDGE_LOG_LEVEL": "info",
            "BRIDGE_SYNC_REQUESTS_PER_MINUTE": "1000000",  # the bridge is measured, not its patience
            "BRIDGE_GUARDS_SOURCE_REMOVAL_SHARE": "1",  # the same people come and go all day
        }
        wiring = Wiring(load_settings(environ=environment))
        wiring.prepare()
        yield wiring, environment
