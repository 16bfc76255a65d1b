"""The first page: what waits for a person, how each platform does, and the last month in one picture."""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from threading import Lock

from flask import Blueprint, render_template

from bridge.admin.health import health, next_run
from bridge.admin.limits import seen, sees
from bridge.admin.paging import PAGE, listing, number
from bridge.admin.plot import HEIGHT, WIDTH, days_until, plot
from bridge.mirror.figures import DayFigures, Figures, SourceFigures
from bridge.mirror.mirror import Mirror
from bridge.mirror.runs import Runs
from bridge.paces import Paces
from bridge.registry.circuits import Circuit
from bridge.roster.visibility import Visibility
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
        figures = Figures(mirror, seen()).by_source()
        contexts, circuits, pauses = registry.contexts.counts(), registry.circuits.all(), registry.pauses.platforms()
        platforms = [one for one in registry.platforms.all() if sees(one.tenant)]
        held = [run for run in Runs(mirror, wiring.clock).waiting() if sees(run.source)]
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
        # SISs, sets of files, and what no registration reads any more, which is served until it is retired.
        sources = {each.name for each in registry.sources.all() if sees(each.name)}
        others = {name: figures.get(name, SourceFigures()) for name in sorted(sources | figures.keys())}
        others = {name: one for name, one in others.items() if name not in {each.tenant for each in platforms}}
        days = days_until(now.astimezone(UTC).date(), _DAYS)
        people = sum(one.people for one in figures.values())
        return render_template(
            "dashboard.html",
            held=held[:_HELD_SHOWN],
            held_count=len(held),
            rows=rows,
            page=page,
            others=others,
            sources=sources,
            days=plot(days, past.by_day(mirror, seen(), days), people),
            people=people,
            width=WIDTH,
            height=HEIGHT,
            scheduler=wiring.scheduler_runs(),
            pending=len(registry.registrations.all()) if seen().sources is None else 0,
        )

    @blueprint.get("/activity")
    def activity() -> str:
        found = wiring.registry.activity.latest(PAGE + 1, before=number("before"))
        return render_template("activity.html", page=listing(found, before=lambda deed: deed.id))

    return blueprint


class _Past:
    """What was changed on days that are over, kept: it changes no more but for what is purged, or undone."""

    def __init__(self) -> None:
        self._kept: dict[Visibility, tuple[date, Mapping[str, DayFigures]]] = {}
        self._lock = Lock()

    def by_day(self, mirror: Mirror, visibility: Visibility, days: list[date]) -> Mapping[str, DayFigures]:
        """The figures of these days, which end today, of what may be seen."""
        *_, today = days
        figures = Figures(mirror, visibility)
        with self._lock:
            day, kept = self._kept.get(visibility, (None, {}))
            if day != today:
                kept = figures.by_day(_midnight(days[0]), _midnight(today))
                self._kept[visibility] = (today, kept)
        return {**kept, **figures.by_day(_midnight(today), _midnight(today + timedelta(days=1)))}


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
