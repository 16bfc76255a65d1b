"""``bridge changes``: what was done to served records, field by field."""

import json
from collections.abc import Iterator
from typing import Any

import click

from bridge.cli.common import ROW, Session, check_sources, echo_json, json_option, pass_session
from bridge.cli.terminal import echo
from bridge.errors import UnknownObject
from bridge.mirror.changes import Change, Changes
from bridge.mirror.runs import Runs
from bridge.roster.difference import Difference, differences
from bridge.roster.model import COLLECTIONS

personal_option = click.option(
    "--personal", is_flag=True, help="Show names and other values that tell who somebody is."
)


@click.command()
@click.option("--record", metavar="SOURCEDID", help="Only of this record.")
@click.option("--run", type=ROW, metavar="RUN", help="Only by this run.")
@click.option("--collection", type=click.Choice(list(COLLECTIONS)), help="Only of these records.")
@click.option("--source", metavar="NAME", help="Only of this tenant's or source's records.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=50, show_default=True, help="How many to list.")
@personal_option
@json_option
@pass_session
def changes(session: Session, as_json: bool, personal: bool, limit: int, **wanted: Any) -> None:
    """List the latest changes of served records, newest first."""
    wiring = session.wiring
    log = Changes(wiring.mirror)
    check_sources(wiring, [wanted["source"]] if wanted["source"] else [])
    run = wanted["run"]
    if run is not None and Runs(wiring.mirror, wiring.clock).get(run) is None and not any(log.latest(1, run=run)):
        raise UnknownObject(f"there is no run {run}: see 'bridge runs'")
    found = log.latest(limit, **wanted)
    if as_json:
        echo_json([shown(change, personal=personal) for change in found])
        return
    nothing = True
    for change in found:
        nothing = False
        for line in lines(change, personal=personal):
            echo(line)
    if nothing:
        echo("No such change is in the log.")


def shown(change: Change, *, personal: bool) -> dict[str, Any]:
    """A change as it is reported in JSON; personal values are left out unless they are asked for."""
    return {
        "id": change.id,
        "at": change.stamp,
        "run": change.run,
        "source": change.source,
        "collection": change.collection,
        "sourcedId": change.sourced_id,
        "kind": change.kind,
        "differences": [
            {"field": one.field, "personal": one.personal}
            | ({} if one.personal and not personal else {"before": one.before, "after": one.after})
            for one in _differences(change)
        ],
    }


def lines(change: Change, *, personal: bool) -> Iterator[str]:
    """A change for people to read: what it is of, then a line for each field."""
    by = f"run {change.run}" if change.run is not None else "the calendar"
    yield f"{change.stamp}  {by}  {change.source}  {change.collection} {change.sourced_id}: {change.kind}"
    for one in _differences(change):
        if one.personal and not personal:
            yield f"    {one.field}: changed (--personal shows it)"
        else:
            yield f"    {one.field}: {_text(one.before)} -> {_text(one.after)}"


def _differences(change: Change) -> list[Difference]:
    return differences(change.collection, change.before, change.after)


def _text(value: Any) -> str:
    if value is None:
        return "(none)"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
