"""``python -m bench.kill``: end the reconciling process at random moments, and let it sleep past its lease.

A practice LMS has one course; a process of its own reconciles it. Killed at any moment, it must leave the mirror as it
was before or as it is after, never between; stopped while another process does its work, it must harm nothing when it
goes on. Bounded, on loopback, and ends by itself.
"""

import argparse
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event

from bench.installation import Installation, installation
from bridge.mirror.runs import Outcome, Runs
from bridge.practice.manners import Failure, Manners
from bridge.practice.people import invent_person

_LONG = 60
"""Seconds after which something has gone wrong."""


class Watched(Manners):
    """Says when a page is asked for, and keeps it back until it may be given.

    :ivar asked: a page was asked for.
    :ivar may_answer: pages are given.
    """

    def __init__(self) -> None:
        super().__init__(page_size=100)
        self.asked, self.may_answer = Event(), Event()
        self.may_answer.set()

    def next_failure(self) -> Failure | None:
        self.asked.set()
        self.may_answer.wait(_LONG)
        return super().next_failure()


class Course:
    """The course that is reconciled: every other time, some of its members are there.

    :param members: how many are always there.
    :param some: how many come and go: few enough to need nobody's approval.
    """

    def __init__(self, bridge: Installation, manners: Watched, members: int, some: int) -> None:
        self.bridge = bridge
        self.manners = manners
        self._roster = bridge.lms.roster
        self._id = bridge.contexts[0].context_id
        self._some = [invent_person(100_000 + number, every=0) for number in range(some)]
        self._there = False
        self.members = members

    def change(self) -> tuple[int, int]:
        """Let some come, or go; how many there are before and after."""
        before = self._count()
        for person in self._some:
            if self._there:
                self._roster.drop(self._id, person.user_id)
            else:
                self._roster.enroll(self._id, person)
        self._there = not self._there
        return before, self._count()

    def _count(self) -> int:
        return self.members + len(self._some) * self._there

    @contextmanager
    def process(self) -> Iterator[subprocess.Popen[bytes]]:
        """Another process that reconciles the course, once it has begun to read."""
        self.manners.asked.clear()
        child = subprocess.Popen(
            [sys.executable, "-m", "bridge", "sync", "--all"],
            env={**os.environ, **self.bridge.environment},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            assert self.manners.asked.wait(_LONG), "the process has not begun to read"
            yield child
        finally:
            child.kill()
            child.wait()

    def time_passes(self) -> None:
        """As if the lease of a process that is no more, or that sleeps, had ended."""
        self.bridge.wiring.registry.db.execute("UPDATE leases SET expires = '2000-01-01T00:00:00.000Z'")

    def reconcile(self) -> Outcome:
        """Reconcile the course in this process."""
        run = self.bridge.wiring.sync(self.bridge.contexts[0])
        assert run is not None
        return run.outcome

    def check(self) -> int:
        """Hold the mirror to itself: the file is sound, and what is committed together agrees; how many it serves."""
        mirror = sqlite3.connect(self.bridge.wiring.settings.storage.mirror)
        try:

            def ask(sql: str) -> int:
                return int(mirror.execute(sql).fetchone()[0])

            assert mirror.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            assert mirror.execute("PRAGMA foreign_key_check").fetchall() == []
            served = ask("SELECT count(*) FROM enrollments WHERE status = 'active'")
            assert served == ask("SELECT count(*) FROM facts WHERE kind = 'member' AND gone IS NULL")
            assert served == ask(
                "SELECT coalesce(sum(count), 0) FROM tallies"
                " WHERE collection = 'enrollments' AND status = 'active' AND kind = ''"
            )
            assert ask("SELECT count(*) FROM changes") == ask("SELECT count(*) FROM outbox")
            assert ask("SELECT count(*) FROM changes WHERE changed NOT IN (SELECT changed FROM writes)") == 0
            return served
        finally:
            mirror.close()


@contextmanager
def course(members: int = 1500) -> Iterator[Course]:
    """A course that has been read once."""
    manners = Watched()
    with installation(contexts=1, members=members, people=members, manners=manners, awkward_every=0) as bridge:
        found = Course(bridge, manners, members, members // 20)
        assert found.reconcile() is Outcome.APPLIED
        yield found


def kill(of: Course, within: float) -> bool:
    """Kill a reconciling process at a random moment; whether it had applied its plan by then.

    :param within: seconds, from its first request on, in which the moment lies.
    """
    before, after = of.change()
    with of.process() as process:
        try:
            process.wait(random.uniform(0, within))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
    served = of.check()
    assert served in {before, after}, f"{served} are served, neither {before} nor {after}"
    of.time_passes()
    assert of.reconcile() is (Outcome.UNCHANGED if served == after else Outcome.APPLIED)
    assert of.check() == after
    return served == after


def stop(of: Course) -> None:
    """Let a reconciling process sleep in the middle of the roster, until another has done its work; then wake it."""
    of.change()
    of.manners.may_answer.clear()
    with of.process() as process:
        process.send_signal(signal.SIGSTOP)
        of.manners.may_answer.set()
        of.time_passes()
        _, after = of.change()
        assert of.reconcile() in {Outcome.UNCHANGED, Outcome.APPLIED}
        process.send_signal(signal.SIGCONT)
        code = process.wait(_LONG)
    assert code == 3, f"the process that slept ended with {code}"
    assert of.check() == after
    runs = Runs(of.bridge.wiring.mirror, of.bridge.wiring.clock)
    assert Outcome.RUNNING not in {run.outcome for run in runs.latest(5)}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.kill", description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--stops", type=int, default=100)
    options = parser.parse_args()
    with course() as of:
        of.change()
        with of.process() as process:
            started = time.perf_counter()
            process.wait()
        within = time.perf_counter() - started
        applied = sum(kill(of, within) for _ in range(options.kills))
        print(
            f"{options.kills} kills: {applied} times as after, {options.kills - applied} times as before, never between"
        )
        for _ in range(options.stops):
            stop(of)
        print(f"{options.stops} sleeps past the lease: nothing undone")


if __name__ == "__main__":
    main()
