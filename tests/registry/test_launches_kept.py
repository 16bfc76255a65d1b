"""How much is kept of the launches that tools hand in."""

import json
from datetime import timedelta

import pytest

from bridge.errors import Busy
from bridge.registry.launches import TakenLaunch

ROOM = 100


@pytest.fixture
def hand_in(registry):
    """Hands in a launch of so many characters, and gives its ltik."""
    tools = {}

    def hand_in(size=60, *, tool="quiz", nonce=None):
        if tool not in tools:
            tools[tool] = registry.tools.add(tool, jwks_url="https://tool.example.org/jwks", shares=[]).client_id
        claims = {"iss": "i", "aud": "a", "x": ""}
        claims["x"] = "y" * (size - len(json.dumps(claims)))
        launch = TakenLaunch(tool=tools[tool], tenant="school", context=None, person=None, claims=claims)
        signed = {} if nonce is None else {"nonce": nonce, "id_token": nonce}
        ltik, _ = registry.launches.take(launch, most_kept=ROOM, **signed)
        return ltik

    return hand_in


def test_more_than_may_be_kept_is_refused_until_the_oldest_is_forgotten(hand_in, clock):
    hand_in()
    clock.turn(hours=1)

    with pytest.raises(Busy) as refusal:
        hand_in()
    assert refusal.value.retry_after == timedelta(hours=23).total_seconds()
    clock.turn(hours=23)
    assert hand_in()


def test_each_tool_has_its_own_room(hand_in):
    hand_in(tool="quiz")

    assert hand_in(tool="essay")


def test_smaller_launch_finds_room(hand_in):
    hand_in(60)

    assert hand_in(40)


def test_launch_that_is_kept_already_needs_no_room(hand_in):
    first = hand_in(nonce="1")

    assert hand_in(nonce="1") == first
    with pytest.raises(Busy):
        hand_in(nonce="2")
