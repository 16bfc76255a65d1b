"""Commands that run until they are told to stop, as processes of their own."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest
import requests

from bridge.registry.registry import Registry
from bridge.wiring import SCHEDULER_LEASE

PATIENCE = 120.0
"""Seconds after which a test gives up: many times what anything here takes on an idle machine."""

T = TypeVar("T")

_MARK = "STARTED_BY_TEST"

needs_proc = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="looks for processes in /proc")


def eventually(check: Callable[[], T], within: float = PATIENCE) -> T:
    """The first true value that a check gives."""
    pause = threading.Event()
    deadline = time.monotonic() + within
    while not (value := check()):
        assert time.monotonic() < deadline, f"{check} did not come true within {within:g} s"
        pause.wait(0.05)
    return value


class Place:
    """Where a bridge that is served keeps its files and listens.

    :param log_level: as the setting.
    :param more: further settings, by their section.
    """

    def __init__(self, folder: Path, log_level: str = "warning", **more: dict[str, int]) -> None:
        self.directory = folder / "var"
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.port: int = listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.config = folder / "bridge.toml"
        self.config.write_text(
            f'[server]\npublic_url = "{self.url}"\nport = {self.port}\n{_lines(more.pop("server", {}))}'
            f'[storage]\ndirectory = "{self.directory}"\n[outgoing]\nallowed_hosts = ["127.0.0.1"]\n'
            f'[log]\nlevel = "{log_level}"\n'
            + "".join(f"[{section}]\n{_lines(options)}" for section, options in more.items())
        )
        self.arguments = ("--config", str(self.config))

    def ready(self) -> dict[str, Any] | None:
        """What ``/readyz`` says; ``None`` while nobody listens."""
        with requests.Session() as session:
            session.trust_env = False
            try:
                return dict(session.get(f"{self.url}/readyz", timeout=10).json())
            except requests.ConnectionError:
                return None

    def registry(self) -> Registry:
        return Registry.open(self.directory / "registry.sqlite")

    def scheduler(self) -> str | None:
        """Who holds the scheduler's lease."""
        if not (self.directory / "registry.sqlite").exists():
            return None
        with self.registry() as registry:
            lease = registry.leases.held(SCHEDULER_LEASE)
            return None if lease is None else lease.holder


def _lines(options: dict[str, int]) -> str:
    return "".join(f"{name} = {value}\n" for name, value in options.items())


class Running:
    """One ``bridge`` process.

    :ivar temporary: the only folder in which it makes temporary files.
    """

    def __init__(self, folder: Path, *arguments: str, cwd: Path | None = None, **environ: str) -> None:
        self.temporary = folder / "temporary"
        self.temporary.mkdir(exist_ok=True)
        self._mark = uuid.uuid4().hex
        # For appending: the process has the same place in the file, which reading moves.
        self._errors = (folder / f"stderr-{self._mark}").open("a+b")
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("BRIDGE_")}
        self.process = subprocess.Popen(
            [sys.executable, *([] if cwd is None else ["-P"]), "-m", "bridge", *arguments],
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            start_new_session=True,
            env={**inherited, "TMPDIR": str(self.temporary), _MARK: self._mark, **environ},
        )

    def line(self) -> str:
        """The next line of its standard output."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.errors()
        return line.rstrip("\n")

    def errors(self) -> str:
        """What it and its children have written to standard error."""
        self._errors.seek(0)
        return self._errors.read().decode()

    def tell(self, *signals: signal.Signals) -> None:
        for each in signals:
            self.process.send_signal(each)

    def end(self) -> tuple[int, str]:
        """Wait for its end: its exit code, and what else it wrote to standard output."""
        rest, _ = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, rest

    def alive(self) -> set[int]:
        """The process and all that came of it, as far as they live."""
        found = set()
        for environ in Path("/proc").glob("[0-9]*/environ"):
            try:
                if f"{_MARK}={self._mark}".encode() in environ.read_bytes():
                    found.add(int(environ.parent.name))
            except OSError:
                continue  # it has ended meanwhile, or is somebody else's
        return found

    def kill_all(self) -> None:
        """Leave nothing to the next test."""
        self.process.kill()
        self.process.communicate()
        for pid in self.alive():
            os.kill(pid, signal.SIGKILL)
        self._errors.close()


@contextmanager
def running(folder: Path, *arguments: str, cwd: Path | None = None, **environ: str) -> Iterator[Running]:
    started = Running(folder, *arguments, cwd=cwd, **environ)
    try:
        yield started
    finally:
        started.kill_all()
