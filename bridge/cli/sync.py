"""``bridge sync``: reconcile now."""

import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from bridge.cli.common import Session, echo_json, json_option, pass_session
from bridge.cli.runs import shown
from bridge.errors import BridgeError
from bridge.mirror.runs import GOOD, Outcome, Run
from bridge.registry.contexts import RegisteredContext
from bridge.roster.plan import ChangeKind
from bridge.rounds import sync_all
from bridge.sync.reconciler import Preview
from bridge.wiring import Wiring

PARTLY = 3


@click.command()
@click.argument("contexts", nargs=-1, metavar="[CONTEXT]...")
@click.option("--all", "everything", is_flag=True, help="Every known context.")
@click.option("--dry-run", is_flag=True, help="Read and say what would change; change nothing.")
@json_option
@pass_session
def sync(session: Session, contexts: tuple[str, ...], everything: bool, dry_run: bool, as_json: bool) -> None:
    """Reconcile now.

    CONTEXT is a class sourcedId, a context id or a label: see 'bridge contexts list'.
    """
    if everything == bool(contexts):
        raise click.UsageError("name the contexts to reconcile, or give --all")
    wiring = session.wiring
    known = wiring.registry.contexts
    chosen = known.all() if everything else [known.find(selector) for selector in contexts]
    if dry_run:
        _preview(wiring, chosen, as_json)
    else:
        _sync(wiring, chosen, as_json)


def _sync(wiring: Wiring, chosen: Sequence[RegisteredContext], as_json: bool) -> None:
    runs: list[Run | None] = []
    with _progress(len(chosen)) as progress:
        task = progress.add_task("reconciling", total=len(chosen))

        def done(context: RegisteredContext, run: Run | None) -> None:
            runs.append(run)
            progress.advance(task)
            if not as_json and (run is None or run.outcome is not Outcome.UNCHANGED or len(chosen) == 1):
                progress.console.print(line(context, run), highlight=False, markup=False, soft_wrap=True)

        sync_all(wiring, chosen, done=done)
    if as_json:
        echo_json([shown(run) if run else None for run in runs])
    if any(run is None or run.outcome not in GOOD for run in runs):
        sys.exit(PARTLY)


def _preview(wiring: Wiring, chosen: Sequence[RegisteredContext], as_json: bool) -> None:
    reports: list[dict[str, Any]] = []
    failed = False
    for context in chosen:
        try:
            preview = wiring.preview(context)
        except BridgeError as error:
            failed = True
            reports.append({"class": context.class_sourced_id, "error": str(error)})
            if not as_json:
                click.echo(f"{_name(context)}: {error}")
            continue
        reports.append(_planned(context, preview))
        if not as_json:
            click.echo(_planned_lines(context, preview))
    if as_json:
        echo_json(reports)
    if failed:
        sys.exit(PARTLY)


def _name(context: RegisteredContext) -> str:
    return f"{context.tenant} {context.label or context.context_id}"


def line(context: RegisteredContext, run: Run | None) -> str:
    """What became of a context, in a line for people."""
    if run is None:
        return f"{_name(context)}: another process is reconciling it"
    if run.message:
        return f"{_name(context)}: {run.outcome} (run {run.id}): {run.message}"
    return (
        f"{_name(context)}: {run.outcome} (run {run.id}): {run.added} added, {run.changed} changed,"
        f" {run.removed} removed, {run.unchanged} unchanged, {run.quarantined} quarantined"
    )


def _planned(context: RegisteredContext, preview: Preview) -> dict[str, Any]:
    plan = preview.plan
    return {
        "class": context.class_sourced_id,
        "tenant": context.tenant,
        "complete": plan.complete,
        "wouldBeHeld": preview.objection,
        **{kind.value: plan.counts.get(kind, 0) for kind in ChangeKind},
        "quarantine": [asdict(one) for one in plan.quarantined],
    }


def _planned_lines(context: RegisteredContext, preview: Preview) -> str:
    plan = preview.plan
    counts = ", ".join(f"{plan.counts.get(kind, 0)} {kind}" for kind in ChangeKind)
    held = f"\n  would be held: {preview.objection}" if preview.objection else ""
    quarantined = f"\n  {len(plan.quarantined)} would be quarantined" if plan.quarantined else ""
    return f"{_name(context)}: {counts}{held}{quarantined}"


def _progress(total: int) -> Progress:
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        disable=not console.is_terminal or total < 2,
        transient=True,
    )
