"""``bridge approve`` and ``bridge reject``: a person's word about held plans."""

import sys

import click

from bridge.cli.common import Session, echo_json, json_option, operator, pass_session, report
from bridge.cli.sync import PARTLY, line, shown_turn
from bridge.cli.terminal import echo
from bridge.errors import InvalidRequest, UnknownObject
from bridge.mirror.decisions import DecisionKind, Decisions
from bridge.mirror.runs import GOOD, Mandate, Outcome, Run, Runs
from bridge.registry.rosters import Roster
from bridge.rounds import sync_all
from bridge.sync.reconciler import Approval


@click.command()
@click.argument("run_ids", type=int, nargs=-1, metavar="[RUN]...")
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
    runs = Runs(wiring.mirror, wiring.clock)
    chosen = runs.waiting(tenant) if everything else [_held(runs, run_id) for run_id in run_ids]
    kind = DecisionKind.APPROVED_REST if except_removals else DecisionKind.APPROVED
    approvals = {
        wiring.registry.rosters.get(run.source, run.context): Approval(
            mandate=Mandate(kind=kind, made_by=operator(), run=run.id),
            removals=frozenset(runs.held_removals(run.id)),
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
    if any(run is None or run.outcome not in GOOD for _, run in ended):
        sys.exit(PARTLY)


@click.command()
@click.argument("run_id", type=int, metavar="RUN")
@json_option
@pass_session
def reject(session: Session, run_id: int, as_json: bool) -> None:
    """Decide that a held plan is not to be applied.

    Nothing is changed. If the platform goes on saying the same, the next run is held again: mend the platform, or pause
    the context.
    """
    wiring = session.wiring
    _held(Runs(wiring.mirror, wiring.clock), run_id)
    Decisions(wiring.mirror, wiring.clock).reject(run_id, operator())
    report(as_json, {"rejected": run_id}, f"Run {run_id} is rejected: what it held back stays undone.")


def _held(runs: Runs, run_id: int) -> Run:
    run = runs.get(run_id)
    if run is None:
        raise UnknownObject(f"there is no run {run_id}: see 'bridge runs'")
    if run.outcome is not Outcome.HELD:
        raise InvalidRequest("RUN", f"run {run_id} is not held, it is {run.outcome}")
    return run
