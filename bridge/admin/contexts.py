"""One context: who is in it and why as what, how reading it goes, and having it read."""

from dataclasses import dataclass

from flask import Blueprint, flash, jsonify, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from bridge.admin import personal
from bridge.admin.accounts import signed_in
from bridge.admin.forms import FreshnessForm
from bridge.admin.paging import PAGE, listing, number
from bridge.admin.reading import progress_of
from bridge.clock import from_stamp
from bridge.errors import BridgeError
from bridge.mirror.attempts import Attempts
from bridge.mirror.class_members import ClassMembers, HeldMember
from bridge.mirror.class_roles import count_roles
from bridge.mirror.runs import Runs
from bridge.mirror.standings import Standings
from bridge.paces import Paces
from bridge.registry.contexts import RegisteredContext
from bridge.roster.derive import MembershipDerivation
from bridge.roster.identity import ContextKey
from bridge.roster.role_reasons import Explanation, explain
from bridge.roster.visibility import Visibility
from bridge.sync.policy import by_itself
from bridge.wiring import Wiring

_RUNS_SHOWN = 10
_NOUN = "member"


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberRow:
    """One member as the page shows her.

    :param name: masked unless personal data was asked for; so is ``email``.
    :param why: how her roles became what she is; ``None`` if the platform's registration cannot be used.
    """

    subject: str
    name: str
    email: str
    status: str
    enrollment: str | None
    enrollment_status: str | None
    primary: bool
    user_roles: list[str]
    why: Explanation | None


