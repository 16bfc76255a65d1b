"""How the reading of a roster goes, and having it read, paused and resumed: the same for a context and for a source."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Blueprint, flash, jsonify, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from bridge.admin.accounts import signed_in
from bridge.admin.paging import PAGE, listing, number
from bridge.admin.words import OUTCOMES, done_by, sentence
from bridge.clock import from_stamp
from bridge.deciding import subject_of
from bridge.mirror.attempts import Attempt, Attempts
from bridge.mirror.decisions import Decision, Decisions
from bridge.mirror.outcomes import ANSWERED, Outcome
from bridge.mirror.runs import Run, Runs
from bridge.mirror.standings import Standing, Standings
from bridge.paces import Paces
from bridge.registry.contexts import RegisteredContext
from bridge.registry.pauses import Pause
from bridge.registry.rosters import Reconciled, Roster
from bridge.registry.sources import RegisteredSource
from bridge.sync.policy import Verdict, by_itself
from bridge.wiring import Wiring
from bridge.wording import counted

_RUNS_SHOWN = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Where the reading of a context, or of a source, stands.

    :param busy: whether it goes on, so that looking again makes sense.
    :param run: the latest run, if there is one.
    """

    busy: bool
    sentence: str
    run: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingState:
    """What a page tells of it.

    :param attempt: the latest one; ``None`` before the first.
    :param hours: the freshness target.
    :param pause: its own; ``platform_pause`` that of its platform.
    :param held: the run whose plan waits for a person.
    :param failing_since: since when it brings no usable answer, if it does not.
    :param undone: whether its latest run undid an earlier one, so that it agrees with its source no more.
    :param decisions: those that led to one of ``runs``, by the run.
    """

    attempt: Attempt | None
    standing: Standing | None
    verdict: Verdict
    hours: int
    pause: Pause | None
    platform_pause: Pause | None
    progress: Progress
    held: int | None
    failing_since: datetime | None
    undone: bool
    runs: list[Run]
    decisions: Mapping[int, Decision]


def reading_of(wiring: Wiring, paces: Paces, roster: Roster) -> ReadingState:
    """How reading a roster goes, and its latest runs."""
    registry, mirror = wiring.registry, wiring.mirror_to_read
    attempt, pace = Attempts(mirror).of(roster.tenant, roster.key), paces.of(roster, registry)
    records = Runs(mirror, wiring.clock)
    runs = records.latest(_RUNS_SHOWN, context=(roster.tenant, roster.key))
    if isinstance(roster, RegisteredSource):
        pause, platform_pause = roster.pause, None
    else:
        pause = registry.pauses.contexts().get((roster.tenant, roster.key))
        platform_pause = registry.pauses.platforms().get(roster.platform_id)
    return ReadingState(
        attempt=attempt,
        standing=Standings(mirror).of(roster.tenant, roster.key),
        verdict=by_itself(
            attempt,
            pace,
            wiring.clock(),
            added=from_stamp(roster.created),
            paused=pause is not None or platform_pause is not None,
        ),
        hours=int(pace.fresh_for.total_seconds() // 3600),
        pause=pause,
        platform_pause=platform_pause,
        progress=_progress(wiring, roster),
        held=next((run.id for run in records.waiting(roster.tenant) if run.context == roster.key), None),
        failing_since=records.failing_since(roster.tenant, roster.key) if attempt and attempt.failures else None,
        undone=attempt is not None and attempt.undone is not None,
        runs=runs,
        decisions=Decisions(mirror, wiring.clock).that_led_to(run.id for run in runs),
    )


def add_reading(blueprint: Blueprint, wiring: Wiring, find: Callable[..., Roster]) -> None:
    """Add what can be asked for to the pages of one kind of roster: ``sync``, ``pause``, ``resume``; and ``progress``
    and ``runs``, which tell of it.

    :param blueprint: whose page ``show`` has the card that these are asked for from.
    :param find: the roster that a path means, of the arguments in it.
    """

    @blueprint.get("/runs")
    def history(**named: Any) -> str:
        roster = find(**named)
        runs = Runs(wiring.mirror_to_read, wiring.clock)
        found = runs.latest(PAGE + 1, context=(roster.tenant, roster.key), before=number("before"))
        page = listing(found, before=lambda run: run.id)
        decisions = Decisions(wiring.mirror_to_read, wiring.clock).that_led_to(run.id for run in page.items)
        return render_template("runs.html", page=page, roster=roster, title=title_of(roster), decisions=decisions)

    @blueprint.get("/progress")
    def progress(**named: Any) -> Response:
        state = _progress(wiring, find(**named))
        return jsonify(busy=state.busy, sentence=state.sentence, run=state.run)

    @blueprint.post("/sync")
    def sync(**named: Any) -> Response:
        roster = find(**named)
        wiring.registry.orders.sync(roster, signed_in(), full=request.form.get("full") == "yes")
        return _ordered(roster, "asked for a reading of", "The roster is about to be read.", named)

    @blueprint.post("/pause")
    def pause(**named: Any) -> Response:
        roster = find(**named)
        wiring.registry.orders.pause_context(roster, signed_in(), request.form.get("reason", "")[:500])
        return _ordered(roster, "paused", "It is paused within a second: what a person asks for is still done.", named)

    @blueprint.post("/resume")
    def resume(**named: Any) -> Response:
        roster = find(**named)
        wiring.registry.orders.resume_context(roster, signed_in())
        return _ordered(roster, "resumed", "It is read again, from within a second on.", named)

    def _ordered(roster: Roster, action: str, said: str, named: Mapping[str, Any]) -> Response:
        wiring.registry.activity.add(signed_in(), action, subject_of(roster))
        flash(said, "success")
        return redirect(url_for(".show", **named) + "#reading")


def title_of(roster: Reconciled) -> str:
    """What a person calls a roster."""
    if isinstance(roster, RegisteredContext):
        return roster.title or roster.label or roster.context_id
    return roster.name


def _progress(wiring: Wiring, roster: Roster) -> Progress:
    registry = wiring.registry
    noun = "record" if isinstance(roster, RegisteredSource) else "member"
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
    decision = Decisions(wiring.mirror_to_read, wiring.clock).that_led_to([latest.id]).get(latest.id)
    words = done_by(decision) or OUTCOMES[latest.outcome][1]
    return Progress(busy=False, sentence=f"Run {latest.id}: {words}. {_what_it_did(latest, noun)}".strip(), run=run)


def _what_it_did(run: Run, noun: str) -> str:
    if run.outcome not in ANSWERED:
        return sentence(run.message)
    if run.outcome is Outcome.HELD:
        return (
            f"{noun.capitalize()}s: {run.added:,} would come, {run.changed:,} would change, {run.removed:,} would go."
        )
    counts = f"{run.added:,} added, {run.changed:,} changed, {run.removed:,} removed, {run.unchanged:,} unchanged"
    return f"{noun.capitalize()}s: {counts}."
