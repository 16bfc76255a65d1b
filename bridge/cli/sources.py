"""``bridge sources``: the OneRoster providers (SISs) that rosters are read from."""

import dataclasses
from typing import Any, TextIO

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
from bridge.clock import to_stamp
from bridge.deciding import pause_context, resume_context
from bridge.errors import InvalidRequest
from bridge.mirror.runs import Run, Runs
from bridge.mirror.standings import Standing, Standings
from bridge.oneroster.scopes import scopes_to_ask
from bridge.oneroster.source import Changes
from bridge.registry.sources import VERSIONS, RegisteredSource
from bridge.retiring import retire_source
from bridge.scheduling import Scheduling
from bridge.sync.policy import Verdict
from bridge.transport.client_secret import Auth, Credentials


@click.group()
def sources() -> None:
    """Register the OneRoster providers (SISs) that rosters are read from."""


@sources.command("add")
@click.argument("name")
@click.option("--base-url", required=True, help="What the collections' names go behind, as in https://sis/…/v1p2.")
@click.option("--token-url", default="", help="Where access tokens are asked for.")
@click.option("--client-id", required=True, help="The client id, or consumer key, that the provider gave the bridge.")
@click.option(
    "--client-secret-file",
    type=click.File(),
    help="A file that holds the secret, or - for standard input; otherwise it is asked for.",
)
@click.option("--version", type=click.Choice(VERSIONS), default="1.2", show_default=True, help="Of OneRoster.")
@click.option(
    "--auth",
    type=click.Choice([each.value for each in Auth]),
    default=Auth.BASIC.value,
    show_default=True,
    help="How the client proves who it is.",
)
@click.option("--scope", "scopes", multiple=True, help="A scope to ask for, if not the standard's; may be repeated.")
@click.option("--prefix", default="", help="Goes before every sourcedId; cannot be changed later.")
@click.option("--demographics", is_flag=True, help="Read demographics too.")
@click.option(
    "--changes",
    type=click.Choice([each.value for each in Changes]),
    default=Changes.INSTANT.value,
    show_default=True,
    help="How to ask for what has changed: by date-time, by date, or not at all.",
)
@click.option("--page-limit", type=click.IntRange(25, 100_000), help="How many records to ask for at a time.")
@click.option("--freshness-hours", type=click.IntRange(1, 8760), help="Within how many hours it is to be read.")
@json_option
@pass_session
def add(
    session: Session,
    as_json: bool,
    name: str,
    client_secret_file: TextIO | None,
    version: str,
    scopes: tuple[str, ...],
    demographics: bool,
    token_url: str,
    client_id: str,
    auth: str,
    changes: str,
    **fields: Any,
) -> None:
    """Register a provider.

    NAME is the source's name in the mirror: clients and webhooks are limited to sources by it.
    """
    wiring = session.wiring
    for url in filter(None, (fields["base_url"], token_url)):
        wiring.policy.check_url(url)
    wiring.registry.sources.check_new(name)  # before anybody is asked for a secret
    credentials = Credentials(
        client_id=client_id,
        secret=_secret(client_secret_file),
        token_url=token_url,
        auth=Auth(auth),
        scopes=scopes or scopes_to_ask(version, demographics=demographics),
    )
    source = wiring.registry.sources.add(
        RegisteredSource(
            name=name,
            version=version,
            credentials=credentials,
            demographics=demographics,
            changes=Changes(changes),
            **fields,
        )
    )
    report(
        as_json,
        _shown(source),
        f"Registered. 'bridge sources check {name}' asks it for one record, 'bridge sync {name}' reads it now.",
    )


@sources.command("list")
@json_option
@pass_session
def list_(session: Session, as_json: bool) -> None:
    """List the sources with their last run, and how it goes on."""
    found = _standings(session)
    if as_json:
        echo_json([_with_state(*each) for each in found])
        return
    echo_table(
        ("name", "version", "base URL", "last run", "outcome", "last full pull", "records", "state", "until"),
        [
            (
                source.name,
                source.version,
                source.base_url,
                run.started if run else "never",
                run.outcome if run else "",
                standing.full_pull if standing else "",
                standing.members if standing else "",
                f"due: {verdict.reason}" if verdict.due else verdict.reason,
                to_stamp(verdict.until) if verdict.until else "",
            )
            for source, run, standing, verdict in found
        ],
        empty="No source is registered: see 'bridge sources add --help'.",
    )


@sources.command("show")
@click.argument("name")
@json_option
@pass_session
def show(session: Session, name: str, as_json: bool) -> None:
    """Show how a source is read; never its secret."""
    session.wiring.registry.sources.get(name)
    (found,) = [_with_state(*each) for each in _standings(session) if each[0].name == name]
    report(as_json, found, "\n".join(f"{key}: {'' if value is None else value}" for key, value in found.items()))


