"""LTI tools that read memberships from the bridge: registering them, their keys, revoking, and what each is told."""

from typing import TypeVar

from flask import Blueprint, flash, redirect, render_template, url_for
from werkzeug.wrappers import Response

from bridge.admin.accounts import signed_in
from bridge.admin.choosing import as_chosen, ids_in, lines_of
from bridge.admin.forms import ToolForm, ToolKeysForm, ToolLimitsForm
from bridge.admin.paging import PAGE, listing, number
from bridge.auth.token_endpoint import TOKEN_PATH
from bridge.auth.tool_keys import parse_public_keys
from bridge.errors import InvalidRequest
from bridge.roster.model import CLASSES
from bridge.wiring import Wiring

AnyForm = TypeVar("AnyForm", ToolForm, ToolKeysForm, ToolLimitsForm)


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
        form.offer(wiring)
        if not form.validate_on_submit():
            return render_template("tool_form.html", form=form)
        try:
            tool = wiring.registry.tools.add(
                str(form.name.data),
                jwks_url=form.jwks_url.data or None,
                key_set=_keys(form),
                sources=form.chosen,
                classes=ids_in(form.classes.data, CLASSES, "classes", wiring) or None,
                shares=form.shares.data or (),
                user_ids=str(form.user_ids.data),
            )
        except InvalidRequest as error:
            return render_template("tool_form.html", form=_with(form, error)), 400
        wiring.registry.activity.add(signed_in(), "registered tool", tool.client_id)
        flash("The tool is registered. Give its operator what stands below.", "success")
        return redirect(url_for("tools.show", client_id=tool.client_id))

    @blueprint.get("/<client_id>")
    def show(client_id: str) -> str:
        return _shown(client_id, ToolKeysForm())

    @blueprint.route("/<client_id>/limits", methods=["GET", "POST"])
    def limit(client_id: str) -> Response | str | tuple[str, int]:
        tool = wiring.registry.tools.get(client_id)
        form = ToolLimitsForm(
            **as_chosen(tool.sources),
            classes=lines_of(tool.classes),
            shares=sorted(tool.privacy.shares),
            user_ids=tool.user_ids,
        )
        form.offer(wiring)
        if not form.validate_on_submit():
            return render_template("tool_limits.html", form=form, tool=tool)
        try:
            classes = ids_in(form.classes.data, CLASSES, "classes", wiring)
            wiring.registry.tools.set(
                client_id,
                sources=form.chosen,
                every_source=form.chosen is None,
                classes=classes or None,
                every_class=not classes,
                shares=form.shares.data or (),
                user_ids=str(form.user_ids.data),
            )
        except InvalidRequest as error:
            return render_template("tool_limits.html", form=_with(form, error), tool=tool), 400
        wiring.registry.activity.add(signed_in(), "changed what may be seen by tool", client_id)
        flash("It sees this from its next request on; what it was given before to go on reading by is void.", "success")
        return redirect(url_for("tools.show", client_id=client_id))

    @blueprint.post("/<client_id>/keys")
    def rotate(client_id: str) -> Response | tuple[str, int]:
        form = ToolKeysForm()
        try:
            wiring.registry.tools.rotate_key(client_id, jwks_url=form.jwks_url.data or None, key_set=_keys(form))
        except InvalidRequest as error:
            return _shown(client_id, _with(form, error)), 400
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
            "tool.html", tool=wiring.registry.tools.get(client_id), form=form, token_url=f"{root}{TOKEN_PATH}"
        )

    return blueprint


def _keys(form: ToolKeysForm) -> str | None:
    try:
        return parse_public_keys(form.key_set.data) if form.key_set.data else None
    except InvalidRequest as error:
        raise InvalidRequest("key_set", error.reason) from error


def _with(form: AnyForm, error: InvalidRequest) -> AnyForm:
    form[error.parameter if error.parameter in form else "jwks_url"].errors = [error.reason]
    return form
