"""LMSs: registering them, accepting those that have registered themselves, pausing, and their contexts."""

from typing import Any, cast

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from bridge.admin.accounts import signed_in
from bridge.admin.forms import PlatformForm
from bridge.admin.health import health
from bridge.admin.paging import PAGE, listing
from bridge.errors import BridgeError, InvalidRequest
from bridge.lti.dynamic_registration import accept as accept_platform
from bridge.lti.guides import GUIDES, examples
from bridge.mirror.attempts import Attempts
from bridge.mirror.figures import Figures, SourceFigures
from bridge.mirror.runs import Runs
from bridge.roster.identity import ContextKey
from bridge.wiring import Wiring

_FIELDS = ("vendor", "issuer", "client_id", "auth_login_url", "token_url", "jwks_url")


def pages(wiring: Wiring) -> Blueprint:
    """``/platforms/…``."""
    blueprint = Blueprint("platforms", __name__, url_prefix="/platforms")

    @blueprint.route("/new", methods=["GET", "POST"])
    def add() -> Response | str | tuple[str, int]:
        form = PlatformForm(vendor=request.args.get("vendor", "generic"))
        shown = examples(str(form.vendor.data)) if form.vendor.data in GUIDES else {}
        if not form.validate_on_submit():
            return render_template("platform_form.html", form=form, examples=shown)
        registry = wiring.registry
        try:
            platform = registry.platforms.add(
                **cast(Any, {name: str(form[name].data).strip() for name in _FIELDS}),
                token_audience=form.token_audience.data or None,
                tenant=form.tenant.data or None,
            )
        except InvalidRequest as error:
            at_fault = error.parameter if error.parameter in form else "issuer"
            form[at_fault].errors = [error.reason]
            return render_template("platform_form.html", form=form, examples=shown), 400
        if form.deployment_id.data:
            registry.deployments.add(platform, [form.deployment_id.data])
        registry.activity.add(signed_in(), "registered platform", platform.tenant)
        flash(f"Registered as tenant {platform.tenant}. Now open the bridge in the LMS, from a course.", "success")
        return _back(platform.id)

    @blueprint.get("/<int:platform_id>")
    def show(platform_id: int) -> str:
        registry, mirror = wiring.registry, wiring.mirror_to_read
        platform = registry.platforms.by_id(platform_id)
        search = request.args.get("search", "").strip()[:200]
        found = registry.contexts.page(platform.id, PAGE + 1, after=_after(), search=search)
        page = listing(found, after=lambda one: one.key)
        attempts = Attempts(mirror)
        figures = Figures.of_all(mirror).by_source().get(platform.tenant, SourceFigures())
        contexts = registry.contexts.counts().get(platform.id, 0)
        held = Runs(mirror, wiring.clock).waiting(platform.tenant)
        circuit, pause = registry.circuits.of(platform.id), registry.pauses.platforms().get(platform.id)
        return render_template(
            "platform.html",
            platform=platform,
            page=page,
            search=search,
            attempts={one.key: attempts.of(one.tenant, one.key) for one in page.items},
            figures=figures,
            contexts=contexts,
            health=health(figures, circuit, pause, contexts=contexts, held=len(held)),
            circuit=circuit,
            pause=pause,
            deployments=sorted(registry.deployments.of(platform)),
        )

    @blueprint.post("/<int:platform_id>/check")
    def check(platform_id: int) -> Response:
        platform = wiring.registry.platforms.by_id(platform_id)
        try:
            wiring.check_platform(platform)
        except BridgeError as error:
            flash(f"It gives no access token: {error}", "danger")
        else:
            flash("It answers, and gives an access token for rosters.", "success")
        return _back(platform_id)

    @blueprint.post("/<int:platform_id>/pause")
    def pause(platform_id: int) -> Response:
        platform = wiring.registry.platforms.by_id(platform_id)
        wiring.registry.orders.pause_platform(platform.id, signed_in(), request.form.get("reason", "")[:500])
        wiring.registry.activity.add(signed_in(), "paused platform", platform.tenant)
        flash("It is paused within a second: what a person asks for is still done.", "success")
        return _back(platform_id)

    @blueprint.post("/<int:platform_id>/resume")
    def resume(platform_id: int) -> Response:
        platform = wiring.registry.platforms.by_id(platform_id)
        wiring.registry.orders.resume_platform(platform.id, signed_in())
        wiring.registry.activity.add(signed_in(), "resumed platform", platform.tenant)
        flash("It is read again, from within a second on.", "success")
        return _back(platform_id)

    @blueprint.post("/pending/<int:registration_id>")
    def decide(registration_id: int) -> Response:
        registry = wiring.registry
        waiting = registry.registrations.get(registration_id)
        if request.form.get("decision") == "accept":
            try:
                platform = accept_platform(registry, waiting.platform, request.form.get("tenant", "").strip() or None)
            except InvalidRequest as error:
                flash(str(error), "danger")
                return redirect(url_for("setup.show"))
            flash(f"{platform.issuer} is let in, as tenant {platform.tenant}.", "success")
            registry.activity.add(signed_in(), "accepted platform", platform.tenant)
        else:
            flash("The registration is forgotten.", "success")
            registry.activity.add(signed_in(), "turned away a registration", str(registration_id))
        registry.registrations.remove(registration_id)
        return redirect(url_for("setup.show"))

    return blueprint


def _after() -> ContextKey:
    return ContextKey(request.args.get("after", ""))


def _back(platform_id: int) -> Response:
    return redirect(url_for("platforms.show", platform_id=platform_id))
