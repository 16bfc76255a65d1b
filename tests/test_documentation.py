"""The documentation names every command, option, path and operation there is, and links to pages that exist."""

import re
from pathlib import Path

import click
import pytest

from bridge.cli.reference import REFERENCE_FILE, every_command, render_reference
from bridge.oneroster.operations import OPERATIONS
from tests.oneroster.served import Served

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
CONTEXTS = list(every_command())
COMMANDS = [context.command_path for context in CONTEXTS]


def test_reference_of_the_commands_is_what_they_say_of_themselves():
    assert (ROOT / REFERENCE_FILE).read_text(encoding="utf-8") == render_reference(), (
        "bring it up to date: python -m bridge.cli.reference"
    )


@pytest.mark.parametrize("command", COMMANDS)
def test_command_has_a_chapter(command):
    assert f"\n## {command}\n" in render_reference()


@pytest.mark.parametrize("context", CONTEXTS, ids=lambda each: each.command_path)
def test_command_and_each_of_its_options_says_what_it_is_for(context):
    assert context.command.help
    for parameter in context.command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, parameter.name


def test_every_command_that_reports_can_report_as_json():
    """All but those that run until they are stopped, print code for a shell, or write JSON whatever is asked."""
    without = {
        context.command_path
        for context in CONTEXTS
        if not isinstance(context.command, click.Group)
        and not any("--json" in parameter.opts for parameter in context.command.params)
    }

    assert without == {"bridge serve", "bridge schedule", "bridge completion", "bridge people export"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_that_a_page_mentions_exist(page):
    words = re.findall(r"`bridge ((?:[a-z][a-z-]*)(?: [a-z][a-z-]*)?)", page.read_text(encoding="utf-8"))

    unknown = {
        each for each in words if f"bridge {each}" not in COMMANDS and f"bridge {each.split()[0]}" not in COMMANDS
    }
    assert unknown == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_command_lines_of_a_page_have_the_options_that_they_use(page):
    by_path = {context.command_path: context.command for context in CONTEXTS}
    unknown = []
    for block in re.findall(r"```(?:sh|console)?\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
        for line in block.replace("\\\n", " ").splitlines():
            found = re.match(r"(?:\$ |[A-Z_]+=\S+ )*(bridge .*)", line)
            if found is None or "[OPTIONS]" in line:
                continue
            words = found[1].partition("#")[0].split()
            path = max((each for each in by_path if words[: len(each.split())] == each.split()), key=len)
            options = {name for each in by_path[path].params for name in (*each.opts, *each.secondary_opts)}
            unknown += [f"{path} {word}" for word in words if word.startswith("--") and word not in options]
            if isinstance(by_path[path], click.Group) and path != "bridge runs":
                unknown.append(found[1])
    assert unknown == []


def test_every_path_is_named(tmp_path):
    page = (ROOT / "docs" / "http.md").read_text(encoding="utf-8")
    served = Served(tmp_path / "var")
    rules = {rule.rule.replace("<path:path>", "<path>") for rule in served.app.url_map.iter_rules()}
    pages = served.app.extensions["bridge.admin"]
    rules |= {f"/admin{rule.rule}" for rule in pages.url_map.iter_rules()}
    served.close()

    assert {rule for rule in rules if f"`{rule}`" not in page} == set()


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.operation_id)
def test_every_operation_is_named(operation):
    rows = (ROOT / "docs" / "http.md").read_text(encoding="utf-8").splitlines()

    path = operation.template.removesuffix("/{sourcedId}")
    found = [row for row in rows if row.startswith(f"| `/{path}` |")]
    assert len(found) == 1, f"docs/http.md has {len(found)} rows for `/{path}`: it needs one"
    (row,) = found
    assert re.search(rf"\b{operation.operation_id}\b", row)
    assert f"`{operation.envelope}`" in row


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))

    assert [target for target in targets if "://" not in target and not (page.parent / target).exists()] == []


def test_the_readme_denies_nothing_that_the_pages_on_sources_teach():
    readme = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())

    assert "Reading OneRoster providers is not" not in readme
    assert "rosters from any OneRoster provider" in readme
