"""What the commands share: the configuration, read when it is first needed, and the two ways of reporting."""

import functools
import getpass
import json
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bridge import log
from bridge.cli.terminal import echo, visible
from bridge.errors import UnknownObject
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

    def close(self) -> None:
        """Close what was opened."""
        if "wiring" in vars(self):
            self.wiring.close()


def pass_session(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command a :class:`Session` as its first argument."""

    @functools.wraps(command)
    def with_session(*args: Any, **kwargs: Any) -> Any:
        context = click.get_current_context()
        session = Session(context.find_root().params["config"])
        context.call_on_close(session.close)
        return command(session, *args, **kwargs)

    return with_session


def json_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """``--json``: one JSON document on standard output instead of text for people."""
    return click.option("--json", "as_json", is_flag=True, help="Report as JSON.")(command)


def check_something_set() -> None:
    """Refuse a ``set`` command that names nothing to set, and say what can be.

    :raises click.UsageError: if neither an option nor an argument beyond those that it needs was given.
    """
    context = click.get_current_context()
    settable = [each for each in context.command.params if not each.required and each.name != "as_json"]
    if any(context.get_parameter_source(str(each.name)) is not ParameterSource.DEFAULT for each in settable):
        return
    names = ("/".join((*each.opts, *each.secondary_opts)) for each in settable if isinstance(each, click.Option))
    arguments = (each.human_readable_name for each in settable if isinstance(each, click.Argument))
    raise click.UsageError(f"name what is to change: {', '.join((*arguments, *names))}")


def operator() -> str:
    """Who is at the command line, for the record of what was decided."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user number without a name, as in some containers
        return f"user {os.getuid()}"


def check_sources(wiring: Wiring, names: Iterable[str]) -> None:
    """Accept names of sources, present ones and former: tenants of platforms, SISs, sources of imported files.

    :raises UnknownObject: if one is none of these.
    """
    known = wiring.registry.source_names() | wiring.mirror_to_read.source_ids().keys()
    for name in names:
        if name not in known:
            raise UnknownObject(
                f"there is no tenant and no source {name}: see 'bridge platforms list' and 'bridge sources list'"
            )


def echo_json(value: object) -> None:
    """Write one JSON document, on one line."""
    click.echo(json.dumps(value))


def echo_table(columns: Sequence[str], rows: Sequence[Sequence[object]], *, empty: str) -> None:
    """Write a table for people; ``empty`` instead if there are no rows.

    What comes from elsewhere, such as a course's title, is shown without its control characters.
    """
    if not rows:
        echo(empty)
        return
    shown = [["" if cell is None else visible(str(cell)) for cell in row] for row in rows]
    if not sys.stdout.isatty():
        # For grep and cut: one line per row, tabs between.
        for row in (columns, *shown):
            click.echo("\t".join(row))
        return
    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in shown:
        table.add_row(*map(Text, row))
    Console().print(table)


def report(as_json: bool, value: Mapping[str, object], text: str) -> None:
    """Report one thing, in the way that was asked for."""
    if as_json:
        echo_json(value)
    else:
        echo(text)


ROW = click.IntRange(0, 2**63 - 1)
"""A number that something has in a database."""
