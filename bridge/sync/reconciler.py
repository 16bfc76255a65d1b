"""Making the mirror agree with what a source says, once, for one context.

The order is always the same: read everything into the staging tables, plan, ask the guards, and apply in one write
transaction. Whatever goes wrong before the last step leaves the mirror as it was. This module names no protocol.
"""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import structlog

from bridge.clock import Clock, utc_now
from bridge.errors import BridgeError, NeedsAPerson, SourceGone, SourceRefused, SourceUnavailable
from bridge.mirror.applying import apply
from bridge.mirror.decisions import DecisionKind
from bridge.mirror.mirror import Mirror
from bridge.mirror.runs import Mandate, Outcome, Run, Runs
from bridge.mirror.staging import Staging
from bridge.roster.plan import Plan
from bridge.roster.ports import Derivation, Snapshot
from bridge.sync.guards import NO_TOLL, Guards, Toll

log = structlog.get_logger(__name__)

_LONGEST_WAIT = 86_400.0
"""The most seconds for which a source is left alone because it asks for it."""

Progress = Callable[[int], None]
"""Told now and then how many members have been read."""


def _silently(_: int) -> None:
    return


def approve_by_command(run: int) -> str:
    """How a held plan is let through: its source is asked again."""
    return f"'bridge approve {run}' lets it through"


def _by_collection(plan: Plan) -> str:
    """What a plan would do to each collection, where it is about several."""
    said = [
        f"{name}: {part.added} added, {part.removals} of {part.held_before} removed"
        for name, part in plan.by_collection.items()
        if part.added or part.removals
    ]
    return f" ({'; '.join(said)})" if said else ""


@dataclass(frozen=True, slots=True)
class Preview:
    """What a run would do.

    :param objection: why it would be held, if it would.
    """

    plan: Plan
    objection: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """A person's word that lets a plan through.

    :param mandate: whose, and about which held run.
    :param removals: who may go; ``None``: whoever goes.
    """

    mandate: Mandate
    removals: frozenset[str] | None

    def covers(self, removals: Collection[str]) -> bool:
        """Whether nobody goes but those who were approved of."""
        return self.removals is None or self.removals.issuperset(removals)

    @property
    def except_removals(self) -> bool:
        return self.mandate.kind is DecisionKind.APPROVED_REST


@dataclass(frozen=True, slots=True)
class Held:
    """That a plan waits for a person.

    :param rest_applies: whether only its removals wait.
    """

    reason: str
    rest_applies: bool = False


