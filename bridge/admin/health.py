"""How it goes with a platform or a source, in a word and a sentence; and when a platform is read next."""

from dataclasses import dataclass
from datetime import datetime

from bridge.admin.words import OUTCOMES
from bridge.clock import from_stamp
from bridge.errors import UnknownObject
from bridge.lti.platform import Platform
from bridge.mirror.attempts import Attempt, Attempts
from bridge.mirror.figures import Figures, SourceFigures
from bridge.mirror.mirror import Mirror
from bridge.paces import Paces
from bridge.registry.circuits import Circuit, CircuitState
from bridge.registry.pauses import Pause
from bridge.registry.registry import Registry
from bridge.sync.policy import Verdict, by_itself
from bridge.wording import counted

_LOOKED_AT = 50
"""Contexts among which the next one to be read is looked for: those that were not read for the longest."""


@dataclass(frozen=True, slots=True)
class Health:
    """How it goes.

    :param level: a Bootstrap colour, which the word says too.
    :param word: one or two.
    :param sentence: why.
    :param since: since when it has not gone well, where that is known.
    """

    level: str
    word: str
    sentence: str
    since: datetime | None = None


def health(figures: SourceFigures, circuit: Circuit, pause: Pause | None, *, contexts: int, held: int = 0) -> Health:
    """How it goes with a platform.

    :param contexts: how many it is known to have.
    :param held: how many of its plans wait for a person.
    """
    if pause is not None:
        return _paused(pause)
    if circuit.state is not CircuitState.CLOSED:
        return Health(
            "danger", "left alone", "It does not answer, so it is left alone for a while and then tried again."
        )
    if not contexts:
        return Health("secondary", "no contexts", "No course is known yet: launch the bridge from one.")
    if figures.good is None and figures.failing:
        return Health("danger", "failing", "No roster could be read yet.")
    if figures.failing:
        of = f" of {figures.contexts:,}" if figures.contexts > 1 else ""
        failing = f"{figures.failing:,}{of} {'context' if figures.contexts == 1 else 'contexts'}"
        return Health("warning", "some fail", f"{failing} could not be read the last time.")
    if held:
        return _held(held)
    if figures.good is None:
        return Health("secondary", "not read yet", "Its rosters have not been read yet.")
    return Health("success", "well", "Every roster was read the last time it was asked for.")


def health_of_source(
    attempt: Attempt | None, pause: Pause | None, *, failing_since: datetime | None, held: int
) -> Health:
    """How it goes with a source that is read as one.

    :param attempt: the latest.
    :param held: how many of its plans wait for a person.
    """
    if pause is not None:
        return _paused(pause)
    if failing_since is not None and attempt is not None:
        times = "attempt" if attempt.failures == 1 else f"{attempt.failures:,} attempts"
        what = OUTCOMES[attempt.outcome][1]
        return Health("danger", "failing", f"At the last {times}: {what}.", failing_since)
    if held:
        return _held(held)
    if attempt is None or attempt.good is None:
        return Health("secondary", "not read yet", "It has not been read yet.")
    return Health("success", "well", "It was read the last time it was asked for.")


def _paused(pause: Pause) -> Health:
    by, reason = pause.paused_by or "the bridge", pause.reason or "no reason given"
    return Health("secondary", "paused", f"Paused by {by}: {reason}.", from_stamp(pause.since))


def _held(held: int) -> Health:
    return Health("warning", "held", f"It answers; {counted(held, 'plan waits', 'plans wait')} for a person.")


def next_run(registry: Registry, mirror: Mirror, paces: Paces, platform: Platform, now: datetime) -> Verdict | None:
    """When the next of a platform's contexts is read: by those that have waited the longest, so that many cost no more.

    :returns: ``None`` if it has no context.
    """
    keys = Figures.of_all(mirror).longest_unread(platform.tenant, _LOOKED_AT)
    found = []
    for key in keys:
        try:
            found.append(registry.contexts.get(platform.tenant, key))
        except UnknownObject:
            continue  # it is read no more
    known = {context.key for context in found}
    found += [one for one in registry.contexts.page(platform.id, _LOOKED_AT) if one.key not in known]
    paused = platform.id in registry.pauses.platforms()
    attempts = Attempts(mirror)
    verdicts = [
        by_itself(
            attempts.of(context.tenant, context.key),
            paces.of(context, registry),
            now,
            added=from_stamp(context.created),
            paused=paused or registry.pauses.covers(platform.id, context.tenant, context.key),
        )
        for context in found
        if context.platform_id == platform.id
    ]
    return min(
        verdicts, key=lambda one: one.since or one.until or datetime.max.replace(tzinfo=now.tzinfo), default=None
    )
