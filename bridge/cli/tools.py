"""``bridge tools``: the LTI tools that may read memberships here, as at an LMS."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from bridge.auth.token_endpoint import TOKEN_PATH
from bridge.auth.tool_keys import kids_in, parse_public_keys
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
from bridge.errors import InvalidRequest
from bridge.registry.tools import DEFAULT_SHARES, Tool
from bridge.roster.sharing import Share, UserIds
from bridge.roster.visibility import EVERY, names_in_words

_NOTHING = "nothing"
_USER_IDS = [ids.value for ids in UserIds]


def _key_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Where the tool's public keys are: exactly one of both."""

    @click.option("--jwks-url", help="The address of the tool's public key set.")
    @click.option(
        "--public-keys",
        "key_file",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="A file with the tool's public keys instead: a JWK set, one JWK, or PEM.",
    )
    @functools.wraps(command)
    def with_keys(*args: Any, jwks_url: str | None, key_file: Path | None, **kwargs: Any) -> Any:
        if (jwks_url is None) == (key_file is None):
            raise InvalidRequest("--jwks-url", "give either this or --public-keys")
        key_set = (
            None if key_file is None else parse_public_keys(key_file.read_text(encoding="utf-8", errors="replace"))
        )
        return command(*args, jwks_url=jwks_url, key_set=key_set, **kwargs)

    return with_keys


