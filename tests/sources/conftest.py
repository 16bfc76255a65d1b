"""A provider to read, and a bridge that reads it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from tests.sources.reading_bridge import ReadingBridge
from tests.sources.scripted_sis import Sis


@pytest.fixture
def sis(httpserver: HTTPServer) -> Sis:
    return Sis(httpserver)


@pytest.fixture
def waits() -> list[float]:
    """The seconds that the client would have slept."""
    return []


@pytest.fixture
def bridge(tmp_path: Path) -> Iterator[ReadingBridge]:
    bridge = ReadingBridge(tmp_path / "var")
    yield bridge
    bridge.close()


@pytest.fixture
def make_sis() -> Iterator[Callable[[], Sis]]:
    """Makes further providers."""
    with ExitStack() as stack:
        yield lambda: Sis(stack.enter_context(HTTPServer(host="127.0.0.1", port=0)))
