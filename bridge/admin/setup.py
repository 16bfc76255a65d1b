"""What an LMS's administrator has to paste where, per vendor, and links by which an LMS registers itself."""

from datetime import timedelta

from flask import Blueprint, abort, render_template

from bridge.admin.accounts import signed_in
from bridge.admin.forms import InvitationForm
from bridge.errors import InvalidRequest
from bridge.lti.guides import GUIDES, guide_to
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

    @blueprint.get("/")
    def show() -> str:
        return render_template("setup.html", form=InvitationForm(), addresses=addresses, **_shared())

    # The answer to the post is the page itself: the link is shown this once and kept nowhere.
    @blueprint.post("/")
    def invite() -> str | tuple[str, int]:
        form = InvitationForm()
        url = None
        if form.validate_on_submit():
            try:
                code = wiring.registry.invitations.add(timedelta(days=form.days.data or 7), form.tenant.data or None)
                url = f"{root}{REGISTER_PATH}/{code}"
                wiring.registry.activity.add(signed_in(), "made a registration link", form.tenant.data or "")
            except InvalidRequest as error:
                form.tenant.errors = [error.reason]
        shown = render_template("setup.html", form=form, addresses=addresses, url=url, **_shared())
        return shown, 200 if url else 400

    @blueprint.get("/<vendor>")
    def guide(vendor: str) -> str:
        if vendor not in GUIDES:
            abort(404)
        text = guide_to(vendor, root, wiring.settings.lti.tool_name)
        return render_template("guide.html", vendor=vendor, text=text, addresses=addresses, guides=GUIDES)

    def _shared() -> dict[str, object]:
        return {
            "guides": GUIDES,
            "pending": wiring.registry.registrations.all(),
            "closed": wiring.settings.lti.registration == SelfRegistration.CLOSED,
        }

    return blueprint
