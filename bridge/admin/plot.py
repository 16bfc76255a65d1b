"""A small plot of days as SVG, drawn here: no script, no style, and a table of the same figures beside it.

People are a line, changes are bars; each has its own scale, since a school's changes are few beside its people.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from bridge.mirror.figures import DayFigures

WIDTH, HEIGHT = 640, 160
_TOP, _BOTTOM = 10, 22
_EMPTY = DayFigures()


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """One day as it is drawn, and as the table tells it.

    :param x: the middle of its bar.
    :param bar: the height of its bar, down from which it stands on the line at the bottom.
    :param y: of the line of people.
    """

    date: date
    people: int
    added: int
    changed: int
    removed: int
    x: float
    bar: float
    y: float


def days_until(today: date, count: int) -> list[date]:
    """So many days, the last of them today."""
    return [today - timedelta(days=back) for back in range(count - 1, -1, -1)]


def plot(days: Sequence[date], figures: Mapping[str, DayFigures], people_now: int) -> list[Day]:
    """The days with their places in the plot.

    :param people_now: how many there are; how many there were follows from what was changed since.
    """
    people, counts = people_now, {}
    for day in reversed(days):
        counts[day] = people
        people -= figures.get(day.isoformat(), _EMPTY).people
    changes = {day: figures.get(day.isoformat(), _EMPTY) for day in days}
    most = max(map(_all, changes.values()), default=0)
    low, high = min(counts.values()), max(counts.values())
    step = WIDTH / len(days)
    room = HEIGHT - _TOP - _BOTTOM
    return [
        Day(
            date=day,
            people=counts[day],
            added=changes[day].added,
            changed=changes[day].changed,
            removed=changes[day].removed,
            x=round((index + 0.5) * step, 1),
            bar=round(room * _all(changes[day]) / most, 1) if most else 0,
            y=round(_TOP + room * (high - counts[day]) / (high - low), 1) if high > low else _TOP + room / 2,
        )
        for index, day in enumerate(days)
    ]


def _all(day: DayFigures) -> int:
    return day.added + day.changed + day.removed
