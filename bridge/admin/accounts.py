"""Signing in and out.

A session is a signed cookie that names an account's id and version, when it began, and nothing else. It ends an hour
after the last request, twelve hours after it began, and at once when the account's version rises or the account goes.
"""

from datetime import datetime, timedelta

import structlog
from flask import Blueprint, Flask, flash, redirect, render_template, request, session, url_for
from flask_login import LoginManager, UserMixin, current_user, login_user, logout_user
from werkzeug.wrappers import Response

from bridge.admin.forms import SignInForm
from bridge.admin.words import exact
from bridge.clock import from_stamp, to_stamp
from bridge.registry.operators import Operator
from bridge.wiring import Wiring

log = structlog.get_logger(__name__)

_LONGEST = timedelta(hours=12)
_BEGUN = "begun"


class SignedIn(UserMixin):
    """Whoever is signed in, for one request."""

    def __init__(self, operator: Operator) -> None:
        self.operator = operator
        self.name = operator.name

    def get_id(self) -> str:
        return f"{self.operator.id}:{self.operator.version}"


def manage_logins(app: Flask, wiring: Wiring) -> None:
    """Know by its session who makes a request."""
    manager = LoginManager(app)
    manager.session_protection = None  # a phone changes its address; what ends a session is said above

    @manager.user_loader  # type: ignore[untyped-decorator] # Flask-Login has no types
    def load(text: str) -> SignedIn | None:
        number, _, version = text.partition(":")
        if not _is_recent(session.get(_BEGUN), wiring.clock()) or not (number.isdecimal() and version.isdecimal()):
            return None
        operator = wiring.registry.operators.of_session(int(number), int(version))
        return SignedIn(operator) if operator else None


def signed_in() -> str:
    """The name of whoever is signed in, for records of what was done."""
    return str(current_user.name)


def pages(wiring: Wiring) -> Blueprint:
    """``/sign-in`` and ``/sign-out``."""
    blueprint = Blueprint("accounts", __name__)

    @blueprint.route("/sign-in", methods=["GET", "POST"])
    def sign_in() -> Response | str | tuple[str, int]:
        target = _own_path(request.args.get("next", ""))
        if current_user.is_authenticated:
            return redirect(target)
        form = SignInForm()
        has_operators = bool(wiring.registry.operators.all())
        if not form.validate_on_submit():
            return render_template("sign_in.html", form=form, has_operators=has_operators)
        name, address = str(form.operator.data).strip(), request.remote_addr or ""
        refusal = _refusal(wiring, name, str(form.password.data), address)
        if refusal is None:
            return redirect(target)
        form.password.errors = [refusal]
        return render_template("sign_in.html", form=form, has_operators=has_operators), 403

    @blueprint.post("/sign-out")
    def sign_out() -> Response:
        # A session is known by the account's version alone: so that a copied cookie is worth nothing, all end.
        wiring.registry.operators.end_sessions(current_user.operator)
        log.info("signed_out", operator=current_user.operator.id)
        logout_user()
        session.clear()
        flash("You are signed out, on every device.", "success")
        return redirect(url_for("accounts.sign_in"))

    return blueprint


def _refusal(wiring: Wiring, name: str, password: str, address: str) -> str | None:
    """Try a name and a password; why nobody was let in, or ``None``."""
    sign_ins = wiring.registry.sign_ins
    until = sign_ins.begin(name, address)
    if until is not None:
        log.warning("sign_in_locked", until=to_stamp(until))
        return f"Too many sign-ins have failed. Try again after {exact(until, wiring.settings.calendar.time_zone)}."
    operator = wiring.registry.operators.authenticate(name, password)
    if operator is None:
        log.warning("sign_in_failed")
        return "There is no such account, or this is not its password."
    sign_ins.succeeded(name, address)
    session.clear()  # what was begun before does not become somebody's
    session.permanent = True
    session[_BEGUN] = to_stamp(wiring.clock())
    login_user(SignedIn(operator))
    wiring.registry.activity.add(operator.name, "signed in")
    log.info("signed_in", operator=operator.id)
    return None


def _is_recent(begun: object, now: datetime) -> bool:
    return isinstance(begun, str) and from_stamp(begun) + _LONGEST > now


def _own_path(asked_for: str) -> str:
    """Where to go after signing in: a path of these pages, whatever was asked for."""
    if asked_for.startswith("/") and not asked_for.startswith("//") and "\\" not in asked_for:
        return request.script_root + asked_for
    return url_for("dashboard.show")
