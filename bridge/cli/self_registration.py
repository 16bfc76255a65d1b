"""Setting an LMS up, as part of ``bridge platforms``: ``invite``, ``pending``, ``accept``, ``reject``, ``guide``."""

from dataclasses import asdict
from datetime import timedelta

import click

from bridge.cli.common import ROW, Session, echo_json, echo_table, json_option, pass_session, report
from bridge.lti.dynamic_registration import accept as accept_platform
from bridge.lti.guides import GUIDES, guide_to
from bridge.lti.rules import REGISTER_PATH, SelfRegistration
from bridge.wording import counted


@click.command()
@click.option("--tenant", help="The tenant that the LMS will belong to; a new one, named after its host, by default.")
@click.option("--days", type=click.IntRange(1, 365), default=7, show_default=True, help="How long the link is good.")
@json_option
@pass_session
def invite(session: Session, as_json: bool, tenant: str | None, days: int) -> None:
    """Print a link by which one LMS can register itself, once.

    Its administrator pastes it where the LMS registers tools by LTI Dynamic Registration.
    """
    code = session.wiring.registry.invitations.add(timedelta(days=days), tenant)
    url = f"{session.settings.server.public_url}{REGISTER_PATH}/{code}"
    closed = session.settings.lti.registration == SelfRegistration.CLOSED
    warning = "\nIt does not work while lti.registration is closed." if closed else ""
    good = f"Good once, for {counted(days, 'day')}."
    report(as_json, {"url": url, "days": days, "tenant": tenant}, f"{url}\n{good}{warning}")


@click.command()
@json_option
@pass_session
def pending(session: Session, as_json: bool) -> None:
    """List the LMSs that have registered themselves and wait to be accepted."""
    found = session.wiring.registry.registrations.all()
    if as_json:
        echo_json([{"id": one.id, "created": one.created, **asdict(one.platform)} for one in found])
        return
    echo_table(
        ("id", "issuer", "client id", "product", "vendor", "since"),
        [
            (
                one.id,
                one.platform.issuer,
                one.platform.client_id,
                one.platform.product,
                one.platform.vendor,
                one.created,
            )
            for one in found
        ],
        empty="No registration waits.",
    )


@click.command()
@click.argument("registration_id", type=ROW, metavar="ID")
@click.option("--tenant", help="The tenant that it will belong to; a new one, named after its host, by default.")
@json_option
@pass_session
def accept(session: Session, as_json: bool, registration_id: int, tenant: str | None) -> None:
    """Let in an LMS that has registered itself: see 'bridge platforms pending'."""
    registry = session.wiring.registry
    waiting = registry.registrations.get(registration_id)
    platform = accept_platform(registry, waiting.platform, tenant)
    registry.registrations.remove(registration_id)
    report(as_json, asdict(platform), f"{platform.issuer} is platform {platform.id}, tenant {platform.tenant}.")


@click.command()
@click.argument("registration_id", type=ROW, metavar="ID")
@json_option
@pass_session
def reject(session: Session, registration_id: int, as_json: bool) -> None:
    """Forget a registration that waits."""
    session.wiring.registry.registrations.remove(registration_id)
    report(as_json, {"rejected": registration_id}, f"Registration {registration_id} is forgotten.")


@click.command()
@click.argument("vendor", type=click.Choice(GUIDES))
@json_option
@pass_session
def guide(session: Session, as_json: bool, vendor: str) -> None:
    """Print what to enter in an LMS to install the bridge there, and what to enter here."""
    settings = session.settings
    text = guide_to(vendor, settings.server.public_url, settings.lti.tool_name)
    report(as_json, {"vendor": vendor, "guide": text}, text)
