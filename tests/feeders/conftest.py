"""A bridge, an LMS and a tool vendor, over real sockets."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import RSAKey

from bridge.lti.platform import Platform
from bridge.practice.rosters import make_roster
from bridge.practice.server import PracticeLms
from bridge.registry.feeders import Audience
from tests.feeders.vendor import Vendor
from tests.journeys.running_bridge import RunningBridge


@pytest.fixture(scope="session")
def platform_key() -> RSAKey:
    return RSAKey.generate_key(2048, auto_kid=True)


@pytest.fixture
def bridge(tmp_path: Path) -> Iterator[RunningBridge]:
    with RunningBridge(tmp_path / "var") as bridge:
        yield bridge


@pytest.fixture
def lms(platform_key: RSAKey) -> Iterator[PracticeLms]:
    """Two courses of 12 people, nobody awkward."""
    roster = make_roster(courses=2, members_per_course=12, people=20, awkward_every=0)
    with PracticeLms(roster, key=platform_key) as lms:
        yield lms


@pytest.fixture
def registration(bridge: RunningBridge, lms: PracticeLms) -> dict[str, str]:
    """The LMS knows the bridge as its first tool, which it launches unless another is named."""
    return bridge.register_tool(lms)


@pytest.fixture
def register(bridge: RunningBridge, registration: dict[str, str]) -> Callable[[], Platform]:
    """Makes the bridge know the LMS."""

    def register() -> Platform:
        known = {name: value for name, value in registration.items() if name != "deployment_id"}
        return bridge.wiring.registry.platforms.add(**known, tenant="school")

    return register


@pytest.fixture
def make_vendor(bridge: RunningBridge, lms: PracticeLms, registration: dict[str, str]) -> Callable[..., Vendor]:
    """A vendor whose tool is installed at the LMS, and bound to its client id there."""

    def make(name: str = "quiz", *, tenant: str = "school", **limits: Any) -> Vendor:
        vendor = Vendor(bridge, name, **limits)
        vendor.install_at(lms)
        bridge.wiring.registry.feeders.bind(
            Audience(
                tool=vendor.tool,
                issuer=lms.issuer,
                client_id=vendor.client_id,
                tenant=tenant,
                jwks_url=lms.lms.jwks_url,
            )
        )
        return vendor

    return make


@pytest.fixture
def vendor(make_vendor: Callable[..., Vendor]) -> Vendor:
    return make_vendor()


@pytest.fixture
def student(lms: PracticeLms) -> str:
    """The LMS's id of a learner of both courses' first."""
    return lms.roster.members("Course-1")[1].person.user_id


@pytest.fixture
def teacher(lms: PracticeLms) -> str:
    return lms.roster.members("Course-1")[0].person.user_id
