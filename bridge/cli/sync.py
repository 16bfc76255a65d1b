"""``bridge sync``: reconcile now."""

import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

import click
from rich.progress import Progress

from bridge.cli.common import Session, echo_json, json_option, pass_session
from bridge.cli.plans import plan_lines, planned
from bridge.cli.progress import bar, counter
from bridge.cli.runs import shown
from bridge.cli.terminal import echo, visible
from bridge.errors import BridgeError
from bridge.mirror.runs import GOOD, Outcome, Run
from bridge.registry.contexts import RegisteredContext
from bridge.registry.rosters import Reconciled, Roster
from bridge.registry.sources import RegisteredSource
from bridge.rounds import sync_all
from bridge.wiring import Wiring
from bridge.wording import counted

PARTLY = 3


@click.command()
@click.argument("contexts", nargs=-1, metavar="[CONTEXT]...")
@click.option("--all", "everything", is_flag=True, help="Every known context and source that is not paused.")
@click.option("--full", is_flag=True, help="Read whole rosters, even where the LMS or SIS would tell what has changed.")
@click.option("--dry-run", is_flag=True, help="Read and say what would change; change nothing.")
@json_option
@pass_session
def sync(
    session: Session, contexts: tuple[str, ...], everything: bool, full: bool, dry_run: bool, as_json: bool
) -> None:
    """Reconcile now.

    CONTEXT is a class sourcedId, a context id or a label: see 'bridge contexts list'; or the name of a source: see
    'bridge sources list'.
    """
    if everything == bool(contexts):
        raise click.UsageError("name the contexts or sources to reconcile, or give --all")
    wiring = session.wiring
    known = wiring.registry.rosters
    if everything:
        chosen = [roster for roster in known.all() if not known.is_paused(roster)]
        if paused := len(known.all()) - len(chosen):
            echo(f"{counted(paused, 'roster')} paused and left out: name one to read it all the same", err=True)
    else:
        chosen = list(dict.fromkeys(known.find(selector) for selector in contexts))
    if dry_run:
        _preview(wiring, chosen, full, as_json)
    else:
        _sync(wiring, chosen, full, as_json)


def _sync(wiring: Wiring, chosen: Sequence[Roster], full: bool, as_json: bool) -> None:
    ended: list[tuple[Roster, Run | None]] = []
    alone = len(chosen) == 1
    with bar(len(chosen)) as progress, counter("member", "read", show=alone) as count:
        task = progress.add_task("reconciling", total=len(chosen))

        def done(context: Roster, run: Run | None) -> None:
            ended.append((context, run))
            progress.advance(task)
            if not as_json and (alone or run is None or run.outcome is not Outcome.UNCHANGED or run.nobody_usable):
                _echo_beside(progress, line(context, run))

        sync_all(wiring, chosen, full=full, done=done, progress=count)
    if as_json:
        echo_json([shown_turn(context, run) for context, run in ended])
    elif not alone and all(run is not None and run.outcome is Outcome.UNCHANGED for _, run in ended):
        echo(f"{counted(len(chosen), 'roster')}: nothing has changed")
    exit_as([run for _, run in ended])


def _preview(wiring: Wiring, chosen: Sequence[Roster], full: bool, as_json: bool) -> None:
    reports: list[dict[str, Any]] = []
    failed = False
    for context in chosen:
        try:
            with counter("member", "read") as count:
                preview = wiring.preview(context, full=full, progress=count)
        except BridgeError as error:
            failed = True
            reports.append({**named(context), "error": str(error)})
            if not as_json:
                echo(f"{_name(context)}: {error}")
            continue
        quarantined = preview.plan.quarantined
        reports.append(
            {
                **named(context),
                "tenant": context.tenant,
                **planned(preview),
                "quarantine": [asdict(one) for one in quarantined],
            }
        )
        if not as_json:
            lines = list(plan_lines(_name(context), preview))
            if quarantined:
                lines.append(f"  {len(quarantined)} would be quarantined")
            echo("\n".join(lines))
    if as_json:
        echo_json(reports)
    if failed:
        sys.exit(PARTLY)


def exit_as(runs: Iterable[Run | None]) -> None:
    """End the command with the code for what was done in part, if one of these runs says so.

    :param runs: ``None`` is one that another process is at.
    """
    if any(run is None or run.outcome not in GOOD or run.nobody_usable for run in runs):
        sys.exit(PARTLY)


def _name(context: Roster) -> str:
    if isinstance(context, RegisteredSource):
        return context.name
    return visible(f"{context.tenant} {context.label or context.context_id}")


def named(context: Reconciled) -> dict[str, str]:
    """What a roster is called in a report for programs."""
    return {"class" if isinstance(context, RegisteredContext) else "source": context.name}


def line(context: Roster, run: Run | None) -> str:
    """What became of a context, in a line for people."""
    if run is None:
        return f"{_name(context)}: another process is reconciling it"
    if run.message:
        return f"{_name(context)}: {run.outcome} (run {run.id}): {run.message}"
    why = f": 'bridge runs show {run.id}' says why" if run.quarantined else ""
    return (
        f"{_name(context)}: {run.outcome} (run {run.id}): {run.added} added, {run.changed} changed,"
        f" {run.removed} removed, {run.unchanged} unchanged, {run.quarantined} quarantined{why}"
    )


def shown_turn(context: Roster, run: Run | None) -> dict[str, Any]:
    """What a context's turn came to; there is no run if another process is at it."""
    if run is None:
        return {"source": context.tenant, "context": context.key, "outcome": "busy"}
    return shown(run)


def _echo_beside(progress: Progress, text: str) -> None:
    """Write a line of the report to standard output; above the progress bar where both are on one terminal."""
    if progress.disable or not sys.stdout.isatty():
        echo(text)
    else:
        progress.console.print(visible(text), highlight=False, markup=False, soft_wrap=True)
