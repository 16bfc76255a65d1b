"""The command line.

Exit codes: 0 done; 1 it could not be done, and standard error says why; 2 the configuration or the command line is
wrong; 3 done in part (some contexts failed, or were held for a person).
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from bridge import __version__
from bridge.cli import (
    changes,
    clients,
    contexts,
    decide,
    demo,
    doctor,
    platforms,
    runs,
    serve,
    sync,
    undo,
    upkeep,
    webhooks,
)
from bridge.cli.common import Session
from bridge.errors import BridgeError, ConfigError

CONFIG_WRONG = 2


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="bridge")
@click.option(
    "--config",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The configuration file; otherwise BRIDGE_CONFIG, otherwise config/bridge.toml if it is there.",
)
@click.pass_context
def cli(context: click.Context, config: Path | None) -> None:
    """A OneRoster 1.2 / LTI Names and Role Provisioning Services bridge."""
    context.obj = Session(config)


COMMANDS: tuple[Callable[..., Any], ...] = (
    demo.demo,
    serve.serve,
    serve.schedule,
    sync.sync,
    decide.approve,
    decide.reject,
    platforms.platforms,
    contexts.contexts,
    clients.clients,
    runs.runs,
    changes.changes,
    undo.undo,
    webhooks.webhooks,
    upkeep.purge,
    upkeep.backup,
    upkeep.restore,
    doctor.doctor,
)
for _command in COMMANDS:
    assert isinstance(_command, click.Command)
    cli.add_command(_command)


def main() -> None:
    """Run the command line, turning what the bridge raises on purpose into a message and an exit code."""
    try:
        cli()
    except ConfigError as error:
        for problem in error.problems:
            click.echo(f"bridge: {problem}", err=True)
        sys.exit(CONFIG_WRONG)
    except BridgeError as error:
        click.echo(f"bridge: {error}", err=True)
        sys.exit(1)
