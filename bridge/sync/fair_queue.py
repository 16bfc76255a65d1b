"""What waits to be done, and whose turn it is.

Jobs wait in lanes, one per platform. Lanes take turns, and each has a cap, so that a platform that is slow fills its
own lane and nobody else's. Urgent jobs, which somebody waits for, go before the others and have room of their own: one
place more in every lane, and one worker more than the rest may use.

The queue knows nothing of what the jobs do. It serves all threads.
"""

import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass

Work = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Job:
    """One thing to be done.

    :param name: what it is about: of one name, one job waits and one is done at a time.
    :param lane: with whom it takes turns.
    :param cap: how many of its lane are done at a time.
    :param urgent: whether somebody waits for it.
    """

    name: str
    lane: Hashable
    cap: int
    urgent: bool
    work: Work


_Lanes = OrderedDict[Hashable, OrderedDict[str, Job]]


class FairQueue:
    """The waiting jobs.

    :param size: how many that are not urgent are done at a time, over all lanes.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._changed = threading.Condition()
        self._urgent: _Lanes = OrderedDict()
        self._ordinary: _Lanes = OrderedDict()
        self._running: dict[str, Job] = {}
        self._closed = False

    @property
    def workers(self) -> int:
        """How many threads can be kept busy."""
        return self._size + 1

    def put(self, job: Job) -> None:
        """Let a job wait, behind those of its lane; one of its name that waits already stands for both."""
        with self._changed:
            urgent = self._urgent.setdefault(job.lane, OrderedDict())
            ordinary = self._ordinary.setdefault(job.lane, OrderedDict())
            if job.urgent:
                ordinary.pop(job.name, None)
                urgent.setdefault(job.name, job)
            elif job.name not in urgent:
                ordinary.setdefault(job.name, job)
            self._changed.notify_all()

    def take(self) -> Job | None:
        """Wait for a job whose turn it is, to be given back with :meth:`done`; ``None`` once the queue is closed."""
        with self._changed:
            while not self._closed:
                job = self._next()
                if job is not None:
                    self._running[job.name] = job
                    return job
                self._changed.wait()
            return None

    def done(self, job: Job) -> None:
        """Make room for others."""
        with self._changed:
            del self._running[job.name]
            self._changed.notify_all()

    def join(self) -> None:
        """Wait until nothing waits and nothing is being done, or the queue is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._is_idle())

    def close(self) -> None:
        """Hand out nothing more; what is being done goes on."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _is_idle(self) -> bool:
        return not (self._running or any(self._urgent.values()) or any(self._ordinary.values()))

    def _next(self) -> Job | None:
        in_lane = Counter(job.lane for job in self._running.values())
        job = self._first(self._urgent, in_lane, more=1)
        if job is None and sum(not each.urgent for each in self._running.values()) < self._size:
            job = self._first(self._ordinary, in_lane, more=0)
        return job

    def _first(self, lanes: _Lanes, in_lane: Mapping[Hashable, int], *, more: int) -> Job | None:
        for lane, waiting in lanes.items():
            for job in waiting.values():
                if in_lane[lane] >= job.cap + more:
                    break
                if job.name not in self._running:
                    del waiting[job.name]
                    lanes.move_to_end(lane)
                    return job
        return None
