"""``bridge export csv`` and ``bridge import csv``."""

import json
import os
import pty
import subprocess
import sys

import pytest

from tests.exchange.csv_sets import SMALL, changed, read_set, write_set


@pytest.fixture
def small(tmp_path):
    return write_set(tmp_path / "in.zip")


def test_a_set_comes_in_and_goes_out(bridge, small, tmp_path):
    ran = bridge("import", "csv", str(small), "--yes")
    assert (ran.code, ran.out) == (
        0, "csv: applied (run 1): 14 records added, 0 changed, 0 removed, 0 unchanged\n",
    )  # fmt: skip

    ran = bridge("export", "csv", str(tmp_path / "out.zip"))

    assert ran.code == 0
    assert "3 rows of enrollments.csv" in ran.out
    assert len(read_set(tmp_path / "out.zip")["enrollments"]) == 3


def test_a_dry_run_shows_the_plan_and_changes_nothing(bridge, small, tmp_path):
    ran = bridge("import", "csv", str(small), "--dry-run")

    assert ran.code == 0
    assert "csv: 14 added, 0 changed, 0 removed, 0 kept\n" in ran.out
    assert "  enrollments: 0 held, 3 added, 0 removed, 3 afterwards\n" in ran.out
    exported = bridge("export", "csv", str(tmp_path / "out.zip"), "--json").json()
    assert exported == {"out": str(tmp_path / "out.zip"), "mode": "bulk", "rows": {}, "leftOut": {}, "formulas": 0}


def test_a_plan_as_json(bridge, small):
    plan = bridge("import", "csv", str(small), "--dry-run", "--json").json()

    assert (plan["source"], plan["mode"], plan["complete"], plan["added"]) == ("csv", "bulk", True, 14)
    assert plan["collections"]["users"]["held_after"] == 4
    assert (plan["badRows"], plan["wouldBeHeld"], plan["notices"]) == ([], None, [])


def test_bad_rows_are_named_and_the_rest_is_done(bridge, tmp_path):
    rows = [*SMALL["enrollments"], "e9,,,K,S,nobody,student,,,"]
    path = write_set(tmp_path / "in.zip", changed(SMALL, enrollments=rows))
    line = "enrollments.csv line 5 (enrollments/e9): user: refers to a record that users.csv does not hold"

    planned = bridge("import", "csv", str(path), "--dry-run")
    done = bridge("import", "csv", str(path), "--yes", "--json")

    assert (planned.code, line in planned.out) == (3, True)
    assert done.code == 3
    assert done.json()["badRows"] == [
        {
            "file": "enrollments.csv",
            "line": 5,
            "subject": "enrollments/e9",
            "reason": "user: refers to a record that users.csv does not hold",
        }
    ]
    assert done.json()["run"]["added"] == 14


def test_many_bad_rows_are_counted(bridge, tmp_path):
    rows = [f"x{number},,,K,S,nobody,student,,," for number in range(60)]
    path = write_set(tmp_path / "in.zip", changed(SMALL, enrollments=rows))

    assert "  and 10 more rows that cannot be used: --json names them all\n" in bridge(
        "import", "csv", str(path), "--dry-run"
    ).out  # fmt: skip


def test_notices_are_shown(bridge, tmp_path):
    path = write_set(tmp_path / "in.zip", {"orgs": SMALL["orgs"]}, manifest=False)

    assert "there is no manifest.csv: read as OneRoster 1.0" in bridge("import", "csv", str(path), "--yes").out


def test_a_held_import_says_how_to_let_it_through(bridge, tmp_path):
    many = [f"x{number},,,K,S,s1,student,,," for number in range(30)]
    bridge("import", "csv", str(write_set(tmp_path / "a.zip", changed(SMALL, enrollments=many))), "--yes")
    path = write_set(tmp_path / "b.zip", changed(SMALL, enrollments=SMALL["enrollments"][:1]))

    planned = bridge("import", "csv", str(path), "--dry-run")
    held = bridge("import", "csv", str(path), "--yes")
    approved = bridge("import", "csv", str(path), "--approve", "2")

    assert "would be held: " in planned.out
    assert (held.code, "'--approve 2' lets it through" in held.out) == (3, True)
    assert (approved.code, "30 removed" in approved.out) == (0, True)


