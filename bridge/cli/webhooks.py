"""``bridge webhooks``: who is told of changes."""

import sys

import click

from bridge.api.webhooks import secret_text
from bridge.cli.common import Session, check_sources, echo_json, echo_table, json_option, pass_session, report
from bridge.registry.webhooks import Webhook
from bridge.roster.model import COLLECTIONS
from bridge.upkeep import Subscribers


@click.group()
def webhooks() -> None:
    """Register who is told of changes; a new secret is shown once."""


@webhooks.command("add")
@click.argument("name")
@click.argument("url")
@click.option(
    "--source", "sources", multiple=True, help="A tenant or SIS to be told of; all unless named. May be repeated."
)
@click.option(
    "--org", "orgs", multiple=True, help="The sourcedId of an org of whose records to be told. May be repeated."
)
@click.option(
    "--class", "classes", multiple=True, help="The sourcedId of a class of whose records to be told. May be repeated."
)
@click.option(
    "--collection",
    "collections",
    multiple=True,
    type=click.Choice(list(COLLECTIONS)),
    help="Records to be told of; all unless named. May be repeated.",
)
@json_option
@pass_session
def add(
    session: Session,
    as_json: bool,
    name: str,
    url: str,
    sources: tuple[str, ...],
    orgs: tuple[str, ...],
    classes: tuple[str, ...],
    collections: tuple[str, ...],
) -> None:
    """Tell URL of every change from now on, and print the secret that messages are signed with, this once."""
    wiring = session.wiring
    wiring.policy.check_url(url)
    check_sources(wiring, sources)
    webhook = wiring.registry.webhooks.add(
        name,
        url,
        sources=sources or None,
        orgs=orgs,
        classes=classes,
        collections=collections or tuple(COLLECTIONS),
        epoch=wiring.outbox.epoch,
        position=wiring.outbox.latest().event,
    )
    secret = secret_text(webhook.secret)
    report(
        as_json,
        {"name": name, "url": url, "secret": secret},
        f"secret  {secret}\nThe secret is not shown again."
        f" 'bridge webhooks test {name}' sends a message without events.",
    )


@webhooks.command("list")
@json_option
@pass_session
def list_(session: Session, as_json: bool) -> None:
    """List the webhooks, and how each is doing."""
    found = session.wiring.registry.webhooks.all()
    if as_json:
        echo_json([_shown(webhook) for webhook in found])
        return
    echo_table(
        ("name", "url", "is told of", "state", "last success", "next try", "problem"),
        [
            (
                webhook.name,
                webhook.url,
                webhook.visibility.in_words,
                _state(webhook),
                webhook.last_success,
                webhook.next_try if webhook.stopped is None else None,
                webhook.problem,
            )
            for webhook in found
        ],
        empty="No webhook is registered: see 'bridge webhooks add --help'.",
    )


@webhooks.command("remove")
@click.argument("name")
@json_option
@pass_session
def remove(session: Session, name: str, as_json: bool) -> None:
    """Tell a webhook no more."""
    session.wiring.registry.webhooks.remove(name)
    report(as_json, {"removed": name}, f"Webhook {name} is removed.")


@webhooks.command("test")
@click.argument("name")
@json_option
@pass_session
def test(session: Session, name: str, as_json: bool) -> None:
    """Send a signed message without events.

    If it is accepted, a webhook that was given up is told again, from where it was.
    """
    wiring = session.wiring
    subscribers = Subscribers(wiring)
    answer = subscribers.deliverer().test(wiring.registry.webhooks.get(name))
    subscribers.close()
    report(
        as_json,
        {"name": name, "accepted": answer.problem is None, "problem": answer.problem},
        f"Webhook {name} has accepted the message." if answer.problem is None else f"Not accepted: {answer.problem}",
    )
    if answer.problem is not None:
        sys.exit(1)


def _state(webhook: Webhook) -> str:
    if webhook.stopped is not None:
        return "stopped"
    return "failing" if webhook.failing_since is not None else "ok"


def _shown(webhook: Webhook) -> dict[str, object]:
    return {
        "name": webhook.name,
        "url": webhook.url,
        "sources": None if webhook.sources is None else sorted(webhook.sources),
        "orgs": sorted(webhook.orgs),
        "classes": sorted(webhook.classes),
        "collections": list(webhook.collections),
        "state": _state(webhook),
        "failures": webhook.failures,
        "failingSince": webhook.failing_since,
        "nextTry": webhook.next_try,
        "stopped": webhook.stopped,
        "lastSuccess": webhook.last_success,
        "problem": webhook.problem or None,
        "created": webhook.created,
    }
