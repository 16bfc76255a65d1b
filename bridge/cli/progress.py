"""How far long work has come, on the terminal: nothing where standard error is none."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from bridge.wording import counted


def bar(total: int) -> Progress:
    """A bar of so many steps, to be used with ``with``; none for a single one."""
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        disable=not console.is_terminal or total < 2,
        transient=True,
    )


@contextmanager
def counter(unit: str, done: str, *, show: bool = True) -> Iterator[Callable[[int], None]]:
    """A count of what is done, where nobody knows how much there is; gives what is told how many it is now.

    :param unit: what is counted, such as ``row``.
    :param done: what is done with it, such as ``read``.
    """
    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not (show and console.is_terminal), transient=True) as shown:
        task = shown.add_task(f"nothing {done} yet")
        yield lambda number: shown.update(task, description=f"{counted(number, unit)} {done}")
