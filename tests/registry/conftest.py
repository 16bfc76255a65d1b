"""A registry in a temporary file, and a clock that tests turn."""

from datetime import UTC, datetime, timedelta

import pytest

from bridge.registry.registry import Registry


class TurnedClock:
    """Stands still until it is turned."""

    def __init__(self):
        self.now = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)

    def __call__(self):
        return self.now

    def turn(self, **by):
        self.now += timedelta(**by)


@pytest.fixture
def clock():
    return TurnedClock()


@pytest.fixture
def registry_path(tmp_path):
    return tmp_path / "var" / "registry.sqlite"


@pytest.fixture
def registry(registry_path, clock):
    with Registry.open(registry_path, clock) as opened:
        yield opened


@pytest.fixture
def other_registry(registry, registry_path, clock):
    """The same file, open as another process has it."""
    with Registry.open(registry_path, clock) as opened:
        yield opened


@pytest.fixture
def add_platform(registry):
    """Register an LMS at example.org, with what a test wants otherwise."""

    def add(**changes):
        host = "https://lms.example.org"
        return registry.platforms.add(
            **{
                "issuer": host,
                "client_id": "bridge-1",
                "auth_login_url": f"{host}/auth",
                "token_url": f"{host}/token",
                "jwks_url": f"{host}/jwks",
                **changes,
            }
        )

    return add
