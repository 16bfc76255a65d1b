"""The bridge under load: a filled mirror, served as ``bridge serve`` does, and somebody who asks."""

import os
import random
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

import msgspec
import requests

from bench.fill import FilledClient, clients_of
from bench.load import as_headers
from bench.statics import BODIES
from bridge.roster.references import ROSTERING_PATH
from bridge.settings import load_settings

_READY_WITHIN = 60

UNHINDERED = {
    "BRIDGE_ONEROSTER_TOKEN_REQUESTS_PER_MINUTE": "0",  # all consumers have one address here
    "BRIDGE_ONEROSTER_TOKEN_LIFETIME": "86400",  # they take their tokens once, and may be loaded for hours
}
"""The settings without which consumers would be refused."""


@dataclass(frozen=True, slots=True)
class Served:
    """A running server.

    :param tokens: an access token by what its client sees: a source's name, or ``None`` for all.
    :param pid: the server's main process; its workers are its children.
    """

    port: int
    tokens: Mapping[str | None, str]
    pid: int

    def get(self, path: str, source: str | None = None, **headers: str) -> requests.Response:
        """One answer of the Rostering service, or of the static routes."""
        url = f"http://127.0.0.1:{self.port}{path}"
        answer = requests.get(url, headers={**as_headers(self.tokens[source]), **headers}, timeout=60)
        answer.raise_for_status()
        return answer

    def memory(self) -> int:
        """The resident memory of the workers, in kB."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        return sum(
            int(line.split()[1])
            for child in children
            for line in Path(f"/proc/{child}/status").read_text().splitlines()
            if line.startswith("VmRSS")
        )


@contextmanager
def serving(folder: Path, *, workers: int, bodies: Mapping[str, bytes]) -> Iterator[Served]:
    """Serve a folder that :mod:`bench.fill` made, with the arguments of ``bridge serve``.

    :param bodies: what ``/static/<name>`` and ``/bare/<name>`` answer.
    :raises RuntimeError: saying why the server is not ready.
    """
    environment = {"BRIDGE_CONFIG": str(folder / "bridge.toml")}
    with serving_as(environment, clients_of(folder), workers=workers, bodies=bodies) as served:
        yield served


@contextmanager
def serving_as(
    environment: Mapping[str, str], clients: Sequence[FilledClient], *, workers: int, bodies: Mapping[str, bytes]
) -> Iterator[Served]:
    """The same with settings from the environment, for these clients."""
    port = free_port()
    with TemporaryDirectory(prefix="bridge-bench-") as static, tempfile.TemporaryFile() as said:
        for name, body in bodies.items():
            (Path(static) / name).write_bytes(body)
        environment = {**os.environ, **environment, BODIES: static}
        environment |= {"BRIDGE_LOG_LEVEL": "info", "BRIDGE_SERVER_PORT": str(port)}
        environment |= UNHINDERED
        command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--factory", "--host", "127.0.0.1"]
        command += ["--port", str(port), "--workers", str(workers), "--no-log"]
        command += [
            "--blocking-threads",
            str(load_settings(environ=environment).server.threads),
            "--workers-kill-timeout",
            "5",
        ]
        child = subprocess.Popen([*command, "bench.statics:app"], env=environment, stderr=said)
        try:
            _wait_until_ready(port, child, said)
            yield Served(port, {client.source: _token(port, client) for client in clients}, child.pid)
        finally:
            child.terminate()
            child.wait(20)


def free_port() -> int:
    """A port of loopback that nobody listens at.

    Below those that the system gives to outgoing connections: of these, one may be taken at any moment by somebody who
    asks, and by the connections that a load has just closed.
    """
    drawn = random.SystemRandom()
    while True:
        port = drawn.randrange(15_000, 32_000)
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        return port


def rostering(path: str) -> str:
    """The path of an operation of the Rostering service."""
    return f"{ROSTERING_PATH}/{path}"


def _wait_until_ready(port: int, child: subprocess.Popen[bytes], said: IO[bytes]) -> None:
    deadline, latest = time.monotonic() + _READY_WITHIN, "nothing answers"
    while time.monotonic() < deadline and child.poll() is None:
        try:
            answer = requests.get(f"http://127.0.0.1:{port}/readyz", timeout=5)
        except requests.RequestException as error:
            latest = type(error).__name__
        else:
            if answer.ok:
                return
            latest = f"/readyz answers {answer.status_code}"
        time.sleep(0.05)
    if child.poll() is not None:
        said.seek(0)
        words = said.read().decode(errors="replace").strip().splitlines() or ["without a word"]
        latest = f"it has ended, with {child.returncode}: {words[-1]}"
    raise RuntimeError(f"the server is not ready within {_READY_WITHIN} s: {latest}")


def _token(port: int, client: FilledClient) -> str:
    answer = requests.post(
        f"http://127.0.0.1:{port}/oauth2/token",
        data={"grant_type": "client_credentials"},
        auth=(client.client_id, client.client_secret),
        timeout=10,
    )
    answer.raise_for_status()
    return str(msgspec.json.decode(answer.content)["access_token"])
