"""``bridge demo``: the whole way of a roster, on this machine, for real.

A practice LMS and a practice SIS start on loopback. At the LMS the bridge is registered as an LTI 1.3 tool, launched
from its courses, and reads the memberships; at the SIS it is registered as a OneRoster consumer, and reads its records.
Both are served as OneRoster, and to a practice LTI tool as NRPS. Everything is the real thing, in a temporary folder
that goes when the demo ends.
"""

import json
import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import click
import requests

from bridge.auth.token_endpoint import TOKEN_PATH
from bridge.cli.common import json_option, report
from bridge.cli.processes import Stopped, StopSignals, end, start_bridge
from bridge.cli.serve import check_free
from bridge.cli.terminal import echo
from bridge.errors import BridgeError, SourceUnavailable
from bridge.mirror.runs import GOOD, Outcome, Runs
from bridge.nrps.provider import CONTEXTS_PATH
from bridge.oneroster.scopes import ROSTER, ROSTER_CORE
from bridge.practice.browser import Browser
from bridge.practice.nrps_tool import PracticeTool
from bridge.practice.rosters import make_roster
from bridge.practice.server import PracticeLms
from bridge.practice.sis_districts import make_district
from bridge.practice.sis_server import PracticeSis
from bridge.registry.sources import RegisteredSource
from bridge.roster.references import ROSTERING_PATH
from bridge.roster.sharing import Share
from bridge.settings import CONFIG_VARIABLE, load_settings
from bridge.transport.client_secret import Credentials
from bridge.wiring import Wiring
from bridge.wording import counted

_HOST = "127.0.0.1"
_TENANT = "practice-lms"
_SOURCE = "practice-sis"
_SIS_CLASS = "school-1-class-1"
_READY_WITHIN = 25.0
_STOP_WITHIN = 25.0
_LOOK_EVERY = 0.05


_FOR_PEOPLE = {"class_sourced_id", "access_token", "tool_access_token"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shown:
    """What the demo ends up with."""

    url: str
    token_url: str
    client_id: str
    client_secret: str
    nrps_url: str
    nrps_token_url: str
    tool_client_id: str
    tool_kid: str
    tool_private_key: str
    class_sourced_id: str
    access_token: str
    tool_access_token: str

    def as_json(self) -> dict[str, str]:
        """What scripts rely on; the tokens are not among it, because they end."""
        return {name: value for name, value in asdict(self).items() if name not in _FOR_PEOPLE}


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="The port to serve at; any free one by default.")
@click.option("--courses", type=click.IntRange(1, 200), default=4, show_default=True, help="Courses of the LMS.")
@click.option("--members", type=click.IntRange(1, 5000), default=30, show_default=True, help="Members per course.")
@json_option
def demo(port: int, courses: int, members: int, as_json: bool) -> None:
    """A practice LMS and a practice SIS, registered, reconciled and served as OneRoster and as NRPS.

    Runs until Ctrl-C, and leaves nothing behind.
    """

    def say(line: str) -> None:
        if not as_json:
            echo(line)

    with StopSignals() as signals, ExitStack() as stack:
        try:
            shown = _Demo(stack, signals, say).start(port or _free_port(), courses, members)
            report(as_json, shown.as_json(), _goodbye(shown))
            signals.wait()
        except requests.RequestException as error:
            raise BridgeError(f"a server of the demo did not answer the demo: {type(error).__name__}") from error
        except Stopped:
            stack.close()
            say("\nStopped; nothing is left behind.")


