"""A bridge full of awkward records, made once: nothing here changes it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conformance.awkward import fill
from tests.conformance.world import Consumer, World


@pytest.fixture(scope="session")
def awkward(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = World(tmp_path_factory.mktemp("awkward"))
    fill(world)
    yield world
    world.close()


@pytest.fixture(scope="session")
def strict(awkward: World) -> Consumer:
    """May read everything, in the standard's own body style."""
    return awkward.consumer(body_style="strict")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """An empty one, for a test to fill."""
    world = World(tmp_path)
    yield world
    world.close()
