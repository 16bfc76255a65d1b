"""``bridge operators``: who may use the pages at ``/admin/``."""

import sys
from dataclasses import asdict

import click

from bridge.cli.common import (
    Session,
    check_something_set,
    check_sources,
    echo_json,
    echo_table,
    json_option,
    pass_session,
    report,
)
from bridge.registry.operators import SHORTEST_PASSWORD, Operator, check_password

_from_stdin = click.option(
    "--password-stdin", is_flag=True, help="Read the password from standard input instead of asking for it."
)
_sources = click.option(
    "--source", "sources", multiple=True, help="A tenant or SIS that it sees; all unless named. May be repeated."
)


@click.group()
def operators() -> None:
    """The accounts for the pages at /admin/."""


@operators.command("add")
@click.argument("name")
@_sources
@click.option("--no-personal-data", is_flag=True, help="Show it no names and addresses, not even when it asks.")
@_from_stdin
@json_option
@pass_session
def add(
    session: Session, name: str, sources: tuple[str, ...], no_personal_data: bool, password_stdin: bool, as_json: bool
) -> None:
    """Make an account; asks for its password."""
    known = session.wiring.registry.operators
    known.check_new(name)
    check_sources(session.wiring, sources)
    added = known.add(
        name,
        _password(stdin=password_stdin),
        sources=frozenset(sources) or None,
        unmasks=not no_personal_data,
    )
    url = f"{session.settings.server.public_url}/admin/"
    report(as_json, {"id": added.id, "name": added.name, "url": url}, f"{added.name} can sign in at {url}")


@operators.command("set")
@click.argument("name")
@_sources
@click.option("--all-sources", is_flag=True, help="Let it see every source, also those that are added later.")
@click.option(
    "--personal-data/--no-personal-data", default=None, help="Whether it is shown names and addresses when it asks."
)
@json_option
@pass_session
def set_(
    session: Session,
    name: str,
    sources: tuple[str, ...],
    all_sources: bool,
    personal_data: bool | None,
    as_json: bool,
) -> None:
    """Change what an account sees, from its next page on. What is not named stays."""
    check_something_set()
    if sources and all_sources:
        raise click.UsageError("give --source or --all-sources, not both")
    registry = session.wiring.registry
    check_sources(session.wiring, sources)
    present = registry.operators.named(name)
    changed = registry.operators.limit(
        name,
        sources=frozenset(sources) or (None if all_sources else present.sources),
        unmasks=present.unmasks if personal_data is None else personal_data,
    )
    report(as_json, _shown(changed), f"{changed.name} sees {_sees(changed)}.")


@operators.command("list")
@json_option
@pass_session
def list_(session: Session, as_json: bool) -> None:
    """List the accounts."""
    found = session.wiring.registry.operators.all()
    if as_json:
        echo_json([_shown(one) for one in found])
        return
    echo_table(
        ("name", "sees", "created", "last sign-in"),
        [(one.name, _sees(one), one.created, one.last_sign_in or "never") for one in found],
        empty="There is no operator yet: see 'bridge operators add --help'.",
    )


@operators.command("passwd")
@click.argument("name")
@_from_stdin
@json_option
@pass_session
def passwd(session: Session, name: str, password_stdin: bool, as_json: bool) -> None:
    """Change a password; the account is signed out everywhere."""
    known = session.wiring.registry.operators
    changed = known.set_password(known.named(name).name, _password(stdin=password_stdin))
    report(as_json, {"name": changed.name}, f"The password of {changed.name} is changed; all sessions have ended.")


@operators.command("remove")
@click.argument("name")
@json_option
@pass_session
def remove(session: Session, name: str, as_json: bool) -> None:
    """Remove an account; it is signed out everywhere."""
    session.wiring.registry.operators.remove(name)
    report(as_json, {"removed": name}, f"{name} cannot sign in any more; all sessions have ended.")


def _shown(operator: Operator) -> dict[str, object]:
    sources = None if operator.sources is None else sorted(operator.sources)
    return {**asdict(operator), "sources": sources}


def _sees(operator: Operator) -> str:
    what = "every source" if operator.sources is None else ", ".join(sorted(operator.sources))
    return what if operator.unmasks else f"{what}; no personal data"


def _password(*, stdin: bool) -> str:
    if stdin:
        return sys.stdin.readline().rstrip("\r\n")
    password = click.prompt(
        f"Password (at least {SHORTEST_PASSWORD} characters)", hide_input=True, confirmation_prompt=True, err=True
    )
    check_password(str(password))
    return str(password)