def pages(wiring: Wiring) -> Blueprint:
    """``/contexts/…``."""
    blueprint = Blueprint("contexts", __name__, url_prefix="/contexts/<tenant>/<context:key>")
    paces = Paces(wiring.settings)

    @blueprint.get("/")
    def show(tenant: str, key: ContextKey) -> str:
        context = wiring.registry.contexts.get(tenant, key)
        registry, mirror, now = wiring.registry, wiring.mirror_to_read, wiring.clock()
        with_names = personal.asked_for(wiring, f"class {context.class_sourced_id}")
        derivation, problem = _derivation(wiring, context)
        offset = number("offset") or 0
        found = ClassMembers(mirror, Visibility.of_all(), tenant, key).page(PAGE + 1, offset)
        attempt = Attempts(mirror).of(tenant, key)
        pace = paces.of(context, registry)
        return render_template(
            "context.html",
            context=context,
            platform=registry.platforms.by_id(context.platform_id),
            page=listing([member_row(one, derivation, with_names=with_names) for one in found], offset=offset),
            personal=with_names,
            problem=problem,
            counts=count_roles(mirror, context.class_sourced_id),
            standing=Standings(mirror).of(tenant, key),
            attempt=attempt,
            runs=Runs(mirror, wiring.clock).latest(_RUNS_SHOWN, context=(tenant, key)),
            pause=registry.pauses.contexts().get((tenant, key)),
            platform_pause=registry.pauses.platforms().get(context.platform_id),
            verdict_=by_itself(
                attempt,
                pace,
                now,
                added=from_stamp(context.created),
                paused=registry.pauses.covers(context.platform_id, tenant, key),
            ),
            hours=int(pace.fresh_for.total_seconds() // 3600),
            own_hours=registry.targets.of(tenant, key),
            form=FreshnessForm(hours=registry.targets.of(tenant, key) or 0),
            progress=progress_of(wiring, context, noun=_NOUN),
        )

    @blueprint.get("/runs")
    def history(tenant: str, key: ContextKey) -> str:
        context = wiring.registry.contexts.get(tenant, key)
        runs = Runs(wiring.mirror_to_read, wiring.clock)
        found = runs.latest(PAGE + 1, context=(tenant, key), before=number("before"))
        page = listing(found, before=lambda run: run.id)
        return render_template("runs.html", page=page, context=context, titles={}, outcome=None)

    @blueprint.get("/progress")
    def progress(tenant: str, key: ContextKey) -> Response:
        state = progress_of(wiring, wiring.registry.contexts.get(tenant, key), noun=_NOUN)
        return jsonify(busy=state.busy, sentence=state.sentence, run=state.run)

    @blueprint.post("/sync")
    def sync(tenant: str, key: ContextKey) -> Response:
        context = wiring.registry.contexts.get(tenant, key)
        wiring.registry.orders.sync(context, signed_in(), full=request.form.get("full") == "yes")
        wiring.registry.activity.add(signed_in(), "asked for a reading of", f"class {context.class_sourced_id}")
        flash("The roster is about to be read.", "info")
        return _back(tenant, key)

    @blueprint.post("/pause")
    def pause(tenant: str, key: ContextKey) -> Response:
        context = wiring.registry.contexts.get(tenant, key)
        wiring.registry.orders.pause_context(context, signed_in(), request.form.get("reason", "")[:500])
        wiring.registry.activity.add(signed_in(), "paused", f"class {context.class_sourced_id}")
        flash("It is paused within a second: what a person asks for is still done.", "success")
        return _back(tenant, key)

    @blueprint.post("/resume")
    def resume(tenant: str, key: ContextKey) -> Response:
        context = wiring.registry.contexts.get(tenant, key)
        wiring.registry.orders.resume_context(context, signed_in())
        wiring.registry.activity.add(signed_in(), "resumed", f"class {context.class_sourced_id}")
        flash("It is read again, from within a second on.", "success")
        return _back(tenant, key)

    @blueprint.post("/freshness")
    def freshness(tenant: str, key: ContextKey) -> Response:
        context = wiring.registry.contexts.get(tenant, key)
        form = FreshnessForm()
        if not form.validate_on_submit():
            flash("The freshness target must be a whole number of hours from 0 to 8760.", "danger")
            return _back(tenant, key)
        if form.hours.data:
            wiring.registry.targets.set(tenant, key, form.hours.data)
        else:
            wiring.registry.targets.clear(tenant, key)
        wiring.registry.activity.add(signed_in(), "set the freshness of", f"class {context.class_sourced_id}")
        flash("The freshness target is set.", "success")
        return _back(tenant, key)

    return blueprint


def member_row(member: HeldMember, derivation: MembershipDerivation | None, *, with_names: bool) -> MemberRow:
    """A member as pages show her: see :class:`MemberRow`."""
    user, enrollment = member.user or {}, member.enrollment or {}
    name = " ".join(filter(None, (user.get("givenName"), user.get("familyName"))))
    email = user.get("email", "")
    why, status = None, ""
    if derivation is not None:
        stated = derivation.load_member(member.raw)
        status = stated.status or "Active"
        why = explain(derivation.reading, stated.roles + member.launch_roles)
    return MemberRow(
        subject=member.subject if with_names else "••••",
        name=name if with_names or not name else "••••",
        email=email if with_names or not email else "••••",
        status=status,
        enrollment=enrollment.get("role"),
        enrollment_status=enrollment.get("status"),
        primary=enrollment.get("primary") == "true",
        user_roles=[role["role"] for role in user.get("roles", ())],
        why=why,
    )


def derivation_of(wiring: Wiring, tenant: str, key: ContextKey) -> MembershipDerivation | None:
    """How a context's members are read; ``None`` if it is registered no more, or its registration cannot be used."""
    try:
        return wiring.membership_derivation(wiring.registry.contexts.get(tenant, key))
    except BridgeError:
        return None


def _derivation(wiring: Wiring, context: RegisteredContext) -> tuple[MembershipDerivation | None, str]:
    try:
        return wiring.membership_derivation(context), ""
    except BridgeError as error:
        return None, str(error)


def _back(tenant: str, key: ContextKey) -> Response:
    return redirect(url_for("contexts.show", tenant=tenant, key=key) + "#reading")