@pytest.mark.parametrize(
    "options",
    [(), ("--json",), ("--dry-run", "--yes"), ("--dry-run", "--approve", "1"), ("--yes", "--encoding", "klingon")],
    ids=["nobody to ask", "nobody to ask by JSON", "contradiction", "another contradiction", "no such encoding"],
)
def test_options_that_make_no_sense_are_refused(bridge, small, options):
    assert bridge("import", "csv", str(small), *options).code == 2


@pytest.mark.parametrize("options", [("--dry-run",), ("--yes",), ()], ids=["dry run", "apply", "nobody to ask"])
def test_what_is_no_set_is_refused(bridge, tmp_path, options):
    (tmp_path / "in.zip").write_bytes(b"hello")

    ran = bridge("import", "csv", str(tmp_path / "in.zip"), *options)

    assert (ran.code, ran.err) == (1, "bridge: in.zip is not a zip file\n")


def test_an_operator_on_a_terminal_is_asked(bridge, small):
    master, slave = pty.openpty()
    os.write(master, b"y\n")
    process = subprocess.run(
        [sys.executable, "-m", "bridge", "--config", str(bridge.config), "import", "csv", str(small)],
        stdin=slave, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    os.close(master)
    os.close(slave)

    assert process.returncode == 0, process.stderr
    assert "Apply? [y/N]" in process.stderr
    assert "applied (run 1)" in process.stdout


@pytest.mark.parametrize("since", ["2026-11-20", "2026-11-20T21:05:09.123Z", "2026-11-20T21:05:09+01:00"])
def test_a_delta_since_any_written_instant(bridge, small, tmp_path, since):
    bridge("import", "csv", str(small), "--yes")

    ran = bridge("export", "csv", str(tmp_path / "out.zip"), "--delta-since", since, "--json")

    assert (ran.code, ran.json()["mode"]) == (0, "delta")
    assert json.loads(ran.out)["rows"]["enrollments.csv"] == 3


def test_a_delta_since_nonsense_is_refused(bridge, tmp_path):
    ran = bridge("export", "csv", str(tmp_path / "out.zip"), "--delta-since", "yesterday")

    assert (ran.code, "write a date or an instant" in ran.err) == (2, True)


def test_a_source_that_is_not_known_is_refused(bridge, tmp_path):
    ran = bridge("export", "csv", str(tmp_path / "out.zip"), "--source", "nobody")

    assert (ran.code, ran.err) == (1, "bridge: source: the mirror holds nothing of nobody: see 'bridge runs'\n")


def test_what_an_lms_says_comes_through_the_files(registered, tmp_path):
    assert registered("sync", "--all").code == 0
    registered("export", "csv", str(tmp_path / "lms.zip"))
    registered.directory = tmp_path / "other"
    registered.configure()

    imported = registered("import", "csv", str(tmp_path / "lms.zip"), "--source", "lms", "--yes")
    registered("export", "csv", str(tmp_path / "again.zip"))

    assert imported.code == 0, imported.out
    assert (tmp_path / "again.zip").read_bytes() == (tmp_path / "lms.zip").read_bytes()
    assert len(read_set(tmp_path / "again.zip")["enrollments"]) == 24


def test_an_import_cannot_be_approved_without_its_files(bridge, tmp_path):
    many = [f"x{number},,,K,S,s1,student,,," for number in range(30)]
    bridge("import", "csv", str(write_set(tmp_path / "a.zip", changed(SMALL, enrollments=many))), "--yes")
    bridge("import", "csv", str(write_set(tmp_path / "b.zip")), "--yes")

    ran = bridge("approve", "2")

    assert (ran.code, ran.err) == (1, "bridge: csv cannot be asked: its files are read by 'bridge import csv'\n")


def test_an_import_is_undone(bridge, small):
    bridge("import", "csv", str(small), "--yes")

    ran = bridge("undo", "1", "--json")

    assert ran.code == 0
    assert (ran.json()["source"], ran.json()["paused"], len(ran.json()["restored"])) == ("csv", False, 14)


def test_a_consumer_may_be_limited_to_an_import(bridge, small):
    bridge("import", "csv", str(small), "--yes")

    assert bridge("clients", "add", "app", "--source", "csv").code == 0
    assert bridge("clients", "add", "app", "--source", "nobody").code == 1
