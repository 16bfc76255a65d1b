"""Secrets that have to be read again are sealed in the registry where the operator gives a passphrase."""

import sqlite3
import zipfile
from contextlib import closing

import pytest

from bridge.backups import back_up, restore
from bridge.errors import ConfigError
from bridge.registry.sources import RegisteredSource
from bridge.settings import Settings, Storage
from bridge.transport.client_secret import Credentials
from bridge.wiring import Wiring

PASSPHRASE = "correct horse battery staple"
OTHER = "a quite different passphrase"
SECRET = "the-secret-of-the-district's-sis-é"


@pytest.fixture
def key_file(tmp_path):
    path = tmp_path / "passphrase"
    path.write_text(PASSPHRASE + "\n")
    path.chmod(0o600)
    return path


@pytest.fixture
def start(tmp_path, clock):
    """Starts a bridge, and gives what ``do`` gives."""

    def start(key_file=None, do=lambda registry: None):
        settings = Settings(storage=Storage(directory=tmp_path / "var", key_file=key_file))
        with closing(Wiring(settings, clock)) as wiring:
            wiring.prepare()
            return do(wiring.registry)

    return start


def fill(registry):
    """Register what has secrets; those that will have to be found again."""
    credentials = Credentials(client_id="bridge", secret=SECRET, token_url="https://sis.example.org/token")
    registry.sources.add(RegisteredSource(name="sis", base_url="https://sis.example.org", credentials=credentials))
    registry.webhooks.add("hook", "https://hook.example.org", sources=None, collections=[], epoch="e", position=0)
    return read(registry)


def read(registry):
    return [
        registry.sources.get("sis").credentials.secret.encode(),
        registry.webhooks.get("hook").secret,
        *(registry.secrets.get(name) for name in ("cursors", "events", "memberships", "tool-pages", "erased")),
    ]


def held(folder):
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def assert_none_in(content, secrets):
    assert [secret in content for secret in secrets] == [False] * len(secrets)


def test_without_a_passphrase_they_lie_in_clear_and_are_counted(start, tmp_path):
    secrets = start(do=fill)

    assert all(secret in held(tmp_path / "var") for secret in secrets)
    assert start(do=lambda registry: registry.in_clear()) >= len(secrets)


def test_no_secret_lies_in_clear_once_there_is_a_passphrase(start, tmp_path, key_file):
    secrets = start(do=fill)

    assert start(key_file, read) == secrets
    assert_none_in(held(tmp_path / "var"), secrets)
    assert start(key_file, lambda registry: registry.in_clear()) == 0


def test_new_secrets_are_sealed_too(start, tmp_path, key_file):
    secrets = start(key_file, fill)

    assert start(key_file, read) == secrets
    assert_none_in(held(tmp_path / "var"), secrets)


def test_changed_secret_is_sealed_too(start, tmp_path, key_file):
    start(key_file, fill)

    def change(registry):
        source = registry.sources.get("sis")
        credentials = Credentials(client_id="bridge", secret="another secret", token_url=source.credentials.token_url)
        registry.sources.update(
            RegisteredSource(name="sis", base_url=source.base_url, credentials=credentials, prefix=source.prefix)
        )

    start(key_file, change)

    assert start(key_file, read)[0] == b"another secret"
    assert b"another secret" not in held(tmp_path / "var")


def test_second_start_finds_nothing_to_seal(start, key_file):
    start(key_file, fill)

    assert start(key_file, lambda registry: registry.lock_up()) == 0


def test_without_the_file_the_bridge_does_not_start(start, key_file):
    start(key_file, fill)

    with pytest.raises(ConfigError, match="key_file"):
        start()


def test_with_another_passphrase_it_does_not_start(start, key_file):
    start(key_file, fill)
    key_file.write_text(OTHER)

    with pytest.raises(ConfigError, match="key_file") as refused:
        start(key_file)
    assert OTHER not in str(refused.value)


def test_passphrase_is_changed_by_a_line_before_it(start, key_file):
    secrets = start(key_file, fill)
    key_file.write_text(f"{OTHER}\n{PASSPHRASE}\n")
    assert start(key_file, read) == secrets
    key_file.write_text(OTHER)

    assert start(key_file, read) == secrets


def test_secret_put_into_another_row_is_not_taken(start, tmp_path, key_file):
    start(key_file, fill)
    with closing(sqlite3.connect(tmp_path / "var" / "registry.sqlite", isolation_level=None)) as registry:
        registry.execute("UPDATE secrets SET value = (SELECT value FROM secrets WHERE name = 'events')")

    with pytest.raises(ConfigError, match="damaged"):
        start(key_file)


def test_backup_holds_no_secret_in_clear(start, tmp_path, key_file, clock):
    secrets = start(key_file, fill)
    back_up(Storage(directory=tmp_path / "var"), tmp_path / "backup.zip", clock)

    with zipfile.ZipFile(tmp_path / "backup.zip") as backup:
        assert_none_in(backup.read("registry.sqlite"), secrets)


def test_backup_is_restored_with_the_file(start, tmp_path, key_file, clock):
    secrets = start(key_file, fill)
    back_up(Storage(directory=tmp_path / "var"), tmp_path / "backup.zip", clock)
    restore(Storage(directory=tmp_path / "var", key_file=key_file), tmp_path / "backup.zip", clock)

    assert start(key_file, read) == secrets


def test_list_of_the_erased_is_carried_over_a_restore(start, tmp_path, key_file, clock):
    start(key_file, fill)
    back_up(Storage(directory=tmp_path / "var"), tmp_path / "backup.zip", clock)
    start(key_file, lambda registry: registry.erased.add("ada"))
    restore(Storage(directory=tmp_path / "var", key_file=key_file), tmp_path / "backup.zip", clock)

    assert start(key_file, lambda registry: registry.erased.holds("ada"))


def test_restore_without_the_file_does_not_forget_who_was_erased(start, tmp_path, key_file, clock):
    start(key_file, fill)
    back_up(Storage(directory=tmp_path / "var"), tmp_path / "backup.zip", clock)
    start(key_file, lambda registry: registry.erased.add("ada"))

    with pytest.raises(ConfigError, match="key_file"):
        restore(Storage(directory=tmp_path / "var"), tmp_path / "backup.zip", clock)
    assert start(key_file, lambda registry: registry.erased.holds("ada"))
