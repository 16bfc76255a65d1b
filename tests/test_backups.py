"""Backing up while everything runs, and restoring: the drill."""

import json
import sqlite3
import stat
import subprocess
import sys
import zipfile
from datetime import timedelta

import pytest

from bridge.backups import BackupFailed, back_up, restore
from bridge.errors import ConfigError
from bridge.mirror.mirror import Mirror
from bridge.registry.registry import Registry
from bridge.roster.model import COLLECTIONS
from bridge.settings import Storage
from bridge.storage import write
from tests.mirror.conftest import biology
from tests.mirror.rosters_in_memory import PUBLIC_URL, School

__all__ = ["biology"]


@pytest.fixture
def files(tmp_path):
    return Storage(directory=tmp_path / "var")


@pytest.fixture
def installation(files):
    """A mirror and a registry with something in them, in use."""
    files.directory.mkdir()
    school = School(files.mirror)
    with Registry.open(files.registry, school.clock) as registry:
        registry.clients.add("consumer", scopes=["s"])
        school.registry = registry
        yield school
    school.close()


@pytest.fixture
def backed_up(installation, biology, files, tmp_path):
    """A backup of it, which then stops."""
    installation.reconcile(biology)
    out = tmp_path / "backup.zip"
    back_up(files, out, installation.clock)
    installation.registry.close()
    installation.mirror.close()
    return out


def documents(mirror):
    return {
        name: mirror.db.execute(f'SELECT seq, sourcedId, document FROM "{name}" ORDER BY seq').fetchall()
        for name in COLLECTIONS
    }


@pytest.mark.parametrize("name", ["backup.zip", "backup"])
def test_a_backup_restored_elsewhere_holds_the_same_records_and_clients(installation, biology, files, tmp_path, name):
    installation.reconcile(biology)
    back_up(files, tmp_path / name, installation.clock)
    elsewhere = Storage(directory=tmp_path / "elsewhere")

    restore(elsewhere, tmp_path / name, installation.clock)

    mirror = Mirror.open(elsewhere.mirror)
    assert documents(mirror) == documents(installation.mirror)
    mirror.close()
    with Registry.open(elsewhere.registry) as registry:
        assert registry.clients.all() == installation.registry.clients.all()


def test_a_backup_is_made_while_somebody_writes(installation, biology, files, tmp_path):
    installation.reconcile(biology)
    with write(installation.mirror.db):
        installation.mirror.db.execute("UPDATE users SET document = '{}'")

        back_up(files, tmp_path / "backup", installation.clock)

    with sqlite3.connect(tmp_path / "backup" / "mirror.sqlite") as copy:
        assert copy.execute("SELECT count(*) FROM users WHERE document = '{}'").fetchone() == (0,)
    copy.close()


@pytest.mark.parametrize("name", ["backup.zip", "backup"])
def test_a_backup_is_readable_by_its_owner_only(installation, files, tmp_path, name):
    out = tmp_path / name

    back_up(files, out, installation.clock)

    for path in [out, *(out.iterdir() if out.is_dir() else ())]:
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_a_backup_says_what_it_is(installation, files, tmp_path):
    backup = back_up(files, tmp_path / "backup.zip", installation.clock)

    with zipfile.ZipFile(tmp_path / "backup.zip") as archive:
        assert sorted(archive.namelist()) == ["backup.json", "mirror.sqlite", "registry.sqlite"]
        about = json.loads(archive.read("backup.json"))
    assert about["made"] == backup.made == "2026-11-20T08:00:00.000Z"
    assert about["epoch"] == installation.mirror.epoch


def test_no_backup_is_overwritten(installation, files, tmp_path):
    out = tmp_path / "backup.zip"
    out.write_text("mine")

    with pytest.raises(BackupFailed, match="is there already"):
        back_up(files, out, installation.clock)
    assert out.read_text() == "mine"


