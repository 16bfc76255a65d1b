"""``bridge runs``: what each reconciliation did."""

from dataclasses import asdict
from typing import Any

import click

from bridge.cli.changes import lines, personal_option
from bridge.cli.changes import shown as change_shown
from bridge.cli.common import ROW, Session, echo_json, echo_table, json_option, pass_session
from bridge.cli.terminal import echo, visible
from bridge.errors import UnknownObject
from bridge.mirror.changes import Changes
from bridge.mirror.decisions import Decisions
from bridge.mirror.runs import Run, Runs
from bridge.roster.identity import context_in_words


@click.group(invoke_without_command=True)
@click.option("--limit", type=click.IntRange(1, 10_000), default=20, show_default=True, help="How many to list.")
@click.option("--held", is_flag=True, help="Only the held plans that wait for somebody's word.")
@json_option
@click.pass_context
@pass_session
def runs(session: Session, context: click.Context, limit: int, held: bool, as_json: bool) -> None:
    """List the latest reconciliations, newest first."""
    if context.invoked_subcommand is not None:
        if as_json:
            raise click.UsageError("write --json behind the subcommand")
        return
    known = _runs(session)
    found = known.waiting()[::-1][:limit] if held else known.latest(limit)
    if as_json:
        echo_json([shown(run) for run in found])
        return
    echo_table(
        ("run", "source", "context", "started", "outcome", "added", "changed", "removed", "unchanged", "quarantined"),
        [
            (
                run.id,
                run.source,
                context_in_words(run.context),
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
        empty="No plan waits." if held else "Nothing has been reconciled yet.",
    )


@runs.command("show")
@click.argument("run_id", type=ROW)
@click.option("--changes", "with_changes", is_flag=True, help="Each record that it changed, field by field.")
@personal_option
@json_option
@pass_session
def show(session: Session, run_id: int, with_changes: bool, personal: bool, as_json: bool) -> None:
    """One reconciliation: what it did to the served records, and whom it could not use."""
    all_runs = _runs(session)
    run = all_runs.get(run_id)
    if run is None:
        raise UnknownObject(f"there is no run {run_id}: see 'bridge runs'")
    quarantined = all_runs.quarantined(run_id)
    decisions = Decisions(session.wiring.mirror, session.wiring.clock).about(run_id)
    changes = Changes(session.wiring.mirror).of_run(run_id) if with_changes else ()
    if as_json:
        echo_json(
            {
                **shown(run),
                "quarantine": [asdict(one) for one in quarantined],
                "decisions": [asdict(one) for one in decisions],
            }
            | ({"changes": [change_shown(one, personal=personal) for one in changes]} if with_changes else {})
        )
        return
    echo(f"run {run.id}: {run.source} {visible(context_in_words(run.context))}: {run.outcome}")
    echo(f"  {run.started} to {run.finished or 'now'}{'' if run.complete else ', not a complete roster'}")
    if run.message:
        echo(f"  {run.message}")
    echo(
        f"  members: {run.added} added, {run.changed} changed, {run.removed} removed, {run.unchanged} unchanged,"
        f" {run.quarantined} quarantined"
    )
    if run.details:
        echo(f"  of the changed, {run.details} by names or contact details alone")
    for decision in decisions:
        about = f" run {decision.run}" if decision.run not in (None, run.id) else ""
        led_to = f", which led to run {decision.led_to}" if decision.led_to not in (None, run.id) else ""
        echo(f"  {decision.made}: {decision.made_by} {decision.kind}{about}{led_to}")
    for collection, kinds in run.records.items():
        echo(f"  {collection}: " + ", ".join(f"{count} {kind}" for kind, count in kinds.items()))
    for one in quarantined:
        echo(f"  quarantined: member {one.position} ({visible(one.subject or 'no user_id')}): {one.reason}")
    for change in changes:
        for line in lines(change, personal=personal):
            echo(f"  {line}")


def shown(run: Run) -> dict[str, Any]:
    """A run as it is reported in JSON."""
    return asdict(run)


def _runs(session: Session) -> Runs:
    return Runs(session.wiring.mirror, session.wiring.clock)
