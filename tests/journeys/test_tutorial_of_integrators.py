"""The program in ``docs/tutorials/sis-integrator.md``, run as it is printed there."""

import json
import os
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from bridge.oneroster.scopes import ROSTER_CORE

PAGE = Path(__file__).parents[2] / "docs" / "tutorials" / "sis-integrator.md"


@pytest.fixture
def copy_rosters(tmp_path, bridge):
    """Runs the program, and gives what it printed and the copy that it keeps."""
    (program,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    file = tmp_path / "copy_rosters.py"
    file.write_text(program, encoding="utf-8")
    client, secret = bridge.wiring.registry.clients.add("importer", scopes=[ROSTER_CORE])
    environ = {
        **os.environ,
        "BRIDGE_URL": bridge.url,
        "CLIENT_ID": client.client_id,
        "CLIENT_SECRET": secret,
        "COPY": str(tmp_path / "copy.sqlite"),
        "NO_PROXY": "127.0.0.1",
    }

    def run():
        ran = subprocess.run([sys.executable, str(file)], env=environ, stdout=subprocess.PIPE, text=True, check=True)
        with closing(sqlite3.connect(tmp_path / "copy.sqlite")) as copy:
            rows = copy.execute("SELECT collection, body FROM records ORDER BY rowid").fetchall()
        return ran.stdout.splitlines(), [(collection, json.loads(body)) for collection, body in rows]

    return run


def test_printed_program_copies_everything_and_then_what_has_changed(bridge, lms, copy_rosters):
    bridge.register_at(lms, "school")
    bridge.take_up(lms)

    _, first = copy_rosters()
    told_of_nothing, _ = copy_rosters()
    leaver = lms.roster.members("Course-1")[-1]
    lms.roster.drop("Course-1", leaver.person.user_id)
    bridge.sync()
    told_of_one, second = copy_rosters()

    everything = bridge.consumer().everything()
    assert sorted((name, one["sourcedId"]) for name, one in first) == sorted(
        (name, one["sourcedId"]) for name, records in everything.items() for one in records
    )
    assert {line.split(": ")[1] for line in told_of_nothing} == {"0 changed"}
    assert "enrollments: 1 changed" in told_of_one
    assert {(name, one["sourcedId"]): one for name, one in second} == {
        (name, one["sourcedId"]): one for name, records in everything.items() for one in records
    }
