"""What an LMS's administrator has to paste where, per vendor, and links by which an LMS registers itself."""

from datetime import timedelta
from typing import Any

from flask import Blueprint, abort, render_template

from bridge.admin.accounts import signed_in
from bridge.admin.forms import InvitationForm
from bridge.errors import InvalidRequest
from bridge.lti.guides import GUIDES, REGISTER_THEMSELVES, guide_to
from bridge.lti.rules import JWKS_PATH, LAUNCH_PATH, LOGIN_PATH, REGISTER_PATH, SelfRegistration
from bridge.wiring import Wiring


def pages(wiring: Wiring) -> Blueprint:
    """``/setup`` and ``/setup/<vendor>``."""
    blueprint = Blueprint("setup", __name__, url_prefix="/setup")
    root = wiring.settings.server.public_url
    addresses = {
        "Login initiation URL": root + LOGIN_PATH,
        "Redirect URL, and target link URL": root + LAUNCH_PATH,
        "Key set URL (JWKS)": root + JWKS_PATH,
    }
    closed = wiring.settings.lti.registration == SelfRegistration.CLOSED
    shared: dict[str, Any] = {"addresses": addresses, "guides": GUIDES, "closed": closed}

    @blueprint.get("/")
    def show() -> str:
        return _general(InvitationForm())

    # The answer to the post is the page itself: the link is shown this once and kept nowhere.
    @blueprint.post("/")
    def invite() -> tuple[str, int]:
        form = InvitationForm()
        url = _invitation(form)
        return _general(form, url=url), 200 if url else 400

    @blueprint.get("/<vendor>")
    def guide(vendor: str) -> str:
        return _of_vendor(vendor, InvitationForm())

    @blueprint.post("/<vendor>")
    def invite_vendor(vendor: str) -> tuple[str, int]:
        form = InvitationForm()
        url = _invitation(form)
        return _of_vendor(vendor, form, url=url), 200 if url else 400

    def _invitation(form: InvitationForm) -> str | None:
        """A new link; ``None`` if the form says something impossible."""
        if not form.validate_on_submit():
            return None
        try:
            code = wiring.registry.invitations.add(timedelta(days=form.days.data or 7), form.tenant.data or None)
        except InvalidRequest as error:
            form.tenant.errors = [error.reason]
            return None
        wiring.registry.activity.add(signed_in(), "made a registration link", form.tenant.data or "")
        return f"{root}{REGISTER_PATH}/{code}"

    def _general(form: InvitationForm, url: str | None = None) -> str:
        pending = wiring.registry.registrations.all()
        return render_template("setup.html", form=form, url=url, pending=pending, **shared)

    def _of_vendor(vendor: str, form: InvitationForm, url: str | None = None) -> str:
        if vendor not in GUIDES:
            abort(404)
        text = guide_to(vendor, root, wiring.settings.lti.tool_name)
        links = vendor in REGISTER_THEMSELVES
        return render_template("guide.html", vendor=vendor, text=text, form=form, url=url, links=links, **shared)

    return blueprint
