"""How long the API's answers take while a large context is applied."""

import os
import subprocess
import sys
from itertools import islice

from bench.fill import FilledClient
from bench.installation import Installation, installation
from bench.load import Asked, Load, load
from bench.rows import Row
from bench.serving import Served, rostering, serving_as
from bridge.oneroster.scopes import ROSTER

_SHARE = 0.2
"""Of the capacity: what consumers ask for meanwhile."""

_TOKENS = 10
"""Of so many requests, one is for a token."""

_IDLE = 10
"""Seconds for which it is measured what answers take otherwise."""


def measured_applying(members: int, port: int) -> Row:
    """The row, for a context of so many members."""
    with installation(contexts=1, members=members, people=members, port=port) as bridge:
        bridge.wiring.sync(bridge.contexts[0])
        return _measured(bridge)


def _measured(bridge: Installation) -> Row:
    """The 99th percentile while everybody in a context is renamed, against that of an idle bridge.

    Reading the context is part of it: on two cores, the LMS, the reconciler, two workers and the load share them.
    """
    client, secret = bridge.wiring.registry.clients.add("bench", scopes=[ROSTER], sources=None)
    filled = FilledClient(None, client.client_id, secret)
    with serving_as(bridge.environment, [filled], workers=2, bodies={}) as served:
        asked = _asked(served, filled)
        rate = load(served.port, asked, seconds=3).rate * _SHARE
        idle = load(served.port, asked, seconds=_IDLE, rate=rate)
        members = _rename_everybody(bridge)
        child = subprocess.Popen(
            [sys.executable, "-m", "bridge", "sync", "--all"],
            env={**os.environ, **bridge.environment},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            busy: list[Load] = []
            while child.poll() is None:
                busy.append(load(served.port, asked, seconds=3, rate=rate))
            assert child.returncode == 0, "the roster could not be reconciled"
        finally:
            child.kill()
            child.wait()
    worst = max(each.p99 for each in busy)
    return Row(
        f"99th percentile while {members} members are applied, tokens included, against idle",
        worst / idle.p99,
        3,
        at_most=True,
        note=f"worst 3 s: {worst:.0f} ms, idle {idle.p99:.0f} ms, at {rate:.0f}/s for {3 * len(busy)} s",
    )


def _asked(served: Served, client: FilledClient) -> list[Asked]:
    token = served.tokens[None]
    pages = [
        *(f"enrollments?limit=100&offset={offset}" for offset in range(0, 5_000, 500)),
        "users?limit=100",
        "students?limit=100",
        "classes",
    ]
    asked = [Asked(rostering(path), token) for path in pages]
    tokens = Asked("/oauth2/token", credentials=(client.client_id, client.client_secret))
    return [*asked * _TOKENS, *[tokens] * (len(asked) * _TOKENS // (_TOKENS - 1))]


def _rename_everybody(bridge: Installation) -> int:
    roster = bridge.lms.roster
    (course,) = islice(roster.courses(), 1)
    members = roster.members(course.context_id)
    for number, member in enumerate(members):
        roster.rename(member.person.user_id, given_name=f"Other-{number}")
    return len(members)
