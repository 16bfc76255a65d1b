"""Registering a SIS that is read over OneRoster."""

from flask import Blueprint, flash, redirect, render_template, url_for
from werkzeug.wrappers import Response

from bridge.admin.accounts import signed_in
from bridge.admin.forms import ProviderForm
from bridge.errors import InvalidRequest, SourceRefused
from bridge.oneroster.scopes import scopes_to_ask
from bridge.registry.sources import RegisteredSource
from bridge.transport.client_secret import Auth, Credentials
from bridge.wiring import Wiring


def pages(wiring: Wiring) -> Blueprint:
    """``/setup/sis``."""
    blueprint = Blueprint("providers", __name__, url_prefix="/setup/sis")

    @blueprint.route("/", methods=["GET", "POST"])
    def add() -> Response | str | tuple[str, int]:
        form = ProviderForm()
        if not form.validate_on_submit():
            return render_template("provider_form.html", form=form)
        try:
            source = wiring.registry.sources.add(_source(form))
        except InvalidRequest as error:
            form[error.parameter if error.parameter in form else "name"].errors = [error.reason]
            return render_template("provider_form.html", form=form), 400
        wiring.registry.activity.add(signed_in(), "registered source", source.name)
        flash("Registered. Ask it for one record, then have it read.", "success")
        return redirect(url_for("sources.show", name=source.name))

    def _source(form: ProviderForm) -> RegisteredSource:
        version, demographics = str(form.version.data), bool(form.demographics.data)
        for name in ("base_url", "token_url"):
            if form[name].data:
                try:
                    wiring.policy.check_url(form[name].data)
                except SourceRefused as error:
                    raise InvalidRequest(name, str(error)) from error
        return RegisteredSource(
            name=str(form.name.data).strip(),
            base_url=str(form.base_url.data).strip(),
            version=version,
            credentials=Credentials(
                client_id=str(form.client_id.data).strip(),
                secret=str(form.secret.data).strip(),
                token_url=(form.token_url.data or "").strip(),
                auth=Auth(str(form.auth.data)),
                scopes=scopes_to_ask(version, demographics=demographics),
            ),
            prefix=(form.prefix.data or "").strip(),
            demographics=demographics,
        )

    return blueprint
