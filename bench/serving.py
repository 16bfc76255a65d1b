"""The bridge under load: a filled mirror, served as ``bridge serve`` does, and somebody who asks."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import requests

from bench.fill import FilledClient, clients_of
from bench.load import as_headers
from bench.statics import BODIES
from bridge.roster.references import ROSTERING_PATH
from bridge.settings import load_settings

_READY_WITHIN = 60


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


@contextmanager
def serving(folder: Path, port: int, *, workers: int, bodies: Mapping[str, bytes]) -> Iterator[Served]:
    """Serve a folder that :mod:`bench.fill` made, with the arguments of ``bridge serve``.

    :param bodies: what ``/static/<name>`` and ``/bare/<name>`` answer.
    """
    with TemporaryDirectory(prefix="bridge-bench-") as static:
        for name, body in bodies.items():
            (Path(static) / name).write_bytes(body)
        environment = {**os.environ, "BRIDGE_CONFIG": str(folder / "bridge.toml"), BODIES: static}
        environment |= {"BRIDGE_LOG_LEVEL": "info", "BRIDGE_SERVER_PORT": str(port)}
        command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--factory", "--host", "127.0.0.1"]
        command += ["--port", str(port), "--workers", str(workers), "--no-log"]
        command += [
            "--blocking-threads",
            str(load_settings(environ=environment).server.threads),
            "--workers-kill-timeout",
            "5",
        ]
        child = subprocess.Popen([*command, "bench.statics:app"], env=environment, stderr=subprocess.DEVNULL)
        try:
            _wait_until_ready(port, child)
            clients = clients_of(folder)
            yield Served(port, {client.source: _token(port, client) for client in clients}, child.pid)
        finally:
            child.terminate()
            child.wait(20)


def rostering(path: str) -> str:
    """The path of an operation of the Rostering service."""
    return f"{ROSTERING_PATH}/{path}"


def _wait_until_ready(port: int, child: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _READY_WITHIN
    while time.monotonic() < deadline and child.poll() is None:
        try:
            if requests.get(f"http://127.0.0.1:{port}/readyz", timeout=5).ok:
                return
        except requests.RequestException:
            time.sleep(0.05)
    raise RuntimeError("the server is not ready")


def _token(port: int, client: FilledClient) -> str:
    answer = requests.post(
        f"http://127.0.0.1:{port}/oauth2/token",
        data={"grant_type": "client_credentials"},
        auth=(client.client_id, client.client_secret),
        timeout=10,
    )
    answer.raise_for_status()
    return str(msgspec.json.decode(answer.content)["access_token"])
