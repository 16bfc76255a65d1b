"""``bridge contexts``: the courses whose rosters are read."""

from typing import Any

import click

from bridge.cli.common import (
    Session,
    check_something_set,
    echo_json,
    echo_table,
    json_option,
    operator,
    pass_session,
    report,
)
from bridge.cli.runs import shown
from bridge.clock import to_stamp
from bridge.deciding import pause_context, resume_context
from bridge.errors import UnknownObject
from bridge.lti.platform import Platform
from bridge.lti.vendors import profile_of
from bridge.mirror.runs import Run, Runs
from bridge.mirror.standings import Standing, Standings
from bridge.registry.contexts import RegisteredContext
from bridge.retiring import retire_context
from bridge.roster.identity import context_key
from bridge.roster.memberships import Context
from bridge.scheduling import Scheduling
from bridge.sync.policy import Verdict
from bridge.wording import counted


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
        _shown(context, None, None, None),
        f"Registered. Its class will be {context.class_sourced_id}: 'bridge sync {context_id}' reads it now.",
    )


@contexts.command("list")
@click.option("--tenant", help="Only this tenant's.")
@json_option
@pass_session
def list_(session: Session, as_json: bool, tenant: str | None) -> None:
    """List the contexts with their last run, and how it goes on.

    Whoever has left since the last full pull may still be listed.
    """
    wiring = session.wiring
    if tenant is not None and not wiring.registry.platforms.of_tenant(tenant):
        raise UnknownObject(f"no platform belongs to a tenant {tenant}: see 'bridge platforms list'")
    latest = Runs(wiring.mirror, wiring.clock).latest_by_context()
    standings = Standings(wiring.mirror).by_context()
    found = [
        (context, latest.get((context.tenant, context.key)), standings.get((context.tenant, context.key)), verdict)
        for context, verdict in Scheduling(wiring).verdicts().items()
        if isinstance(context, RegisteredContext) and tenant in {None, context.tenant}
    ]
    if as_json:
        echo_json([_shown(*each) for each in found])
        return
    echo_table(
        (
            "tenant",
            "context",
            "label",
            "class sourcedId",
            "last run",
            "outcome",
            "last full pull",
            "members",
            "state",
            "until",
        ),
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
                _state(verdict),
                to_stamp(verdict.until) if verdict.until else "",
            )
            for context, run, standing, verdict in found
        ],
        empty="No context is known yet: launch the bridge from a course, or see 'bridge contexts add --help'.",
    )


@contexts.command("set")
@click.argument("context")
@click.option("--freshness-hours", type=click.IntRange(0, 8760), help="0: as its platform's others.")
@json_option
@pass_session
def set_(session: Session, context: str, freshness_hours: int | None, as_json: bool) -> None:
    """Give a context a freshness target of its own."""
    check_something_set()
    registry = session.wiring.registry
    found = registry.contexts.find(context)
    if freshness_hours:
        registry.targets.set(found.tenant, found.key, freshness_hours)
        how = f"at least every {counted(freshness_hours, 'hour')}"
    else:
        registry.targets.clear(found.tenant, found.key)
        how = "as often as the others of its platform"
    report(
        as_json,
        {"classSourcedId": found.class_sourced_id, "freshnessHours": freshness_hours or None},
        f"Class {found.class_sourced_id} is read {how}.",
    )


@contexts.command("pause")
@click.argument("context")
@click.option("--reason", default="", help="Why, for whoever asks later.")
@json_option
@pass_session
def pause(session: Session, context: str, reason: str, as_json: bool) -> None:
    """Read a context no more by itself or on launches; what a person asks for is still done."""
    found = session.wiring.registry.contexts.find(context)
    pause_context(session.wiring, found, operator(), reason)
    report(
        as_json,
        {"paused": found.class_sourced_id},
        f"Class {found.class_sourced_id} is paused until 'bridge contexts resume'.",
    )


@contexts.command("resume")
@click.argument("context")
@json_option
@pass_session
def resume(session: Session, context: str, as_json: bool) -> None:
    """Read a paused context again."""
    found = session.wiring.registry.contexts.find(context)
    was_paused = resume_context(session.wiring, found, operator())
    report(
        as_json,
        {"resumed": found.class_sourced_id, "wasPaused": was_paused},
        f"Class {found.class_sourced_id} {'is read again' if was_paused else 'was not paused'}.",
    )


@contexts.command("retire")
@click.argument("context")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@pass_session
def retire(session: Session, context: str, yes: bool, as_json: bool) -> None:
    """End a context: its class and enrollments become tobedeleted, and it is read no more."""
    wiring = session.wiring
    found = wiring.registry.contexts.find(context)
    if not yes:
        click.confirm(f"End class {found.class_sourced_id} and all its enrollments?", abort=True, err=True)
    run = retire_context(wiring, found, operator())
    report(as_json, shown(run), f"Class {found.class_sourced_id} is ended by run {run.id}.")


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


def _state(verdict: Verdict) -> str:
    return f"due: {verdict.reason}" if verdict.due else verdict.reason


def _shown(
    context: RegisteredContext, run: Run | None, standing: Standing | None, verdict: Verdict | None
) -> dict[str, Any]:
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
        "due": verdict.due if verdict else None,
        "state": verdict.reason if verdict else None,
        "stateUntil": to_stamp(verdict.until) if verdict and verdict.until else None,
    }
