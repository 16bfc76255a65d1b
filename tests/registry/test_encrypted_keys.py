"""Signing keys are encrypted in the registry where the operator gives a passphrase."""

import zipfile
from contextlib import closing

import pytest

from bridge.backups import back_up
from bridge.errors import ConfigError
from bridge.settings import Settings, Storage
from bridge.wiring import Wiring

PASSPHRASE = "correct horse battery staple"
OTHER = "a quite different passphrase"
IN_CLEAR = b"-----BEGIN PRIVATE KEY-----"


@pytest.fixture
def key_file(tmp_path):
    path = tmp_path / "passphrase"
    path.write_text(PASSPHRASE + "\n")
    path.chmod(0o600)
    return path


@pytest.fixture
def start(tmp_path, clock):
    """Starts a bridge, and gives what it signs with, after ``do``."""

    def start(key_file=None, do=lambda _: None):
        settings = Settings(storage=Storage(directory=tmp_path / "var", key_file=key_file))
        with closing(Wiring(settings, clock)) as wiring:
            wiring.prepare()
            do(wiring)
            return wiring.registry.keys.current()

    return start


def held(folder):
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_without_a_passphrase_keys_lie_in_clear_and_are_counted(start, tmp_path):
    counted = []
    start()
    start(do=lambda wiring: counted.append(wiring.registry.keys.in_clear()))

    assert counted == [2]
    assert IN_CLEAR in held(tmp_path / "var")


def test_with_a_passphrase_nothing_is_counted_as_in_clear(start, key_file):
    counted = []
    start()
    start(key_file, lambda wiring: counted.append(wiring.registry.in_clear()))

    assert counted == [0]


def test_no_key_lies_in_clear_once_there_is_a_passphrase(start, tmp_path, key_file):
    before = start()

    assert start(key_file) == before
    assert IN_CLEAR not in held(tmp_path / "var")


def test_new_keys_are_encrypted_too(start, tmp_path, key_file):
    first = start(key_file)

    assert start(key_file, lambda wiring: wiring.registry.keys.rotate()) != first
    assert IN_CLEAR not in held(tmp_path / "var")


def test_without_the_file_the_bridge_does_not_start(start, key_file):
    start(key_file)

    with pytest.raises(ConfigError, match="key_file"):
        start()


def test_with_another_passphrase_it_does_not_start(start, key_file):
    start(key_file)
    key_file.write_text(OTHER)

    with pytest.raises(ConfigError, match="key_file") as refused:
        start(key_file)
    assert OTHER not in str(refused.value)


def test_passphrase_is_changed_by_a_line_before_it(start, key_file):
    before = start(key_file)
    key_file.write_text(f"{OTHER}\n{PASSPHRASE}\n")
    assert start(key_file) == before
    key_file.write_text(OTHER)

    assert start(key_file) == before


@pytest.mark.parametrize(
    "text", ["", "\n\n", "short", f"{PASSPHRASE}\nshort"], ids=["empty", "blank", "short", "one short"]
)
def test_passphrase_that_is_none_is_refused(start, key_file, text):
    key_file.write_text(text)

    with pytest.raises(ConfigError, match="at least 20 characters"):
        start(key_file)


def test_file_that_is_not_there_is_named(start, tmp_path):
    with pytest.raises(ConfigError, match="nowhere"):
        start(tmp_path / "nowhere")


def test_backup_holds_no_key_in_clear(start, tmp_path, key_file, clock):
    start(key_file)
    back_up(Storage(directory=tmp_path / "var"), tmp_path / "backup.zip", clock)

    with zipfile.ZipFile(tmp_path / "backup.zip") as backup:
        registry = backup.read("registry.sqlite")
    assert IN_CLEAR not in registry
    assert b"BEGIN ENCRYPTED PRIVATE KEY" in registry
