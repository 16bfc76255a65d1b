"""The first page: what waits for a person, how each platform does, and the last month in one picture."""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from threading import Lock

from flask import Blueprint, render_template, url_for

from bridge.admin.health import Health, health, health_of_source, next_run
from bridge.admin.limits import seen, sees
from bridge.admin.paging import PAGE, listing, number
from bridge.admin.plot import HEIGHT, WIDTH, days_until, plot
from bridge.admin.reading import reading_of
from bridge.mirror.attempts import Attempts
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
        days = days_until(now.astimezone(UTC).date(), _DAYS)
        people = sum(one.people for one in figures.values())
        return render_template(
            "dashboard.html",
            held=held[:_HELD_SHOWN],
            held_count=len(held),
            rows=rows,
            page=page,
            sources=_sources(wiring, paces, figures, waiting),
            steps=_first_steps(wiring, contexts, figures) if seen().sources is None else [],
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


def _sources(
    wiring: Wiring, paces: Paces, figures: Mapping[str, SourceFigures], waiting: Mapping[str, int]
) -> list[dict[str, object]]:
    """SISs, then sets of files, and last what no registration reads any more and is served until it is retired."""
    registry, mirror = wiring.registry, wiring.mirror_to_read
    runs, rows = Runs(mirror, wiring.clock), []
    for source in (each for each in registry.sources.all() if sees(each.name)):
        reading = reading_of(wiring, paces, source)
        health = health_of_source(
            reading.attempt,
            source.pause,
            failing_since=reading.failing_since,
            held=waiting[source.name],
        )
        rows.append({"name": source.name, "kind": "SIS", "health": health, "next": reading.verdict})
    for files in (each for each in registry.csv_sources.all() if sees(each.name)):
        if files.name not in {row["name"] for row in rows}:
            attempt = Attempts(mirror).of(files.name, files.key)
            since = runs.failing_since(files.name, files.key)
            health = health_of_source(attempt, None, failing_since=since, held=waiting[files.name])
            rows.append({"name": files.name, "kind": "files", "health": health, "next": None})
    known = {row["name"] for row in rows} | {platform.tenant for platform in registry.platforms.all()}
    left = Health("secondary", "left", "Nothing reads it any more; it is served until it is retired.")
    rows += [{"name": name, "kind": "", "health": left, "next": None} for name in sorted(figures.keys() - known)]
    return [row | {"figures": figures.get(str(row["name"]), SourceFigures())} for row in rows]


def _first_steps(
    wiring: Wiring, contexts: Mapping[int, int], figures: Mapping[str, SourceFigures]
) -> list[tuple[bool, str, str, str]]:
    """What there is to do before the bridge serves anybody, until all is done: whether it is done, and what, how and
    on which page."""
    registry = wiring.registry
    sources = bool(registry.sources.all() or registry.csv_sources.all())
    steps = [
        (
            bool(registry.platforms.all()) or sources,
            "Register an LMS or a SIS",
            "By a link that the LMS's administrator pastes, or by hand.",
            url_for("setup.show"),
        ),
        (
            bool(contexts) or sources,
            "Launch the bridge from a course",
            "A teacher opens the tool there once: so the bridge learns of the course. A SIS needs none of this.",
            "",
        ),
        (
            any(one.good for one in figures.values()),
            "Watch the first roster being read",
            "It is read within a second of the launch, while a scheduler runs.",
            url_for("runs.show_all"),
        ),
        (
            bool(registry.clients.all() or registry.tools.all()),
            "Register whoever is to read",
            "A OneRoster consumer under Clients, an LTI tool under Tools.",
            url_for("clients.add"),
        ),
    ]
    return steps if not all(step[0] for step in steps) else []


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
