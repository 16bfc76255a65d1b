"""``bridge completion``: what makes a shell complete the commands and options of ``bridge``."""

import click
from click.shell_completion import get_completion_class

from bridge.cli.terminal import echo

_SHELLS = ("bash", "zsh", "fish")


@click.command()
@click.argument("shell", type=click.Choice(_SHELLS))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print what makes a shell complete bridge's commands.

    \b
    bash:  echo 'eval "$(bridge completion bash)"' >> ~/.bashrc
    zsh:   echo 'eval "$(bridge completion zsh)"' >> ~/.zshrc
    fish:  bridge completion fish > ~/.config/fish/completions/bridge.fish
    """
    kind = get_completion_class(shell)
    assert kind is not None
    echo(kind(context.find_root().command, {}, "bridge", "_BRIDGE_COMPLETE").source().rstrip())
