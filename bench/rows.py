"""The rows of the table that a measurement prints."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """One figure beside what is to be reached.

    :param at_most: whether less is better.
    :param target: ``None`` if the figure is only stated.
    """

    name: str
    figure: float
    target: float | None
    at_most: bool = False
    unit: str = ""
    note: str = ""

    @property
    def verdict(self) -> str:
        if self.target is None:
            return "stated"
        reached = self.figure <= self.target if self.at_most else self.figure >= self.target
        return "reached" if reached else "MISSED"

    def cells(self) -> tuple[str, str, str, str, str]:
        bound = "" if self.target is None else f"{'≤' if self.at_most else '≥'} {self.target:g}{self.unit}"
        return (self.name, f"{self.figure:.2f}{self.unit}", bound, self.verdict, self.note)


def print_row(row: Row) -> None:
    """Print one line of the table, at once: the whole takes minutes."""
    name, figure, target, verdict, note = row.cells()
    print(f"{name:<66} {figure:>10} {target:>9}  {verdict:<8} {note}", flush=True)


def missed(rows: Iterable[Row]) -> list[Row]:
    """Those that fall short."""
    return [row for row in rows if row.verdict == "MISSED"]
