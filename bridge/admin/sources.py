"""Sources that state whole records: SISs that are read over OneRoster, and sets of files that were imported."""

from flask import Blueprint, flash, redirect, render_template, url_for
from werkzeug.wrappers import Response

from bridge.admin.accounts import signed_in
from bridge.admin.forms import ProviderSecretForm
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
        return _shown(name, ProviderSecretForm())

    def _shown(name: str, form: ProviderSecretForm) -> str:
        source, mirror = wiring.registry.rosters.of_run(name, WHOLE_SOURCE), wiring.mirror_to_read
        runs = Runs(mirror, wiring.clock)
        shared = {
            "source": source,
            "figures": Figures.of_all(mirror).by_source().get(name, SourceFigures()),
            "held": len(runs.waiting(name)),
        }
        if isinstance(source, RegisteredSource):
            return render_template("source.html", reading=reading_of(wiring, paces, source), form=form, **shared)
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

    @blueprint.post("/secret")
    def change_secret(name: str) -> Response | tuple[str, int]:
        source, form = wiring.registry.sources.get(name), ProviderSecretForm()
        if not form.validate_on_submit():
            return _shown(name, form), 400
        wiring.registry.sources.set_secret(source.name, str(form.secret.data).strip())
        wiring.registry.activity.add(signed_in(), "changed the secret of source", name)
        flash(
            "It is asked with the new secret from now on. Ask it for one record, to see that it lets you in.", "success"
        )
        return redirect(url_for("sources.show", name=name) + "#reading")

    return blueprint
