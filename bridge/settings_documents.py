"""The example configuration and the reference, written from the declarations.

``python -m bridge.settings_documents`` writes both in the current directory, the project's root; a test holds the files
to what it would write.
"""

import dataclasses
import json
import textwrap
from pathlib import Path
from typing import Any

from bridge.options import defaults_of, variable_name
from bridge.settings import SECTIONS

EXAMPLE_FILE = Path("config/bridge.example.toml")
REFERENCE_FILE = Path("docs/configuration.md")

_EXAMPLE_OPENING = """\
# Every option of the bridge, each at its default. Copy this file to config/bridge.toml, and remove the # before an
# option to change it. docs/configuration.md says more. Written by python -m bridge.settings_documents.
"""

_REFERENCE_OPENING = """\
<!-- Written by python -m bridge.settings_documents. -->

# Configuration

Everything has a default that works on one machine. What is to be different goes into one TOML file:

1. the one given on the command line,
2. else the one that the environment variable `BRIDGE_CONFIG` names,
3. else `config/bridge.toml`, if there is one, in the folder in which the bridge is started.

`config/bridge.example.toml` is a template: every option, explained, at its default.

Each option can be overridden by an environment variable, `BRIDGE_<SECTION>_<OPTION>`: `BRIDGE_SERVER_PORT=9000`,
`BRIDGE_MAPPING_TRUST_ADMIN_ROLES=true`. Lists are separated by commas. Paths that are not absolute are looked for from
the folder in which the bridge is started.

A configuration with a mistake is refused, and all its mistakes are listed at once: unknown options too, in the file and
among the variables that begin like a section's. Secrets are no part of the configuration.
"""


def render_example() -> str:
    """``config/bridge.example.toml``: every option, explained, commented out at its default."""
    blocks = [_EXAMPLE_OPENING]
    for name, section in SECTIONS.items():
        defaults = defaults_of(section)
        blocks.append(f"{_comment(_about(section))}\n[{name}]\n")
        for option in dataclasses.fields(section):
            value = f"#{option.name} = {_toml(defaults[option.name])}  # {_allowed(option)}"
            blocks.append(f"{_comment(_meaning(option))}\n{value}\n")
    return "\n".join(blocks)


def render_reference() -> str:
    """``docs/configuration.md``: a chapter for each section, its options as a table."""
    chapters = [_REFERENCE_OPENING]
    for name, section in SECTIONS.items():
        defaults = defaults_of(section)
        rows = ["| option | default | values | what it does |", "| --- | --- | --- | --- |"]
        for option in dataclasses.fields(section):
            names = f"`{option.name}`<br>`{variable_name(name, option.name)}`"
            default = f"`{_toml(defaults[option.name])}`"
            rows.append(f"| {names} | {default} | {_allowed(option)} | {_meaning(option)} |")
        chapters.append(f"## {name}\n\n{_about(section)}\n\n" + "\n".join(rows) + "\n")
    return "\n".join(chapters)


def write_documents(root: Path) -> None:
    """Bring both files up to date."""
    (root / EXAMPLE_FILE).write_text(render_example(), encoding="utf-8")
    (root / REFERENCE_FILE).write_text(render_reference(), encoding="utf-8")


def _about(section: type[Any]) -> str:
    return " ".join((section.__doc__ or "").split())


def _meaning(option: dataclasses.Field[Any]) -> str:
    return str(option.metadata["meaning"])


def _allowed(option: dataclasses.Field[Any]) -> str:
    return str(option.metadata["field"].metadata["allowed"])


def _comment(paragraph: str) -> str:
    return textwrap.fill(paragraph, 118, initial_indent="# ", subsequent_indent="# ", break_on_hyphens=False)


def _toml(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)  # TOML writes all that an option can be as JSON does


if __name__ == "__main__":
    write_documents(Path())
