"""Making the mirror agree with what a source says, once, for one context.

The order is always the same: read everything into the staging tables, plan, ask the guards, and apply in one write
transaction. Whatever goes wrong before the last step leaves the mirror as it was. This module names no protocol.
"""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import structlog

from bridge.clock import Clock, utc_now
from bridge.errors import BridgeError, NeedsAPerson, SourceRefused, SourceUnavailable
from bridge.mirror.applying import apply
from bridge.mirror.mirror import Mirror
from bridge.mirror.runs import Outcome, Run, Runs
from bridge.mirror.staging import Staging
from bridge.roster.plan import Plan
from bridge.roster.ports import Derivation, Snapshot
from bridge.sync.guards import Guards

log = structlog.get_logger(__name__)

Progress = Callable[[int], None]
"""Told now and then how many members have been read."""


def _silently(_: int) -> None:
    return


@dataclass(frozen=True, slots=True)
class Preview:
    """What a run would do.

    :param objection: why it would be held, if it would.
    """

    plan: Plan
    objection: str | None


class Reconciler:
    """Reconciles contexts into one mirror, one at a time.

    :param mirror: opened for writing by the thread that reconciles.
    """

    def __init__(self, mirror: Mirror, guards: Guards, clock: Clock = utc_now) -> None:
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
        approved: Collection[str] = frozenset(),
        progress: Progress = _silently,
    ) -> Run:
        """Read, plan and apply.

        Sources that fail, and plans that are held, end the run and not the caller: the outcome says which.

        :param otherwise: what to read instead if the source refuses ``snapshot``, which asked for changes only.
        :param approved: whom a person has agreed to let go: a plan that removes nobody else is not held.
        """
        number = self.runs.begin(snapshot.source, snapshot.context)
        logged = log.bind(run=number, source=snapshot.source)
        try:
            self._reconcile(number, snapshot, otherwise, derivation, approved, progress)
        except SourceUnavailable as error:
            self.runs.fail(number, Outcome.UNAVAILABLE, str(error))
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
        with self._read(snapshot, otherwise, progress) as staging:
            plan = staging.plan(derivation)
            return Preview(plan, self._guards.objection(plan))

    def _reconcile(
        self,
        number: int,
        snapshot: Snapshot,
        otherwise: Snapshot | None,
        derivation: Derivation,
        approved: Collection[str],
        progress: Progress,
    ) -> None:
        with self._read(snapshot, otherwise, progress) as staging:
            plan = staging.plan(derivation)
            objection = self._guards.objection(plan)
            removals = staging.removals()
            if objection is not None and not removals <= set(approved):
                message = f"held: {objection}; 'bridge approve {number}' lets it through"
                self.runs.hold(number, plan, removals, message)
                return
            apply(self._mirror, plan, derivation, number, self._clock)

    @contextmanager
    def _read(self, snapshot: Snapshot, otherwise: Snapshot | None, progress: Progress) -> Iterator[Staging]:
        with Staging(self._mirror, snapshot) as staging:
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
        with self._read(otherwise, None, progress) as staging:
            yield staging
