"""The scheduler's work: what waits in the inbox and what is due goes into one queue, and is done from there.

This joins the policy (:mod:`bridge.sync.policy`), the queue and its workers with what the registry and the mirror know.
Whether a context is to be read is asked twice: when it is put into the queue, and when its turn comes, since in between
somebody else may have read or paused it, or its platform may have stopped to answer.
"""

import threading
from collections import defaultdict
from collections.abc import Mapping
from contextlib import AbstractContextManager
from functools import partial

import structlog

from bridge.clock import from_stamp
from bridge.deciding import carry_out, ordered_approval
from bridge.errors import UnknownObject
from bridge.feeding import Feeding
from bridge.mirror.attempts import Attempt, Attempts
from bridge.mirror.calendar import turn_page
from bridge.mirror.members import is_member
from bridge.paces import Paces
from bridge.registry.contexts import RegisteredContext
from bridge.registry.inbox import Item
from bridge.registry.orders import APPROVALS, OrderKind, read_order
from bridge.registry.rosters import Roster
from bridge.registry.sources import RegisteredSource
from bridge.roster.identity import LtiUserId, deployment_in, person_key
from bridge.sync.fair_queue import FairQueue, Job, Work
from bridge.sync.policy import Pace, Reason, Verdict, by_itself, on_launch
from bridge.sync.reconciler import Approval
from bridge.sync.workers import workers
from bridge.wiring import Wiring

log = structlog.get_logger(__name__)

_LAUNCH = "launch"
_READINGS = APPROVALS | {OrderKind.SYNC}
"""The orders that are carried out by reading a roster."""


