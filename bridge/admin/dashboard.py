"""The first page: what waits for a person, how each platform does, and the last month in one picture."""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from threading import Lock

from flask import Blueprint, render_template

from bridge.admin.health import health, next_run
from bridge.admin.paging import PAGE, listing, number
from bridge.admin.plot import HEIGHT, WIDTH, days_until, plot
from bridge.mirror.figures import DayFigures, Figures, SourceFigures
from bridge.mirror.runs import Runs
from bridge.paces import Paces
from bridge.registry.circuits import Circuit
from bridge.wiring import Wiring

_DAYS = 30
_HELD_SHOWN = 10


def pages(wiring: Wiring) -> Blueprint:
    """``/`` and ``/activity``."""
    blueprint = Blueprint("dashboard", __name__)
    paces = Paces(wiring.settings)
    past = _Past()

    @blueprint.get("/")
    def show() -> str:
        registry, mirror, now = wiring.registry, wiring.mirror_to_read, wiring.clock()
        figures = Figures.of_all(mirror).by_source()
        contexts, circuits, pauses = registry.contexts.counts(), registry.circuits.all(), registry.pauses.platforms()
        platforms = registry.platforms.all()
        held = Runs(mirror, wiring.clock).waiting()
        waiting = Counter(run.source for run in held)
        after = number("after") or 0
        page = listing([one for one in platforms if one.id > after][: PAGE + 1], after=lambda one: one.id)
        rows = [
            {
                "platform": one,
                "figures": figures.get(one.tenant, SourceFigures()),
                "contexts": contexts.get(one.id, 0),
                "health": health(
                    figures.get(one.tenant, SourceFigures()),
                    circuits.get(one.id, Circuit()),
                    pauses.get(one.id),
                    contexts=contexts.get(one.id, 0),
                    held=waiting[one.tenant],
                ),
                "next": next_run(registry, mirror, paces, one, now),
            }
            for one in page.items
        ]
        # SISs, files, and what no registration reads any more: that is served until it is retired.
        others = {name: one for name, one in figures.items() if name not in {each.tenant for each in platforms}}
        days = days_until(now.astimezone(UTC).date(), _DAYS)
        people = sum(one.people for one in figures.values())
        return render_template(
            "dashboard.html",
            held=held[:_HELD_SHOWN],
            held_count=len(held),
            rows=rows,
            page=page,
            others=others,
            days=plot(days, past.by_day(Figures.of_all(mirror), days), people),
            people=people,
            width=WIDTH,
            height=HEIGHT,
            scheduler=wiring.scheduler_runs(),
            pending=len(registry.registrations.all()),
        )

    @blueprint.get("/activity")
    def activity() -> str:
        found = wiring.registry.activity.latest(PAGE + 1, before=number("before"))
        return render_template("activity.html", page=listing(found, before=lambda deed: deed.id))

    return blueprint


class _Past:
    """What was changed on days that are over, kept: it changes no more but for what is purged, or undone."""

    def __init__(self) -> None:
        self._kept: tuple[date, Mapping[str, DayFigures]] | None = None
        self._lock = Lock()

    def by_day(self, figures: Figures, days: list[date]) -> Mapping[str, DayFigures]:
        """The figures of these days, which end today."""
        *_, today = days
        with self._lock:
            if self._kept is None or self._kept[0] != today:
                self._kept = (today, figures.by_day(_midnight(days[0]), _midnight(today)))
            kept = self._kept[1]
        return {**kept, **figures.by_day(_midnight(today), _midnight(today + timedelta(days=1)))}


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
