"""What a test has set up for the whole process is not left to the next one."""

import logging
from collections.abc import Iterator

import pytest
import structlog
from prometheus_client import values


@pytest.fixture(autouse=True)
def logs_as_they_were() -> Iterator[None]:
    """Commands write their log to standard error as it is while they run: a test's own, which is closed after it."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture(autouse=True)
def counts_end_with_their_app() -> Iterator[None]:
    """The metrics library keeps every file open that a process ever counted in: elsewhere one, here one an app."""
    yield
    values._multi_process_cleanups.clear()
