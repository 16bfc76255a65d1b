"""How far the reading of a roster has come, in a sentence."""

from dataclasses import dataclass

from bridge.admin.words import OUTCOMES
from bridge.mirror.runs import Runs
from bridge.registry.rosters import Roster
from bridge.wiring import Wiring
from bridge.wording import counted


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Where the reading of a context, or of a source, stands.

    :param busy: whether it goes on, so that looking again makes sense.
    :param run: the latest run, if there is one.
    """

    busy: bool
    sentence: str
    run: int | None


def progress_of(wiring: Wiring, roster: Roster, *, noun: str) -> Progress:
    """Where it stands now.

    :param noun: what a run counts, in the singular: a member, or a record.
    """
    registry = wiring.registry
    found = Runs(wiring.mirror_to_read, wiring.clock).latest(1, context=(roster.tenant, roster.key))
    latest = next(iter(found), None)
    run = latest.id if latest else None
    lease = registry.leases.held(roster.lease)
    if lease is not None:
        sofar = f": {counted(lease.progress, noun)} so far" if lease.progress else ""
        return Progress(busy=True, sentence=f"The roster is being read{sofar}.", run=run)
    if registry.inbox.holds({"tenant": roster.tenant, "context": roster.key}):
        if not wiring.scheduler_runs():
            return Progress(busy=False, sentence="It waits: no scheduler runs. Start 'bridge schedule'.", run=run)
        return Progress(busy=True, sentence="The roster is about to be read.", run=run)
    if latest is None:
        return Progress(busy=False, sentence="The roster has not been read yet.", run=None)
    words = OUTCOMES[latest.outcome][1]
    done = f"{latest.added} added, {latest.changed} changed, {latest.removed} removed, {latest.unchanged} unchanged"
    return Progress(busy=False, sentence=f"Run {latest.id}: {words}. {noun.capitalize()}s: {done}.", run=run)
