"""``python -m bench``: reconcile many contexts, then serve their enrollments under load; print a table.

Needs ``wrk`` (Debian: ``apt-get install wrk``). Everything is on loopback, bounded, and ends by itself.
"""

import argparse
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import msgspec
import requests

from bench.installation import Installation, installation
from bench.statics import BODY
from bridge.mirror.runs import Outcome
from bridge.nrps.schemas import CONTEXT_MEMBERSHIP_SCOPE, MEMBERSHIP_CONTAINER
from bridge.oneroster.scopes import ROSTER
from bridge.roster.references import ROSTERING_PATH
from bridge.rounds import sync_all

Row = tuple[str, str, str]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--contexts", type=int, default=1000)
    parser.add_argument("--members", type=int, default=100, help="members of each context (default 100)")
    parser.add_argument("--seconds", type=int, default=5, help="seconds of each load run (default 5)")
    parser.add_argument("--workers", type=int, default=2, help="web workers (default 2)")
    options = parser.parse_args()
    if shutil.which("wrk") is None:
        sys.exit("wrk is needed: on Debian, apt-get install wrk")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = int(listener.getsockname()[1])
    people = max(options.members, options.contexts * options.members // 5)
    with installation(contexts=options.contexts, members=options.members, people=people, port=port) as bridge:
        rows = [*reconciling(bridge), *serving(bridge, port, options.seconds, options.workers)]
    width = max(len(row[0]) for row in rows)
    for name, figure, note in rows:
        print(f"{name:<{width}}  {figure:>14}  {note}")


def reconciling(bridge: Installation) -> Iterator[Row]:
    """First and unchanged reconciliation, beside downloading and parsing the same pages."""
    first, members = _reconcile(bridge)
    yield "first reconciliation", f"{first:.1f} s", f"{members} members, {members / first:.0f} a second"
    downloads, unchanged = [], []
    for _ in range(3):
        downloads.append(_download(bridge))
        unchanged.append(_reconcile(bridge)[0])
    ratio = median(mine / theirs for mine, theirs in zip(unchanged, downloads, strict=True))
    yield (
        "unchanged reconciliation",
        f"{median(unchanged):.1f} s",
        f"{members / median(unchanged):.0f} members a second",
    )
    yield "  against downloading and parsing", f"{ratio:.2f}", "ratio, one after the other, median of 3"


def _reconcile(bridge: Installation) -> tuple[float, int]:
    members = 0
    started = time.perf_counter()

    def done(_context: object, run: object) -> None:
        nonlocal members
        assert run is not None
        assert run.outcome in {Outcome.APPLIED, Outcome.UNCHANGED}, run.message  # type: ignore[attr-defined]
        members += run.added + run.unchanged  # type: ignore[attr-defined]

    sync_all(bridge.wiring, bridge.contexts, done=done)
    return time.perf_counter() - started, members


def _download(bridge: Installation) -> float:
    """The same pages by a plain client: a token, a GET, json(), the next link; nothing else."""
    wiring = bridge.wiring
    platform = wiring.registry.platforms.all()[0]
    token = wiring.service_tokens.token(platform, [CONTEXT_MEMBERSHIP_SCOPE])
    headers = {"Authorization": f"Bearer {token}", "Accept": MEMBERSHIP_CONTAINER}
    started = time.perf_counter()
    with requests.Session() as session:
        for context in bridge.contexts:
            url: str | None = context.memberships_url
            while url:
                answer = session.get(url, headers=headers, timeout=30)
                answer.raise_for_status()
                answer.json()
                url = answer.links.get("next", {}).get("url")
    return time.perf_counter() - started


def serving(bridge: Installation, port: int, seconds: int, workers: int) -> Iterator[Row]:
    """A page under load, between two loads of the same bytes from memory."""
    client, secret = bridge.wiring.registry.clients.add("bench", scopes=[ROSTER])
    url = f"http://127.0.0.1:{port}"
    body = Path(bridge.environment["BRIDGE_STORAGE_DIRECTORY"]) / "page.json"
    page = f"{url}{ROSTERING_PATH}/enrollments?limit=100"
    with _server(bridge, port, workers):
        token = _token(url, client.client_id, secret)
        body.write_bytes(requests.get(page, headers={"Authorization": f"Bearer {token}"}, timeout=10).content)
    with _server(bridge, port, workers, {BODY: str(body)}):
        token = _token(url, client.client_id, secret)
        cases = {
            "GET /enrollments?limit=100": page,
            "filter role='student' AND status='active'": page
            + "&filter=role%3D%27student%27%20AND%20status%3D%27active%27",
            "offset 50,000": page + "&offset=50000",
            "fields=sourcedId,role,status": page + "&fields=sourcedId,role,status",
        }
        for name, address in cases.items():
            ratios, mine = [], []
            for _ in range(3):
                before = _load(f"{url}/static", None, seconds)
                mine.append(_load(address, token, seconds))
                after = _load(f"{url}/static", None, seconds)
                ratios.append(mine[-1] / ((before + after) / 2))
            yield name, f"{median(ratios):.2f}", f"of static's requests per second ({median(mine):.0f}), median of 3"


def _token(url: str, client_id: str, secret: str) -> str:
    answer = requests.post(
        f"{url}/oauth2/token", data={"grant_type": "client_credentials"}, auth=(client_id, secret), timeout=10
    )
    return str(msgspec.json.decode(answer.content)["access_token"])


def _load(url: str, token: str | None, seconds: int) -> float:
    command = ["wrk", "-t2", "-c8", f"-d{seconds}s"]
    if token is not None:
        command += ["-H", f"Authorization: Bearer {token}"]
    printed = subprocess.run([*command, url], capture_output=True, text=True, check=True, timeout=seconds + 30).stdout
    assert "Non-2xx" not in printed, printed
    found = re.search(r"Requests/sec:\s+([\d.]+)", printed)
    assert found, printed
    return float(found[1])


@contextmanager
def _server(bridge: Installation, port: int, workers: int, extra: dict[str, str] | None = None) -> Iterator[None]:
    """granian with the arguments of ``bridge serve``, and one more route."""
    environment = {**os.environ, **bridge.environment, **(extra or {})}
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--factory", "--host", "127.0.0.1"]
    command += ["--port", str(port), "--workers", str(workers), "--blocking-threads", "32", "--no-log"]
    command += ["--workers-kill-timeout", "5"]
    child = subprocess.Popen([*command, "bench.statics:app"], env=environment, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 20
        while True:
            try:
                if requests.get(f"http://127.0.0.1:{port}/readyz", timeout=1).ok:
                    break
            except requests.RequestException:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
        yield
    finally:
        child.terminate()
        child.wait(20)


if __name__ == "__main__":
    main()