def share_option(default: tuple[str, ...]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    return click.option(
        "--share",
        "shares",
        multiple=True,
        type=click.Choice([*(share.value for share in Share), _NOTHING]),
        default=default,
        show_default=bool(default),
        help="What it is told of people beside id, roles and status; may be repeated.",
    )


_source_option = click.option("--source", "sources", multiple=True, help="A source whose classes it may read; repeat.")
_class_option = click.option("--class", "classes", multiple=True, help="The sourcedId of a class it may read; repeat.")
_user_ids_help = "By which id people are told: the LMS's own where there is one, or always the OneRoster sourcedId."


@click.group()
def tools() -> None:
    """Register LTI tools that read memberships (NRPS 2.0) from the bridge."""


@tools.command("add")
@click.argument("name")
@_key_options
@_source_option
@_class_option
@share_option(tuple(share.value for share in DEFAULT_SHARES))
@click.option(
    "--user-ids", type=click.Choice(_USER_IDS), default=UserIds.LMS.value, show_default=True, help=_user_ids_help
)
@json_option
@pass_session
def add(
    session: Session,
    as_json: bool,
    name: str,
    jwks_url: str | None,
    key_set: str | None,
    sources: tuple[str, ...],
    classes: tuple[str, ...],
    shares: tuple[str, ...],
    user_ids: str,
) -> None:
    """Register a tool, and print what its vendor enters there. It may read every class unless some are named."""
    check_sources(session.wiring, sources)
    tool = session.wiring.registry.tools.add(
        name,
        jwks_url=jwks_url,
        key_set=key_set,
        sources=sources or None,
        classes=classes or None,
        shares=shares_of(shares),
        user_ids=user_ids,
    )
    _report(session, tool, as_json=as_json)


@tools.command("list")
@json_option
@pass_session
def list_(session: Session, as_json: bool) -> None:
    """List the tools."""
    found = session.wiring.registry.tools.all()
    if as_json:
        echo_json([_shown(tool) for tool in found])
        return
    echo_table(
        ("client id", "name", "sources", "classes", "shares", "created", "revoked"),
        [
            (
                tool.client_id,
                tool.name,
                names_in_words(tool.sources),
                EVERY if tool.classes is None else len(tool.classes),
                ", ".join(sorted(tool.privacy.shares)) or _NOTHING,
                tool.created,
                tool.revoked,
            )
            for tool in found
        ],
        empty="No tool is registered: see 'bridge tools add --help'.",
    )


@tools.command("show")
@click.argument("client_id")
@json_option
@pass_session
def show(session: Session, as_json: bool, client_id: str) -> None:
    """Show a tool, and what its vendor enters there."""
    _report(session, session.wiring.registry.tools.get(client_id), as_json=as_json)


@tools.command("set")
@click.argument("client_id")
@click.option("--name", help="What it is called here.")
@_source_option
@click.option("--every-source", is_flag=True, help="Let it read the classes of every source.")
@_class_option
@click.option("--every-class", is_flag=True, help="Let it read every class of these sources.")
@share_option(())
@click.option("--user-ids", type=click.Choice(_USER_IDS), help=_user_ids_help)
@json_option
@pass_session
def set_(
    session: Session,
    as_json: bool,
    client_id: str,
    name: str | None,
    sources: tuple[str, ...],
    every_source: bool,
    classes: tuple[str, ...],
    every_class: bool,
    shares: tuple[str, ...],
    user_ids: str | None,
) -> None:
    """Change what a tool may read or is told; what is named takes the place of what was.

    The tool has to read its rosters as a whole then: its links end, and it is told so.
    """
    check_something_set()
    if sources and every_source:
        raise click.UsageError("give --source or --every-source, not both")
    if classes and every_class:
        raise click.UsageError("give --class or --every-class, not both")
    check_sources(session.wiring, sources)
    tool = session.wiring.registry.tools.set(
        client_id,
        name=name,
        sources=sources or None,
        every_source=every_source,
        classes=classes or None,
        every_class=every_class,
        shares=shares_of(shares) if shares else None,
        user_ids=user_ids,
    )
    _report(session, tool, as_json=as_json)


@tools.command("rotate-key")
@click.argument("client_id")
@_key_options
@json_option
@pass_session
def rotate_key(session: Session, as_json: bool, client_id: str, jwks_url: str | None, key_set: str | None) -> None:
    """Give a tool other public keys, or another key set address, in the place of what it had.

    Its tokens end at once. A tool that changes keys at its own address needs none of this.
    """
    tool = session.wiring.registry.tools.rotate_key(client_id, jwks_url=jwks_url, key_set=key_set)
    _report(session, tool, as_json=as_json)


@tools.command("revoke")
@click.argument("client_id")
@json_option
@pass_session
def revoke(session: Session, client_id: str, as_json: bool) -> None:
    """Let a tool in no more; its tokens end at once."""
    session.wiring.registry.tools.revoke(client_id)
    report(as_json, {"revoked": client_id}, f"Tool {client_id} is revoked.")


@tools.command("remove")
@click.argument("client_id")
@json_option
@pass_session
def remove(session: Session, client_id: str, as_json: bool) -> None:
    """Forget a tool."""
    session.wiring.registry.tools.remove(client_id)
    report(as_json, {"removed": client_id}, f"Tool {client_id} is removed.")


def shares_of(names: tuple[str, ...]) -> list[Share]:
    if _NOTHING in names and len(set(names)) > 1:
        raise InvalidRequest("--share", "names nothing and something")
    return [Share(name) for name in names if name != _NOTHING]


def _shown(tool: Tool) -> dict[str, object]:
    return {
        "client_id": tool.client_id,
        "name": tool.name,
        "jwks_url": tool.jwks_url,
        "kids": None if tool.key_set is None else kids_in(tool.key_set),
        "sources": None if tool.sources is None else sorted(tool.sources),
        "classes": None if tool.classes is None else sorted(tool.classes),
        "shares": sorted(tool.privacy.shares),
        "user_ids": tool.user_ids,
        "created": tool.created,
        "revoked": tool.revoked,
    }


def _report(session: Session, tool: Tool, *, as_json: bool) -> None:
    url = session.settings.server.public_url
    addresses = {
        "issuer": url,
        "token_url": url + TOKEN_PATH,
        "memberships_url": f"{url}/lti/contexts/{{classSourcedId}}/memberships",
    }
    keys = tool.jwks_url if tool.key_set is None else f"pasted, kid {', '.join(kids_in(tool.key_set))}"
    lines = {
        "client id": tool.client_id,
        "name": tool.name,
        "public keys": keys,
        "reads": _reads(tool),
        "is told": ", ".join(("id, roles, status", *sorted(tool.privacy.shares))),
        "user ids": tool.user_ids,
        "issuer": addresses["issuer"],
        "token URL": addresses["token_url"],
        "memberships": addresses["memberships_url"],
        **({"revoked": tool.revoked} if tool.revoked else {}),
    }
    report(as_json, {**_shown(tool), **addresses}, "\n".join(f"{name:<12}  {value}" for name, value in lines.items()))


def _reads(tool: Tool) -> str:
    which = "every class" if tool.classes is None else names_in_words(tool.classes)
    return which if tool.sources is None else f"{which} of {names_in_words(tool.sources)}"
