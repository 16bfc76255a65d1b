"""The scheduler: what waits in the inbox within a second, and every context before it grows stale.

It runs in a process of its own and only while it holds the lease, so that any number may be started and one works.
What it calls is handed in; this module knows when, not what.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC

import structlog
from apscheduler.schedulers.blocking import BlockingScheduler

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Schedule:
    """How often the scheduler looks, in seconds."""

    inbox: float = 0.5
    freshness: float = 60.0


class Scheduler:
    """Runs until it is stopped.

    :param hold_lease: tries to get or keep the lease; ``False`` while another process has it.
    :param take_inbox: does what the web has asked for.
    :param refresh: reconciles the contexts that are due.
    """

    def __init__(
        self,
        *,
        hold_lease: Callable[[], bool],
        take_inbox: Callable[[], None],
        refresh: Callable[[], None],
        schedule: Schedule = Schedule(),
    ) -> None:
        self._hold_lease = hold_lease
        self._apscheduler = BlockingScheduler(timezone=UTC)
        # A job that starts late still runs (APScheduler 3 drops it after a second otherwise), and once, not many times.
        options = {"misfire_grace_time": None, "coalesce": True, "max_instances": 1}
        for name, job, seconds in (
            ("inbox", take_inbox, schedule.inbox),
            ("freshness", refresh, schedule.freshness),
        ):
            self._apscheduler.add_job(self._guarded, "interval", args=(name, job), seconds=seconds, id=name, **options)

    def run(self) -> None:
        """Work until :meth:`stop` is called from a signal handler or another thread."""
        self._apscheduler.start()

    def stop(self) -> None:
        """Let the jobs that run end, then return from :meth:`run`."""
        if self._apscheduler.running:
            self._apscheduler.shutdown(wait=False)

    def _guarded(self, name: str, job: Callable[[], None]) -> None:
        if not self._hold_lease():
            return
        try:
            job()
        except Exception:
            # The scheduler goes on, whatever a job runs into.
            log.exception("job_failed", job=name)
