"""Signing in and out.

A session is a signed cookie that names an account's id and version, when it began, and when it was last used. It ends
an hour after the last request, twelve hours after it began, and at once when the account's version rises or the account
goes.
"""

from datetime import datetime, timedelta

import structlog
from flask import Blueprint, Flask, flash, redirect, render_template, request, session, url_for
from flask_login import LoginManager, UserMixin, current_user, login_user, logout_user
from werkzeug.wrappers import Response

from bridge.admin.addresses import own_path
from bridge.admin.forms import SignInForm
from bridge.admin.words import exact
from bridge.clock import from_stamp, to_stamp
from bridge.registry.operators import Operator
from bridge.wiring import Wiring

log = structlog.get_logger(__name__)

IDLE = timedelta(hours=1)
"""How long a session lives that nobody uses."""

_LONGEST = timedelta(hours=12)
_USED_EVERY = timedelta(minutes=1)
_BEGUN, _USED = "begun", "used"


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
        now = wiring.clock()
        is_live = _is_within(_LONGEST, session.get(_BEGUN), now) and _is_within(IDLE, session.get(_USED), now)
        if not is_live or not (number.isdecimal() and version.isdecimal()):
            return None
        if not _is_within(_USED_EVERY, session.get(_USED), now):  # else two requests at once would undo each other's
            session[_USED] = to_stamp(now)
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
        target = own_path(request.args.get("next", ""))
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
    session[_BEGUN] = session[_USED] = to_stamp(wiring.clock())
    login_user(SignedIn(operator))
    wiring.registry.activity.add(operator.name, "signed in")
    log.info("signed_in", operator=operator.id)
    return None


def _is_within(time: timedelta, since: object, now: datetime) -> bool:
    return isinstance(since, str) and from_stamp(since) + time > now
