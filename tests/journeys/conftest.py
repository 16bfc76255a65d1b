"""The bridge, and practice LMSs to register it at, all over real sockets."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from joserfc.jwk import RSAKey

from bridge.practice.rosters import Roster, make_roster
from bridge.practice.server import PracticeLms
from tests.journeys.running_bridge import RunningBridge


@pytest.fixture(scope="session")
def platform_key() -> RSAKey:
    return RSAKey.generate_key(2048, auto_kid=True)


@pytest.fixture
def bridge(tmp_path: Path) -> Iterator[RunningBridge]:
    with RunningBridge(tmp_path / "var") as bridge:
        yield bridge


@pytest.fixture
def start_lms(platform_key: RSAKey) -> Iterator[Callable[[Roster], PracticeLms]]:
    with ExitStack() as stack:
        yield lambda roster: stack.enter_context(PracticeLms(roster, key=platform_key))


@pytest.fixture
def lms(start_lms: Callable[[Roster], PracticeLms]) -> PracticeLms:
    """One course of 41 people, every other one awkward: each of the twenty ways once."""
    return start_lms(make_roster(courses=1, members_per_course=41, people=41, awkward_every=2))
