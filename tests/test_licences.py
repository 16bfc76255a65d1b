"""docs/licences.md lists what requirements.txt installs, and nothing in it forbids what the bridge's licence allows."""

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "licences.md").read_text(encoding="utf-8")
ROWS = [line.strip("| ").split(" | ") for line in PAGE.splitlines() if line.startswith("| ")][2:]


def test_page_is_what_the_packages_say_of_themselves():
    spec = importlib.util.spec_from_file_location("licences", ROOT / ".ci" / "licences.py")
    licences = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(licences)

    assert licences.render() == PAGE, "bring it up to date: python .ci/licences.py"


@pytest.mark.parametrize(("package", "licence"), ROWS, ids=[package for package, _ in ROWS])
def test_licence_is_one_of_the_permissive(package, licence):
    assert any(word in licence for word in ("MIT", "BSD", "Apache", "MPL", "PSF", "Public Domain"))