def test_a_restored_mirror_has_a_new_epoch_and_every_record_counts_as_changed(
    installation, backed_up, biology, files, tmp_path
):
    former = installation.mirror
    elsewhere = Storage(directory=tmp_path / "elsewhere")

    restored = restore(elsewhere, backed_up, installation.clock)

    mirror = Mirror.open(elsewhere.mirror)
    assert mirror.epoch == restored.epoch != restored.backup.epoch
    (latest, stamp) = mirror.db.execute("SELECT changed, stamp FROM writes ORDER BY changed DESC").fetchone()
    assert stamp > "2026-11-20T08:00:00.000Z"
    for name in COLLECTIONS:
        assert {changed for (changed,) in mirror.db.execute(f'SELECT changed FROM "{name}"')} <= {latest}
    assert {changed for (changed,) in mirror.db.execute("SELECT changed FROM marks")} == {latest}
    mirror.close()
    assert former is installation.mirror


def test_what_was_there_is_set_aside(installation, backed_up, files):
    restored = restore(files, backed_up, installation.clock)

    assert [path.name for path in restored.set_aside] == [
        "registry.sqlite.before-20261120T080000Z",
        "mirror.sqlite.before-20261120T080000Z",
    ]
    assert all(path.exists() for path in restored.set_aside)


def test_a_damaged_installation_is_restored_over(installation, backed_up, files):
    files.mirror.write_bytes(b"no database at all" * 1000)
    files.mirror.with_name("mirror.sqlite-wal").write_bytes(b"left by a crash")

    restore(files, backed_up, installation.clock)

    mirror = Mirror.open(files.mirror)
    assert mirror.db.execute("SELECT count(*) FROM users").fetchone() == (3,)
    mirror.close()


def test_nothing_is_restored_while_a_process_has_a_file_open(installation, backed_up, files):
    idle = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('SELECT count(*) FROM runs');"
    held = files.mirror.read_bytes()
    with subprocess.Popen(
        [sys.executable, "-c", f"{idle} print('open', flush=True); sys.stdin.read()", str(files.mirror)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as other:
        assert other.stdout.readline() == b"open\n"

        with pytest.raises(BackupFailed, match="stop 'bridge serve'"):
            restore(files, backed_up, installation.clock)
        other.stdin.close()

    assert files.mirror.read_bytes() == held
    assert sorted(path.name for path in files.directory.iterdir()) == ["mirror.sqlite", "registry.sqlite"]


def test_leases_of_the_processes_that_were_end(installation, files, tmp_path):
    assert installation.registry.leases.acquire("scheduler", "gone", timedelta(days=1))
    back_up(files, tmp_path / "backup", installation.clock)
    elsewhere = Storage(directory=tmp_path / "elsewhere")

    restore(elsewhere, tmp_path / "backup", installation.clock)

    with Registry.open(elsewhere.registry, installation.clock) as registry:
        assert registry.leases.held("scheduler") is None


@pytest.mark.parametrize(
    "content",
    [pytest.param(None, id="missing"), pytest.param(b"PK nonsense", id="no-zip"), pytest.param(b"", id="empty")],
)
def test_what_is_no_backup_is_refused_and_nothing_is_changed(files, tmp_path, installation, content):
    source = tmp_path / "backup.zip"
    if content is not None:
        source.write_bytes(content)
    elsewhere = Storage(directory=tmp_path / "elsewhere")

    with pytest.raises(BackupFailed, match="no backup"):
        restore(elsewhere, source, installation.clock)
    assert list(elsewhere.directory.iterdir()) == []


def test_a_backup_of_a_newer_bridge_is_refused(installation, files, tmp_path):
    back_up(files, tmp_path / "backup", installation.clock)
    with sqlite3.connect(tmp_path / "backup" / "mirror.sqlite") as copy:
        copy.execute("INSERT INTO migrations VALUES (9999, 'future', '')")
    copy.close()

    with pytest.raises(ConfigError, match="update the bridge"):
        restore(Storage(directory=tmp_path / "elsewhere"), tmp_path / "backup", installation.clock)


def test_a_reconciliation_after_a_restore_goes_on_as_before(installation, backed_up, biology, files):
    restore(files, backed_up, installation.clock)
    school = School(files.mirror)
    biology.leave("ann")

    run = school.reconcile(biology)

    assert (run.removed, run.unchanged) == (1, 2)
    assert school.mirror.public_url == PUBLIC_URL
    school.close()
