"""Threads that do what waits in a queue."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from bridge.sync.fair_queue import FairQueue

log = structlog.get_logger(__name__)


@contextmanager
def workers(queue: FairQueue) -> Iterator[None]:
    """Do what waits in a queue while the block runs; then close it and wait for what is being done.

    A job that fails is logged, and ends neither its thread nor anything else.
    """
    threads = [threading.Thread(target=_work, args=(queue,), name=f"sync-{n}") for n in range(queue.workers)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        queue.close()
        for thread in threads:
            thread.join()


def _work(queue: FairQueue) -> None:
    while (job := queue.take()) is not None:
        try:
            job.work()
        except Exception:
            # The others have their turn, whatever this one ran into.
            log.exception("job_failed", job=job.name)
        finally:
            queue.done(job)
