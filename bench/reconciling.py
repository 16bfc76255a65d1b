"""``python -m bench.reconciling``: what reconciling one large context costs, read over NRPS on loopback.

Figures are of this process's processor time: machines are shared, and the LMS, which has its pages ready, is a process
of its own. At the default size it takes less than a minute.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import requests

from bench.installation import Bridge, beside_static_lms
from bench.rows import Row, print_row
from bridge.mirror.mirror import Mirror
from bridge.mirror.runs import Outcome
from bridge.nrps.schemas import CONTEXT_MEMBERSHIP_SCOPE, MEMBERSHIP_CONTAINER

_PAGE = 1000
_ROUNDS = 5

_LARGE = ("facts", "fact_changes", "changes", "outbox", "facets", "users", "enrollments")
"""The tables that grow with the members of a context."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.reconciling", description=__doc__)
    parser.add_argument("--members", type=int, default=20_000, help="of the context (default 20,000)")
    parser.add_argument("--page", type=int, default=_PAGE, help="members on a page (default 1,000)")
    parser.add_argument("--memory", action="store_true", help="peak memory too, at this size and at twice that")
    options = parser.parse_args()
    for row in measured_reconciling(options.members, page=options.page):
        print_row(row)
    if options.memory:
        for row in measured_memory(options.members):
            print_row(row)


def measured_reconciling(members: int, port: int = 8080, page: int = _PAGE) -> Iterator[Row]:
    """First and unchanged reconciliation, beside what they cannot do without.

    :param page: members on a page.
    """
    with beside_static_lms(members=members, page=page, port=port) as bridge:
        first = _reconcile(bridge, Outcome.APPLIED)
        plain = _executemany(bridge.wiring.settings.storage.mirror)
        note = f"{first:.1f} s, {members / first:.0f} members a second"
        yield Row("first import, against executemany of the same rows", first / plain, 4, at_most=True, note=note)
        ratios, unchanged = [], []
        for _ in range(_ROUNDS):
            before = _download(bridge)
            unchanged.append(_reconcile(bridge, Outcome.UNCHANGED))
            ratios.append(2 * unchanged[-1] / (before + _download(bridge)))
        yield Row(
            "unchanged, against downloading and parsing the same pages",
            median(ratios),
            1.5,
            at_most=True,
            note=f"{median(unchanged):.2f} s, {members / median(unchanged):.0f} members a second",
        )


def measured_memory(members: int, port: int = 8080) -> Iterator[Row]:
    """Peak memory of processes that import, and that find unchanged, so many members and twice as many."""
    idle = _idle()
    once, twice = (_peaks(size, port) for size in (members, 2 * members))
    for number, what in enumerate(("importing", "reading again")):
        above = (once[number] - idle) / 1024
        yield Row(f"peak memory of {what} {members}, above idle", above, 150, at_most=True, unit=" MiB")
        growth = (twice[number] - once[number]) / 1024
        yield Row(f"how much more of {what} twice as many", growth, 20, at_most=True, unit=" MiB")


def _reconcile(bridge: Bridge, outcome: Outcome) -> float:
    started = time.process_time()
    run = bridge.wiring.sync(bridge.contexts[0])
    seconds = time.process_time() - started
    assert run is not None
    assert run.outcome is outcome, run.message
    return seconds


def _download(bridge: Bridge) -> float:
    """The same pages by a plain client: a token, a GET, json(), the next link; nothing else."""
    wiring = bridge.wiring
    platform = wiring.registry.platforms.all()[0]
    token = wiring.service_tokens.token(platform, [CONTEXT_MEMBERSHIP_SCOPE])
    headers = {"Authorization": f"Bearer {token}", "Accept": MEMBERSHIP_CONTAINER}
    started = time.process_time()
    with requests.Session() as session:
        url: str | None = bridge.contexts[0].memberships_url
        while url:
            answer = session.get(url, headers=headers, timeout=60)
            answer.raise_for_status()
            answer.json()
            url = answer.links.get("next", {}).get("url")
    return time.process_time() - started


def _executemany(filled: Path) -> float:
    """The same rows into the same tables of an empty mirror."""
    source = Mirror.open_read_only(filled)
    seconds = 0.0
    with tempfile.TemporaryDirectory() as folder:
        target = Mirror.open(Path(folder) / "mirror.sqlite")
        connection = target.db.conn
        connection.execute("PRAGMA foreign_keys = OFF")
        for table in _LARGE:
            columns = [
                f'"{row[1]}"' for row in source.db.execute(f'PRAGMA table_xinfo("{table}")') if row[6] == 0
            ]  # without the generated ones
            rows = source.db.execute(f'SELECT {", ".join(columns)} FROM "{table}"').fetchall()
            marks = ", ".join("?" * len(columns))
            started = time.process_time()
            connection.execute("BEGIN")
            connection.executemany(f'INSERT INTO "{table}" ({", ".join(columns)}) VALUES ({marks})', rows)
            connection.execute("COMMIT")
            seconds += time.process_time() - started
        target.close()
    source.close()
    return seconds


def _peaks(members: int, port: int) -> tuple[int, int]:
    """The most memory, in kB, of a process that reads so many for the first time, and of one that does so again."""
    with beside_static_lms(members=members, page=_PAGE, port=port) as bridge:
        return _peak(bridge), _peak(bridge)


def _peak(bridge: Bridge) -> int:
    child = subprocess.Popen(
        [sys.executable, "-m", "bridge", "sync", "--all"],
        env={**os.environ, **bridge.environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    peak = 0
    # What wait4 tells begins with the memory of the process that started this one.
    while child.poll() is None:
        peak = max(peak, _high_water(child.pid))
        time.sleep(0.02)
    assert child.returncode == 0, "the roster could not be reconciled"
    return peak


def _idle() -> int:
    """What a process has, in kB, that has loaded its modules: loading them takes twice as much for a moment."""
    load = "import pathlib, bridge.cli, bridge.wiring; print(pathlib.Path('/proc/self/status').read_text())"
    child = subprocess.run([sys.executable, "-c", load], capture_output=True, text=True, check=True)
    return _kilobytes(child.stdout, "VmRSS")


def _high_water(pid: int) -> int:
    try:
        return _kilobytes(Path(f"/proc/{pid}/status").read_text(), "VmHWM")
    except (FileNotFoundError, ProcessLookupError):
        return 0


def _kilobytes(status: str, name: str) -> int:
    return next((int(line.split()[1]) for line in status.splitlines() if line.startswith(name)), 0)


if __name__ == "__main__":
    main()
