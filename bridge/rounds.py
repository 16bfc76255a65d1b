"""Reading several contexts now, because a person asks for it: a few at a time, fairly, and told of in their order."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from functools import partial

from bridge.mirror.runs import Run
from bridge.paces import Paces
from bridge.registry.rosters import Roster
from bridge.sync.fair_queue import FairQueue, Job
from bridge.sync.reconciler import Approval, Progress
from bridge.sync.workers import workers
from bridge.wiring import Wiring

Done = Callable[[Roster, Run | None], None]
"""Told of each context that ended, and of its run: ``None`` if another process is at it."""


def sync_all(
    wiring: Wiring,
    contexts: Sequence[Roster],
    *,
    full: bool = False,
    approvals: Mapping[Roster, Approval] | None = None,
    done: Done,
    progress: Progress = lambda _: None,
) -> None:
    """Reconcile several contexts.

    An error in one keeps no other from its turn: it is raised when all have had theirs.

    :param full: read whole rosters, even where the platform would tell what has changed.
    :param approvals: what a person has decided about some of them.
    :param done: called in the contexts' order, from the thread that calls this.
    :param progress: told now and then how many members of a context have been read, from whichever thread reads it.
    """
    pace = Paces(wiring.settings).of_all(wiring.registry)
    queue = FairQueue(wiring.settings.sync.concurrency)
    futures: dict[Roster, Future[Run | None]] = {context: Future() for context in contexts}
    for context, future in futures.items():
        work = partial(wiring.sync, context, full=full, approval=(approvals or {}).get(context), progress=progress)
        job = partial(_fulfil, future, work)
        queue.put(Job(context.name, context.lane, pace(context).cap, False, job))
    errors = []
    with workers(queue):
        for context, future in futures.items():
            error = future.exception()
            if error is None:
                done(context, future.result())
            else:
                errors.append(error)
    if errors:
        raise errors[0]


def _fulfil(future: Future[Run | None], work: Callable[[], Run | None]) -> None:
    try:
        future.set_result(work())
    except BaseException as error:  # noqa: BLE001 - it is raised where the future is asked
        future.set_exception(error)
