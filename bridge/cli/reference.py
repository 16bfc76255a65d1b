"""``docs/commands.md``, written from the commands themselves: ``python -m bridge.cli.reference``."""

import inspect
from collections.abc import Iterator
from pathlib import Path

import click

from bridge.cli import __doc__ as exit_codes
from bridge.cli import cli

REFERENCE_FILE = Path("docs/commands.md")


_OPENING = f"""\
<!-- Written by python -m bridge.cli.reference. -->

# Commands

{(exit_codes or "").partition(chr(10))[2].strip()}

`bridge COMMAND --help` says the same as this page. With `--json` a command writes one JSON document to standard output
and nothing else; messages go to standard error. Without it, lists are tables at a terminal, and lines with tabs
elsewhere.
"""


def render_reference() -> str:
    """The page."""
    return "\n".join((_OPENING, *_chapters()))


def write_reference(root: Path) -> None:
    """Bring the page up to date."""
    (root / REFERENCE_FILE).write_text(render_reference(), encoding="utf-8")


def every_command() -> Iterator[click.Context]:
    """Each command and subcommand, in its context."""
    return _below(click.Context(cli, info_name="bridge", **cli.context_settings))


def _below(context: click.Context) -> Iterator[click.Context]:
    yield context
    if isinstance(context.command, click.Group):
        for name in context.command.list_commands(context):
            command = context.command.get_command(context, name)
            assert command is not None
            yield from _below(click.Context(command, info_name=name, parent=context))


def _chapters() -> Iterator[str]:
    for context in every_command():
        usage = context.command.collect_usage_pieces(context)
        yield f"## {context.command_path}\n"
        yield f"```sh\n{' '.join((context.command_path, *usage))}\n```\n"
        yield f"{inspect.cleandoc(context.command.help or '')}\n"
        yield from _options(context)


def _options(context: click.Context) -> Iterator[str]:
    records = [
        record
        for parameter in context.command.params
        if isinstance(parameter, click.Option) and (record := parameter.get_help_record(context)) is not None
    ]
    if records:
        rows = [f"| `{_cell(names)}` | {_cell(meaning)} |" for names, meaning in records]
        yield "\n".join(("| option | |", "| --- | --- |", *rows)) + "\n"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    write_reference(Path())
