"""The scheduler: what waits in the inbox within a second, and every context before it grows stale.

It runs in a process of its own and only while it holds the lease, so that any number may be started and one works.
What it calls is handed in; this module knows when, not what.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC
from queue import SimpleQueue

import structlog
from apscheduler.schedulers.background import BackgroundScheduler

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Schedule:
    """How often the scheduler looks, in seconds.

    :param deliver: how often subscribers are told.
    :param tell: how often members are written as tools are told of them.
    :param purge: how often it is looked whether something is to be purged.
    :param catch_up: how often it is looked whether something is to be caught up with.
    :param lease: how often the lease is kept while a long job runs: well under the time that it is given for.
    """

    inbox: float = 0.5
    freshness: float = 60.0
    deliver: float = 1.0
    tell: float = 0.5
    purge: float = 600.0
    catch_up: float = 10.0
    lease: float = 10.0


class Scheduler:
    """Runs until it is stopped.

    :param hold_lease: tries to get or keep the lease; ``False`` while another process has it.
    :param take_inbox: does what the web has asked for.
    :param refresh: reconciles the contexts that are due.
    :param deliver: tells subscribers what has changed.
    :param tell: writes members as tools are told of them; for a while, if there are many.
    :param purge: drops what has been kept for long enough.
    :param catch_up: brings an older mirror in line with this version.
    """

    def __init__(
        self,
        *,
        hold_lease: Callable[[], bool],
        take_inbox: Callable[[], None],
        refresh: Callable[[], None],
        deliver: Callable[[], None] | None = None,
        tell: Callable[[], None] | None = None,
        purge: Callable[[], None] | None = None,
        catch_up: Callable[[], None] | None = None,
        schedule: Schedule = Schedule(),
    ) -> None:
        self._hold_lease = hold_lease
        # A queue, since put() may be called from a signal handler at any moment; an Event may deadlock there.
        self._stops: SimpleQueue[None] = SimpleQueue()
        self._apscheduler = BackgroundScheduler(timezone=UTC)
        # A job that starts late still runs (APScheduler 3 drops it after a second otherwise), and once, not many times.
        options = {"misfire_grace_time": None, "coalesce": True, "max_instances": 1}
        for name, job, seconds in (
            ("lease", _nothing_else, schedule.lease),
            ("inbox", take_inbox, schedule.inbox),
            ("freshness", refresh, schedule.freshness),
            ("deliver", deliver or _nothing_else, schedule.deliver),
            ("tell", tell or _nothing_else, schedule.tell),
            ("purge", purge or _nothing_else, schedule.purge),
            ("catch_up", catch_up or _nothing_else, schedule.catch_up),
        ):
            self._apscheduler.add_job(self._guarded, "interval", args=(name, job), seconds=seconds, id=name, **options)

    def run(self) -> None:
        """Work until :meth:`stop` is called: before, from a signal handler or from another thread."""
        self._apscheduler.start()
        self._stops.get()
        self._apscheduler.shutdown(wait=False)

    def stop(self) -> None:
        """Begin no more jobs and let :meth:`run` return at once; a job in progress goes on in its own thread."""
        self._stops.put(None)

    def _guarded(self, name: str, job: Callable[[], None]) -> None:
        try:
            if self._hold_lease():
                job()
        except Exception:
            # The scheduler goes on, whatever a job runs into.
            log.exception("job_failed", job=name)


def _nothing_else() -> None:
    """The job of the lease: it is kept before every job, and nothing else is to be done."""
