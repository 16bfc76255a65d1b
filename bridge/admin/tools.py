"""LTI tools that read memberships from the bridge: registering them, their keys, revoking, and what each is told."""

from flask import Blueprint, flash, redirect, render_template, url_for
from werkzeug.wrappers import Response
from wtforms.fields.choices import SelectChoice

from bridge.admin.accounts import signed_in
from bridge.admin.forms import ToolForm, ToolKeysForm
from bridge.admin.paging import PAGE, listing, number
from bridge.errors import InvalidRequest
from bridge.wiring import Wiring


def pages(wiring: Wiring) -> Blueprint:
    """``/tools/…``."""
    blueprint = Blueprint("tools", __name__, url_prefix="/tools")

    @blueprint.get("/")
    def show_all() -> str:
        offset = number("offset") or 0
        found = wiring.registry.tools.all()[offset : offset + PAGE + 1]
        return render_template("tools.html", page=listing(found, offset=offset))

    @blueprint.route("/new", methods=["GET", "POST"])
    def add() -> Response | str | tuple[str, int]:
        form = ToolForm()
        form.sources.choices = [SelectChoice(name) for name in sorted(wiring.registry.source_names())]
        if not form.validate_on_submit():
            return render_template("tool_form.html", form=form)
        try:
            tool = wiring.registry.tools.add(
                str(form.name.data),
                jwks_url=form.jwks_url.data or None,
                key_set=form.key_set.data or None,
                sources=form.sources.data or None,
                shares=form.shares.data or (),
                user_ids=str(form.user_ids.data),
            )
        except InvalidRequest as error:
            at_fault = error.parameter if error.parameter in form else "name"
            form[at_fault].errors = [error.reason]
            return render_template("tool_form.html", form=form), 400
        wiring.registry.activity.add(signed_in(), "registered tool", tool.client_id)
        flash("The tool is registered. Give its operator what stands below.", "success")
        return redirect(url_for("tools.show", client_id=tool.client_id))

    @blueprint.get("/<client_id>")
    def show(client_id: str) -> str:
        return _shown(client_id, ToolKeysForm())

    @blueprint.post("/<client_id>/keys")
    def rotate(client_id: str) -> Response | tuple[str, int]:
        form = ToolKeysForm()
        try:
            wiring.registry.tools.rotate_key(
                client_id, jwks_url=form.jwks_url.data or None, key_set=form.key_set.data or None
            )
        except InvalidRequest as error:
            form.jwks_url.errors = [error.reason]
            return _shown(client_id, form), 400
        wiring.registry.activity.add(signed_in(), "changed the keys of tool", client_id)
        flash("The tool has other keys: its old ones and its tokens have ended.", "success")
        return redirect(url_for("tools.show", client_id=client_id))

    @blueprint.post("/<client_id>/revoke")
    def revoke(client_id: str) -> Response:
        wiring.registry.tools.revoke(client_id)
        wiring.registry.activity.add(signed_in(), "revoked tool", client_id)
        flash("The tool is revoked: its tokens have ended, and it gets no more.", "success")
        return redirect(url_for("tools.show", client_id=client_id))

    def _shown(client_id: str, form: ToolKeysForm) -> str:
        root = wiring.settings.server.public_url
        return render_template(
            "tool.html", tool=wiring.registry.tools.get(client_id), form=form, token_url=f"{root}/oauth2/token"
        )

    return blueprint