@sources.command("set")
@click.argument("name")
@click.option("--base-url", help="What the collections' names go behind.")
@click.option("--token-url", help="Where access tokens are asked for.")
@click.option("--client-id", help="The client id.")
@click.option("--auth", type=click.Choice([each.value for each in Auth]), help="How the client proves who it is.")
@click.option("--scope", "scopes", multiple=True, help="A scope to ask for; may be repeated.")
@click.option("--demographics/--no-demographics", default=None, help="Whether demographics are read.")
@click.option("--changes", type=click.Choice([each.value for each in Changes]), help="How to ask for changes.")
@click.option("--page-limit", type=click.IntRange(0, 100_000), help="0: as the setting says.")
@click.option("--freshness-hours", type=click.IntRange(0, 8760), help="0: as the setting says.")
@json_option
@pass_session
def set_(session: Session, name: str, as_json: bool, **options: Any) -> None:
    """Change how a source is read. What is not named stays; the prefix always does."""
    check_something_set()
    known = session.wiring.registry.sources
    source = known.get(name)
    given = {key: value for key, value in options.items() if value not in (None, ())}
    for key in given.keys() & {"base_url", "token_url"}:
        if given[key]:
            session.wiring.policy.check_url(given[key])
    for key in given.keys() & {"page_limit", "freshness_hours"}:
        given[key] = given[key] or None
    if "changes" in given:
        given["changes"] = Changes(given["changes"])
    if "auth" in given:
        given["auth"] = Auth(given["auth"])
    names = {field.name for field in dataclasses.fields(Credentials)}
    credentials = dataclasses.replace(
        source.credentials, **{key: value for key, value in given.items() if key in names}
    )
    rest = {key: value for key, value in given.items() if key not in names}
    updated = known.update(dataclasses.replace(source, credentials=credentials, **rest))
    report(as_json, _shown(updated), f"Source {name} is read so from the next time on.")


@sources.command("check")
@click.argument("name")
@json_option
@pass_session
def check(session: Session, name: str, as_json: bool) -> None:
    """Ask a source for an access token and one record."""
    wiring = session.wiring
    wiring.oneroster.check(wiring.registry.sources.get(name).account)
    report(as_json, {"checked": name}, f"Source {name} answers.")


@sources.command("rotate-secret")
@click.argument("name")
@click.option("--client-secret-file", type=click.File(), help="A file that holds the new secret, or -.")
@json_option
@pass_session
def rotate_secret(session: Session, name: str, client_secret_file: TextIO | None, as_json: bool) -> None:
    """Put the provider's new secret in the place of the old one."""
    known = session.wiring.registry.sources
    known.get(name)  # before anybody is asked for a secret
    known.set_secret(name, _secret(client_secret_file))
    report(as_json, {"rotated": name}, f"Source {name} is asked with the new secret from now on.")


@sources.command("pause")
@click.argument("name")
@click.option("--reason", default="", help="Why, for whoever asks later.")
@json_option
@pass_session
def pause(session: Session, name: str, reason: str, as_json: bool) -> None:
    """Read a source no more by itself; what a person asks for is still done."""
    wiring = session.wiring
    pause_context(wiring, wiring.registry.sources.get(name), operator(), reason)
    report(as_json, {"paused": name}, f"Source {name} is paused until 'bridge sources resume'.")


@sources.command("resume")
@click.argument("name")
@json_option
@pass_session
def resume(session: Session, name: str, as_json: bool) -> None:
    """Read a paused source again."""
    wiring = session.wiring
    was_paused = resume_context(wiring, wiring.registry.sources.get(name), operator())
    report(
        as_json,
        {"resumed": name, "wasPaused": was_paused},
        f"Source {name} {'is read again' if was_paused else 'was not paused'}.",
    )


@sources.command("remove")
@click.argument("name")
@click.option("--retire", is_flag=True, help="End what was read from it: its records become tobedeleted.")
@click.option("--yes", is_flag=True, help="Do not ask before records are ended.")
@json_option
@pass_session
def remove(session: Session, name: str, retire: bool, yes: bool, as_json: bool) -> None:
    """Forget a source; the mirror keeps what was read from it, unless it is retired."""
    wiring = session.wiring
    found = wiring.registry.sources.get(name)
    run: Run | None = None
    if retire:
        if not yes:
            click.confirm(f"End every record that was read from {name}?", abort=True, err=True)
        run = retire_source(wiring, found, operator())
    else:
        wiring.registry.sources.remove(name)
    its_records = f"Its records are ended by run {run.id}" if run else "Its records stay in the mirror"
    report(as_json, {"removed": name, "run": run.id if run else None}, f"Source {name} is forgotten. {its_records}.")


def _secret(file: TextIO | None) -> str:
    secret = file.read().strip() if file else click.prompt("Client secret", hide_input=True, err=True)
    if not secret:
        raise InvalidRequest("client_secret_file", "holds no secret")
    return str(secret)


def _standings(session: Session) -> list[tuple[RegisteredSource, Run | None, Standing | None, Verdict]]:
    wiring = session.wiring
    latest = Runs(wiring.mirror, wiring.clock).latest_by_context()
    standings = Standings(wiring.mirror).by_context()
    return [
        (source, latest.get((source.tenant, source.key)), standings.get((source.tenant, source.key)), verdict)
        for source, verdict in Scheduling(wiring).verdicts().items()
        if isinstance(source, RegisteredSource)
    ]


def _with_state(
    source: RegisteredSource, run: Run | None, standing: Standing | None, verdict: Verdict
) -> dict[str, Any]:
    return {
        **_shown(source),
        "lastRun": run.started if run else None,
        "lastOutcome": run.outcome if run else None,
        "lastFullPull": standing.full_pull if standing else None,
        "records": standing.members if standing else None,
        "due": verdict.due,
        "state": verdict.reason,
        "stateUntil": to_stamp(verdict.until) if verdict.until else None,
    }


def _shown(source: RegisteredSource) -> dict[str, Any]:
    credentials = source.credentials
    return {
        "name": source.name,
        "baseUrl": source.base_url,
        "version": source.version,
        "tokenUrl": credentials.token_url or None,
        "auth": credentials.auth,
        "clientId": credentials.client_id,
        "scopes": list(credentials.scopes),
        "prefix": source.prefix,
        "demographics": source.demographics,
        "changes": source.changes,
        "pageLimit": source.page_limit,
        "freshnessHours": source.freshness_hours,
        "paused": dataclasses.asdict(source.pause) if source.pause else None,
    }
