"""What is logged, and how: one JSON object per line on standard error, with the id of the request."""

import json
import os
import pty
import subprocess
import sys

import pytest

LOGS = """
import logging, structlog
from bridge.log import configure
from structlog.contextvars import bind_contextvars

configure({level!r}, {format!r})
log = structlog.get_logger("test")
bind_contextvars(request="abc")
log.debug("quiet")
log.info("reconciled", added=3, name="日本")
logging.getLogger("a.library").warning("something %s", "odd")
logging.getLogger("a.library").info("GET https://lms.example.org/?cursor=x")
logging.getLogger("urllib3").warning("retrying /?cursor=x")
try:
    secret = "hidden-variable"
    raise ValueError("broken")
except ValueError:
    log.exception("job_failed")
"""


def run(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)


def test_each_line_is_one_json_object_with_level_time_and_request():
    done = run(LOGS.format(level="info", format="auto"))

    lines = [json.loads(line) for line in done.stderr.splitlines()]

    assert done.stdout == ""
    assert [line["event"] for line in lines] == ["reconciled", "something odd", "job_failed"]
    assert [line["level"] for line in lines] == ["info", "warning", "error"]
    assert {line["request"] for line in lines} == {"abc"}
    assert all(line["timestamp"].endswith("Z") for line in lines)
    assert (lines[0]["added"], lines[0]["name"]) == (3, "日本")
    assert "ValueError: broken" in lines[2]["exception"]


@pytest.mark.parametrize(
    ("level", "events"),
    [
        ("debug", ["quiet", "reconciled", "something odd", "job_failed"]),
        ("warning", ["something odd", "job_failed"]),
        ("error", ["something odd", "job_failed"]),
    ],
)
def test_level_is_the_least_severe_that_is_written(level, events):
    lines = run(LOGS.format(level=level, format="json")).stderr.splitlines()

    assert [json.loads(line)["event"] for line in lines] == events


def test_console_lines_are_for_people_and_show_no_variables():
    written = run(LOGS.format(level="info", format="console")).stderr

    assert "reconciled" in written
    assert "ValueError: broken" in written
    assert "hidden-variable" not in written
    assert "Warning" not in written
    assert "\x1b" not in written


def test_auto_is_for_people_at_a_terminal():
    ours, theirs = pty.openpty()
    process = subprocess.Popen([sys.executable, "-c", LOGS.format(level="info", format="auto")], stderr=theirs)
    os.close(theirs)
    written = b""
    try:
        while chunk := os.read(ours, 4096):
            written += chunk
    except OSError:  # Linux reports the other end's closing so
        pass
    os.close(ours)

    assert process.wait(60) == 0
    assert not written.startswith(b"{")
    assert b"reconciled" in written


def test_logging_can_be_configured_again():
    code = (
        "import structlog; from bridge.log import configure\n"
        "log = structlog.get_logger()\n"
        "configure('error', 'json'); log.info('first')\n"
        "configure('info', 'json'); log.info('second')"
    )

    assert [json.loads(line)["event"] for line in run(code).stderr.splitlines()] == ["second"]


LINES = """
from bridge.log import configure, line_writer
import structlog

configure({level!r}, {format!r})
line_writer("request")(request="abc", route=None, name="日本\\n")
structlog.get_logger().bind().info("request", request="abc", route=None, name="日本\\n")
"""


def test_line_of_a_request_is_what_a_logger_writes():
    written = [json.loads(line) for line in run(LINES.format(level="info", format="json")).stderr.splitlines()]

    assert [line.pop("timestamp")[-1] for line in written] == ["Z", "Z"]
    assert written[0] == written[1]
    assert written[0] == {"event": "request", "level": "info", "request": "abc", "route": None, "name": "日本\n"}


def test_line_of_a_request_is_written_for_people_too():
    lines = run(LINES.format(level="info", format="console")).stderr.splitlines()

    assert ["abc" in line and line[0] not in "{[" for line in lines] == [True, True]


def test_line_of_a_request_is_left_out_where_nothing_of_its_level_is_written():
    assert run(LINES.format(level="warning", format="json")).stderr == ""


REQUESTS = """
from pathlib import Path
from bridge.app import create_app
from bridge.settings import Log, Settings, Storage

app = create_app(Settings(storage=Storage(directory=Path({directory!r})), log=Log(level="info", format="json")))
http = app.test_client()
for method, path in {requests!r}:
    print(http.open(path, method=method).headers["X-Request-Id"])
"""


def requested(tmp_path, *requests):
    """The lines about these requests, each with the id that the answer had."""
    done = run(REQUESTS.format(directory=str(tmp_path), requests=requests))
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    return [line for line in lines if line["event"] == "request"], done.stdout.split()


def test_every_request_is_one_line_with_its_rule_and_never_its_path(tmp_path):
    lines, ids = requested(
        tmp_path,
        ("GET", "/healthz"),
        ("GET", "/ims/oneroster/rostering/v1p2/users/ada@school.example.org?filter=email='ada@school.example.org'"),
        ("DELETE", "/ims/oneroster/rostering/v1p2/users"),
        ("GET", "/nobody@school.example.org"),
    )

    assert [(line["method"], line["route"], line["status"]) for line in lines] == [
        ("GET", "/healthz", 200),
        ("GET", "/ims/oneroster/rostering/v1p2/<path:path>", 401),
        ("DELETE", None, 405),
        ("GET", None, 404),
    ]
    assert [line["request"] for line in lines] == ids
    assert all(0 <= line["milliseconds"] < 60_000 for line in lines)
    assert "example.org" not in json.dumps(lines)


def test_operation_is_named_as_the_standard_names_it(tmp_path):
    path = "/ims/oneroster/rostering/v1p2"
    lines, _ = requested(tmp_path, ("GET", f"{path}/teachers"), ("GET", f"{path}/terms/x"), ("GET", "/healthz"))

    assert [line.get("operation") for line in lines] == ["getAllTeachers", "getTerm", None]


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("日本", id="other-scripts"),
        pytest.param("two\u2028lines\nor three\x9b", id="what-ends-lines"),
        pytest.param("half \ud800", id="half-a-pair"),
        pytest.param(2**80, id="a-large-number"),
    ],
)
def test_whatever_is_logged_makes_one_line_of_ascii(value):
    code = "from bridge.log import configure; import structlog; configure('info', 'json')"
    done = run(f"{code}; structlog.get_logger().info('odd', value={value!a})")

    (line,) = done.stderr.splitlines()

    assert line.isascii()
    assert json.loads(line)["value"] == value
