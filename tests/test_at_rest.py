"""Files with names and keys that others than their owner can open are found."""

import pytest

from bridge.at_rest import open_to_others
from bridge.settings import Storage


@pytest.fixture
def files(tmp_path):
    directory = tmp_path / "var"
    directory.mkdir()
    for name in ("mirror.sqlite", "mirror.sqlite-wal", "registry.sqlite", "walks"):
        (directory / name).touch(mode=0o600)
    return Storage(directory=directory)


@pytest.mark.parametrize(
    ("folder", "file", "found"),
    [
        pytest.param(0o755, 0o600, False, id="owner's alone"),
        pytest.param(0o755, 0o644, True, id="world-readable"),
        pytest.param(0o750, 0o640, True, id="readable by a group"),
        pytest.param(0o700, 0o644, False, id="in a folder that nobody else may enter"),
    ],
)
@pytest.mark.parametrize("name", ["mirror.sqlite", "mirror.sqlite-wal", "registry.sqlite", "walks"])
def test_file_that_others_can_open_is_found(files, folder, file, found, name):
    files.directory.chmod(folder)
    (files.directory / name).chmod(file)

    assert open_to_others(files) == ([files.directory / name] if found else [])


def test_nothing_is_found_where_nothing_is(tmp_path):
    assert open_to_others(Storage(directory=tmp_path / "nowhere")) == []
