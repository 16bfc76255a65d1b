"""What the commands share: the configuration, read when it is first needed, and the two ways of reporting."""

import getpass
import json
import os
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from bridge import log
from bridge.settings import Settings, load_settings
from bridge.wiring import Wiring


class Session:
    """One run of the command line.

    :param config: the configuration file that was named, if one was.
    """

    def __init__(self, config: Path | None) -> None:
        self.config = config

    @cached_property
    def settings(self) -> Settings:
        """The settings.

        :raises bridge.errors.ConfigError: listing every problem.
        """
        return load_settings(self.config)

    @cached_property
    def wiring(self) -> Wiring:
        """Everything, with both files ready.

        :raises bridge.errors.ConfigError: if one cannot be used.
        """
        log.configure(self.settings.log.level if self.settings.log.level == "debug" else "warning", "auto")
        wiring = Wiring(self.settings)
        wiring.prepare()
        return wiring


def pass_session(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the :class:`Session` as its first argument."""
    return click.make_pass_decorator(Session)(command)


def json_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """``--json``: one JSON document on standard output instead of text for people."""
    return click.option("--json", "as_json", is_flag=True, help="Report as JSON.")(command)


def operator() -> str:
    """Who is at the command line, for the record of what was decided."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user number without a name, as in some containers
        return f"user {os.getuid()}"


def echo_json(value: object) -> None:
    """Write one JSON document."""
    click.echo(json.dumps(value, ensure_ascii=False))


def echo_table(columns: Sequence[str], rows: Sequence[Sequence[object]], *, empty: str) -> None:
    """Write a table for people; ``empty`` instead if there are no rows."""
    if not rows:
        click.echo(empty)
        return
    console = Console(soft_wrap=False)
    if not console.is_terminal:
        # For grep and cut: one line per row, tabs between.
        for row in (columns, *rows):
            click.echo("\t".join("" if cell is None else str(cell) for cell in row))
        return
    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*("" if cell is None else str(cell) for cell in row))
    console.print(table)


def report(as_json: bool, value: Mapping[str, object], text: str) -> None:
    """Report one thing, in the way that was asked for."""
    if as_json:
        echo_json(value)
    else:
        click.echo(text)
