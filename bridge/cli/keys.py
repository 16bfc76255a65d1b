"""``bridge keys``: what the bridge signs its requests to platforms with."""

from dataclasses import asdict
from datetime import timedelta

import click

from bridge.cli.common import Session, echo_json, echo_table, json_option, pass_session, report
from bridge.clock import from_stamp
from bridge.errors import InvalidRequest
from bridge.lti.views import JWKS_SECONDS
from bridge.registry.keys import PUBLISHED_AFTER_RETIREMENT, Place


@click.group()
def keys() -> None:
    """The keys that the bridge signs with, published at /.well-known/jwks.json."""


@keys.command("list")
@json_option
@pass_session
def list_(session: Session, as_json: bool) -> None:
    """List the keys: the current one signs, the next one is published already, the previous ones still are."""
    found = session.wiring.registry.keys.report()
    if as_json:
        echo_json([asdict(key) for key in found])
        return
    echo_table(
        ("key id", "place", "created", "retired"),
        [(key.kid, key.place, key.created, key.retired) for key in found],
        empty="There is no key.",
    )


@keys.command("rotate")
@click.option("--force", is_flag=True, help="Also if platforms may not have the next key yet.")
@click.option("--withdraw", is_flag=True, help="Publish the present key no more, at once: somebody else has it.")
@json_option
@pass_session
def rotate(session: Session, as_json: bool, force: bool, withdraw: bool) -> None:
    """Sign with the next key from now on.

    The present key stays published for a week, and a new next one is published.
    """
    wiring = session.wiring
    store = wiring.registry.keys
    (following,) = [key for key in store.report() if key.place is Place.NEXT]
    ready = from_stamp(following.created) + timedelta(seconds=JWKS_SECONDS)
    if wiring.clock() < ready and not force and not withdraw:
        raise InvalidRequest(
            "--force",
            f"the next key has been published for less than {JWKS_SECONDS // 60} minutes, so platforms may still have a"
            f" key set without it; wait until {ready:%Y-%m-%d %H:%M} UTC, or give --force",
        )
    key = store.rotate(withdraw=withdraw)
    fate = (
        "is published no more"
        if withdraw
        else f"stays published for {PUBLISHED_AFTER_RETIREMENT // timedelta(days=1)} days"
    )
    report(as_json, {"kid": key.kid}, f"The bridge signs with key {key.kid} now. The former key {fate}.")
