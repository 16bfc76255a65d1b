"""``bridge people``: what is held on one person, and erasing it."""

import os
from pathlib import Path

import click

from bridge.cli.common import Session, echo_json, json_option, pass_session, report
from bridge.errors import UnknownObject
from bridge.people import erase_held_again, erase_person, export_person, find_person


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
    find_person(session.wiring, sourced_id)  # before anybody is asked
    if not yes:
        click.confirm("Everything that is held on this person will be gone for good. Go on?", abort=True, err=True)
    erase_person(session.wiring, sourced_id)
    report(as_json, {"erased": sourced_id}, f"Erased. A tombstone without a name stays under {sourced_id}.")


@people.command("erased")
@click.argument("out", type=click.Path(dir_okay=False, path_type=Path))
@json_option
@pass_session
def erased(session: Session, out: Path, as_json: bool) -> None:
    """Write the list of who was erased to OUT, for 'bridge restore --erased' elsewhere.

    It holds a key and keyed hashes, and names nobody; with it, somebody who knows a sourcedId can tell whether that
    person was erased. It is readable by its owner only, and should stay so.
    """
    found = session.wiring.registry.erased.list()
    if found is None:
        raise UnknownObject("nobody was erased here")
    handle = os.open(out, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(found.write())
    count = len(found.marks)
    report(as_json, {"out": str(out), "erased": count}, f"Wrote {count} marks to {out}.")


@people.command("erase-again")
@json_option
@pass_session
def erase_again_command(session: Session, as_json: bool) -> None:
    """Erase whoever was erased and is held again, as after databases were put back by hand."""
    count = erase_held_again(session.wiring)
    report(as_json, {"erased": count}, f"Erased {count} again.")
