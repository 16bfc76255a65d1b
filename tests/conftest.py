"""What all tests share: files enough, and nothing that one of them has set up for the whole process."""

import logging
import sys
from collections.abc import Iterator

import pytest
import structlog

if sys.platform != "win32":
    import resource

_FILES = 8192
"""That the tests' process may have open: the metrics library keeps the file of every app that ever counted."""


def pytest_configure() -> None:
    if sys.platform != "win32":
        allowed, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        if 0 <= allowed < _FILES:
            resource.setrlimit(resource.RLIMIT_NOFILE, (_FILES if most < 0 else min(_FILES, most), most))


@pytest.fixture(autouse=True)
def logs_as_they_were() -> Iterator[None]:
    """Commands write their log to standard error as it is while they run: a test's own, which is closed after it."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)
