"""A person's word about held plans, contexts and platforms: what it does, and the record of who gave it.

The command line and the scheduler, which takes up what was ordered through the web, decide by the same functions.
"""

import structlog

from bridge.errors import InvalidRequest, UnknownObject
from bridge.lti.platform import Platform
from bridge.mirror.decisions import DecisionKind, Decisions
from bridge.mirror.runs import Mandate, Outcome, Run, Runs
from bridge.registry.csv_sources import CsvSource
from bridge.registry.orders import APPROVALS, Order, OrderKind
from bridge.registry.rosters import Roster
from bridge.registry.sources import RegisteredSource
from bridge.sync.reconciler import Approval
from bridge.wiring import Wiring

log = structlog.get_logger(__name__)


def held_run(runs: Runs, run_id: int, *, ordered: bool = False) -> Run:
    """A run whose plan waits for somebody's word.

    :param ordered: the word was given while it waited, so that it counts though the roster was read again since.
    :raises UnknownObject: if there is no such run.
    :raises InvalidRequest: if it is not held, or waits no more.
    """
    run = runs.get(run_id)
    if run is None:
        raise UnknownObject(f"there is no run {run_id}: see 'bridge runs'")
    if run.outcome is not Outcome.HELD:
        raise InvalidRequest("RUN", f"run {run_id} is not held, it is {run.outcome}")
    if not runs.waits(run):
        later = runs.answered_after(run)
        if ordered and later is not None:
            return run
        why = "it was rejected" if later is None else f"run {later} came after it"
        raise InvalidRequest("RUN", f"run {run_id} waits no more: {why}; see 'bridge runs --held'")
    return run


def approval_of(runs: Runs, run: Run, made_by: str, *, except_removals: bool = False) -> Approval:
    """A person's word that a held plan may be applied: nobody goes but who was held then.

    :param except_removals: only the additions and changes may be applied.
    """
    kind = DecisionKind.APPROVED_REST if except_removals else DecisionKind.APPROVED
    return Approval(
        mandate=Mandate(kind=kind, made_by=made_by, run=run.id), removals=frozenset(runs.held_removals(run.id))
    )


def reject(wiring: Wiring, run_id: int, made_by: str) -> None:
    """Record that a held plan is not to be applied.

    :raises: as :func:`held_run`.
    """
    held_run(Runs(wiring.mirror, wiring.clock), run_id)
    Decisions(wiring.mirror, wiring.clock).reject(run_id, made_by)


def approve_files(wiring: Wiring, run_id: int, made_by: str, *, except_removals: bool = False) -> None:
    """Record that a held import may be applied: it is when the files are imported again, since nobody can be asked.

    :raises UnknownObject: if there is no such run, or it was not of files.
    :raises InvalidRequest: if it is not held.
    """
    run = held_run(Runs(wiring.mirror, wiring.clock), run_id)
    if not isinstance(wiring.registry.rosters.of_run(run.source, run.context), CsvSource):
        raise UnknownObject(f"run {run_id} was not of files")
    Decisions(wiring.mirror, wiring.clock).approve(run_id, made_by, except_removals=except_removals)


def pause_context(wiring: Wiring, context: Roster, made_by: str, reason: str = "") -> bool:
    """Read a context, or a source, no more by itself; whether it was read so far."""
    newly = wiring.registry.rosters.pause(context, made_by, reason)
    if newly:
        _record(wiring, DecisionKind.PAUSED, made_by, subject_of(context))
    return newly


def resume_context(wiring: Wiring, context: Roster, made_by: str) -> bool:
    """Read a context, or a source, again; whether it was paused."""
    was_paused = wiring.registry.rosters.resume(context)
    if was_paused:
        _record(wiring, DecisionKind.RESUMED, made_by, subject_of(context))
    return was_paused


def pause_platform(wiring: Wiring, platform: Platform, made_by: str, reason: str = "") -> bool:
    """Read no context of a platform by itself; whether they were read so far."""
    newly = wiring.registry.pauses.pause_platform(platform.id, made_by, reason)
    if newly:
        _record(wiring, DecisionKind.PAUSED, made_by, _platform(platform))
    return newly


def resume_platform(wiring: Wiring, platform: Platform, made_by: str) -> bool:
    """Read a platform's contexts again, those apart that are paused themselves; whether it was paused."""
    was_paused = wiring.registry.pauses.resume_platform(platform.id)
    if was_paused:
        _record(wiring, DecisionKind.RESUMED, made_by, _platform(platform))
    return was_paused


def ordered_approval(wiring: Wiring, order: Order) -> Approval | None:
    """The approval that an order means.

    :returns: ``None`` if it means none, or one of a run that is not held.
    """
    if order.kind not in APPROVALS or order.run is None:
        return None
    runs = Runs(wiring.mirror, wiring.clock)
    try:
        run = held_run(runs, order.run, ordered=True)
    except (UnknownObject, InvalidRequest) as error:
        _drop(order, error)
        return None
    return approval_of(runs, run, order.by, except_removals=order.kind is OrderKind.APPROVE_REST)


def carry_out(wiring: Wiring, order: Order) -> None:
    """Do at once what was ordered: a rejection, a pause or a resumption, or the approval of an import."""
    registry = wiring.registry
    try:
        if order.platform is not None:
            platform = registry.platforms.by_id(order.platform)
            if order.kind is OrderKind.PAUSE:
                pause_platform(wiring, platform, order.by, order.reason)
            elif order.kind is OrderKind.RESUME:
                resume_platform(wiring, platform, order.by)
        elif order.kind is OrderKind.REJECT and order.run is not None:
            reject(wiring, order.run, order.by)
        elif order.kind in APPROVALS and order.run is not None:
            approve_files(wiring, order.run, order.by, except_removals=order.kind is OrderKind.APPROVE_REST)
        elif order.tenant is not None and order.context is not None:
            context = registry.rosters.get(order.tenant, order.context)
            if order.kind is OrderKind.PAUSE:
                pause_context(wiring, context, order.by, order.reason)
            elif order.kind is OrderKind.RESUME:
                resume_context(wiring, context, order.by)
    except (UnknownObject, InvalidRequest) as error:
        _drop(order, error)


def _drop(order: Order, error: Exception) -> None:
    log.warning("order_dropped", order=order.kind, run=order.run, platform=order.platform, reason=str(error))


def _record(wiring: Wiring, kind: DecisionKind, made_by: str, about: str) -> None:
    Decisions(wiring.mirror, wiring.clock).record(kind, made_by, about)


def subject_of(roster: Roster) -> str:
    """What the record of what was done calls a roster."""
    return f"{'source' if isinstance(roster, RegisteredSource) else 'class'} {roster.name}"


def _platform(platform: Platform) -> str:
    return f"platform {platform.tenant} {platform.client_id}"
