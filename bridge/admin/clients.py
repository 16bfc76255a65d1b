"""OneRoster consumers: registering them, new secrets, revoking, and what each may see."""

from flask import Blueprint, flash, redirect, render_template, url_for
from werkzeug.wrappers import Response
from wtforms.fields.choices import SelectChoice

from bridge.admin.accounts import signed_in
from bridge.admin.forms import ClientForm
from bridge.admin.paging import PAGE, listing, number
from bridge.errors import InvalidRequest, UnknownObject
from bridge.registry.clients import Client
from bridge.wiring import Wiring


def pages(wiring: Wiring) -> Blueprint:
    """``/clients/…``."""
    blueprint = Blueprint("clients", __name__, url_prefix="/clients")

    @blueprint.get("/")
    def show_all() -> str:
        offset = number("offset") or 0
        found = wiring.registry.clients.all()[offset : offset + PAGE + 1]
        return render_template("clients.html", page=listing(found, offset=offset))

    @blueprint.route("/new", methods=["GET", "POST"])
    def add() -> str | tuple[str, int]:
        form = ClientForm()
        form.sources.choices = [SelectChoice(name) for name in sorted(wiring.registry.source_names())]
        if not form.validate_on_submit():
            return render_template("client_form.html", form=form)
        try:
            client, secret = wiring.registry.clients.add(
                str(form.name.data),
                scopes=form.scopes.data or (),
                sources=form.sources.data or None,
                body_style=form.body_style.data or None,
            )
        except InvalidRequest as error:
            form.name.errors = [str(error)]
            return render_template("client_form.html", form=form), 400
        wiring.registry.activity.add(signed_in(), "registered client", client.client_id)
        return _secret(client, secret)

    @blueprint.get("/<client_id>")
    def show(client_id: str) -> str:
        return render_template("client.html", client=_client(client_id))

    # The answer to the post is the page itself: a secret that is shown once is kept nowhere, not in a session either.
    @blueprint.post("/<client_id>/secret")
    def rotate(client_id: str) -> str:
        secret = wiring.registry.clients.renew_secret(client_id)
        wiring.registry.activity.add(signed_in(), "rotated the secret of client", client_id)
        return _secret(_client(client_id), secret)

    @blueprint.post("/<client_id>/revoke")
    def revoke(client_id: str) -> Response:
        wiring.registry.clients.revoke(client_id)
        wiring.registry.activity.add(signed_in(), "revoked client", client_id)
        flash("The client is revoked: its tokens have ended, and it gets no more.", "success")
        return redirect(url_for("clients.show", client_id=client_id))

    def _client(client_id: str) -> Client:
        client = wiring.registry.clients.by_id(client_id)
        if client is None:
            raise UnknownObject("no client has this id")
        return client

    def _secret(client: Client, secret: str) -> str:
        root = wiring.settings.server.public_url
        return render_template(
            "client_secret.html",
            client=client,
            secret=secret,
            token_url=f"{root}/oauth2/token",
            service_url=f"{root}/ims/oneroster/rostering/v1p2",
        )

    return blueprint
