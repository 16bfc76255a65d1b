"""How it stands with one course's roster, in the words of the person who launched from it.

Numbers by role, the last reading and how it ended. No person is named, and neither is what the platform answered: that
is in the run, for the operator.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from bridge.clock import Clock
from bridge.errors import UnknownObject
from bridge.mirror.class_roles import count_roles
from bridge.mirror.mirror import Mirror
from bridge.mirror.runs import GOOD, Outcome, Run, Runs
from bridge.registry.contexts import lease_of
from bridge.registry.registry import Registry
from bridge.roster.identity import ContextKey, LtiUserId, class_sourced_id

_LOOKED_BACK = 50
"""Runs among which the last good one is looked for."""

_ROLES = {
    "teacher": ("teacher", "teachers"),
    "student": ("student", "students"),
    "administrator": ("administrator", "administrators"),
    "proctor": ("proctor", "proctors"),
}

_OUTCOMES = {
    Outcome.RUNNING: "The roster is being read now.",
    Outcome.APPLIED: "The roster was read, and what had changed was taken over.",
    Outcome.UNCHANGED: "The roster was read, and nothing had changed.",
    Outcome.HELD: "What the platform says differs so much from what is known of this course that the operator of the"
    " bridge has to look at it first (run {run}). Until then nobody is removed{rest}.",
    Outcome.UNAVAILABLE: "The platform did not answer usefully. Nothing was changed, and it is tried again by itself.",
    Outcome.REFUSED: "The platform did not let the roster be read. Nothing was changed: the operator of the bridge"
    " can see why (run {run}).",
    Outcome.GONE: "The platform says that there is no such course. Nothing was changed: the operator of the bridge can"
    " see more (run {run}).",
    Outcome.BROKEN: "Reading the roster failed in the bridge. Nothing was changed, and it is tried again by itself"
    " (run {run}).",
}

_NOT_YET = "The roster has not been read yet."
_PAUSED = (
    "The operator of the bridge has paused the reading of this course: it goes on when the operator says so. A teacher"
    " of the course can have it read here all the same."
)
_NO_ANSWER = "The platform does not answer just now: the roster is read as soon as it does."


@dataclass(frozen=True, slots=True, kw_only=True)
class RosterState:
    """How it stands.

    :param people: who is mirrored, counted by role.
    :param outcome: how the latest reading went, a sentence.
    :param read: the stamp of the last reading that succeeded, ``None`` if none has.
    :param busy: whether the roster is being read, or waits to be.
    """

    people: str
    outcome: str
    read: str | None
    busy: bool


def roster_state(
    registry: Registry, mirror: Mirror, clock: Clock, tenant: str, key: ContextKey, *, scheduler_runs: bool
) -> RosterState:
    """How it stands with the roster of one context.

    :param scheduler_runs: whether somebody takes up what waits.
    """
    class_id = class_sourced_id(tenant, key)
    runs = Runs(mirror, clock).latest(_LOOKED_BACK, context=(tenant, key))
    waits = registry.inbox.holds(sync_payload(tenant, key))
    reading = registry.leases.held(lease_of(class_id)) is not None
    outcome = _outcome(runs[0] if runs else None, waits=waits, reading=reading, scheduler_runs=scheduler_runs)
    if not (reading or waits) and (deferred := _deferred(registry, clock, tenant, key)) is not None:
        outcome = f"{outcome} {deferred}"
    return RosterState(
        people=_in_words(count_roles(mirror, class_id)),
        outcome=outcome,
        read=next((run.started for run in runs if run.outcome in GOOD), None),
        busy=reading or (waits and scheduler_runs),
    )


def sync_payload(tenant: str, key: ContextKey, user: LtiUserId | None = None) -> dict[str, str]:
    """What the reconciler is told about a context whose roster is to be read.

    :param user: who has launched: somebody who is not in the roster yet makes it be read even if it is fresh.
    """
    return {"tenant": tenant, "context": key} | ({"user": user} if user is not None else {})


def _outcome(latest: Run | None, *, waits: bool, reading: bool, scheduler_runs: bool) -> str:
    if reading:
        return _OUTCOMES[Outcome.RUNNING]
    if waits and scheduler_runs:
        return "The roster is about to be read."
    if waits:
        return (
            "The roster waits to be read, but the bridge's scheduler is not running: tell the operator of the bridge."
        )
    if latest is None:
        return _NOT_YET
    if latest.outcome is Outcome.RUNNING:  # and nobody is at it
        return _OUTCOMES[Outcome.BROKEN].format(run=latest.id)
    rest = "; newcomers and other changes were taken over" if latest.records else ", and nothing was changed"
    return _OUTCOMES[latest.outcome].format(run=latest.id, rest=rest)


def _deferred(registry: Registry, clock: Clock, tenant: str, key: ContextKey) -> str | None:
    """Why the roster is not read though it has been launched, if somebody has stopped that or the platform does."""
    try:
        platform_id = registry.contexts.get(tenant, key).platform_id
    except UnknownObject:
        return None
    if registry.pauses.covers(platform_id, tenant, key):
        return _PAUSED
    return None if registry.circuits.of(platform_id).admits(clock()) else _NO_ANSWER


def _in_words(counts: Mapping[str, int]) -> str:
    """
    >>> _in_words({"student": 29, "teacher": 1, "ext:mentor": 2})
    '1 teacher, 29 students, 2 with the role mentor'
    """
    known = [role for role in _ROLES if role in counts]
    others = [role for role in counts if role not in _ROLES]
    words = [f"{counts[role]} {_ROLES[role][counts[role] != 1]}" for role in known]
    words += [f"{counts[role]} with the role {role.removeprefix('ext:')}" for role in others]
    return ", ".join(words) or "nobody yet"