class _Demo:
    """The way of a roster.

    :param stack: ends and puts away what was begun, last things first.
    :param say: tells whoever watches.
    """

    def __init__(self, stack: ExitStack, signals: StopSignals, say: Callable[[str], None]) -> None:
        self._stack = stack
        self._signals = signals
        self._say = say
        self._http = stack.enter_context(requests.Session())
        self._http.trust_env = False  # neither a proxy nor a .netrc of this machine has to do with loopback

    def start(self, port: int, courses: int, members: int) -> _Shown:
        """Everything up to the served enrollments.

        :raises Stopped: if somebody does not want to wait for it.
        """
        check_free(_HOST, port)
        folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="bridge-demo-")))
        roster = make_roster(courses=courses, members_per_course=members, people=max(members, courses * members // 3))
        lms = self._stack.enter_context(PracticeLms(roster))
        size = f"{counted(courses, 'course')} of {counted(members, 'member')}"
        self._say(f"A practice LMS runs at {lms.issuer}, with {size}.")
        district = make_district(schools=1, classes_per_school=2, students_per_class=10, students_per_school=15)
        sis = self._stack.enter_context(PracticeSis(district))
        size = counted(len(district.records("classes")), "class", "classes")
        self._say(f"A practice SIS runs at {sis.url}, with {size}.")

        url = f"http://{_HOST}:{port}"
        config = _configure(folder, url, port)
        # What "bridge serve" starts one after the other, at the same time.
        server = self._stack.enter_context(_running(config, "serve", "--no-schedule"))
        self._stack.enter_context(_running(config, "schedule"))
        self._wait_until_ready(server, url)
        self._say(f"The bridge runs at {url}.")

        wiring = Wiring(load_settings(config, environ={}))
        self._stack.callback(wiring.close)
        _register(wiring, lms, url)
        self._say(f"The bridge is registered at the LMS as an LTI 1.3 tool, tenant {_TENANT}.")
        _register_source(wiring, sis)
        self._say(f"The bridge is registered at the SIS as a OneRoster consumer, source {_SOURCE}.")

        for course in roster.courses():
            self._signals.wait(0)
            _launch(lms, course.context_id, roster.members(course.context_id)[0].person.user_id)
        self._say(f"A member of each course has launched it, so it knows where {courses} rosters are.")

        self._wait_for_rosters(Runs(wiring.mirror, wiring.clock), courses + 1)
        client, secret = wiring.registry.clients.add("demo", scopes=[ROSTER_CORE, ROSTER])
        token_url = f"{url}{TOKEN_PATH}"
        access_token = self._as_consumer(url, token_url, client.client_id, secret)
        self._signals.wait(0)
        class_id = wiring.registry.contexts.all()[0].class_sourced_id
        nrps_url = f"{url}{CONTEXTS_PATH}/{class_id}/memberships"
        tool = self._stack.enter_context(PracticeTool(token_url))
        tool.client_id = wiring.registry.tools.add(
            "practice tool", key_set=json.dumps(tool.public_key_set), shares=Share
        ).client_id
        tool_access_token = self._as_tool(tool, nrps_url)
        self._signals.wait(0)
        return _Shown(
            url=url,
            token_url=token_url,
            client_id=client.client_id,
            client_secret=secret,
            nrps_url=nrps_url,
            nrps_token_url=token_url,
            tool_client_id=tool.client_id,
            tool_kid=tool.kid,
            tool_private_key=tool.private_pem,
            class_sourced_id=class_id,
            access_token=access_token,
            tool_access_token=tool_access_token,
        )

    def _wait_until_ready(self, server: subprocess.Popen[bytes], url: str) -> None:
        deadline = time.monotonic() + _READY_WITHIN
        while time.monotonic() < deadline:
            self._signals.wait(_LOOK_EVERY)
            if server.poll() is not None:
                raise BridgeError("the server did not start; what it says above is the reason")
            try:
                if self._http.get(f"{url}/readyz", timeout=1).ok:
                    return
            except requests.RequestException:
                continue
        raise SourceUnavailable(f"the server did not answer at {url} in time")

    def _wait_for_rosters(self, runs: Runs, rosters: int) -> None:
        deadline = time.monotonic() + _READY_WITHIN
        while time.monotonic() < deadline:
            self._signals.wait(_LOOK_EVERY)
            ended = [run for run in runs.latest_by_context().values() if run.outcome is not Outcome.RUNNING]
            for run in ended:
                if run.outcome not in GOOD:
                    raise SourceUnavailable(f"a roster was not read: {run.message}")
            if len(ended) == rosters:
                return
        raise SourceUnavailable("the rosters were not read in time")

    def _as_tool(self, tool: PracticeTool, nrps_url: str) -> str:
        """Read the memberships of one class as any LTI tool would; returns the access token."""
        token = tool.fetch_token()
        members = sum(1 for _ in tool.members(nrps_url, token))
        size = counted(members, "member")
        self._say(f"A practice LTI tool has read one of the classes over NRPS from the bridge: {size}.")
        return token

    def _as_consumer(self, url: str, token_url: str, client_id: str, secret: str) -> str:
        """Read the enrollments as any OneRoster consumer would; returns the access token."""
        grant = {"grant_type": "client_credentials"}
        answer = self._http.post(token_url, grant, auth=(client_id, secret), timeout=10)
        answer.raise_for_status()
        token = str(answer.json()["access_token"])
        headers = {"Authorization": f"Bearer {token}"}
        page = self._http.get(f"{url}{ROSTERING_PATH}/enrollments", headers=headers, timeout=10)
        page.raise_for_status()
        total = page.headers["X-Total-Count"]
        self._say(f"The rosters have been read and are served as OneRoster 1.2: {counted(int(total), 'enrollment')}.")
        return token


def _configure(folder: Path, url: str, port: int) -> Path:
    config = folder / "bridge.toml"
    config.write_text(
        f'[server]\npublic_url = "{url}"\nhost = "{_HOST}"\nport = {port}\nworkers = 1\n'
        f"[storage]\ndirectory = {json.dumps(str(folder / 'var'))}\n"
        f'[outgoing]\nallowed_hosts = ["{_HOST}"]\n[log]\nlevel = "warning"\n',
        encoding="utf-8",
    )
    return config


@contextmanager
def _running(config: Path, *command: str) -> Iterator[subprocess.Popen[bytes]]:
    """A command as a process of its own while the block runs."""
    # What is configured for a bridge of this machine is not for the demo.
    environ = {name: value for name, value in os.environ.items() if not name.startswith("BRIDGE_")}
    process = start_bridge(*command, environ={**environ, CONFIG_VARIABLE: str(config)})
    try:
        yield process
    finally:
        end(process, _STOP_WITHIN)


def _register(wiring: Wiring, lms: PracticeLms, url: str) -> None:
    """Register the bridge at the LMS, and the LMS at the bridge."""
    registration = lms.register_tool(
        login_url=f"{url}/lti/login",
        redirect_uris=[f"{url}/lti/launch"],
        jwks_url=f"{url}/.well-known/jwks.json",
        target_link_uri=f"{url}/lti/launch",
    )
    wiring.registry.platforms.add(
        issuer=registration["issuer"],
        client_id=registration["client_id"],
        auth_login_url=registration["auth_login_url"],
        token_url=registration["token_url"],
        jwks_url=registration["jwks_url"],
        tenant=_TENANT,  # the deployment is learned from the first launch
    )


def _register_source(wiring: Wiring, sis: PracticeSis) -> None:
    """Register the bridge at the SIS, and the SIS at the bridge, which is to read it now."""
    given = sis.register_consumer()
    source = wiring.registry.sources.add(
        RegisteredSource(
            name=_SOURCE,
            base_url=given["base_url"],
            credentials=Credentials(
                client_id=given["client_id"],
                secret=given["client_secret"],
                token_url=given["token_url"],
                scopes=(ROSTER_CORE, ROSTER),
            ),
        )
    )
    wiring.registry.orders.sync(source, "demo")


def _launch(lms: PracticeLms, context_id: str, user_id: str) -> None:
    with Browser() as browser:
        page = browser.launch(lms.launch_url(context_id, user_id))
    if page.status_code != requests.codes.ok:
        raise SourceUnavailable(f"the launch from course {context_id} ended with status {page.status_code}")


def _free_port() -> int:
    with socket.create_server((_HOST, 0)) as listener:
        return int(listener.getsockname()[1])


def _goodbye(shown: _Shown) -> str:
    classes_url, contexts_url = f"{shown.url}{ROSTERING_PATH}/classes", f"{shown.url}{CONTEXTS_PATH}"
    return f"""
  URL            {shown.url}
  token URL      {shown.token_url}
  client id      {shown.client_id}
  client secret  {shown.client_secret}

Paste this into another terminal:

  curl -i -H "Authorization: Bearer {shown.access_token}" "{shown.url}{ROSTERING_PATH}/enrollments?limit=2"

One class of the LMS, as OneRoster:

  curl -i -H "Authorization: Bearer {shown.access_token}" "{classes_url}/{shown.class_sourced_id}/students?limit=2"

The same class as NRPS, by the token of a practice LTI tool, whose key is among what --json tells:

  curl -i -H "Authorization: Bearer {shown.tool_access_token}" "{shown.nrps_url}?limit=2"

One class of the SIS, likewise both ways:

  curl -i -H "Authorization: Bearer {shown.access_token}" "{classes_url}/{_SIS_CLASS}/students?limit=2"
  curl -i -H "Authorization: Bearer {shown.tool_access_token}" "{contexts_url}/{_SIS_CLASS}/memberships?limit=2"

Ctrl-C ends the demo and leaves nothing behind."""
