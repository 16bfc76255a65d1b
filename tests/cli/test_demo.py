"""``bridge demo``: what it prints works, and nothing of it is left behind, however it ends."""

import json
import re
import shlex
import shutil
import signal
import socket
import subprocess

import pytest
import requests
from joserfc.jwk import RSAKey

from bridge.practice.nrps_tool import PracticeTool
from tests.cli.running import PATIENCE, eventually, needs_proc, running

SMALL = ("--courses", "2", "--members", "5")


@pytest.fixture
def plain():
    """HTTP as anybody's script speaks it."""
    with requests.Session() as session:
        session.trust_env = False
        yield session


def assert_nothing_is_left(demo):
    assert demo.errors() == ""
    assert demo.alive() == set()
    assert list(demo.temporary.iterdir()) == []


@needs_proc
def test_one_line_of_json_gives_access_until_ctrl_c(tmp_path, plain):
    elsewhere = tmp_path / "elsewhere"
    configured = {"BRIDGE_STORAGE_DIRECTORY": str(elsewhere), "BRIDGE_SERVER_PORT": "1", "HTTP_PROXY": "http://[::1]:9"}
    with running(tmp_path, "demo", "--json", *SMALL, **configured) as demo:
        shown = json.loads(demo.line())

        assert shown.keys() == {
            *("url", "token_url", "client_id", "client_secret"),
            *("nrps_url", "nrps_token_url", "tool_client_id", "tool_kid", "tool_private_key"),
        }
        assert re.fullmatch(r"http://127\.0\.0\.1:[0-9]+", shown["url"])
        for credentials in (
            {"auth": (shown["client_id"], shown["client_secret"])},
            {"data": {"client_id": shown["client_id"], "client_secret": shown["client_secret"]}},
        ):
            data = {"grant_type": "client_credentials", **credentials.get("data", {})}
            answer = plain.post(shown["token_url"], data, auth=credentials.get("auth"), timeout=10)
            assert answer.status_code == 200
        headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
        page = plain.get(f"{shown['url']}/ims/oneroster/rostering/v1p2/enrollments", headers=headers, timeout=10)
        assert page.json()["totalCount"] == len(page.json()["enrollments"]) > 0
        with PracticeTool(shown["nrps_token_url"], key=RSAKey.import_key(shown["tool_private_key"])) as tool:
            assert tool.key.thumbprint() == shown["tool_kid"]
            tool.key = RSAKey.import_key(shown["tool_private_key"], {"kid": shown["tool_kid"]})
            tool.client_id = shown["tool_client_id"]
            assert len(list(tool.members(f"{shown['nrps_url']}?limit=2", tool.fetch_token()))) == 5
        assert plain.get(f"{shown['url']}/readyz", timeout=10).json()["scheduler"] == "running"

        demo.tell(signal.SIGINT)

        assert demo.end() == (0, "")
        assert_nothing_is_left(demo)
        assert not elsewhere.exists()


@needs_proc
def test_text_tells_the_way_and_ends_with_commands_that_work(tmp_path, plain):
    with running(tmp_path, "demo", *SMALL) as demo:
        lines = [demo.line()]
        while not lines[-1].startswith("Ctrl-C"):
            lines.append(demo.line())
        curls = [shlex.split(line) for line in lines if line.strip().startswith("curl ")]
        keys = ("enrollments", "users", "members", "users", "members")  # all, a class of the LMS, one of the SIS
        for curl, key in zip(curls, keys, strict=True):
            if shutil.which("curl"):
                done = subprocess.run(curl, capture_output=True, text=True, timeout=PATIENCE, check=True)
                assert done.stdout.startswith("HTTP/1.1 200")
                assert f'"{key}":[' in done.stdout
            else:
                name, _, value = curl[curl.index("-H") + 1].partition(": ")
                assert plain.get(curl[-1], headers={name: value}, timeout=10).json()[key]

        demo.tell(signal.SIGTERM)

        code, rest = demo.end()
        assert (code, rest.strip()) == (0, "Stopped; nothing is left behind.")
        assert_nothing_is_left(demo)


@needs_proc
@pytest.mark.parametrize(
    "stage",
    ["A practice LMS runs", "The bridge runs", "The bridge is registered at the SIS", "A member of each course"],
)
def test_ctrl_c_during_the_start_ends_it_in_order(tmp_path, stage):
    with running(tmp_path, "demo", *SMALL) as demo:
        while not demo.line().startswith(stage):
            pass

        demo.tell(signal.SIGINT, signal.SIGINT, signal.SIGTERM)

        assert demo.end()[0] == 0
        assert_nothing_is_left(demo)


@needs_proc
def test_impatient_ctrl_c_while_it_ends_disturbs_nothing(tmp_path):
    with running(tmp_path, "demo", "--json", *SMALL) as demo:
        demo.line()

        def still_there():
            demo.tell(signal.SIGINT)
            return demo.process.poll() is not None

        eventually(still_there)

        assert demo.end() == (0, "")
        assert_nothing_is_left(demo)


@needs_proc
def test_nothing_outlives_a_demo_that_is_killed(tmp_path):
    with running(tmp_path, "demo", "--json", *SMALL) as demo:
        demo.line()
        assert len(demo.alive()) > 2

        demo.tell(signal.SIGKILL)
        demo.end()

        eventually(lambda: not demo.alive())


@needs_proc
def test_taken_port_is_named_and_nothing_is_left(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with running(tmp_path, "demo", "--json", "--port", str(port), *SMALL) as demo:
            assert demo.end() == (1, "")
            assert f"port {port}: address already in use" in demo.errors()
            assert "Traceback" not in demo.errors()
            assert demo.alive() == set()
            assert list(demo.temporary.iterdir()) == []
