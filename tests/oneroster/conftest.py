"""A bridge to fill by hand and to read from."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.oneroster.served import Served


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    opened = Served(tmp_path / "var")
    yield opened
    opened.close()
