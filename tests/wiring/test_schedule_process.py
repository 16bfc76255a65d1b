"""``bridge schedule`` as it runs: a process of its own, on the same two files."""

import os
import signal
import subprocess
import sys
import time

import pytest

from bench.installation import installation
from bench.kill import Watched
from bridge.mirror.runs import Outcome, Runs

LONG = 60
"""Seconds after which a test has failed."""


@pytest.fixture(scope="module")
def bridge():
    with installation(contexts=3, members=20, people=30, manners=Watched()) as bridge:
        yield bridge


@pytest.fixture
def schedule(bridge):
    environment = {**os.environ, **bridge.environment, "BRIDGE_LOG_LEVEL": "error"}
    process = subprocess.Popen([sys.executable, "-m", "bridge", "schedule"], env=environment)
    yield process
    process.kill()
    process.wait()


def outcomes(bridge):
    wiring = bridge.wiring
    return {run.outcome for run in Runs(wiring.mirror, wiring.clock).latest_by_context().values()}


def come(condition):
    """Wait until something is so: it is another process that makes it so."""
    deadline = time.monotonic() + LONG
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_what_the_web_asks_for_is_read_and_a_signal_ends_it(bridge, schedule):
    for context in bridge.contexts:
        bridge.wiring.registry.inbox.put("launch", {"tenant": context.tenant, "context": context.key, "user": "new"})

    come(lambda: outcomes(bridge) == {Outcome.APPLIED})

    schedule.send_signal(signal.SIGTERM)
    assert schedule.wait(LONG) == 0


def test_signal_ends_it_in_the_middle_of_a_roster(bridge, schedule):
    bridge.lms.manners.asked.clear()
    bridge.lms.manners.may_answer.clear()
    context = bridge.contexts[0]
    bridge.wiring.registry.inbox.put("sync", {"tenant": context.tenant, "context": context.key})
    assert bridge.lms.manners.asked.wait(LONG)

    schedule.send_signal(signal.SIGTERM)

    assert schedule.wait(LONG) == 0
    bridge.lms.manners.may_answer.set()
    assert Outcome.RUNNING in outcomes(bridge)  # the next run of the context says that it was stopped
