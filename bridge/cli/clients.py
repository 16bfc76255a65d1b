"""``bridge clients``: the OneRoster consumers that may read."""

import click

from bridge.api.scopes import RUNS_READ, SYNC
from bridge.cli.common import Session, check_sources, echo_json, echo_table, json_option, pass_session, report
from bridge.oneroster.scopes import ROSTER, ROSTER_CORE, ROSTER_DEMOGRAPHICS
from bridge.registry.clients import Client

_SCOPES = {
    "core": ROSTER_CORE,
    "roster": ROSTER,
    "demographics": ROSTER_DEMOGRAPHICS,
    "runs": RUNS_READ,
    "sync": SYNC,
}


@click.group()
def clients() -> None:
    """Register OneRoster consumers; a new secret is shown once."""


@clients.command("add")
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice(list(_SCOPES)),
    default=("core", "roster"),
    show_default=True,
    help="What it may ask for; may be repeated.",
)
@click.option(
    "--source", "sources", multiple=True, help="A tenant or SIS that it may see; all unless named. May be repeated."
)
@click.option("--body", type=click.Choice(["counters", "strict"]), help="Its body style; default as configured.")
@json_option
@pass_session
def add(
    session: Session, as_json: bool, name: str, scopes: tuple[str, ...], sources: tuple[str, ...], body: str | None
) -> None:
    """Register a consumer and print its credentials: the secret is shown this once."""
    registry = session.wiring.registry
    check_sources(registry, sources)
    client, secret = registry.clients.add(
        name, scopes=[_SCOPES[scope] for scope in scopes], sources=sources or None, body_style=body
    )
    token_url = f"{session.settings.server.public_url}/oauth2/token"
    report(
        as_json,
        {"client_id": client.client_id, "client_secret": secret, "token_url": token_url},
        f"client id      {client.client_id}\nclient secret  {secret}\ntoken URL      {token_url}\n"
        "The secret is not shown again.",
    )


@clients.command("list")
@json_option
@pass_session
def list_(session: Session, as_json: bool) -> None:
    """List the consumers."""
    found = session.wiring.registry.clients.all()
    if as_json:
        echo_json([_shown(client) for client in found])
        return
    echo_table(
        ("client id", "name", "sources", "body", "created", "revoked"),
        [
            (
                client.client_id,
                client.name,
                "all" if client.sources is None else ", ".join(sorted(client.sources)),
                client.body_style,
                client.created,
                client.revoked,
            )
            for client in found
        ],
        empty="No client is registered: see 'bridge clients add --help'.",
    )


@clients.command("renew-secret")
@click.argument("client_id")
@json_option
@pass_session
def renew_secret(session: Session, as_json: bool, client_id: str) -> None:
    """Give a consumer a new secret; the old one and its tokens end at once."""
    secret = session.wiring.registry.clients.renew_secret(client_id)
    report(
        as_json,
        {"client_id": client_id, "client_secret": secret},
        f"client secret  {secret}\nThe secret is not shown again.",
    )


@clients.command("revoke")
@click.argument("client_id")
@json_option
@pass_session
def revoke(session: Session, client_id: str, as_json: bool) -> None:
    """Let a consumer in no more; its tokens end at once."""
    session.wiring.registry.clients.revoke(client_id)
    report(as_json, {"revoked": client_id}, f"Client {client_id} is revoked.")


def _shown(client: Client) -> dict[str, object]:
    return {
        "client_id": client.client_id,
        "name": client.name,
        "scopes": sorted(client.scopes),
        "sources": None if client.sources is None else sorted(client.sources),
        "body_style": client.body_style,
        "created": client.created,
        "revoked": client.revoked,
    }
