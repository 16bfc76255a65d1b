"""``bridge feeders``: LTI tools that hand in launches, or are handed them, and read memberships back by an API key."""

import dataclasses
from typing import Any

import click

from bridge.cli.common import ROW, Session, echo_json, echo_table, json_option, pass_session, report
from bridge.cli.tools import share_option, shares_of
from bridge.errors import InvalidRequest, UnknownObject
from bridge.lti.vendors import PROFILES
from bridge.registry.contexts import RegisteredContext
from bridge.registry.fed_contexts import FedContext
from bridge.registry.feeders import Audience
from bridge.registry.registry import Registry
from bridge.registry.tools import DEFAULT_SHARES, Tool
from bridge.roster.identity import ContextKey
from bridge.wording import counted

_NO_KEYS = '{"keys":[]}'


@click.group()
def feeders() -> None:
    """Register LTI tools that talk to the bridge by an API key: docs/feeders.md."""


@feeders.command("add")
@click.argument("name")
@click.option("--source", "sources", multiple=True, help="A tenant that it may see; all unless named. May be repeated.")
@share_option(tuple(share.value for share in DEFAULT_SHARES))
@json_option
@pass_session
def add(session: Session, name: str, sources: tuple[str, ...], shares: tuple[str, ...], as_json: bool) -> None:
    """Register a tool without LTI keys of its own, and print its API key, this once.

    A tool of 'bridge tools add' is given an API key by 'bridge feeders new-key'.
    """
    registry = session.wiring.registry
    tool = registry.tools.add(
        name,
        key_set=_NO_KEYS,
        sources=sources or None,
        shares=shares_of(shares),
    )
    key = registry.tool_keys.issue(tool.client_id)
    _report_key(as_json, tool, key)


@feeders.command("new-key")
@click.argument("tool")
@json_option
@pass_session
def new_key(session: Session, tool: str, as_json: bool) -> None:
    """Give TOOL, by its client id or name, another API key. Two are good at a time, until one is revoked."""
    registry = session.wiring.registry
    found = find_tool(registry, tool)
    _report_key(as_json, found, registry.tool_keys.issue(found.client_id))


@feeders.command("revoke-key")
@click.argument("tool")
@click.argument("key_id", type=ROW)
@json_option
@pass_session
def revoke_key(session: Session, tool: str, key_id: int, as_json: bool) -> None:
    """Let nobody in by one of TOOL's API keys any more. KEY_ID is the number that 'bridge feeders list' shows."""
    registry = session.wiring.registry
    found = find_tool(registry, tool)
    registry.tool_keys.revoke(found.client_id, key_id)
    report(as_json, {"tool": found.client_id, "revoked": key_id}, f"API key {key_id} of {found.name} is revoked.")


@feeders.command("revoke-service-keys")
@click.argument("tool")
@click.option("--context", help="Only those of this context: by class sourcedId, or key.")
@json_option
@pass_session
def revoke_service_keys(session: Session, tool: str, context: str | None, as_json: bool) -> None:
    """Let nobody in by TOOL's service keys any more; the next launch of each context brings a new one."""
    registry = session.wiring.registry
    found = find_tool(registry, tool)
    count = registry.service_keys.revoke(found.client_id, None if context is None else _context(registry, context))
    report(
        as_json,
        {"tool": found.client_id, "revoked": count},
        f"Revoked: {counted(count, 'service key')} of {found.name}.",
    )


@feeders.command("bind")
@click.argument("tool")
@click.option("--issuer", required=True, help="The platform's issuer (iss), exactly as it writes it.")
@click.option("--client-id", required=True, help="The tool's own client id there: the audience (aud) of its launches.")
@click.option("--deployment-id", default="", help="The one deployment that is meant, if not any.")
@click.option("--tenant", help="Whose people and contexts these are; needed unless the bridge has this client id too.")
@click.option("--jwks-url", help="The platform's key set; needed unless the bridge is registered there.")
@click.option(
    "--vendor",
    type=click.Choice(sorted(PROFILES)),
    default="generic",
    show_default=True,
    help="The platform's vendor profile; that of the bridge's own registration goes before it.",
)
@json_option
@pass_session
def bind(
    session: Session,
    tool: str,
    issuer: str,
    client_id: str,
    deployment_id: str,
    tenant: str | None,
    jwks_url: str | None,
    vendor: str,
    as_json: bool,
) -> None:
    """Let TOOL hand in the launches that a platform sends to one of its client ids.

    Where the bridge is registered at the platform, name that registration's tenant, so that people and contexts are the
    same; name a tenant of its own for another institution at the same issuer.
    """
    wiring = session.wiring
    found = find_tool(wiring.registry, tool)
    ours = wiring.registry.platforms.of_issuer(issuer)
    same = [each for each in ours if each.client_id == client_id]
    if tenant is None and not same:
        known = ", ".join(sorted({each.tenant for each in ours})) or "none yet"
        raise InvalidRequest("--tenant", f"say whose people these are; the issuer's tenants here: {known}")
    tenant = tenant or same[0].tenant
    registered = next((each for each in (*same, *ours) if each.tenant == tenant), None)
    if jwks_url is None and registered is None:
        raise InvalidRequest("--jwks-url", "the bridge is not registered at this platform: name its key set")
    jwks_url = jwks_url or registered.jwks_url if registered else str(jwks_url)
    wiring.policy.check_url(jwks_url)
    audience = Audience(
        tool=found.client_id,
        issuer=issuer,
        client_id=client_id,
        deployment_id=deployment_id,
        tenant=tenant,
        jwks_url=jwks_url,
        vendor=vendor,
    )
    wiring.registry.feeders.bind(audience)
    report(
        as_json,
        dataclasses.asdict(audience),
        f"{found.name} may hand in launches from {issuer} for {client_id}, as tenant {tenant}.",
    )


