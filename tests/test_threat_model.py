"""The threat model of docs/security.md names, in each row, tests that there are."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CHAPTER = (ROOT / "docs/security.md").read_text(encoding="utf-8").partition("## Threats")[2].partition("\n## ")[0]
ROWS = [
    [cell.strip() for cell in line.strip("|").split(" | ")]
    for line in CHAPTER.splitlines()
    if line.startswith("| ") and not line.startswith(("| attacker", "| ---"))
]
TESTS = {(path.name, name)
    for path in (ROOT / "tests").rglob("test_*.py")
    for name in ["", *re.findall(r"(?m)^def (test_\w+)", path.read_text(encoding="utf-8"))]
}  # fmt: skip


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row[0]}: {row[1]}")
def test_row_names_tests_that_there_are(row):
    attacker, _, stopped_by, *tests = row
    named = re.findall(r"`(test_\w+\.py)(?:::(test_\w+))?`", " ".join(tests))

    assert attacker
    assert stopped_by
    assert named
    assert [each for each in named if each not in TESTS] == []
