"""docs/conformance-lti.md names tests that exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "conformance-lti.md").read_text(encoding="utf-8")
ROWS = [
    (cells[0], cells[1], cells[2])
    for line in PAGE.splitlines()
    if (cells := [cell.strip() for cell in line.strip("|").split("|")])[0] and line.startswith("|") and len(cells) == 3
    if cells[0] not in {"what", "case"} and not cells[0].startswith("-")
]
TESTS = {
    name: path.name
    for folder in ("lti", "cli", "browser")
    for path in (ROOT / "tests" / folder).glob("test_*.py")
    for name in re.findall(r"^def (test_\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
}


@pytest.mark.parametrize(("what", "status", "tests"), ROWS, ids=[row[0] for row in ROWS])
def test_line_names_a_status_and_tests_that_exist(what, status, tests):
    assert status in {"done", "partly", "not"}
    file = (re.findall(r"`(test_\w+\.py)`", tests) or ["test_launch.py"])[-1]
    named = re.findall(r"`(test_\w+)`", tests)

    assert named or status == "not"
    for name in named:
        assert TESTS.get(name) in {file, "test_launch.py"}, name
