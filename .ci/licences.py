"""Lists what an installation is made of, and under which licences, in docs/licences.md: ``python .ci/licences.py``."""

import re
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

ROOT = Path(__file__).parents[1]
FILE = ROOT / "docs" / "licences.md"

_OPENING = """\
<!-- Written by python .ci/licences.py -->

# Licences

What `requirements.txt` installs, beside the bridge itself (Apache-2.0): as each package says of itself.

| package | licence |
| --- | --- |
"""


def render() -> str:
    """The page, from the packages that are installed here."""
    names = re.findall(r"(?m)^([\w.-]+)==", (ROOT / "requirements.txt").read_text(encoding="utf-8"))
    return _OPENING + "".join(f"| {name} | {licence_of(name)} |\n" for name in names)


def licence_of(name: str) -> str:
    """What a package says its licence is, in the shortest of the ways in which packages say so."""
    try:
        about = metadata(name)
    except PackageNotFoundError:
        return "not installed on this platform"
    if expression := about.get("License-Expression"):
        return expression
    classifiers = [
        each.rpartition(" :: ")[2] for each in about.get_all("Classifier") or () if each.startswith("License :: ")
    ]
    text = (about.get("License") or "").strip()
    if text and "\n" not in text:
        return text
    return ", ".join(classifiers) or text.partition("\n")[0] or "unknown"


if __name__ == "__main__":
    FILE.write_text(render(), encoding="utf-8")
