"""When a context is to be read, and why not now: pure functions of what has happened and what is set.

A roster is read before it grows older than its *freshness target*. Where there are nightly turns the last one within
the target is taken, so that a target of a day or more costs nothing by day; else it is read a little early, each
context by a share of its own, so that those that were added together drift apart. What failed is tried again after a
pause that doubles; what only a person can mend waits for its ordinary turn; what is gone for good waits for a person.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from bridge.mirror.attempts import Attempt
from bridge.mirror.outcomes import GOOD, Outcome
from bridge.sync.hours import Hours

_EARLY = 0.2
"""How early a context may be read, as a share of its target."""

_LATE = 0.25
"""By how much a pause after a failure may be longer, as a share of it."""

_DOUBLINGS = 20

_TRY_AGAIN = frozenset({Outcome.UNAVAILABLE, Outcome.BROKEN})


class Reason(StrEnum):
    """Why a context is due, or is not."""

    NEVER_READ = "never read"
    UNDONE = "a run was undone"
    STALE = "stale"
    NIGHT = "its turn of the night"
    RETRY = "to be tried again"
    ASKED = "asked for by a launch"

    FRESH = "fresh"
    PAUSED = "paused"
    GONE = "gone"
    RUNNING = "being read"
    WAITING = "waiting after a failure"
    QUIET = "quiet hours"
    BLACKOUT = "blackout"
    CIRCUIT_OPEN = "its platform does not answer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How one context is to be read: the configuration, under its platform's options, under its own.

    :param fresh_for: its freshness target.
    :param place: from 0 to 1, always the same for the same context: see :func:`place_of`.
    :param retry_after: the first pause after a failure.
    :param lease: how long a run may seem to go on before its process counts as dead.
    :param gone_times: after how many answers in a row that there is no such context…
    :param gone_for: …over how long, it counts as gone.
    :param launch_fresh_for: how old a roster may be when somebody launches.
    :param newcomer_pause: the least time between two readings that launches ask for.
    :param cap: how many contexts of its platform are read at a time.
    """

    fresh_for: timedelta
    place: float
    hours: Hours
    retry_after: timedelta = timedelta(minutes=15)
    lease: timedelta = timedelta(minutes=15)
    gone_times: int = 3
    gone_for: timedelta = timedelta(days=3)
    launch_fresh_for: timedelta = timedelta(minutes=15)
    newcomer_pause: timedelta = timedelta(minutes=5)
    cap: int = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether a context is to be read now.

    :param since: of one that is due, since when: the longest wait goes first.
    :param until: of one that is not, when that may change by itself; ``None`` if only a person can change it.
    """

    reason: Reason
    since: datetime | None = None
    until: datetime | None = None

    @property
    def due(self) -> bool:
        return self.since is not None


def place_of(class_sourced_id: str) -> float:
    """A context's own number from 0 to 1: evenly spread over all contexts, and the same every time."""
    digest = hashlib.blake2b(class_sourced_id.encode(), digest_size=4).digest()
    return int.from_bytes(digest, "big") / 2**32


def is_gone(attempt: Attempt | None, pace: Pace, now: datetime) -> bool:
    """Whether a context counts as gone for good."""
    if attempt is None or attempt.gone_since is None:
        return False
    return attempt.gone >= pace.gone_times and now - attempt.gone_since >= pace.gone_for


def by_itself(attempt: Attempt | None, pace: Pace, now: datetime, *, added: datetime, paused: bool) -> Verdict:
    """Whether the scheduler should read a context.

    :param added: when the context was registered.
    :param paused: whether it, or its platform, is paused.
    """
    if paused:
        return Verdict(reason=Reason.PAUSED)
    if is_gone(attempt, pace, now):
        return Verdict(reason=Reason.GONE)
    waiting, ready, since = _turn(attempt, pace, added)
    if since > now:
        return Verdict(reason=waiting, until=since)
    if (end := pace.hours.blackout_ends(now)) is not None:
        return Verdict(reason=Reason.BLACKOUT, until=end)
    if (end := pace.hours.quiet_ends(now)) is not None:
        return Verdict(reason=Reason.QUIET, until=end)
    return Verdict(reason=ready, since=since)


def on_launch(attempt: Attempt | None, pace: Pace, now: datetime, *, known: bool, paused: bool) -> Verdict:
    """Whether a launch makes a roster be read.

    Quiet hours do not count: somebody is there and waits. A context that was gone is tried: somebody has launched it.

    :param known: whether the person who launched is among the members that are held.
    """
    if paused:
        return Verdict(reason=Reason.PAUSED)
    if (end := pace.hours.blackout_ends(now)) is not None:
        return Verdict(reason=Reason.BLACKOUT, until=end)
    if attempt is None:
        return Verdict(reason=Reason.ASKED, since=now)
    if known and not attempt.is_undone and attempt.outcome in GOOD and attempt.started + pace.launch_fresh_for > now:
        return Verdict(reason=Reason.FRESH, until=attempt.started + pace.launch_fresh_for)
    rested = now if attempt.is_undone else attempt.started + pace.newcomer_pause
    again = max(rested, attempt.not_before or now)
    if again > now:
        return Verdict(reason=Reason.WAITING, until=again)
    return Verdict(reason=Reason.ASKED, since=now)


def _turn(attempt: Attempt | None, pace: Pace, added: datetime) -> tuple[Reason, Reason, datetime]:
    """Why it is not read before its next turn, why it is read then, and when that is."""
    if attempt is None:
        return Reason.FRESH, Reason.NEVER_READ, added
    if attempt.undone and attempt.is_undone:
        return Reason.WAITING, Reason.UNDONE, max(attempt.undone, attempt.not_before or attempt.undone)
    if attempt.outcome is Outcome.RUNNING:
        return Reason.RUNNING, Reason.RETRY, attempt.started + pace.lease
    if attempt.outcome in _TRY_AGAIN:
        again = attempt.started + _pause(attempt, pace)
        return Reason.WAITING, Reason.RETRY, max(again, attempt.not_before or again)
    stale = attempt.started + pace.fresh_for
    night = pace.hours.turn(pace.place, after=attempt.started, until=stale)
    if night is not None:
        return Reason.FRESH, Reason.NIGHT, night
    return Reason.FRESH, Reason.STALE, stale - pace.fresh_for * _EARLY * pace.place


def _pause(attempt: Attempt, pace: Pace) -> timedelta:
    """Twice as long after each failure, up to the freshness target, and never the same for all."""
    doubled = pace.retry_after * 2.0 ** min(max(attempt.failures, 1) - 1, _DOUBLINGS)
    return min(doubled, max(pace.fresh_for, pace.retry_after)) * (1 + _LATE * pace.place)
