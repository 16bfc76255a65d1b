"""``bridge operators``: who may use the pages at ``/admin/``."""

import sys
from dataclasses import asdict

import click

from bridge.cli.common import Session, echo_json, echo_table, json_option, pass_session, report
from bridge.registry.operators import SHORTEST_PASSWORD, check_password

_from_stdin = click.option(
    "--password-stdin", is_flag=True, help="Read the password from standard input instead of asking for it."
)


@click.group()
def operators() -> None:
    """The accounts for the pages at /admin/."""


@operators.command("add")
@click.argument("name")
@_from_stdin
@json_option
@pass_session
def add(session: Session, name: str, password_stdin: bool, as_json: bool) -> None:
    """Make an account; asks for its password."""
    added = session.wiring.registry.operators.add(name, _password(stdin=password_stdin))
    url = f"{session.settings.server.public_url}/admin/"
    report(as_json, {"id": added.id, "name": added.name, "url": url}, f"{added.name} can sign in at {url}")


@operators.command("list")
@json_option
@pass_session
def list_(session: Session, as_json: bool) -> None:
    """List the accounts."""
    found = session.wiring.registry.operators.all()
    if as_json:
        echo_json([asdict(one) for one in found])
        return
    echo_table(
        ("name", "created", "last sign-in"),
        [(one.name, one.created, one.last_sign_in or "never") for one in found],
        empty="There is no operator yet: see 'bridge operators add --help'.",
    )


@operators.command("passwd")
@click.argument("name")
@_from_stdin
@json_option
@pass_session
def passwd(session: Session, name: str, password_stdin: bool, as_json: bool) -> None:
    """Change a password; the account is signed out everywhere."""
    changed = session.wiring.registry.operators.set_password(name, _password(stdin=password_stdin))
    report(as_json, {"name": changed.name}, f"The password of {changed.name} is changed; all sessions have ended.")


@operators.command("remove")
@click.argument("name")
@json_option
@pass_session
def remove(session: Session, name: str, as_json: bool) -> None:
    """Remove an account; it is signed out everywhere."""
    session.wiring.registry.operators.remove(name)
    report(as_json, {"removed": name}, f"{name} cannot sign in any more; all sessions have ended.")


def _password(*, stdin: bool) -> str:
    if stdin:
        return sys.stdin.readline().rstrip("\r\n")
    password = click.prompt(
        f"Password (at least {SHORTEST_PASSWORD} characters)", hide_input=True, confirmation_prompt=True, err=True
    )
    check_password(str(password))
    return str(password)
