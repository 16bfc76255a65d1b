"""``bridge runs``: what each reconciliation did."""

from dataclasses import asdict
from typing import Any

import click

from bridge.cli.common import Session, echo_json, echo_table, json_option, pass_session
from bridge.cli.terminal import echo, visible
from bridge.errors import UnknownObject
from bridge.mirror.runs import Run, Runs


@click.group(invoke_without_command=True)
@click.option("--limit", type=click.IntRange(1, 10_000), default=20, show_default=True, help="How many to list.")
@json_option
@click.pass_context
@pass_session
def runs(session: Session, context: click.Context, limit: int, as_json: bool) -> None:
    """List the latest reconciliations, newest first."""
    if context.invoked_subcommand is not None:
        if as_json:
            raise click.UsageError("write --json behind the subcommand")
        return
    found = _runs(session).latest(limit)
    if as_json:
        echo_json([shown(run) for run in found])
        return
    echo_table(
        ("run", "source", "context", "started", "outcome", "added", "changed", "removed", "unchanged", "quarantined"),
        [
            (
                run.id,
                run.source,
                run.context,
                run.started,
                run.outcome,
                run.added,
                run.changed,
                run.removed,
                run.unchanged,
                run.quarantined,
            )
            for run in found
        ],
        empty="Nothing has been reconciled yet.",
    )


@runs.command("show")
@click.argument("run_id", type=int)
@json_option
@pass_session
def show(session: Session, run_id: int, as_json: bool) -> None:
    """One reconciliation: what it did to the served records, and whom it could not use."""
    all_runs = _runs(session)
    run = all_runs.get(run_id)
    if run is None:
        raise UnknownObject(f"there is no run {run_id}: see 'bridge runs'")
    quarantined = all_runs.quarantined(run_id)
    if as_json:
        echo_json({**shown(run), "quarantine": [asdict(one) for one in quarantined]})
        return
    echo(f"run {run.id}: {run.source} {run.context}: {run.outcome}")
    echo(f"  {run.started} to {run.finished or 'now'}{'' if run.complete else ', not a complete roster'}")
    if run.message:
        echo(f"  {run.message}")
    echo(
        f"  members: {run.added} added, {run.changed} changed, {run.removed} removed, {run.unchanged} unchanged,"
        f" {run.quarantined} quarantined"
    )
    for collection, kinds in run.records.items():
        echo(f"  {collection}: " + ", ".join(f"{count} {kind}" for kind, count in kinds.items()))
    for one in quarantined:
        echo(f"  quarantined: member {one.position} ({visible(one.subject or 'no user_id')}): {one.reason}")


def shown(run: Run) -> dict[str, Any]:
    """A run as it is reported in JSON."""
    return asdict(run)


def _runs(session: Session) -> Runs:
    return Runs(session.wiring.mirror, session.wiring.clock)
