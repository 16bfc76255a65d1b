"""The scheduler: who works, what survives, and how it ends. Every wait is for something that happens."""

import os
import signal
import subprocess
import sys
import threading
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from bridge.sync.scheduler import Schedule, Scheduler

SOON = Schedule(inbox=0.01, freshness=0.01, lease=0.01)
NEVER = 3600.0
LONG = 30
"""Seconds after which a test has failed."""


class Calls:
    """A job that can be waited for."""

    def __init__(self, answer=None):
        self._answer = answer
        self._called = threading.Condition()
        self.count = 0

    def __call__(self):
        with self._called:
            self.count += 1
            self._called.notify_all()
        return self._answer

    def come(self, more):
        """Wait until it has been called so many times more."""
        with self._called:
            wanted = self.count + more
            return self._called.wait_for(lambda: self.count >= wanted, LONG)


@pytest.fixture
def start():
    """Runs schedulers, each in a thread, until the test ends."""
    started = []

    def start(**options):
        jobs = {"hold_lease": Calls(True), "take_inbox": Calls(), "refresh": Calls(), "schedule": SOON, **options}
        scheduler = Scheduler(**jobs)
        thread = threading.Thread(target=scheduler.run)
        thread.start()
        started.append((scheduler, thread))
        return scheduler, thread

    yield start
    for scheduler, thread in started:
        scheduler.stop()
        thread.join(LONG)


def test_subscribers_are_told_and_old_things_purged_while_it_holds_the_lease(start):
    deliver, purge = Calls(), Calls()

    start(deliver=deliver, purge=purge, schedule=replace(SOON, deliver=0.01, purge=0.01))

    assert deliver.come(2)
    assert purge.come(2)


def test_both_jobs_are_done_again_and_again(start):
    inbox, refresh = Calls(), Calls()

    start(take_inbox=inbox, refresh=refresh)

    assert inbox.come(3)
    assert refresh.come(3)


def test_without_the_lease_nothing_is_done(start):
    lease, inbox, refresh = Calls(False), Calls(), Calls()

    start(hold_lease=lease, take_inbox=inbox, refresh=refresh)

    assert lease.come(20)
    assert inbox.count == refresh.count == 0


def test_lease_is_kept_while_a_job_takes_long(start):
    lease, begun, end = Calls(True), threading.Event(), threading.Event()

    def read_a_large_roster():
        begun.set()
        end.wait(LONG)

    start(hold_lease=lease, take_inbox=read_a_large_roster, schedule=Schedule(inbox=0.01, freshness=NEVER, lease=0.01))

    assert begun.wait(LONG)
    assert lease.come(5)
    end.set()


def test_job_is_not_begun_twice_at_a_time(start):
    at_work, most = 0, 0
    refresh, end, counting = Calls(), threading.Event(), threading.Lock()

    def inbox():
        nonlocal at_work, most
        with counting:
            at_work += 1
            most = max(most, at_work)
        end.wait(LONG)
        with counting:
            at_work -= 1

    start(take_inbox=inbox, refresh=refresh)

    assert refresh.come(20)
    end.set()
    assert most == 1


class Failing(Calls):
    def __call__(self):
        super().__call__()
        raise OSError("disk full")


def test_failure_of_a_job_ends_neither_it_nor_the_other(start):
    inbox, refresh = Failing(), Calls()

    with capture_logs() as logs:
        start(take_inbox=inbox, refresh=refresh)
        assert inbox.come(3)
        assert refresh.come(3)

    assert {"event": "job_failed", "job": "inbox", "log_level": "error", "exc_info": True} in logs


def test_lease_that_cannot_be_asked_for_is_asked_for_again(start):
    lease, inbox = Failing(), Calls()

    with capture_logs():
        start(hold_lease=lease, take_inbox=inbox)
        assert lease.come(10)

    assert inbox.count == 0


def test_stop_ends_run(start):
    scheduler, thread = start()

    scheduler.stop()

    thread.join(LONG)
    assert not thread.is_alive()


def test_stop_before_run_is_not_lost():
    scheduler = Scheduler(hold_lease=Calls(True), take_inbox=Calls(), refresh=Calls())
    scheduler.stop()

    thread = threading.Thread(target=scheduler.run)
    thread.start()
    thread.join(LONG)

    assert not thread.is_alive()


PROGRAM = """
import os, signal
from bridge.sync.scheduler import Schedule, Scheduler

def work():
    print("working", flush=True)

scheduler = Scheduler(
    hold_lease=lambda: True, take_inbox=work, refresh=lambda: None, schedule=Schedule(inbox=0.01)
)
signal.signal(signal.SIGTERM, lambda *_: scheduler.stop())
scheduler.run()
print("ended", flush=True)
os._exit(0)
"""


def test_signal_ends_run():
    process = subprocess.Popen([sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, text=True, env=os.environ)
    assert process.stdout.readline() == "working\n"

    process.send_signal(signal.SIGTERM)

    output, _ = process.communicate(timeout=LONG)
    assert output.endswith("ended\n")
    assert process.returncode == 0
