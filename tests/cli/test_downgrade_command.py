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
    assert [line for line in lines if line.startswith("  lost: the prefixes of sources")]
    assert "csv_sources," not in ran.out
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


def test_what_loses_nothing_says_so(used):
    assert "  nothing is lost" in used("downgrade", "--mirror", "20", "--dry-run").out.splitlines()


def test_schemas_that_there_are_not_are_refused_with_those_that_there_are(used):
    ran = used("downgrade", "--mirror", "99", "--registry", "11", "--yes")

    mirror, registry = ran.err.splitlines()
    assert (ran.code, ran.out) == (2, "")
    assert mirror.startswith("bridge: mirror.sqlite has no schema 99: this version of the bridge knows 1, 2, 3,")
    assert registry.startswith("bridge: registry.sqlite has no schema 11: ")
    assert registry.endswith(" 9, 10, 12, 14, 15, 23")
    assert schemas(used) == NEWEST


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


def test_nothing_is_done_where_nobody_can_be_asked(used):
    ran = used("downgrade", *BACK)

    assert (ran.code, "nobody can be asked" in ran.err, schemas(used)) == (2, True, NEWEST)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(["--yes"], "give --to VERSION", id="no-target"),
        pytest.param(["--to", "0.1.0", *BACK, "--yes"], "give --to VERSION", id="two-targets"),
        pytest.param([*BACK, "--yes", "--no-backup", "--backup", "b.zip"], "not both", id="backup-and-none"),
        pytest.param(["--to", "0.0.1", "--yes"], "is not '0.1.0'", id="unknown-version"),
    ],
)
def test_command_line_that_is_wrong_is_refused(bridge, arguments, said):
    ran = bridge("downgrade", *arguments)

    assert ran.code == 2
    assert said in ran.err
