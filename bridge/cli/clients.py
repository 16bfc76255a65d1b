"""``bridge clients``: the OneRoster consumers that may read."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import click

from bridge.api.scopes import RUNS_READ, SYNC
from bridge.auth.token_endpoint import TOKEN_PATH
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
from bridge.errors import UnknownObject
from bridge.oneroster.scopes import ROSTER, ROSTER_CORE, ROSTER_DEMOGRAPHICS
from bridge.registry.clients import Client
from bridge.roster.model import CLASSES, ORGS, Collection
from bridge.roster.privacy import PersonDetail
from bridge.roster.visibility import Visibility
from bridge.wording import counted

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


def _limits(command: Callable[..., Any]) -> Callable[..., Any]:
    """What a client may see."""
    for option in (
        click.option(
            "--privacy",
            type=click.Choice([level.value for level in PersonDetail]),
            help="How much of a person it is told; public unless named.",
        ),
        click.option(
            "--class",
            "classes",
            multiple=True,
            help="The sourcedId of a class that it may see, beside those of its orgs. May be repeated.",
        ),
        click.option(
            "--org",
            "orgs",
            multiple=True,
            help="The sourcedId of an org: it may see what belongs to it and to the orgs below. May be repeated.",
        ),
        click.option(
            "--source",
            "sources",
            multiple=True,
            help="A tenant or SIS that it may see; all unless named. May be repeated.",
        ),
    ):
        command = option(command)
    return command


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
@_limits
@click.option("--body", type=click.Choice(["counters", "strict"]), help="Its body style; default as configured.")
@json_option
@pass_session
def add(
    session: Session,
    as_json: bool,
    name: str,
    scopes: tuple[str, ...],
    sources: tuple[str, ...],
    orgs: tuple[str, ...],
    classes: tuple[str, ...],
    privacy: str | None,
    body: str | None,
) -> None:
    """Register a consumer and print its credentials: the secret is shown this once."""
    visibility = _visibility(session, Visibility.of_all(), sources, orgs, classes, privacy)
    client, secret = session.wiring.registry.clients.add(
        name,
        scopes=[_SCOPES[scope] for scope in scopes],
        sources=visibility.sources,
        orgs=visibility.orgs,
        classes=visibility.classes,
        privacy=visibility.privacy,
        body_style=body,
    )
    token_url = f"{session.settings.server.public_url}{TOKEN_PATH}"
    report(
        as_json,
        {"client_id": client.client_id, "client_secret": secret, "token_url": token_url},
        f"client id      {client.client_id}\nclient secret  {secret}\ntoken URL      {token_url}\n"
        "The secret is not shown again.",
    )


@clients.command("set")
@click.argument("client_id")
@_limits
@click.option("--all-sources", is_flag=True, help="Let it see every source, also those that are added later.")
@click.option("--everything", is_flag=True, help="Limit it to orgs and classes no more.")
@json_option
@pass_session
def set_(
    session: Session,
    as_json: bool,
    client_id: str,
    sources: tuple[str, ...],
    orgs: tuple[str, ...],
    classes: tuple[str, ...],
    privacy: str | None,
    all_sources: bool,
    everything: bool,
) -> None:
    """Change what a consumer may see, from its next request on.

    What is named replaces what was; what is not named stays. A consumer that may see more than before should read
    everything once: records that it could not see have changed long ago.
    """
    check_something_set()
    if sources and all_sources:
        raise click.UsageError("give --source or --all-sources, not both")
    registry = session.wiring.registry
    client = registry.clients.by_id(client_id)
    if client is None:
        raise UnknownObject(f"no client has the id {client_id}: see 'bridge clients list'")
    present = client.visibility
    if all_sources:
        present = replace(present, sources=None)
    if everything:
        present = replace(present, orgs=frozenset(), classes=frozenset())
    changed = registry.clients.limit(client_id, _visibility(session, present, sources, orgs, classes, privacy))
    report(as_json, _shown(changed), f"Client {client_id} sees: {changed.visibility.in_words}.")


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
        ("client id", "name", "sees", "body", "created", "revoked"),
        [
            (
                client.client_id,
                client.name,
                client.visibility.in_words,
                client.body_style,
                client.created,
                client.revoked,
            )
            for client in found
        ],
        empty="No client is registered: see 'bridge clients add --help'.",
    )


@clients.command("rotate-secret")
@click.argument("client_id")
@click.option(
    "--overlap-hours",
    type=click.IntRange(1, 720),
    default=24,
    show_default=True,
    help="How long the present secret stays good.",
)
@json_option
@pass_session
def rotate_secret(session: Session, as_json: bool, client_id: str, overlap_hours: int) -> None:
    """Give a consumer a new secret, while the present one stays good for a while.

    For a secret that somebody else has got hold of, use renew-secret.
    """
    secret = session.wiring.registry.clients.rotate_secret(client_id, timedelta(hours=overlap_hours))
    report(
        as_json,
        {"client_id": client_id, "client_secret": secret, "former_good_for_hours": overlap_hours},
        f"client secret  {secret}\nThe secret is not shown again."
        f" The former one is good for {counted(overlap_hours, 'more hour')}.",
    )


@clients.command("renew-secret")
@click.argument("client_id")
@json_option
@pass_session
def renew_secret(session: Session, as_json: bool, client_id: str) -> None:
    """Give a consumer a new secret; every old one and its tokens end at once."""
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


def _visibility(
    session: Session,
    present: Visibility,
    sources: tuple[str, ...],
    orgs: tuple[str, ...],
    classes: tuple[str, ...],
    privacy: str | None,
) -> Visibility:
    """What a consumer may see when what is named has replaced what was."""
    check_sources(session.wiring, sources)
    _check_known(session, ORGS, orgs)
    _check_known(session, CLASSES, classes)
    return Visibility(
        frozenset(sources) or present.sources,
        frozenset(orgs) or present.orgs,
        frozenset(classes) or present.classes,
        PersonDetail(privacy) if privacy is not None else present.privacy,
    )


def _check_known(session: Session, collection: Collection, ids: tuple[str, ...]) -> None:
    for sourced_id in ids:
        try:
            session.wiring.pages.one(collection, sourced_id, Visibility.of_all())
        except UnknownObject as error:
            raise UnknownObject(f"no {collection.singular} has the sourcedId {sourced_id}") from error


def _shown(client: Client) -> dict[str, object]:
    return {
        "client_id": client.client_id,
        "name": client.name,
        "scopes": sorted(client.scopes),
        "sources": None if client.sources is None else sorted(client.sources),
        "orgs": sorted(client.orgs),
        "classes": sorted(client.classes),
        "privacy": client.privacy,
        "body_style": client.body_style,
        "created": client.created,
        "former_secret_until": client.former_until,
        "revoked": client.revoked,
    }
