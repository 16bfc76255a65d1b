"""A mirror that the measurements' own filler has filled, small enough for a test."""

import pytest

from bench.fill import Size, fill_mirror
from bridge.mirror.mirror import Mirror
from bridge.mirror.pages import Pages

SIZE = Size(6_000)


@pytest.fixture(scope="package")
def filled_path(tmp_path_factory):
    path = tmp_path_factory.mktemp("filled") / "mirror.sqlite"
    mirror = Mirror.open(path)
    fill_mirror(mirror, SIZE)
    mirror.close()
    return path


@pytest.fixture
def mirror(filled_path):
    mirror = Mirror.open_read_only(filled_path)
    yield mirror
    mirror.close()


@pytest.fixture
def pages(mirror):
    return Pages(mirror, public_url="http://127.0.0.1:8080")
