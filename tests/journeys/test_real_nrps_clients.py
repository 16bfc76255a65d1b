"""Real NRPS clients read a class from the bridge to its last member: PyLTI1p3, and pylti1p3next, which follows it.

Both are imported as ``pylti1p3``, so each has an environment of its own: a folder made from pinned and hashed
requirements, once, inside the environment that runs the tests.
"""

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from bridge.practice.nrps_tool import PracticeTool
from tests.journeys.running_bridge import RunningBridge

FOLDER = Path(__file__).parent / "real_clients"
PATIENCE = 300


def environment_of(client: str) -> Path:
    """Where a client and what it needs are installed."""
    requirements = FOLDER / f"{client}.txt"
    made_from = hashlib.sha256(sys.version.encode() + requirements.read_bytes()).hexdigest()[:16]
    target = Path(sys.prefix) / "real-clients" / f"{client}-{made_from}"
    if not target.is_dir():
        target.parent.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent) as name:
            made = Path(name) / "made"
            pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet")
            command = (*pip, "--target", str(made), "--require-hashes", "-r", str(requirements))
            subprocess.run(command, check=True, timeout=PATIENCE)
            try:
                made.rename(target)
            except OSError:
                assert target.is_dir()  # another run of the tests was first
    return target


def read_with(client: str, **given: str) -> list[dict[str, object]]:
    done = subprocess.run(
        (sys.executable, str(FOLDER / "read_members.py")),
        input=json.dumps(given),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
        env={**os.environ, "PYTHONPATH": str(environment_of(client)), "NO_PROXY": "*"},
    )
    assert done.returncode == 0, done.stderr
    members: list[dict[str, object]] = json.loads(done.stdout)
    return members


@pytest.mark.parametrize("client", ["pylti1p3", "pylti1p3next"])
def test_client_reads_every_member_page_by_page(bridge: RunningBridge, lms, client):
    bridge.register_at(lms, "school")
    bridge.take_up(lms)
    (context,) = bridge.wiring.registry.contexts.all()
    with PracticeTool(f"{bridge.url}/oauth2/token") as tool:
        registered = bridge.wiring.registry.tools.add("client", key_set=json.dumps(tool.public_key_set))
        members = read_with(
            client,
            issuer=bridge.url,
            client_id=registered.client_id,
            token_url=f"{bridge.url}/oauth2/token",
            private_key=tool.private_pem,
            public_key=tool.key.as_pem(private=False).decode(),
            memberships_url=f"{bridge.url}/lti/contexts/{context.class_sourced_id}/memberships?limit=4",
        )

    said = {member.person.user_id for member in lms.roster.members("Course-1")}
    assert len(members) == len(said) == 41
    assert {member["user_id"] for member in members} == said
