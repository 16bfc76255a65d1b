"""Tries are counted exactly, whichever processes they come to."""

import json
import subprocess
import sys

# Each waits for its turn to begin, so that all count at once; the clock stands still for all of them.
COUNT = """
import json, sys
from datetime import UTC, datetime
from pathlib import Path
from bridge.errors import Busy
from bridge.registry.registry import Registry

refused = 0
with Registry.open(Path(sys.argv[1]), lambda: datetime(2026, 11, 20, 8, 0, 15, tzinfo=UTC)) as registry:
    print("ready", flush=True)
    sys.stdin.readline()
    for _ in range(60):
        try:
            registry.tries.count("token", "192.0.2.1", 100)
        except Busy as busy:
            assert busy.retry_after == 45
            refused += 1
print(json.dumps(refused))
"""


def test_two_processes_let_in_as_many_as_one_would(tmp_path):
    command = [sys.executable, "-c", COUNT, str(tmp_path / "registry.sqlite")]
    processes = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    try:
        for process in processes:
            assert process.stdout.readline() == "ready\n"
        for process in processes:
            process.stdin.write("go\n")
            process.stdin.flush()
        refused = [json.loads(process.communicate(timeout=60)[0]) for process in processes]
    finally:
        for process in processes:
            process.kill()
            process.wait()

    assert [process.returncode for process in processes] == [0, 0]
    assert sum(refused) == 2 * 60 - 100
