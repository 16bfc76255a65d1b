"""A bridge to measure: a practice LMS with many people, and a bridge registered there, in a temporary folder."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

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
class Installation:
    """One practice LMS and one bridge that knows all its contexts.

    :param environment: the settings, as the environment variables that name them.
    """

    lms: PracticeLms
    wiring: Wiring
    contexts: list[RegisteredContext]
    environment: dict[str, str]


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
    log.configure("error", "json")
    roster = make_roster(courses=contexts, members_per_course=members, people=people, awkward_every=awkward_every)
    with TemporaryDirectory(prefix="bridge-bench-") as folder, PracticeLms(roster, manners=manners) as lms:
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
        tool = lms.register_tool(
            login_url=f"{_NOWHERE}/lti/login",
            redirect_uris=[f"{_NOWHERE}/lti/launch"],
            jwks=public_jwks(wiring.registry.keys.published()),
        )
        fields = ("issuer", "client_id", "auth_login_url", "token_url", "jwks_url")
        platform = wiring.registry.platforms.add(**{name: tool[name] for name in fields}, tenant="bench")
        registered = [
            wiring.registry.contexts.add(
                platform,
                context_key(course.context_id),
                Context(context_id=course.context_id, label=course.label, title=course.title),
                memberships_url=lms.memberships_url(course.context_id),
            )
            for course in roster.courses()
        ]
        yield Installation(lms, wiring, registered, environment)
