"""The fault tables of docs/operations.md name, in each row, tests that there are."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCUMENT = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
CHAPTERS = [
    DOCUMENT.partition(f"## {title}")[2].partition("\n## ")[0]
    for title in ("When something fails", "Telling subscribers")
]
ROWS = [row for chapter in CHAPTERS for row in re.findall(r"(?m)^\| (?!what happens|---)(.+) \| (.+) \|$", chapter)]
TESTS = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py")}


@pytest.mark.parametrize("last_cell", [pytest.param(tests, id=fault.split(" | ")[0]) for fault, tests in ROWS])
def test_row_names_tests_that_there_are(last_cell):
    named = re.findall(r"`(?:(test_\w+\.py)(?:::(test_\w+))?|…(_\w+))`", last_cell)
    assert named

    module = ""
    for file, name, ending in named:
        module = file or module
        wanted = rf"def {name}\(" if name else rf"def test_\w+{ending}\(" if ending else "class .*RuleBased|def test_"
        assert re.search(wanted, TESTS[module])
