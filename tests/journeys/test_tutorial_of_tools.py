"""The programs in ``docs/tutorials/lti-tool.md``, run as they are printed there."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bridge.auth.tool_keys import parse_public_keys
from bridge.practice.nrps_tool import PracticeTool
from bridge.practice.rosters import make_roster
from bridge.registry.feeders import Audience
from tests.feeders.vendor import Vendor

PAGE = Path(__file__).parents[2] / "docs" / "tutorials" / "lti-tool.md"


@pytest.fixture
def lms(start_lms):
    """A course that does not fit on a page of the bridge's."""
    return start_lms(make_roster(courses=2, members_per_course=25, people=40, awkward_every=0))


@pytest.fixture
def taken_up(bridge, lms):
    bridge.register_at(lms, "school")
    bridge.take_up(lms, "Course-1", "Course-2")


@pytest.fixture
def run(tmp_path):
    """Runs the program of this number, and gives whom it lists."""
    programs = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)

    def run(number, **environ):
        file = tmp_path / f"program_{number}.py"
        file.write_text(programs[number], encoding="utf-8")
        ran = subprocess.run(
            [sys.executable, str(file)],
            env={**os.environ, "NO_PROXY": "127.0.0.1", **environ},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        return {line.split("\t")[0]: line.split("\t")[1:] for line in ran.stdout.splitlines()}

    return run


def expected(lms):
    return {
        member.person.user_id: [
            ", ".join(role.rpartition("#")[2] for role in member.roles), member.person.name
        ]
        for member in lms.roster.members("Course-1")
    }  # fmt: skip


def test_printed_programs_are_short():
    programs = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)

    for program in programs:
        assert len([line for line in program.splitlines() if line.strip()]) <= 40


def test_program_reads_the_class_by_nrps_page_by_page(tmp_path, bridge, lms, taken_up, run):
    (context,) = (one for one in bridge.wiring.registry.contexts.all() if one.context_id == "Course-1")
    with PracticeTool(f"{bridge.url}/oauth2/token") as tool:
        (tmp_path / "private.pem").write_text(tool.private_pem, encoding="utf-8")
        key_set = parse_public_keys(tool.key.as_pem(private=False).decode())
        registered = bridge.wiring.registry.tools.add("quiz", key_set=key_set)

        listed = run(
            0,
            CLIENT_ID=registered.client_id,
            KEY_ID=re.search('"kid": ?"([^"]+)"', key_set)[1],
            TOKEN_URL=f"{bridge.url}/oauth2/token",
            MEMBERSHIPS_URL=f"{bridge.url}/lti/contexts/{context.class_sourced_id}/memberships?limit=10",
            PRIVATE_KEY=str(tmp_path / "private.pem"),
        )

    assert listed == expected(lms)


def test_program_reads_the_course_by_an_api_key_and_again_by_the_service_key(bridge, lms, taken_up, run):
    vendor = Vendor(bridge)
    vendor.install_at(lms)
    bridge.wiring.registry.feeders.bind(
        Audience(
            tool=vendor.tool,
            issuer=lms.issuer,
            client_id=vendor.client_id,
            tenant="school",
            jwks_url=lms.lms.jwks_url,
        )
    )
    student = lms.roster.members("Course-1")[1].person.user_id
    secrets = {"BRIDGE_URL": bridge.url, "API_KEY": vendor.api_key}

    by_launch = run(1, **secrets, ID_TOKEN=vendor.id_token(lms, student))
    by_key = run(1, **secrets, SERVICE_KEY=vendor.launched(lms, student, nonce="n-2")["serviceKey"])

    assert by_launch == by_key == expected(lms)
