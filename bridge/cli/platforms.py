"""``bridge platforms``: the LMSs at which the bridge is installed."""

import dataclasses
from typing import Any

import click

from bridge.cli import self_registration
from bridge.cli.common import Session, echo_json, echo_table, json_option, pass_session, report
from bridge.errors import InvalidRequest, UnknownObject
from bridge.lti.options import OPTIONS, change_options, parse_options
from bridge.lti.platform import Platform
from bridge.lti.vendors import PROFILES
from bridge.registry.platforms import Platforms


@click.group()
def platforms() -> None:
    """Register the LMSs that rosters are read from."""


for _command in (
    self_registration.invite,
    self_registration.pending,
    self_registration.accept,
    self_registration.reject,
    self_registration.guide,
):
    platforms.add_command(_command)


@platforms.command("add")
@click.option("--issuer", required=True, help="The platform's issuer (iss), exactly as it writes it.")
@click.option("--client-id", required=True, help="The client id that the platform gave the bridge.")
@click.option("--auth-login-url", required=True, help="The platform's OIDC authorization endpoint.")
@click.option("--token-url", required=True, help="The platform's access token endpoint.")
@click.option("--jwks-url", required=True, help="The platform's key set.")
@click.option("--token-audience", help="The audience of token requests, if it is not the token URL.")
@click.option(
    "--vendor",
    type=click.Choice(sorted(PROFILES)),
    default="generic",
    show_default=True,
    help="Its vendor profile: which manners to expect.",
)
@click.option("--tenant", help="The short name that its people are known under for good; default from the issuer.")
@click.option(
    "--option",
    "options",
    multiple=True,
    metavar="NAME=VALUE",
    help=f"Set one of {', '.join(OPTIONS)} for this platform; may be repeated.",
)
@json_option
@pass_session
def add(session: Session, as_json: bool, options: tuple[str, ...], **fields: Any) -> None:
    """Register a platform; prints what to enter there."""
    platform = session.wiring.registry.platforms.add(**fields, options=parse_options(options))
    root = session.settings.server.public_url
    ours = {
        "login_url": f"{root}/lti/login",
        "redirect_url": f"{root}/lti/launch",
        "jwks_url": f"{root}/.well-known/jwks.json",
    }
    report(
        as_json,
        {**_shown(platform), "bridge": ours},
        f"Registered as tenant {platform.tenant}. At the platform, enter:\n"
        f"  login initiation URL  {ours['login_url']}\n"
        f"  redirect URL          {ours['redirect_url']}\n"
        f"  key set URL           {ours['jwks_url']}\n"
        f"and switch on Names and Role Provisioning Services.",
    )


@platforms.command("list")
@json_option
@pass_session
def list_(session: Session, as_json: bool) -> None:
    """List the registered platforms."""
    found = session.wiring.registry.platforms.all()
    if as_json:
        echo_json([_shown(platform) for platform in found])
        return
    echo_table(
        ("id", "tenant", "issuer", "client id", "vendor"),
        [(one.id, one.tenant, one.issuer, one.client_id, one.vendor) for one in found],
        empty="No platform is registered: see 'bridge platforms add --help'.",
    )


@platforms.command("set")
@click.argument("platform", metavar="TENANT_OR_ID")
@click.argument("options", nargs=-1, required=True, metavar="NAME=VALUE...")
@json_option
@pass_session
def set_(session: Session, platform: str, options: tuple[str, ...], as_json: bool) -> None:
    """Override options of a platform; NAME= alone goes back to its vendor's manners.

    docs/vendors.md says what each option does. From the next reconciliation on, documents are derived anew.
    """
    known = session.wiring.registry.platforms
    found = _named(known, platform)
    updated = known.update(dataclasses.replace(found, options=change_options(found.options, options)))
    shown = ", ".join(f"{name}={value}" for name, value in updated.options.items()) or "none"
    report(as_json, _shown(updated), f"Platform {updated.id} of tenant {updated.tenant}; options set: {shown}.")


@platforms.command("replace")
@click.argument("tenant")
@click.option("--client-id", required=True, help="The new client id.")
@click.option("--former-client-id", help="The client id that it replaces, if the tenant has several.")
@json_option
@pass_session
def replace(session: Session, tenant: str, as_json: bool, client_id: str, former_client_id: str | None) -> None:
    """Put a new client id under an old tenant: no sourcedId changes."""
    platform = session.wiring.registry.platforms.replace(tenant, client_id=client_id, former_client_id=former_client_id)
    report(as_json, _shown(platform), f"Tenant {tenant} is now read with client id {client_id}.")


@platforms.command("remove")
@click.argument("platform_id", type=int)
@json_option
@pass_session
def remove(session: Session, platform_id: int, as_json: bool) -> None:
    """Forget a platform and its contexts; the mirror keeps what was read from it.

    PLATFORM_ID is the number that 'bridge platforms list' shows.
    """
    session.wiring.registry.platforms.remove(platform_id)
    report(
        as_json,
        {"removed": platform_id},
        f"Platform {platform_id} and its contexts are forgotten. Its records stay in the mirror.",
    )


def _named(known: Platforms, name: str) -> Platform:
    """The platform of a tenant, or with an id."""
    found = known.of_tenant(name)
    if len(found) > 1:
        ids = ", ".join(str(each.id) for each in found)
        raise InvalidRequest("TENANT_OR_ID", f"tenant {name} has several registrations, name one of the ids {ids}")
    if not found and not name.isdecimal():
        raise UnknownObject(f"no platform belongs to a tenant {name}: see 'bridge platforms list'")
    return found[0] if found else known.by_id(int(name))


def _shown(platform: Platform) -> dict[str, Any]:
    return dataclasses.asdict(platform)
