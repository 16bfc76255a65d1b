"""The other side shares no code with the bridge: what both had wrong, no test would find."""

import ast
from pathlib import Path

import pytest

import bridge.practice

ALLOWED = ("bridge.clock", "bridge.errors", "bridge.practice")
MODULES = sorted(Path(bridge.practice.__path__[0]).glob("*.py"))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_imports_the_clock_and_the_errors_only(path):
    imported = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            imported |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add(node.module if node.level == 0 else "." * node.level)

    assert [name for name in imported if name.startswith("bridge") and not name.startswith(ALLOWED)] == []
    assert not any(name.startswith(".") for name in imported)
