"""``bridge platforms``: the LMSs at which the bridge is installed."""

import dataclasses
from typing import Any

import click

from bridge.cli import self_registration
from bridge.cli.common import (
    ROW,
    Session,
    check_something_set,
    echo_json,
    echo_table,
    json_option,
    operator,
    pass_session,
    report,
)
from bridge.cli.feeders import find_tool
from bridge.cli.sync import line
from bridge.cli.terminal import echo
from bridge.clock import to_stamp
from bridge.deciding import pause_platform, resume_platform
from bridge.errors import InvalidRequest, UnknownObject
from bridge.lti.options import OPTIONS, change_options, parse_options
from bridge.lti.platform import Platform
from bridge.lti.vendors import PROFILES
from bridge.mirror.runs import Run
from bridge.registry.circuits import Circuit, CircuitState
from bridge.registry.contexts import RegisteredContext
from bridge.registry.pauses import Pause
from bridge.registry.platforms import Platforms
from bridge.retiring import retire_platform


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
    """List the registered platforms, and whether they are read."""
    registry = session.wiring.registry
    found, circuits, pauses = registry.platforms.all(), registry.circuits.all(), registry.pauses.platforms()
    if as_json:
        echo_json([{**_shown(one), **_state(circuits.get(one.id, Circuit()), pauses.get(one.id))} for one in found])
        return
    echo_table(
        ("id", "tenant", "issuer", "client id", "vendor", "circuit", "paused"),
        [
            (
                one.id,
                one.tenant,
                one.issuer,
                one.client_id,
                one.vendor,
                _circuit(circuits.get(one.id, Circuit())),
                _pause(pauses.get(one.id)),
            )
            for one in found
        ],
        empty="No platform is registered: see 'bridge platforms add --help'.",
    )


@platforms.command("set")
@click.argument("platform", metavar="TENANT_OR_ID")
@click.argument("options", nargs=-1, metavar="[NAME=VALUE]...")
@click.option("--application", metavar="TOOL", help="Hand launches on to this tool's application: docs/feeders.md.")
@click.option("--no-application", is_flag=True, help="Hand launches on no more.")
@json_option
@pass_session
def set_(
    session: Session,
    platform: str,
    options: tuple[str, ...],
    application: str | None,
    no_application: bool,
    as_json: bool,
) -> None:
    """Override options of a platform; NAME= alone goes back to its vendor's manners.

    docs/vendors.md says what each option does. From the next reconciliation on, documents are derived anew.
    """
    check_something_set()
    if application is not None and no_application:
        raise click.UsageError("give --application or --no-application, not both")
    registry = session.wiring.registry
    known = registry.platforms
    found = _named(known, platform)
    if no_application:
        registry.applications.keep(found.id)
    elif application is not None:
        registry.applications.hand_on(found.id, find_tool(registry, application).client_id)
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


@platforms.command("pause")
@click.argument("platform", metavar="TENANT_OR_ID")
@click.option("--reason", default="", help="Why, for whoever asks later.")
@json_option
@pass_session
def pause(session: Session, platform: str, reason: str, as_json: bool) -> None:
    """Read no context of a platform by itself or on launches; what a person asks for is still done."""
    found = _named(session.wiring.registry.platforms, platform)
    pause_platform(session.wiring, found, operator(), reason)
    report(
        as_json,
        {"paused": found.id},
        f"Platform {found.id} of tenant {found.tenant} is paused until 'bridge platforms resume'.",
    )


@platforms.command("resume")
@click.argument("platform", metavar="TENANT_OR_ID")
@json_option
@pass_session
def resume(session: Session, platform: str, as_json: bool) -> None:
    """Read a paused platform again. What has grown stale meanwhile is caught up with, the oldest first."""
    found = _named(session.wiring.registry.platforms, platform)
    was_paused = resume_platform(session.wiring, found, operator())
    report(
        as_json,
        {"resumed": found.id, "wasPaused": was_paused},
        f"Platform {found.id} of tenant {found.tenant} {'is read again' if was_paused else 'was not paused'}.",
    )


@platforms.command("remove")
@click.argument("platform_id", type=ROW)
@click.option("--retire", is_flag=True, help="End what was read from it: its records become tobedeleted.")
@click.option("--yes", is_flag=True, help="Do not ask before records are ended.")
@json_option
@pass_session
def remove(session: Session, platform_id: int, retire: bool, yes: bool, as_json: bool) -> None:
    """Forget a platform and its contexts; the mirror keeps what was read from it, unless it is retired.

    PLATFORM_ID is the number that 'bridge platforms list' shows.
    """
    wiring = session.wiring
    found = wiring.registry.platforms.by_id(platform_id)
    ended: list[Run] = []
    if not retire:
        wiring.registry.platforms.remove(platform_id)
    else:
        if not yes:
            question = f"End every record that was read from {found.issuer} (tenant {found.tenant})?"
            click.confirm(question, abort=True, err=True)

        def done(context: RegisteredContext, run: Run) -> None:
            ended.append(run)
            if not as_json:
                echo(line(context, run))

        retire_platform(wiring, found, operator(), done)
    its_records = "Its records are ended" if retire else "Its records stay in the mirror"
    report(
        as_json,
        {"removed": platform_id, "runs": [run.id for run in ended]},
        f"Platform {platform_id} and its contexts are forgotten. {its_records}.",
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


def _circuit(circuit: Circuit) -> str:
    if circuit.state is CircuitState.CLOSED or circuit.until is None:
        return circuit.state
    return f"{circuit.state} until {to_stamp(circuit.until)}"


def _pause(pause: Pause | None) -> str:
    return f"since {pause.since} by {pause.paused_by}" + (f": {pause.reason}" * bool(pause.reason)) if pause else ""


def _state(circuit: Circuit, pause: Pause | None) -> dict[str, Any]:
    return {
        "circuit": {
            "state": circuit.state,
            "failures": circuit.failures,
            "until": to_stamp(circuit.until) if circuit.until else None,
        },
        "paused": dataclasses.asdict(pause) if pause else None,
    }


def _shown(platform: Platform) -> dict[str, Any]:
    return dataclasses.asdict(platform)
