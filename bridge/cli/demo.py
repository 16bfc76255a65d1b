"""``bridge demo``: the whole way of a roster, on this machine, for real.

A practice LMS starts on loopback; the bridge is registered there as an LTI 1.3 tool, launched from its courses, reads
the memberships, and serves them as OneRoster. Everything is the real thing, in a temporary folder that goes when the
demo ends.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import NoReturn

import click
import requests

from bridge.cli.common import json_option
from bridge.errors import BridgeError, SourceUnavailable
from bridge.mirror.runs import Outcome, Runs
from bridge.oneroster.scopes import ROSTER, ROSTER_CORE
from bridge.practice.browser import Browser
from bridge.practice.rosters import make_roster
from bridge.practice.server import PracticeLms
from bridge.roster.references import ROSTERING_PATH
from bridge.settings import CONFIG_VARIABLE, load_settings
from bridge.wiring import Wiring

_READY_WITHIN = 25.0
_STOP_WITHIN = 15.0


@dataclass(frozen=True, slots=True)
class _Shown:
    """What the demo ends up with."""

    url: str
    token_url: str
    client_id: str
    client_secret: str
    access_token: str
    enrollments: int


class _Stopped(BaseException):
    """Ctrl-C, or a polite kill."""


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="The port to serve at; any free one by default.")
@click.option("--courses", type=click.IntRange(1, 200), default=4, show_default=True)
@click.option("--members", type=click.IntRange(1, 5000), default=30, show_default=True, help="Members per course.")
@json_option
def demo(port: int, courses: int, members: int, as_json: bool) -> None:
    """A practice LMS, registered, launched, reconciled and served as OneRoster.

    Runs until Ctrl-C, and leaves nothing behind.
    """

    def say(line: str) -> None:
        if not as_json:
            click.echo(line)

    try:
        with _stoppable(), ExitStack() as stack:
            shown = _start(stack, port, courses, members, say)
            if as_json:
                keys = ("url", "token_url", "client_id", "client_secret")
                click.echo(json.dumps({key: getattr(shown, key) for key in keys}))
            else:
                click.echo(_goodbye(shown))
            sys.stdout.flush()
            while True:
                signal.pause()
    except _Stopped:
        say("\nStopped; nothing is left behind.")


def _start(stack: ExitStack, port: int, courses: int, members: int, say: Callable[[str], None]) -> _Shown:
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bridge-demo-")))
    roster = make_roster(courses=courses, members_per_course=members, people=max(members, courses * members // 3))
    lms = stack.enter_context(PracticeLms(roster))
    say(f"A practice LMS runs at {lms.issuer}, with {courses} courses of {members} members.")

    port = port or _free_port()
    url = f"http://127.0.0.1:{port}"
    config = folder / "bridge.toml"
    config.write_text(
        f'[server]\npublic_url = "{url}"\nport = {port}\nworkers = 1\n'
        f"[storage]\ndirectory = {json.dumps(str(folder / 'var'))}\n"
        f'[outgoing]\nallowed_hosts = ["127.0.0.1"]\n[log]\nlevel = "warning"\n',
        encoding="utf-8",
    )
    stack.enter_context(_server(config, url))
    say(f"The bridge runs at {url}.")

    wiring = Wiring(load_settings(config, environ={}))
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
        tenant="practice-lms",
    )
    say("The bridge is registered there as an LTI 1.3 tool, tenant practice-lms.")

    for course in roster.courses():
        _launch(lms, course.context_id, roster.members(course.context_id)[0].person.user_id)
    say(f"A member of each course has launched it, so it knows where {courses} rosters are.")

    _wait_for_rosters(wiring, courses)
    client, secret = wiring.registry.clients.add("demo", scopes=[ROSTER_CORE, ROSTER])
    token_url = f"{url}/oauth2/token"
    answer = requests.post(
        token_url, data={"grant_type": "client_credentials"}, auth=(client.client_id, secret), timeout=10
    )
    token = str(answer.json()["access_token"])
    page = requests.get(f"{url}{ROSTERING_PATH}/enrollments", headers={"Authorization": f"Bearer {token}"}, timeout=10)
    total = int(page.json()["totalCount"])
    say(f"The rosters have been read over NRPS and are served as OneRoster 1.2: {total} enrollments.")
    return _Shown(url, token_url, client.client_id, secret, token, total)


def _launch(lms: PracticeLms, context_id: str, user_id: str) -> None:
    with Browser() as browser:
        page = browser.launch(lms.launch_url(context_id, user_id))
    if page.status_code != requests.codes.ok:
        raise SourceUnavailable(f"the launch from course {context_id} ended with status {page.status_code}")


def _wait_for_rosters(wiring: Wiring, courses: int) -> None:
    runs = Runs(wiring.mirror, wiring.clock)
    deadline = time.monotonic() + _READY_WITHIN
    while time.monotonic() < deadline:
        outcomes = [run.outcome for run in runs.latest_by_context().values()]
        if len(outcomes) == courses and Outcome.RUNNING not in outcomes:
            return
        time.sleep(0.1)
    raise SourceUnavailable("the rosters were not read in time")


@contextmanager
def _server(config: Path, url: str) -> Iterator[None]:
    """``bridge serve`` as a process of its own, up and answering while the block runs."""
    child = subprocess.Popen(
        [sys.executable, "-m", "bridge", "--config", str(config), "serve", "--with-parent"],
        stdin=subprocess.PIPE,
        # A session of its own: Ctrl-C at the terminal comes here, and the server is ended in order.
        start_new_session=True,
        env={**os.environ, CONFIG_VARIABLE: str(config)},
    )
    try:
        _wait_until_ready(child, url)
        yield
    finally:
        child.terminate()
        try:
            child.wait(_STOP_WITHIN)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()


def _wait_until_ready(child: subprocess.Popen[bytes], url: str) -> None:
    deadline = time.monotonic() + _READY_WITHIN
    while time.monotonic() < deadline:
        if child.poll() is not None:
            raise BridgeError(f"the server did not start at {url}: is the port taken? Try another with --port")
        try:
            if requests.get(f"{url}/readyz", timeout=1).ok:
                return
        except requests.RequestException:
            pass
        time.sleep(0.05)
    raise BridgeError(f"the server did not answer at {url} in time")


@contextmanager
def _stoppable() -> Iterator[None]:
    """Turn the signals that end a program into :class:`_Stopped`, once: while things are put away they are ignored."""
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def stop(_signal: int, _frame: FrameType | None) -> NoReturn:
        for each in signals:
            signal.signal(each, signal.SIG_IGN)
        raise _Stopped

    former = {each: signal.signal(each, stop) for each in signals}
    try:
        yield
    finally:
        for each, handler in former.items():
            signal.signal(each, handler)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _goodbye(shown: _Shown) -> str:
    return f"""
  URL            {shown.url}
  token URL      {shown.token_url}
  client id      {shown.client_id}
  client secret  {shown.client_secret}

Paste this into another terminal:

  curl -i -H "Authorization: Bearer {shown.access_token}" "{shown.url}{ROSTERING_PATH}/enrollments?limit=2"

Ctrl-C ends the demo and leaves nothing behind."""
