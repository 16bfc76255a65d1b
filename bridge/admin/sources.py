"""Student information systems that are read over OneRoster: how reading one goes, and having it read."""

from flask import Blueprint, flash, jsonify, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from bridge.admin.accounts import signed_in
from bridge.admin.paging import PAGE, listing, number
from bridge.admin.reading import progress_of
from bridge.clock import from_stamp
from bridge.errors import BridgeError
from bridge.mirror.attempts import Attempts
from bridge.mirror.figures import Figures, SourceFigures
from bridge.mirror.runs import Runs
from bridge.mirror.standings import Standings
from bridge.paces import Paces
from bridge.roster.records import WHOLE_SOURCE
from bridge.sync.policy import by_itself
from bridge.wiring import Wiring

_RUNS_SHOWN = 10
_NOUN = "record"


def pages(wiring: Wiring) -> Blueprint:
    """``/sources/…``."""
    blueprint = Blueprint("sources", __name__, url_prefix="/sources/<name>")
    paces = Paces(wiring.settings)

    @blueprint.get("/")
    def show(name: str) -> str:
        registry, mirror = wiring.registry, wiring.mirror_to_read
        source = registry.sources.get(name)
        attempt = Attempts(mirror).of(name, WHOLE_SOURCE)
        pace = paces.of(source, registry)
        return render_template(
            "source.html",
            source=source,
            attempt=attempt,
            standing=Standings(mirror).of(name, WHOLE_SOURCE),
            figures=Figures.of_all(mirror).by_source().get(name, SourceFigures()),
            held=len(Runs(mirror, wiring.clock).waiting(name)),
            verdict_=by_itself(
                attempt, pace, wiring.clock(), added=from_stamp(source.created), paused=source.pause is not None
            ),
            hours=int(pace.fresh_for.total_seconds() // 3600),
            runs=Runs(mirror, wiring.clock).latest(_RUNS_SHOWN, context=(name, WHOLE_SOURCE)),
            progress=progress_of(wiring, source, noun=_NOUN),
        )

    @blueprint.get("/runs")
    def history(name: str) -> str:
        source = wiring.registry.sources.get(name)
        runs = Runs(wiring.mirror_to_read, wiring.clock)
        found = runs.latest(PAGE + 1, context=(name, WHOLE_SOURCE), before=number("before"))
        page = listing(found, before=lambda run: run.id)
        return render_template("runs.html", page=page, context=source, titles={}, outcome=None)

    @blueprint.get("/progress")
    def progress(name: str) -> Response:
        state = progress_of(wiring, wiring.registry.sources.get(name), noun=_NOUN)
        return jsonify(busy=state.busy, sentence=state.sentence, run=state.run)

    @blueprint.post("/check")
    def check(name: str) -> Response:
        source = wiring.registry.sources.get(name)
        try:
            wiring.oneroster.check(source.account)
        except BridgeError as error:
            flash(f"It cannot be read: {error}", "danger")
        else:
            flash("It answers, and lets the bridge read.", "success")
        return _back(name)

    @blueprint.post("/sync")
    def sync(name: str) -> Response:
        source = wiring.registry.sources.get(name)
        wiring.registry.orders.sync(source, signed_in(), full=request.form.get("full") == "yes")
        wiring.registry.activity.add(signed_in(), "asked for a reading of", f"source {name}")
        flash("It is about to be read.", "info")
        return _back(name)

    @blueprint.post("/pause")
    def pause(name: str) -> Response:
        source = wiring.registry.sources.get(name)
        wiring.registry.orders.pause_context(source, signed_in(), request.form.get("reason", "")[:500])
        wiring.registry.activity.add(signed_in(), "paused", f"source {name}")
        flash("It is paused within a second: what a person asks for is still done.", "success")
        return _back(name)

    @blueprint.post("/resume")
    def resume(name: str) -> Response:
        source = wiring.registry.sources.get(name)
        wiring.registry.orders.resume_context(source, signed_in())
        wiring.registry.activity.add(signed_in(), "resumed", f"source {name}")
        flash("It is read again, from within a second on.", "success")
        return _back(name)

    return blueprint


def _back(name: str) -> Response:
    return redirect(url_for("sources.show", name=name) + "#reading")
