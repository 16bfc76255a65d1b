"""Figures of reconciling: one large context, read over NRPS from the practice LMS on loopback."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import requests

from bench.applying import measured_applying
from bench.installation import Installation, installation
from bench.rows import Row
from bridge.mirror.mirror import Mirror
from bridge.mirror.runs import Outcome
from bridge.nrps.schemas import CONTEXT_MEMBERSHIP_SCOPE, MEMBERSHIP_CONTAINER
from bridge.rounds import sync_all

_LARGE = ("facts", "fact_changes", "changes", "outbox", "facets", "users", "enrollments")
"""The tables that grow with the members of a context."""


def measured_reconciling(members: int, port: int) -> Iterator[Row]:
    """First and unchanged reconciliation, beside what they cannot do without."""
    with installation(contexts=1, members=members, people=members, port=port) as bridge:
        first = _reconcile(bridge)
        plain = _executemany(bridge.wiring.settings.storage.mirror)
        note = f"{first:.1f} s, {members / first:.0f} members a second"
        yield Row("first import, against executemany of the same rows", first / plain, 4, at_most=True, note=note)
        ratios, unchanged = [], []
        for _ in range(3):
            download = _download(bridge)
            unchanged.append(_reconcile(bridge))
            ratios.append(unchanged[-1] / download)
        yield Row(
            "unchanged, against downloading and parsing the same pages",
            median(ratios),
            1.5,
            at_most=True,
            note=f"{median(unchanged):.1f} s, {members / median(unchanged):.0f} members a second",
        )
        yield measured_applying(bridge)


def measured_memory(members: int, port: int) -> Iterator[Row]:
    """Peak memory of a process that imports, and of one that imports twice as much."""
    idle, once, twice = (_peak(size, port) for size in (1, members, 2 * members))
    above = (once - idle) / 1024
    yield Row(f"peak memory of importing {members}, above idle", above, 150, at_most=True, unit=" MiB")
    growth = (twice - once) / 1024
    yield Row("how much more at twice the size", growth, 20, at_most=True, unit=" MiB")


def _reconcile(bridge: Installation) -> float:
    started = time.perf_counter()

    def done(_context: object, run: object) -> None:
        assert run is not None
        assert run.outcome in {Outcome.APPLIED, Outcome.UNCHANGED}, run.message  # type: ignore[attr-defined]

    sync_all(bridge.wiring, bridge.contexts, done=done)
    return time.perf_counter() - started


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
                answer = session.get(url, headers=headers, timeout=60)
                answer.raise_for_status()
                answer.json()
                url = answer.links.get("next", {}).get("url")
    return time.perf_counter() - started


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
            started = time.perf_counter()
            connection.execute("BEGIN")
            connection.executemany(f'INSERT INTO "{table}" ({", ".join(columns)}) VALUES ({marks})', rows)
            connection.execute("COMMIT")
            seconds += time.perf_counter() - started
        target.close()
    source.close()
    return seconds


def _peak(members: int, port: int) -> int:
    """The most memory, in kB, of a process that reconciles so many."""
    with installation(contexts=1, members=members, people=members, port=port) as bridge:
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


def _high_water(pid: int) -> int:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return next((int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")), 0)
