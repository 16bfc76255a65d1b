"""``bridge downgrade``, as the operator calls it between two versions."""

import pytest

from bridge.registry.csv_sources import CsvSource
from bridge.releases import RELEASES, Schemas

NEWEST = RELEASES["0.1.0"]
BACK = ("--mirror", "9", "--registry", "10")


@pytest.fixture
def used(bridge):
    """A bridge whose files are there, with a source of files that an older version has no place for."""
    with bridge.registry() as registry:
        registry.csv_sources.add(CsvSource("north", "north-"))
    assert bridge("runs").code == 0
    return bridge


def schemas(bridge):
    files = bridge("downgrade", "--to", "0.1.0", "--dry-run", "--json").json()["files"]
    return Schemas(*(each["before"] for each in files))


def test_dry_run_says_what_would_be_lost_and_changes_nothing(used):
    ran = used("downgrade", *BACK, "--dry-run")

    assert ran.code == 0
    lines = ran.out.splitlines()
    assert lines[0].endswith(
        "mirror.sqlite: schema 24, back to 9: without 24 enrolled_in_class, 23 facets_by_source, 21 records_in_order,"
        " 20 told, 19 operators_questions, 12 run_totals"
    )
    assert "  lost: table csv_sources, 1 row" in lines
    assert [line for line in lines if line.startswith("  lost: the prefixes of sources")]
    assert schemas(used) == NEWEST


def test_both_files_are_backed_up_and_taken_back(used):
    ran = used("downgrade", *BACK, "--yes")

    (backup,) = used.directory.glob("before-downgrade-*.zip")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines()[-1] == (
        f"Done. What was there is in {backup}. Install the older version now, before any other command of this one is"
        " called."
    )
    assert schemas(used) == (9, 10)


def test_the_backup_brings_back_what_was_lost(used):
    used("downgrade", *BACK, "--yes", "--backup", str(used.directory / "mine.zip"))

    assert used("restore", str(used.directory / "mine.zip")).code == 0
    with used.registry() as registry:
        assert [source.name for source in registry.csv_sources.all()] == ["north"]


def test_programs_are_told_the_same(used):
    told = used("downgrade", *BACK, "--yes", "--no-backup", "--json").json()

    assert (told["done"], told["backup"]) == (True, None)
    assert [(each["before"], each["after"]) for each in told["files"]] == [(24, 9), (23, 10)]
    assert [(step["number"], step["name"]) for step in told["files"][1]["steps"]] == [
        (23, "operators_limits"),
        (15, "launch_sizes"),
        (14, "sealed_secrets"),
        (12, "csv_sources"),
    ]
    assert told["files"][1]["rows"] == {"csv_sources": 1}


def test_the_present_version_has_nothing_to_take_back(used):
    ran = used("downgrade", "--to", "0.1.0", "--yes")

    assert (ran.code, ran.out.count("stays as it is")) == (0, 2)
    assert not list(used.directory.glob("before-downgrade-*"))


def test_files_that_are_in_use_are_left(used):
    with used.registry():
        ran = used("downgrade", *BACK, "--yes")

    assert (ran.code, ran.out) == (1, "")
    assert "registry.sqlite is in use: stop 'bridge serve'" in ran.err
    assert schemas(used) == NEWEST


def test_files_that_were_never_made_are_not_made(bridge):
    ran = bridge("downgrade", "--to", "0.1.0", "--dry-run")

    assert ran.code == 2
    assert not bridge.directory.exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(["--yes"], "give --to VERSION", id="no-target"),
        pytest.param(["--to", "0.1.0", *BACK, "--yes"], "give --to VERSION", id="two-targets"),
        pytest.param([*BACK], "nobody can be asked", id="nobody-to-ask"),
        pytest.param([*BACK, "--yes", "--no-backup", "--backup", "b.zip"], "not both", id="backup-and-none"),
        pytest.param(["--to", "0.0.1", "--yes"], "is not '0.1.0'", id="unknown-version"),
    ],
)
def test_command_line_that_is_wrong_is_refused(bridge, arguments, said):
    ran = bridge("downgrade", *arguments)

    assert ran.code == 2
    assert said in ran.err
