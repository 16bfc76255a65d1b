"""OneRoster consumers: registering them, new secrets, revoking, and what each may see."""

from datetime import timedelta

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from bridge.admin.accounts import signed_in
from bridge.admin.choosing import as_chosen, ids_in, lines_of
from bridge.admin.forms import ClientForm, ClientLimitsForm
from bridge.admin.paging import PAGE, listing, number
from bridge.auth.token_endpoint import TOKEN_PATH
from bridge.clock import from_stamp
from bridge.errors import InvalidRequest, UnknownObject
from bridge.registry.clients import Client
from bridge.roster.model import CLASSES, ORGS
from bridge.roster.privacy import PersonDetail
from bridge.roster.visibility import Visibility
from bridge.wiring import Wiring

_OVERLAP = timedelta(days=1)
"""How long a former secret stays good, unless it is to end at once."""


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
        form.offer(wiring)
        if not form.validate_on_submit():
            return render_template("client_form.html", form=form)
        try:
            asked = _visibility(form)
            client, secret = wiring.registry.clients.add(
                str(form.name.data),
                scopes=form.scopes.data or (),
                sources=asked.sources,
                orgs=asked.orgs,
                classes=asked.classes,
                privacy=asked.privacy,
                body_style=form.body_style.data or None,
            )
        except InvalidRequest as error:
            return render_template("client_form.html", form=_with(form, error)), 400
        wiring.registry.activity.add(signed_in(), "registered client", client.client_id)
        return _secret(client, secret)

    @blueprint.route("/<client_id>/limits", methods=["GET", "POST"])
    def limit(client_id: str) -> Response | str | tuple[str, int]:
        client = _client(client_id)
        form = ClientLimitsForm(
            **as_chosen(client.sources),
            orgs=lines_of(client.orgs),
            classes=lines_of(client.classes),
            privacy=client.privacy,
        )
        form.offer(wiring)
        if not form.validate_on_submit():
            return render_template("client_limits.html", form=form, client=client)
        try:
            wiring.registry.clients.limit(client_id, _visibility(form))
        except InvalidRequest as error:
            return render_template("client_limits.html", form=_with(form, error), client=client), 400
        wiring.registry.activity.add(signed_in(), "changed what may be seen by client", client_id)
        flash(
            "It sees this from its next request on. If that is more than before, let it read everything once.",
            "success",
        )
        return redirect(url_for("clients.show", client_id=client_id))

    @blueprint.get("/<client_id>")
    def show(client_id: str) -> str:
        client = _client(client_id)
        until = client.former_until
        former_is_good = until is not None and client.revoked is None and from_stamp(until) > wiring.clock()
        return render_template("client.html", client=client, former_is_good=former_is_good)

    # The answer to the post is the page itself: a secret that is shown once is kept nowhere, not in a session either.
    @blueprint.post("/<client_id>/secret")
    def rotate(client_id: str) -> str:
        clients = wiring.registry.clients
        at_once = request.form.get("former") == "ends"
        secret = clients.renew_secret(client_id) if at_once else clients.rotate_secret(client_id, _OVERLAP)
        wiring.registry.activity.add(
            signed_in(), "renewed" if at_once else "rotated", f"the secret of client {client_id}"
        )
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

    def _visibility(form: ClientLimitsForm) -> Visibility:
        return Visibility(
            form.chosen,
            ids_in(form.orgs.data, ORGS, "orgs", wiring),
            ids_in(form.classes.data, CLASSES, "classes", wiring),
            PersonDetail(form.privacy.data),
        )

    def _secret(client: Client, secret: str) -> str:
        root = wiring.settings.server.public_url
        return render_template(
            "client_secret.html",
            client=client,
            secret=secret,
            token_url=f"{root}{TOKEN_PATH}",
            service_url=f"{root}/ims/oneroster/rostering/v1p2",
        )

    return blueprint


def _with(form: ClientLimitsForm, error: InvalidRequest) -> ClientLimitsForm:
    form[error.parameter if error.parameter in form else "privacy"].errors = [error.reason]
    return form