class Reconciler:
    """Reconciles contexts into one mirror, one at a time.

    :param mirror: opened for writing by the thread that reconciles.
    :param how_to_approve: what a held run says of letting it through.
    """

    def __init__(
        self,
        mirror: Mirror,
        guards: Guards,
        clock: Clock = utc_now,
        *,
        how_to_approve: Callable[[int], str] = approve_by_command,
    ) -> None:
        self._how_to_approve = how_to_approve
        self._mirror = mirror
        self._guards = guards
        self._clock = clock
        self.runs = Runs(mirror, clock)

    def reconcile(
        self,
        snapshot: Snapshot,
        derivation: Derivation,
        *,
        otherwise: Snapshot | None = None,
        approval: Approval | None = None,
        progress: Progress = _silently,
    ) -> Run:
        """Read, plan and apply.

        Sources that fail, and plans that are held, end the run and not the caller: the outcome says which.

        :param otherwise: what to read instead if the source refuses ``snapshot``, which asked for changes only.
        :param approval: a person's word: a plan that it covers is not held.
        """
        number = self.runs.begin(snapshot.source, snapshot.context, approval.mandate if approval else None)
        logged = log.bind(run=number, source=snapshot.source)
        try:
            self._reconcile(number, snapshot, otherwise, derivation, approval, progress)
        except SourceUnavailable as error:
            wait = None if error.retry_after is None else timedelta(seconds=min(error.retry_after, _LONGEST_WAIT))
            not_before = None if wait is None else self._clock() + wait
            self.runs.fail(number, Outcome.UNAVAILABLE, str(error), not_before=not_before)
        except SourceGone as error:
            self.runs.fail(number, Outcome.GONE, str(error))
        except NeedsAPerson as error:
            self.runs.fail(number, Outcome.REFUSED, str(error))
        except BaseException as error:
            reason = str(error) if isinstance(error, BridgeError) else type(error).__name__
            self.runs.fail(number, Outcome.BROKEN, f"the bridge itself failed: {reason}")
            raise
        run = self.runs.get(number)
        assert run is not None
        logged.info(
            "reconciled",
            outcome=run.outcome,
            added=run.added,
            changed=run.changed,
            removed=run.removed,
            unchanged=run.unchanged,
            quarantined=run.quarantined,
        )
        return run

    def preview(
        self,
        snapshot: Snapshot,
        derivation: Derivation,
        *,
        otherwise: Snapshot | None = None,
        progress: Progress = _silently,
    ) -> Preview:
        """Read and plan; change and record nothing.

        :param otherwise: as for :meth:`reconcile`.
        :raises SourceUnavailable: as the snapshot does.
        :raises NeedsAPerson: likewise.
        """
        with self._read(snapshot, otherwise, derivation, progress) as staging:
            plan = staging.plan()
            return Preview(plan, self._guards.objection(plan, self._toll(plan)))

    def _reconcile(
        self,
        number: int,
        snapshot: Snapshot,
        otherwise: Snapshot | None,
        derivation: Derivation,
        approval: Approval | None,
        progress: Progress,
    ) -> None:
        with self._read(snapshot, otherwise, derivation, progress) as staging:
            plan = staging.plan()
            removals = staging.removals()
            verdict = self._judge(plan, removals, approval)
            match verdict:
                case None:
                    apply(self._mirror, plan, derivation, number, self._clock, message=self._guards.announcement(plan))
                case Held(reason, rest_applies=True):
                    staging.spare_removals()
                    message = (
                        f"removals held: {reason}{_by_collection(plan)}; all else is applied;"
                        f" {self._how_to_approve(number)}"
                    )
                    apply(self._mirror, plan, derivation, number, self._clock, message=message, held=removals)
                case Held(reason):
                    message = f"{reason}{_by_collection(plan)}; {self._how_to_approve(number)}"
                    self.runs.hold(number, plan, removals, message, changes=staging.upheavals())

    def _judge(self, plan: Plan, removals: Collection[str], approval: Approval | None) -> Held | None:
        toll = self._toll(plan)
        objection = self._guards.objection(plan, toll)
        if objection is None:
            return None
        if approval is not None and approval.except_removals:
            return Held(objection, rest_applies=True) if removals else None
        if approval is not None and approval.covers(removals):
            return None
        return Held(objection, self._guards.apply_rest and self._guards.change_objection(plan) is None)

    def _toll(self, plan: Plan) -> Toll:
        """What the source's removals add up to. Rosters read at the same time do not see each other's."""
        if not plan.removals:
            return NO_TOLL
        removed = self.runs.removed_since(
            plan.source, self._clock() - timedelta(hours=self._guards.source_window_hours)
        )
        return Toll(removed, lambda: self.runs.members_of(plan.source))

    @contextmanager
    def _read(
        self, snapshot: Snapshot, otherwise: Snapshot | None, derivation: Derivation, progress: Progress
    ) -> Iterator[Staging]:
        with Staging(self._mirror, snapshot, derivation) as staging:
            try:
                for members in staging.read():
                    progress(members)
            except SourceRefused as refusal:
                if otherwise is None:
                    raise
                log.info("changes_refused", source=snapshot.source, reason=str(refusal))
            else:
                yield staging
                return
        with self._read(otherwise, None, derivation, progress) as staging:
            yield staging
