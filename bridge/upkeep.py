"""What is done about runs that have ended and things that have grown old: undoing, purging, telling subscribers."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import NamedTuple

import structlog

from bridge.api.webhooks import Deliverer
from bridge.clock import from_stamp, to_stamp
from bridge.errors import Busy, InvalidRequest, UnknownObject
from bridge.mirror.decisions import DecisionKind
from bridge.mirror.facets import fill_facets
from bridge.mirror.purging import Keep, Purge, Purged
from bridge.mirror.runs import Mandate, Outcome, Run, Runs
from bridge.mirror.undoing import rehearse_undo, undo
from bridge.mirror.undone import Undone
from bridge.registry.rosters import Reconciled
from bridge.storage import write
from bridge.transport.http import Http
from bridge.wiring import Wiring

log = structlog.get_logger(__name__)

_PURGED = "purged"
_PURGE_EVERY = timedelta(days=1)
_MAX_ANSWER = 64 * 1024
"""Bytes of a subscriber's answer, of which only the status counts."""


class UndoReport(NamedTuple):
    """What undoing a run did, or would do.

    :param run: the run that did it; ``None`` if it was only rehearsed.
    """

    context: Reconciled
    undone: Undone
    run: Run | None


def undo_run(wiring: Wiring, run_id: int, made_by: str) -> UndoReport:
    """Undo a run as far as nothing has been built on it, and pause its context.

    The context is paused first, so that nothing is redone before somebody has looked; if it turns out that nothing can
    be undone, it goes on.

    :raises UnknownObject: if there is no such run, or its context is registered no more.
    :raises InvalidRequest: if the run goes on, or changed nothing.
    :raises Busy: if the context is being reconciled just now.
    """
    runs = Runs(wiring.mirror, wiring.clock)
    run, context = _undoable(wiring, runs, run_id)
    rosters = wiring.registry.rosters
    with _alone(wiring, context):
        derivation = wiring.derivation(context)
        newly_paused = rosters.pause(context, made_by, f"run {run_id} was undone")
        number = runs.begin(run.source, run.context, Mandate(kind=DecisionKind.UNDONE, made_by=made_by, run=run_id))
        undone = undo(wiring.mirror, run, derivation, number, wiring.clock)
        undoing = runs.get(number)
        assert undoing is not None
        if newly_paused and undoing.outcome is Outcome.UNCHANGED:
            rosters.resume(context)
    return UndoReport(context, undone, undoing)


def rehearse_undo_run(wiring: Wiring, run_id: int) -> UndoReport:
    """What :func:`undo_run` would do now; nothing is changed.

    :raises: as :func:`undo_run`.
    """
    run, context = _undoable(wiring, Runs(wiring.mirror, wiring.clock), run_id)
    with _alone(wiring, context):
        return UndoReport(context, rehearse_undo(wiring.mirror, run, wiring.derivation(context), wiring.clock), None)


def _undoable(wiring: Wiring, runs: Runs, run_id: int) -> tuple[Run, Reconciled]:
    run = runs.get(run_id)
    if run is None:
        raise UnknownObject(f"there is no run {run_id}: see 'bridge runs'")
    if run.outcome is Outcome.RUNNING:
        raise InvalidRequest("RUN", f"run {run_id} has not ended yet")
    if not run.records and not run.added + run.changed + run.removed:
        raise InvalidRequest("RUN", f"run {run_id} changed nothing")
    return run, wiring.registry.rosters.of_run(run.source, run.context)


@contextmanager
def _alone(wiring: Wiring, context: Reconciled) -> Iterator[None]:
    with wiring.holding(context) as renew:
        if renew is None:
            raise Busy(f"{context.name} is being reconciled just now: try again", 60)
        yield


def purge(wiring: Wiring, between: Callable[[], None] = lambda: None) -> Purged:
    """Drop what the settings say need not be kept any longer, and the launches of tools that are over.

    :param between: called between two transactions.
    """
    catch_up(wiring, between)
    wiring.registry.launches.forget_ended()
    purged = _purge(wiring, between).do()
    with write(wiring.mirror.db):
        wiring.mirror.note(_PURGED, to_stamp(wiring.clock()))
    return purged


def catch_up(wiring: Wiring, between: Callable[[], None] = lambda: None) -> None:
    """Give the records of an older mirror the facets that this version keeps, if some do not have them yet.

    :param between: called between two transactions.
    """
    if facets := fill_facets(wiring.mirror.db, between):
        log.info("facets_filled", facets=facets)


def count_purge(wiring: Wiring) -> Purged:
    """What :func:`purge` would drop now."""
    return _purge(wiring, lambda: None).count()


def purge_daily(wiring: Wiring) -> None:
    """Purge, if that was not done for a day."""
    last = wiring.mirror.noted(_PURGED)
    if last is None or from_stamp(last) + _PURGE_EVERY <= wiring.clock():
        purge(wiring)


def _purge(wiring: Wiring, between: Callable[[], None]) -> Purge:
    retention = wiring.settings.retention
    keep = Keep(
        tombstones=timedelta(days=retention.tombstone_days),
        facts=timedelta(days=retention.fact_days),
        changes=timedelta(days=retention.change_days),
        events=timedelta(days=retention.event_days),
        runs=timedelta(days=retention.run_days),
    )
    return Purge(wiring.mirror, keep, wiring.clock, between)


class Subscribers:
    """Tells the webhooks, from whichever thread asks."""

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring
        # Shorter than what an LMS is given: a slow subscriber makes the others wait.
        timeout = wiring.settings.webhooks.timeout
        self._http = Http(
            wiring.policy, connect_timeout=timeout, read_timeout=timeout, answer_within=timeout, max_bytes=_MAX_ANSWER
        )

    def deliver(self) -> None:
        """Send what waits."""
        self.deliverer().deliver()

    def deliverer(self) -> Deliverer:
        """The calling thread's."""
        wiring = self._wiring
        return Deliverer(
            wiring.registry.webhooks,
            wiring.outbox,
            wiring.event_seals,
            self._http,
            wiring.clock,
            give_up_after=timedelta(hours=wiring.settings.webhooks.give_up_hours),
        )

    def close(self) -> None:
        """Close the idle connections."""
        self._http.close()
