"""Sources that state whole records: SISs that are read over OneRoster, and sets of files that were imported."""

from flask import Blueprint, flash, redirect, render_template, url_for
from werkzeug.wrappers import Response

from bridge.admin.paging import PAGE
from bridge.admin.reading import add_reading, reading_of
from bridge.errors import BridgeError
from bridge.mirror.figures import Figures, SourceFigures
from bridge.mirror.runs import Runs
from bridge.paces import Paces
from bridge.registry.sources import RegisteredSource
from bridge.roster.records import WHOLE_SOURCE
from bridge.wiring import Wiring


def pages(wiring: Wiring) -> Blueprint:
    """``/sources/…``."""
    blueprint = Blueprint("sources", __name__, url_prefix="/sources/<name>")
    paces = Paces(wiring.settings)

    @blueprint.get("/")
    def show(name: str) -> str:
        source, mirror = wiring.registry.rosters.of_run(name, WHOLE_SOURCE), wiring.mirror_to_read
        runs = Runs(mirror, wiring.clock)
        shared = {
            "source": source,
            "figures": Figures.of_all(mirror).by_source().get(name, SourceFigures()),
            "held": len(runs.waiting(name)),
        }
        if isinstance(source, RegisteredSource):
            return render_template("source.html", reading=reading_of(wiring, paces, source), **shared)
        latest = runs.latest(PAGE, context=(name, WHOLE_SOURCE))
        return render_template("csv_source.html", runs=latest, **shared)

    add_reading(blueprint, wiring, lambda name: wiring.registry.sources.get(name))

    @blueprint.post("/check")
    def check(name: str) -> Response:
        source = wiring.registry.sources.get(name)
        try:
            wiring.oneroster.check(source.account)
        except BridgeError as error:
            flash(f"It cannot be read: {error}", "danger")
        else:
            flash("It answers, and lets the bridge read.", "success")
        return redirect(url_for("sources.show", name=name) + "#reading")

    return blueprint
