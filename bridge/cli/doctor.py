"""``bridge doctor``: what is wrong, and what to do about it."""

import sqlite3
import sys
from collections import Counter
from collections.abc import Mapping

import click

from bridge.at_rest import key_file_open_to_others, open_to_others
from bridge.cli.common import Session, echo_json, json_option, pass_session
from bridge.cli.terminal import echo
from bridge.clock import to_stamp
from bridge.errors import BridgeError
from bridge.lti.platform import Platform
from bridge.mirror.runs import Runs
from bridge.people import held_again
from bridge.registry.circuits import CircuitState
from bridge.registry.sources import RegisteredSource
from bridge.registry.webhooks import Webhook
from bridge.scheduling import Scheduling
from bridge.settings import Server
from bridge.sync.policy import Reason
from bridge.wiring import Wiring
from bridge.wording import counted

_Check = tuple[str, str | None]


@click.command()
@json_option
@pass_session
def doctor(session: Session, as_json: bool) -> None:
    """Check the configuration, both files, the scheduler, each platform and each source."""
    wiring = session.wiring
    reasons = Counter(verdict.reason for verdict in Scheduling(wiring).verdicts().values())
    checks: list[_Check] = [
        ("configuration", None),
        ("mirror", _integrity(wiring.mirror.db.conn)),
        ("registry", _integrity(wiring.registry.db.conn)),
        ("file modes", _modes(wiring)),
        ("signing keys", _keys(wiring)),
        ("senders", None),
        ("role table", _role_table(wiring)),
        ("scheduler", _scheduler(wiring)),
        ("held plans", _held(wiring)),
        ("contexts", _contexts(reasons)),
        ("paused", None),
        ("erased people", _erased(wiring)),
        *((f"webhook {webhook.name}", _webhook(webhook)) for webhook in wiring.registry.webhooks.all()),
        *((f"circuit {platform.tenant}", _circuit(wiring, platform)) for platform in wiring.registry.platforms.all()),
        *((f"platform {platform.tenant}", _platform(wiring, platform)) for platform in wiring.registry.platforms.all()),
        *((f"source {source.name}", _source(wiring, source)) for source in wiring.registry.sources.all()),
    ]
    notes = {
        "signing keys": _how_keys_lie(wiring),
        "senders": _how_senders_come(wiring.settings.server),
        "paused": _paused(reasons),
    }
    if as_json:
        echo_json([{"check": name, "problem": problem, "note": notes.get(name)} for name, problem in checks])
    else:
        for name, problem in checks:
            said = problem or notes.get(name)
            echo(f"{'ok     ' if problem is None else 'PROBLEM'}  {name}{f': {said}' if said else ''}")
    if any(problem for _, problem in checks):
        sys.exit(1)


def _integrity(connection: sqlite3.Connection) -> str | None:
    try:
        (answer,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.DatabaseError as error:
        answer = str(error)
    return None if answer == "ok" else f"the file is damaged ({answer}): restore it from a backup"


def _modes(wiring: Wiring) -> str | None:
    found = ", ".join(map(str, open_to_others(wiring.settings.storage)))
    return f"others than their owner can open {found}: chmod go= them, or their folder" if found else None


def _keys(wiring: Wiring) -> str | None:
    files, in_clear = wiring.settings.storage, wiring.registry.in_clear()
    if files.key_file is None:
        return None  # as well kept as their file is
    if in_clear:
        what = counted(in_clear, "key or secret lies", "keys and secrets lie")
        return f"{what} in clear: start the bridge once, which encrypts them"
    if key_file_open_to_others(files):
        return f"others than their owner can open {files.key_file}: chmod go= it"
    return None


def _how_keys_lie(wiring: Wiring) -> str:
    """What an operator who wants more than file modes should know."""
    if wiring.settings.storage.key_file is not None:
        return "encrypted"
    return "in clear in the registry, like the secrets of sources and webhooks; storage.key_file encrypts them all"


def _how_senders_come(server: Server) -> str | None:
    """What an operator should know of what stands before the bridge, if by the settings anything might be amiss."""
    if server.proxies:
        return f"by {server.proxies} of your proxies, which must buffer requests: see docs/operations.md"
    if server.public_url.startswith("https://"):
        return "by a proxy, since it is https, and server.proxies is 0: all senders count as one address"
    if server.host not in ("127.0.0.1", "::1", "localhost"):
        return "without a proxy: a few that send slowly keep others from getting tokens, see docs/operations.md"
    return None


def _role_table(wiring: Wiring) -> str | None:
    try:
        _ = wiring.role_table
    except BridgeError as error:
        return str(error)
    return None


def _scheduler(wiring: Wiring) -> str | None:
    if not wiring.scheduler_runs():
        return "none is running, so nothing is reconciled by itself: run 'bridge serve' or 'bridge schedule'"
    return None


def _held(wiring: Wiring) -> str | None:
    waiting = len(Runs(wiring.mirror, wiring.clock).waiting())
    return (
        f"{counted(waiting, 'plan waits', 'plans wait')} for somebody's word: see 'bridge runs --held'"
        if waiting
        else None
    )


def _contexts(reasons: Mapping[Reason, int]) -> str | None:
    gone = reasons.get(Reason.GONE)
    if not gone:
        return None
    return (
        f"{counted(gone, 'context is', 'contexts are')} gone, as the platform says: see 'bridge contexts list', and"
        " 'bridge contexts retire'"
    )


def _paused(reasons: Mapping[Reason, int]) -> str | None:
    """What somebody has decided, and may have forgotten."""
    paused = reasons.get(Reason.PAUSED)
    if not paused:
        return None
    return (
        f"{counted(paused, 'roster')} not read until somebody says 'resume': see 'bridge contexts list' and"
        " 'bridge sources list'"
    )


def _erased(wiring: Wiring) -> str | None:
    held = held_again(wiring)
    return f"{held} are held again: run 'bridge people erase-again'" if held else None


def _circuit(wiring: Wiring, platform: Platform) -> str | None:
    circuit = wiring.registry.circuits.of(platform.id)
    if circuit.state is CircuitState.CLOSED or circuit.until is None:
        return None
    return (
        f"{circuit.state}, {counted(circuit.failures, 'context')} in a row could not be read: it is tried again"
        f" at {to_stamp(circuit.until)}; 'bridge runs' says what went wrong"
    )


def _webhook(webhook: Webhook) -> str | None:
    if webhook.stopped is not None:
        return (
            f"it is told no more since {webhook.stopped} ({webhook.problem}): mend the receiver, then"
            f" 'bridge webhooks test {webhook.name}'"
        )
    if webhook.failing_since is not None:
        return f"it has accepted nothing since {webhook.failing_since}: {webhook.problem}"
    return None


def _platform(wiring: Wiring, platform: Platform) -> str | None:
    """Ask the platform for what the bridge asks it for every night, short of a roster."""
    try:
        wiring.check_platform(platform)
    except BridgeError as error:
        return str(error)
    return None


def _source(wiring: Wiring, source: RegisteredSource) -> str | None:
    """Ask the source for a token and one record."""
    try:
        wiring.oneroster.check(source.account)
    except BridgeError as error:
        return str(error)
    return None
