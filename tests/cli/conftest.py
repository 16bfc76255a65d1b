"""The command line, run as the console script runs it, on a configuration in a temporary folder."""

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import RSAKey

from bridge.cli import main
from bridge.lti.keyset import public_jwks
from bridge.practice.rosters import Roster, make_roster
from bridge.practice.server import PracticeLms
from bridge.registry.registry import Registry


@dataclass(frozen=True)
class Ran:
    """How a command ended and what it wrote."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """Standard output, which is one JSON document and nothing else."""
        assert self.out.count("\n") == 1, self.out
        return json.loads(self.out)


class CommandLine:
    """``bridge`` with one configuration file.

    :ivar config: the file.
    :ivar directory: where its databases are.
    """

    def __init__(self, folder: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self.config = folder / "bridge.toml"
        self.directory = folder / "var"
        self._capfd = capfd
        self._monkeypatch = monkeypatch
        self.configure()

    def configure(self, more: str = "") -> None:
        """Write the configuration file."""
        self.config.write_text(
            f'[storage]\ndirectory = "{self.directory}"\n[outgoing]\nallowed_hosts = ["127.0.0.1"]\n{more}',
            encoding="utf-8",
        )

    def __call__(self, *arguments: str) -> Ran:
        return self.bare("--config", str(self.config), *arguments)

    def bare(self, *arguments: str) -> Ran:
        """Without naming the configuration file."""
        self._capfd.readouterr()
        self._monkeypatch.setattr(sys, "argv", ["bridge", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        code = ended.value.code
        assert isinstance(code, int | None)
        return Ran(code or 0, *self._capfd.readouterr())

    def registry(self) -> Registry:
        """The registry's file, for what the command line does not show."""
        return Registry.open(self.directory / "registry.sqlite")


@pytest.fixture
def bridge(tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BRIDGE_CONFIG", raising=False)
    return CommandLine(tmp_path, capfd, monkeypatch)


@pytest.fixture(scope="session")
def platform_key() -> RSAKey:
    return RSAKey.generate_key(2048, auto_kid=True)


@pytest.fixture
def start_lms(platform_key: RSAKey) -> Iterator[Callable[[Roster], PracticeLms]]:
    started: list[PracticeLms] = []

    def start(roster: Roster) -> PracticeLms:
        lms = PracticeLms(roster, key=platform_key)
        lms.start()
        started.append(lms)
        return lms

    yield start
    for lms in started:
        lms.close()


@pytest.fixture
def lms(start_lms: Callable[[Roster], PracticeLms]) -> PracticeLms:
    """Two courses of twelve people, none of them awkward."""
    return start_lms(make_roster(courses=2, members_per_course=12, people=20, awkward_every=1000))


@pytest.fixture
def registered(bridge: CommandLine, lms: PracticeLms) -> CommandLine:
    """The bridge registered at the LMS as tenant ``practice``, and both courses known."""
    with bridge.registry() as registry:
        jwks = public_jwks([registry.keys.current()])
    tool = lms.register_tool(
        login_url="https://bridge.example.org/lti/login",
        redirect_uris=["https://bridge.example.org/lti/launch"],
        jwks=jwks,
    )
    added = bridge(
        *("platforms", "add", "--tenant", "practice", "--issuer", tool["issuer"], "--client-id", tool["client_id"]),
        *("--auth-login-url", tool["auth_login_url"], "--token-url", tool["token_url"]),
        *("--jwks-url", tool["jwks_url"]),
    )
    assert added.code == 0, added.err
    for course in lms.roster.courses():
        known = bridge(
            *("contexts", "add", "--tenant", "practice", "--context-id", course.context_id),
            *("--memberships-url", lms.memberships_url(course.context_id), "--label", course.label),
        )
        assert known.code == 0, known.err
    return bridge