class Scheduling:
    """One process's share of the work.

    :param wiring: gives each thread its own connections.
    """

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring
        self._paces = Paces(wiring.settings)
        self._queue = FairQueue(wiring.settings.sync.concurrency)
        self._feeding = Feeding(wiring, self._queue)
        self._lock = threading.Lock()
        self._asked: dict[str, list[Item]] = defaultdict(list)
        self._later: list[Item] = []

    def workers(self) -> AbstractContextManager[None]:
        """Work on the queue, in threads of their own, while the block runs. Once."""
        return workers(self._queue)

    def wait(self) -> None:
        """Wait until everything that was put into the queue is done."""
        self._queue.join()

    # What is due.

    def verdicts(self) -> Mapping[Roster, Verdict]:
        """Of every context, whether it is to be read by itself, and if not, why not."""
        return {context: verdict for context, verdict, _, _ in self._judged()}

    def refresh(self) -> None:
        """Begin the day, if it has not been begun, and put every context that is due into the queue.

        Those that wait the longest go first, behind them those that have failed: the trial of a platform that has not
        answered is then made with a context that had been fine.
        """
        touched = turn_page(self._wiring.mirror, self._paces.hours.today(self._wiring.clock()), self._wiring.clock)
        if touched:
            log.info("day_begun", touched=touched)
        with self._lock:
            items, self._later = self._later, []
        self._sort_in(items)
        due = [(attempt, verdict, context, pace) for context, verdict, attempt, pace in self._judged() if verdict.due]
        due.sort(key=lambda one: (one[0] is not None and one[0].failures > 0, one[1].since))
        for _, _, context, pace in due:
            self._put(context, pace, partial(self._read_if_due, context, pace), urgent=False)

    def _judged(self) -> list[tuple[Roster, Verdict, Attempt | None, Pace]]:
        registry, now = self._wiring.registry, self._wiring.clock()
        attempts = Attempts(self._wiring.mirror).by_context()
        paces = self._paces.of_all(registry)
        pauses, paused_platforms = registry.pauses.contexts(), registry.pauses.platforms()
        circuits = registry.circuits.all()
        judged = []
        for context in registry.rosters.all():
            key = (context.tenant, context.key)
            attempt, pace = attempts.get(key), paces(context)
            circuit = None
            if isinstance(context, RegisteredSource):
                paused = context.pause is not None
            else:
                paused = key in pauses or context.platform_id in paused_platforms
                circuit = circuits.get(context.platform_id)
            verdict = by_itself(attempt, pace, now, added=from_stamp(context.created), paused=paused)
            if verdict.due and circuit is not None and not circuit.admits(now):
                verdict = Verdict(reason=Reason.CIRCUIT_OPEN, until=circuit.until)
            judged.append((context, verdict, attempt, pace))
        return judged

    def _read_if_due(self, context: Roster, pace: Pace) -> None:
        registry = self._wiring.registry
        verdict = by_itself(
            self._attempt(context),
            pace,
            self._wiring.clock(),
            added=from_stamp(context.created),
            paused=registry.rosters.is_paused(context),
        )
        if verdict.due and registry.rosters.admit(context):
            # By night a platform's rosters in full: only that shows for certain who has left. A source tells by its
            # tombstones, and is read in full now and then.
            full = verdict.reason is Reason.NIGHT and isinstance(context, RegisteredContext)
            self._wiring.sync(context, full=full)

    # What was asked for.

    def take_inbox(self) -> None:
        """Put what the web has asked for into the queue, before what is only due. Returns at once."""
        self._sort_in(self._feeding.put(self._wiring.registry.inbox.take()))

    def _sort_in(self, items: list[Item]) -> None:
        """Let each item wait in the queue or for a better moment, or put it away."""
        over = []
        readings: dict[Roster, Pace] = {}  # begun when all are sorted: one answers all that ask for it
        for item in items:
            order = read_order(item.kind, item.payload)
            if order is not None and order.kind not in _READINGS:
                carry_out(self._wiring, order)
                over.append(item)
                continue
            context = self._context_of(item)
            if context is None:  # nothing can be asked: at most a word about files is to be kept
                if order is not None:
                    carry_out(self._wiring, order)
                over.append(item)
                continue
            pace = self._paces.of(context, self._wiring.registry)
            verdict = self._verdict_on(item, context, pace)
            if verdict is None or verdict.due:
                with self._lock:
                    self._asked[context.name].append(item)
                readings[context] = pace
            else:
                over.append(item)
                if verdict.reason is Reason.WAITING:  # only here: it is no request that anybody waits for
                    with self._lock:
                        self._later.append(item)
        for context, pace in readings.items():
            self._put(context, pace, partial(self._answer, context, pace), urgent=True)
        self._wiring.registry.inbox.done(over)

    def _answer(self, context: Roster, pace: Pace) -> None:
        """Read a context because somebody has asked for it, unless it has been read since."""
        with self._lock:
            items = self._asked.pop(context.name, [])
        inbox, rosters = self._wiring.registry.inbox, self._wiring.registry.rosters
        try:
            orders = [order for item in items if (order := read_order(item.kind, item.payload)) is not None]
            words: list[Approval | None] = [each for order in orders if (each := ordered_approval(self._wiring, order))]
            by_person = any(order.kind is OrderKind.SYNC for order in orders)
            verdicts = [self._verdict_on(item, context, pace) for item in items]
            by_launch = any(verdict is not None and verdict.due for verdict in verdicts)
            if words or by_person or (by_launch and rosters.admit(context)):
                full = any(order.full for order in orders)
                busy = any(self._wiring.sync(context, full=full, approval=word) is None for word in words or [None])
                for item in items if busy else ():  # another process is at it: ask again
                    inbox.put(item.kind, item.payload)
        finally:
            inbox.done(items)

    def _verdict_on(self, item: Item, context: Roster, pace: Pace) -> Verdict | None:
        """Whether a launch makes a roster be read; ``None`` for what a person asked for: no rule is above that."""
        if item.kind != _LAUNCH:
            return None
        registry, user = self._wiring.registry, item.payload.get("user")
        return on_launch(
            self._attempt(context),
            pace,
            self._wiring.clock(),
            known=user is None or isinstance(context, RegisteredSource) or self._is_member(context, user),
            paused=registry.rosters.is_paused(context),
        )

    def _is_member(self, context: RegisteredContext, user: LtiUserId) -> bool:
        # Where one registration serves many customers, the deployment is part of what names a person.
        names = {person_key(user), person_key(user, deployment_in(context.key))}
        return any(is_member(self._wiring.mirror, context.tenant, context.key, name) for name in names)

    def _context_of(self, item: Item) -> Roster | None:
        try:
            return self._wiring.registry.rosters.get(item.payload["tenant"], item.payload["context"])
        except UnknownObject:
            return None  # removed since it was asked for

    def _attempt(self, context: Roster) -> Attempt | None:
        return Attempts(self._wiring.mirror).of(context.tenant, context.key)

    def _put(self, context: Roster, pace: Pace, work: Work, *, urgent: bool) -> None:
        self._queue.put(Job(context.name, context.lane, pace.cap, urgent, work))
