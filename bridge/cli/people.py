"""``bridge people``: what is held on one person, and erasing it."""

import click

from bridge.cli.common import Session, echo_json, json_option, pass_session, report
from bridge.people import erase_person, export_person


@click.group()
def people() -> None:
    """Show or erase everything that is held on a person."""


@people.command("export")
@click.argument("sourced_id", metavar="ID")
@pass_session
def export(session: Session, sourced_id: str) -> None:
    """Write everything that is held on the user with the sourcedId ID, as one JSON document."""
    echo_json(export_person(session.wiring, sourced_id))


@people.command("erase")
@click.argument("sourced_id", metavar="ID")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@pass_session
def erase(session: Session, sourced_id: str, yes: bool, as_json: bool) -> None:
    """Erase everything that is held on the user with the sourcedId ID. It cannot be undone.

    A tombstone without a name stays, so that consumers hear of it. No later reading, undoing or restored backup brings
    her back. Backups that were made before still hold her: give them an end.
    """
    if not yes:
        click.confirm("Everything that is held on this person will be gone for good. Go on?", abort=True, err=True)
    erase_person(session.wiring, sourced_id)
    report(as_json, {"erased": sourced_id}, f"Erased. A tombstone without a name stays under {sourced_id}.")
