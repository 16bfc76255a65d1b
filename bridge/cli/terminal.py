"""Text on a terminal: what comes from elsewhere is shown, and commands nothing.

Titles, labels, ids and hosts are other people's words, and a terminal obeys control characters. JSON needs none of
this: it is written with escapes.
"""

import click


def visible(text: str) -> str:
    """A text for one line, with a blank for whatever is not printed: control characters, line breaks, bidi marks."""
    return "".join(character if character.isprintable() else " " for character in text)


def echo(text: str, *, err: bool = False) -> None:
    """Write lines to standard output, or to standard error, each made visible.

    A part that may hold line breaks of somebody else's is to be made visible before.
    """
    click.echo("\n".join(map(visible, text.split("\n"))), err=err)
