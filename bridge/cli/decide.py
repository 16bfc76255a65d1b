"""``bridge approve`` and ``bridge reject``: a person's word about held plans."""

import click

from bridge import deciding
from bridge.cli.common import ROW, Session, check_sources, echo_json, json_option, operator, pass_session, report
from bridge.cli.sync import exit_as, line, shown_turn
from bridge.cli.terminal import echo
from bridge.deciding import approval_of, held_run
from bridge.mirror.runs import Run, Runs
from bridge.registry.rosters import Roster
from bridge.rounds import sync_all


@click.command()
@click.argument("run_ids", type=ROW, nargs=-1, metavar="[RUN]...")
@click.option("--all", "everything", is_flag=True, help="Every held plan that waits, of one tenant.")
@click.option("--platform", "tenant", metavar="TENANT", help="Whose plans --all means.")
@click.option("--except-removals", is_flag=True, help="Apply additions and changes; the removals go on waiting.")
@json_option
@pass_session
def approve(
    session: Session,
    run_ids: tuple[int, ...],
    everything: bool,
    tenant: str | None,
    except_removals: bool,
    as_json: bool,
) -> None:
    """Let held plans be applied.

    Each roster is read again, in full. What is applied removes nobody outside the set that was held; if it would, it is
    held anew. Who approved is recorded.
    """
    if everything == bool(run_ids) or everything != bool(tenant):
        raise click.UsageError("name the runs to approve, or give --all with --platform TENANT")
    wiring = session.wiring
    check_sources(wiring, [tenant] if tenant else [])
    runs = Runs(wiring.mirror, wiring.clock)
    chosen = runs.waiting(tenant) if everything else [held_run(runs, run_id) for run_id in run_ids]
    approvals = {
        wiring.registry.rosters.get(run.source, run.context): approval_of(
            runs, run, operator(), except_removals=except_removals
        )
        for run in chosen
    }
    ended: list[tuple[Roster, Run | None]] = []

    def done(context: Roster, run: Run | None) -> None:
        ended.append((context, run))
        if not as_json:
            echo(line(context, run))

    sync_all(wiring, list(approvals), approvals=approvals, done=done)
    if as_json:
        reports = [shown_turn(*each) for each in ended]
        echo_json(reports[0] if len(run_ids) == 1 else reports)
    elif not ended:
        echo(f"No plan of {tenant} waits.")
    exit_as([run for _, run in ended])


@click.command()
@click.argument("run_id", type=ROW, metavar="RUN")
@json_option
@pass_session
def reject(session: Session, run_id: int, as_json: bool) -> None:
    """Decide that a held plan is not to be applied.

    Nothing is changed. If the platform goes on saying the same, the next run is held again: mend the platform, or pause
    the context.
    """
    deciding.reject(session.wiring, run_id, operator())
    report(as_json, {"rejected": run_id}, f"Run {run_id} is rejected: what it held back stays undone.")
