"""What other people have written reaches a terminal as text, in every command."""

from pathlib import Path

import pytest

from bridge.cli.terminal import echo, visible

CLI = Path(__file__).parents[2] / "bridge" / "cli"
HOSTILE = "\x1b]0;owned\x07\x9b2J\r\nx [red]"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("Grüße 日本 👍", "Grüße 日本 👍", id="as it is"),
        pytest.param("\x1b[2J", " [2J", id="escape sequence"),
        pytest.param("a\x9bb\x7fc", "a b c", id="other control characters"),
        pytest.param("a\r\n\tb", "a   b", id="line break and tab"),
        pytest.param("\u202egnp.exe", " gnp.exe", id="bidi mark"),
    ],
)
def test_text_for_one_line_commands_nothing(text, shown):
    assert visible(text) == shown


def test_lines_stay_lines(capsys):
    echo("one\ntwo\x1b", err=True)

    assert capsys.readouterr().err == "one\ntwo \n"


@pytest.fixture
def relabelled(registered, lms):
    course = lms.roster.courses()[0].context_id
    registered(
        *("contexts", "add", "--tenant=practice", f"--context-id={course}"),
        *("--memberships-url", lms.memberships_url(course), "--label", HOSTILE),
    )
    return registered


@pytest.mark.parametrize("arguments", [("sync", "--all"), ("sync", "--all", "--dry-run")], ids=" ".join)
def test_reports_name_a_course_in_one_line(relabelled, arguments):
    lines = relabelled(*arguments).out.split("\n")

    assert len(lines) == 3
    assert all(visible(line) == line for line in lines)


def test_complaints_repeat_no_control_characters(bridge):
    complaint = bridge("sync", "a\x1b[2J").err

    assert complaint == f"{visible(complaint[:-1])}\n"


@pytest.mark.parametrize("module", sorted(CLI.glob("*.py")), ids=lambda path: path.stem)
def test_nothing_is_written_in_another_way(module):
    allowed = {"terminal": 1, "common": 2}.get(module.stem, 0)  # JSON, and a table's cells, are safe already

    assert module.read_text().count("click.echo(") == allowed
