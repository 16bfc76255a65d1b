"""One context: who is in it and why as what, how reading it goes, and having it read."""

from dataclasses import dataclass

from flask import Blueprint, flash, redirect, render_template, url_for
from werkzeug.wrappers import Response

from bridge.admin import personal
from bridge.admin.accounts import signed_in
from bridge.admin.forms import FreshnessForm
from bridge.admin.paging import PAGE, listing, number
from bridge.admin.reading import add_reading, reading_of, title_of
from bridge.deciding import subject_of
from bridge.errors import BridgeError
from bridge.mirror.class_members import ClassMembers, HeldMember
from bridge.mirror.class_roles import count_roles
from bridge.paces import Paces
from bridge.registry.contexts import RegisteredContext
from bridge.roster.derive import MembershipDerivation
from bridge.roster.identity import ContextKey
from bridge.roster.role_reasons import Explanation, explain
from bridge.roster.visibility import Visibility
from bridge.wiring import Wiring


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
        registry, mirror = wiring.registry, wiring.mirror_to_read
        with_names = personal.is_shown(wiring, f"class {context.class_sourced_id}")
        derivation, problem = _derivation(wiring, context)
        offset = number("offset") or 0
        found = ClassMembers(mirror, Visibility.of_all(), tenant, key).page(PAGE + 1, offset)
        return render_template(
            "context.html",
            context=context,
            title=title_of(context),
            platform=registry.platforms.by_id(context.platform_id),
            page=listing([member_row(one, derivation, with_names=with_names) for one in found], offset=offset),
            personal=with_names,
            problem=problem,
            counts=count_roles(mirror, context.class_sourced_id),
            reading=reading_of(wiring, paces, context),
            own_hours=registry.targets.of(tenant, key),
            form=FreshnessForm(hours=registry.targets.of(tenant, key) or 0),
        )

    add_reading(blueprint, wiring, lambda tenant, key: wiring.registry.contexts.get(tenant, key))

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
        wiring.registry.activity.add(signed_in(), "set the freshness of", subject_of(context))
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
