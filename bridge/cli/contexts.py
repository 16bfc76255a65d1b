"""``bridge contexts``: the courses whose rosters are read."""

from typing import Any

import click

from bridge.cli.common import Session, echo_json, echo_table, json_option, pass_session, report
from bridge.errors import UnknownObject
from bridge.lti.platform import Platform
from bridge.lti.vendors import profile_of
from bridge.mirror.runs import Run, Runs
from bridge.mirror.standings import Standing, Standings
from bridge.registry.contexts import RegisteredContext
from bridge.roster.identity import context_key
from bridge.roster.memberships import Context


@click.group()
def contexts() -> None:
    """The contexts (courses) whose rosters are read."""


@contexts.command("add")
@click.option("--tenant", required=True, help="The tenant of the platform: see 'bridge platforms list'.")
@click.option("--client-id", help="Which registration reads it, if the tenant has several.")
@click.option("--context-id", required=True, help="The platform's id of the context.")
@click.option("--memberships-url", required=True, help="context_memberships_url, exactly as the platform gives it.")
@click.option("--deployment-id", help="The deployment that the context is in.")
@click.option("--label", help="A short name, if the platform gives none.")
@click.option("--title", help="A title, if the platform gives none.")
@json_option
@pass_session
def add(
    session: Session,
    as_json: bool,
    tenant: str,
    client_id: str | None,
    context_id: str,
    memberships_url: str,
    deployment_id: str | None,
    label: str | None,
    title: str | None,
) -> None:
    """Register a context by its memberships URL, to be read without a launch."""
    wiring = session.wiring
    platform = _platform(session, tenant, client_id)
    key = context_key(context_id, deployment_id if profile_of(platform).contexts_by_deployment else None)
    wiring.policy.check_url(memberships_url)
    context = wiring.registry.contexts.add(
        platform,
        key,
        Context(context_id=context_id, label=label, title=title),
        memberships_url=memberships_url,
        deployment_id=deployment_id,
    )
    report(
        as_json,
        _shown(context, None, None),
        f"Registered. Its class will be {context.class_sourced_id}: 'bridge sync {context_id}' reads it now.",
    )


@contexts.command("list")
@click.option("--tenant", help="Only this tenant's.")
@json_option
@pass_session
def list_(session: Session, as_json: bool, tenant: str | None) -> None:
    """List the contexts with their last run.

    Whoever has left since the last full pull may still be listed.
    """
    wiring = session.wiring
    latest = Runs(wiring.mirror, wiring.clock).latest_by_context()
    standings = Standings(wiring.mirror).by_context()
    found = [
        (one, latest.get((one.tenant, one.key)), standings.get((one.tenant, one.key)))
        for one in wiring.registry.contexts.all(tenant)
    ]
    if as_json:
        echo_json([_shown(*each) for each in found])
        return
    echo_table(
        ("tenant", "context", "label", "class sourcedId", "last run", "outcome", "last full pull", "members"),
        [
            (
                context.tenant,
                context.context_id,
                context.label,
                context.class_sourced_id,
                run.started if run else "never",
                run.outcome if run else "",
                standing.full_pull if standing else "",
                standing.members if standing else "",
            )
            for context, run, standing in found
        ],
        empty="No context is known yet: launch the bridge from a course, or see 'bridge contexts add --help'.",
    )


@contexts.command("remove")
@click.argument("context")
@json_option
@pass_session
def remove(session: Session, context: str, as_json: bool) -> None:
    """Read a context no more; the mirror keeps what was read.

    CONTEXT is a class sourcedId, a context id or a label.
    """
    registry = session.wiring.registry
    found = registry.contexts.find(context)
    registry.contexts.remove(found.tenant, found.key)
    report(
        as_json,
        {"removed": found.class_sourced_id},
        f"Class {found.class_sourced_id} is read no more. Its records stay in the mirror.",
    )


def _platform(session: Session, tenant: str, client_id: str | None) -> Platform:
    found = [
        platform
        for platform in session.wiring.registry.platforms.of_tenant(tenant)
        if client_id in {None, platform.client_id}
    ]
    if len(found) != 1:
        what = "several registrations: name one with --client-id" if found else "no such registration"
        raise UnknownObject(f"tenant {tenant} has {what}; see 'bridge platforms list'")
    return found[0]


def _shown(context: RegisteredContext, run: Run | None, standing: Standing | None) -> dict[str, Any]:
    return {
        "tenant": context.tenant,
        "contextId": context.context_id,
        "label": context.label,
        "title": context.title,
        "classSourcedId": context.class_sourced_id,
        "addedBy": context.added_by,
        "lastLaunch": context.last_launch,
        "lastRun": run.started if run else None,
        "lastOutcome": run.outcome if run else None,
        "lastFullPull": standing.full_pull if standing else None,
        "members": standing.members if standing else None,
    }
