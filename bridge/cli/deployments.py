"""``bridge deployments``: through which deployments platforms may launch the bridge."""

import click

from bridge.cli.common import ROW, Session, echo_json, echo_table, json_option, pass_session, report
from bridge.errors import UnknownObject


@click.group()
def deployments() -> None:
    """The deployment ids that launches are accepted from."""


@deployments.command("list")
@click.option("--platform", "platform_id", type=ROW, help="Only this platform's.")
@json_option
@pass_session
def list_(session: Session, as_json: bool, platform_id: int | None) -> None:
    """List the known deployments."""
    registry = session.wiring.registry
    platforms = registry.platforms.all() if platform_id is None else [registry.platforms.by_id(platform_id)]
    found = [(one, deployment) for one in platforms for deployment in sorted(registry.deployments.of(one))]
    if as_json:
        echo_json(
            [
                {"platform": platform.id, "tenant": platform.tenant, "deployment_id": deployment}
                for platform, deployment in found
            ]
        )
        return
    echo_table(
        ("platform", "tenant", "issuer", "deployment id"),
        [(platform.id, platform.tenant, platform.issuer, deployment) for platform, deployment in found],
        empty="No deployment is known yet: by default the first is learned from the first launch.",
    )


@deployments.command("add")
@click.argument("platform_id", type=ROW, metavar="PLATFORM")
@click.argument("deployment_ids", nargs=-1, required=True, metavar="DEPLOYMENT_ID...")
@json_option
@pass_session
def add(session: Session, platform_id: int, deployment_ids: tuple[str, ...], as_json: bool) -> None:
    """Accept launches through these deployments.

    PLATFORM is its number in 'bridge platforms list'; ids are compared letter for letter.
    """
    registry = session.wiring.registry
    registry.deployments.add(registry.platforms.by_id(platform_id), deployment_ids)
    report(
        as_json,
        {"platform": platform_id, "added": list(deployment_ids)},
        f"Platform {platform_id} may launch through {', '.join(deployment_ids)}.",
    )


@deployments.command("remove")
@click.argument("platform_id", type=ROW, metavar="PLATFORM")
@click.argument("deployment_id")
@json_option
@pass_session
def remove(session: Session, platform_id: int, deployment_id: str, as_json: bool) -> None:
    """Accept launches through a deployment no more; the mirror keeps what was read."""
    registry = session.wiring.registry
    if not registry.deployments.remove(registry.platforms.by_id(platform_id), deployment_id):
        raise UnknownObject(f"platform {platform_id} has no deployment {deployment_id}: see 'bridge deployments list'")
    report(
        as_json,
        {"platform": platform_id, "removed": deployment_id},
        f"Platform {platform_id} may launch through {deployment_id} no more.",
    )
