"""``bridge decisions``: what people have decided, and who they were."""

from dataclasses import asdict

import click

from bridge.cli.common import Session, echo_json, echo_table, json_option, pass_session
from bridge.mirror.decisions import Decisions


@click.command()
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="How many to list.")
@json_option
@pass_session
def decisions(session: Session, limit: int, as_json: bool) -> None:
    """List the latest decisions, newest first: approvals, rejections, pauses, what was undone or ended."""
    found = Decisions(session.wiring.mirror, session.wiring.clock).latest(limit)
    if as_json:
        echo_json([asdict(one) for one in found])
        return
    echo_table(
        ("made", "by", "what", "about run", "led to run", "about"),
        [(one.made, one.made_by, one.kind, one.run, one.led_to, one.about) for one in found],
        empty="Nobody has decided anything yet.",
    )