@feeders.command("unbind")
@click.argument("tool")
@click.option("--issuer", required=True, help="The platform's issuer, as it was bound.")
@click.option("--client-id", required=True, help="The tool's client id there.")
@click.option("--deployment-id", default="", help="The deployment, if one was named.")
@json_option
@pass_session
def unbind(session: Session, tool: str, issuer: str, client_id: str, deployment_id: str, as_json: bool) -> None:
    """Take no more launches for a client id from TOOL; what it has handed in stays."""
    registry = session.wiring.registry
    found = find_tool(registry, tool)
    registry.feeders.unbind(found.client_id, issuer, client_id, deployment_id)
    report(as_json, {"unbound": client_id}, f"{found.name} hands in no more launches for {client_id}.")


@feeders.command("application")
@click.argument("tool")
@click.argument("url")
@json_option
@pass_session
def application(session: Session, tool: str, url: str, as_json: bool) -> None:
    """Say where TOOL's application is: the browser goes to URL with the launches of every platform that is set to that.

    See 'bridge platforms set --application'.
    """
    registry = session.wiring.registry
    found = find_tool(registry, tool)
    registry.applications.set(found.client_id, url)
    report(as_json, {"tool": found.client_id, "url": url}, f"The application of {found.name} is at {url}.")


@feeders.command("list")
@json_option
@pass_session
def list_(session: Session, as_json: bool) -> None:
    """List the tools that have API keys, audiences or an application."""
    registry = session.wiring.registry
    found = [_shown(registry, registry.tools.get(tool)) for tool in registry.feeders.tools()]
    if as_json:
        echo_json(found)
        return
    rows = []
    for one in found:
        keys = ", ".join(str(key["id"]) for key in one["keys"] if key["revoked"] is None)
        audiences = ", ".join(f"{each['client_id']} at {each['issuer']}" for each in one["audiences"])
        rows.append((one["tool"], one["name"], keys, audiences, one["application"]))
    echo_table(
        ("client id", "name", "API keys", "hands in for", "application"),
        rows,
        empty="No tool talks to the bridge by an API key: see 'bridge feeders add --help'.",
    )


@feeders.command("contexts")
@json_option
@pass_session
def contexts(session: Session, as_json: bool) -> None:
    """List the contexts that tools have handed in launches of, and whether the bridge can read their rosters."""
    registry = session.wiring.registry
    found = [(one, registry.contexts.is_known(one.tenant, one.key)) for one in registry.fed_contexts.all()]
    if as_json:
        echo_json(
            [
                {**dataclasses.asdict(one), "classSourcedId": one.class_sourced_id, "rosterRead": read}
                for one, read in found
            ]
        )
        return
    echo_table(
        ("class", "tenant", "title", "last launch", "roster"),
        [
            (
                one.class_sourced_id,
                one.tenant,
                one.title or one.label or one.context_id,
                one.last_launch,
                "read" if read else "from launches alone",
            )
            for one, read in found
        ],
        empty="No launch was handed in yet.",
    )


def find_tool(registry: Registry, name: str) -> Tool:
    """The tool with this client id, or the one that is called so.

    :raises UnknownObject: if there is none, or it is revoked.
    :raises InvalidRequest: if several are called so.
    """
    live = [tool for tool in registry.tools.all() if tool.revoked is None and name in {tool.client_id, tool.name}]
    if not live:
        raise UnknownObject(f"no tool has the client id or the name {name}: see 'bridge tools list'")
    if len(live) > 1:
        raise InvalidRequest("TOOL", f"{len(live)} tools are called so, name one of the client ids")
    return live[0]


def _context(registry: Registry, name: str) -> tuple[str, ContextKey]:
    known: list[FedContext | RegisteredContext] = [*registry.fed_contexts.all(), *registry.contexts.all()]
    found = {(each.tenant, each.key) for each in known if name in {each.class_sourced_id, each.key}}
    if len(found) != 1:
        raise UnknownObject(f"no one context is called {name}: name the class's sourcedId")
    return found.pop()


def _report_key(as_json: bool, tool: Tool, key: str) -> None:
    report(
        as_json,
        {"tool": tool.client_id, "name": tool.name, "apiKey": key},
        f"tool     {tool.client_id}\nAPI key  {key}\nThe API key is not shown again.",
    )


def _shown(registry: Registry, tool: Tool) -> dict[str, Any]:
    application = registry.applications.get(tool.client_id)
    return {
        "tool": tool.client_id,
        "name": tool.name,
        "keys": [
            {"id": key.id, "created": key.created, "revoked": key.revoked}
            for key in registry.tool_keys.of(tool.client_id)
        ],
        "audiences": [dataclasses.asdict(each) for each in registry.feeders.of(tool.client_id)],
        "application": None if application is None else application.url,
    }
