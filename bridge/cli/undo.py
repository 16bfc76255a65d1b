"""``bridge undo``: take back what a run did."""

import sys
from collections import Counter
from typing import Any

import click

from bridge.cli.common import ROW, Session, json_option, operator, pass_session, report
from bridge.cli.sync import PARTLY, named
from bridge.mirror.runs import Outcome
from bridge.registry.csv_sources import CsvSource
from bridge.registry.sources import RegisteredSource
from bridge.upkeep import UndoReport, rehearse_undo_run, undo_run
from bridge.wording import counted


@click.command()
@click.argument("run_id", type=ROW, metavar="RUN")
@click.option("--dry-run", is_flag=True, help="Say what would be restored; change nothing.")
@json_option
@pass_session
def undo(session: Session, run_id: int, dry_run: bool, as_json: bool) -> None:
    """Take back what a run did, as far as nothing has changed since.

    Records that are still as the run left them become what they were, or end if the run brought them; the others are
    listed and left. The context or source is then paused until 'bridge contexts resume' or 'bridge sources resume',
    because the next reading would do the same again; an import of files is not read by itself.
    """
    wiring = session.wiring
    done = rehearse_undo_run(wiring, run_id) if dry_run else undo_run(wiring, run_id, operator())
    report(as_json, _shown(done), _text(done))
    if done.undone.left or not done.undone.restored:
        sys.exit(PARTLY)


def _is_paused(done: UndoReport) -> bool:
    if done.run is None or isinstance(done.context, CsvSource):
        return False  # files are read when somebody hands them over
    return done.run.outcome is not Outcome.UNCHANGED


def _shown(done: UndoReport) -> dict[str, Any]:
    return {
        "run": done.run.id if done.run else None,
        **named(done.context),
        "restored": [{"collection": each[0], "sourcedId": each[1]} for each in done.undone.restored],
        "left": [
            {"collection": each.collection, "sourcedId": each.sourced_id, "reason": each.reason}
            for each in done.undone.left
        ],
        "paused": _is_paused(done),
    }


def _text(done: UndoReport) -> str:
    restored, left = done.undone.restored, done.undone.left
    lines = [f"{each.collection} {each.sourced_id}: left: {each.reason}" for each in left]
    counts = Counter(collection for collection, _ in restored)
    lines += [f"{collection}: {count} as before the run" for collection, count in sorted(counts.items())]
    if done.run is None:
        lines.append(f"{counted(len(restored), 'record')} would be as before, {len(left)} left.")
    else:
        lines.append(f"As before: {counted(len(restored), 'record')}; {len(left)} left (run {done.run.id}).")
    if _is_paused(done):
        name = done.context.name
        group = "sources" if isinstance(done.context, RegisteredSource) else "contexts"
        lines.append(f"{name} is paused: 'bridge {group} resume {name}' lets it be read again.")
    return "\n".join(lines)
