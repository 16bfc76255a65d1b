"""The command line.

Exit codes: 0 done; 1 it could not be done, and standard error says why; 2 the configuration or the command line is
wrong; 3 done in part (some contexts failed or were held for a person, nobody in a roster could be used, rows of files
could not be used, or an undoing left something). Single members who could not be used are told of and change no code.
"""

import importlib
import io
import sqlite3
import sys
from pathlib import Path

import click

from bridge import __version__
from bridge.cli.terminal import echo
from bridge.errors import BridgeError, ConfigError

CONFIG_WRONG = 2

# The commands by name, and the module of each, in the order in which they are listed.
_MODULES = {
    "demo": "demo",
    "serve": "serve",
    "schedule": "serve",
    "sync": "sync",
    "approve": "decide",
    "reject": "decide",
    "decisions": "decisions",
    "platforms": "platforms",
    "deployments": "deployments",
    "contexts": "contexts",
    "sources": "sources",
    "clients": "clients",
    "tools": "tools",
    "feeders": "feeders",
    "operators": "operators",
    "runs": "runs",
    "changes": "changes",
    "undo": "undo",
    "people": "people",
    "webhooks": "webhooks",
    "keys": "keys",
    "export": "exchange",
    "import": "exchange",
    "purge": "upkeep",
    "backup": "upkeep",
    "restore": "upkeep",
    "downgrade": "downgrade",
    "doctor": "doctor",
    "completion": "completion",
}
# Those whose names are words of Python's, or would hide others.
_NAMES = {"export": "export_group", "import": "import_group"}


class _Commands(click.Group):
    """Loads a command's module when it is called for: loading all takes longer than most commands do."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_MODULES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _MODULES:
            return None
        module = importlib.import_module(f"bridge.cli.{_MODULES[cmd_name]}")
        command = getattr(module, _NAMES.get(cmd_name, cmd_name))
        assert isinstance(command, click.Command)
        return command


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="bridge")
@click.option(
    "--config",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The configuration file; otherwise BRIDGE_CONFIG, otherwise config/bridge.toml if it is there.",
)
def cli(config: Path | None) -> None:
    """A OneRoster 1.2 / LTI Names and Role Provisioning Services bridge."""


def main() -> None:
    """Run the command line, turning what the bridge raises on purpose into a message and an exit code."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A course may be called what the terminal cannot write.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        cli()
    except ConfigError as error:
        for problem in error.problems:
            echo(f"bridge: {problem}", err=True)
        sys.exit(CONFIG_WRONG)
    except BridgeError as error:
        echo(f"bridge: {error}", err=True)
        sys.exit(1)
    except sqlite3.Error as error:
        echo(f"bridge: a database file cannot be used ({error}): see 'bridge doctor'", err=True)
        sys.exit(1)
