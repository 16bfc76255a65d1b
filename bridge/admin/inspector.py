"""What an LMS really returns for one context: fetched live, shown header by header, with personal data masked.

The request goes through the same door as every other, at the platform's pace, and is answered or given up within
seconds. The access token is never shown, whatever is asked for.
"""

import json
from typing import Any

from flask import Blueprint, render_template, request

from bridge.admin import personal
from bridge.admin.accounts import signed_in
from bridge.errors import SourceRefused, SourceUnavailable
from bridge.lti.vendors import profile_of
from bridge.nrps.schemas import MEMBERSHIP_CONTAINER
from bridge.roster.identity import ContextKey
from bridge.transport.http import DEFAULT_USER_AGENT, Answer
from bridge.transport.links import find_link, parse_links
from bridge.wiring import Wiring

_MOST_PAGES = 20
_MEMBERS_SHOWN = 50
_LONGEST_TEXT = 20_000
_HIDDEN_HEADERS = frozenset({"set-cookie", "authorization", "www-authenticate"})


def pages(wiring: Wiring) -> Blueprint:
    """``/contexts/<context>/inspect``."""
    blueprint = Blueprint("inspector", __name__, url_prefix="/contexts/<tenant>/<context:key>/inspect")

    @blueprint.get("/")
    def ask(tenant: str, key: ContextKey) -> str:
        return _shown(tenant, key)

    # A post, since it asks another system; its answer is the page itself, since what came is kept nowhere.
    @blueprint.post("/")
    def look(tenant: str, key: ContextKey) -> str:
        context = wiring.registry.contexts.get(tenant, key)
        platform = wiring.registry.platforms.by_id(context.platform_id)
        subject = f"class {context.class_sourced_id}"
        with_names = request.form.get("personal") == "yes"
        if with_names:
            personal.record_look(wiring, f"{subject} at its platform")
        wiring.registry.activity.add(signed_in(), "inspected", subject)
        page = _page()
        try:
            answer, number = wiring.live_nrps.look(
                platform,
                context.memberships_url,
                deployment_id=context.deployment_id,
                renew_on_403=profile_of(platform).renew_on_403,
                page=page,
            )
        except (SourceUnavailable, SourceRefused) as error:
            return _shown(tenant, key, problem=str(error), page=page, personal=with_names)
        return _shown(
            tenant,
            key,
            answer=answer,
            page=number,
            personal=with_names,
            sent=_sent(),
            headers=_headers(answer),
            body=_body(answer, with_names=with_names),
            notes=_notes(answer),
            has_next=_next_link(answer) and number < _MOST_PAGES,
        )

    def _shown(tenant: str, key: ContextKey, **values: Any) -> str:
        context = wiring.registry.contexts.get(tenant, key)
        return render_template("inspector.html", context=context, **{"answer": None, "problem": None, **values})

    return blueprint


def _page() -> int:
    text = request.form.get("page", "1")
    return min(max(int(text), 1), _MOST_PAGES) if text.isascii() and text.isdecimal() else 1


def _sent() -> list[tuple[str, str]]:
    return [
        ("Accept", MEMBERSHIP_CONTAINER),
        ("Authorization", "Bearer •••• (masked)"),
        ("User-Agent", DEFAULT_USER_AGENT),
    ]


def _headers(answer: Answer) -> list[tuple[str, str]]:
    return [
        (name, "•••• (masked)" if name.lower() in _HIDDEN_HEADERS else value) for name, value in answer.headers.items()
    ]


def _body(answer: Answer, *, with_names: bool) -> str:
    """The body as text: JSON made readable, its first members only, masked unless it was asked for."""
    try:
        container = answer.json()
    except ValueError:
        text = answer.text
        return text[:_LONGEST_TEXT] if with_names else f"not JSON: {personal.mask(text)}"
    members = container.get("members") if isinstance(container, dict) else None
    if isinstance(members, list) and len(members) > _MEMBERS_SHOWN:
        container = {**container, "members": members[:_MEMBERS_SHOWN]}
    shown = container if with_names else personal.masked_container(container)
    return json.dumps(shown, indent=2, ensure_ascii=False)


def _notes(answer: Answer) -> list[str]:
    """What strikes the eye of somebody who has seen many of these."""
    notes = []
    if answer.status != 200:
        notes.append(f"The status is {answer.status}: a roster comes with 200.")
    kind = answer.headers.get("Content-Type", "")
    if not kind.startswith(MEMBERSHIP_CONTAINER):
        notes.append(f"The Content-Type is {kind or 'missing'}, not NRPS's own. It is read all the same.")
    try:
        container = answer.json()
    except ValueError:
        return [*notes, "The body is not JSON."]
    members = container.get("members") if isinstance(container, dict) else None
    if not isinstance(members, list):
        return [*notes, "There is no list of members."]
    shown = f", of which the first {_MEMBERS_SHOWN} are shown" if len(members) > _MEMBERS_SHOWN else ""
    notes.append(
        f"Members on this page: {len(members)}{shown}. Further pages: {'yes' if _next_link(answer) else 'no'}."
    )
    people = [member for member in members if isinstance(member, dict)]
    for name, words in (("email", "e-mail address"), ("name", "name"), ("roles", "roles"), ("user_id", "user_id")):
        lacking = sum(not member.get(name) for member in people)
        if lacking:
            advice = ": check the tool's privacy setting at the LMS" if name in {"email", "name"} else ""
            notes.append(f"Without {words}: {lacking} of {len(people)}{advice}.")
    return notes


def _next_link(answer: Answer) -> bool:
    return find_link(parse_links(answer.headers.getlist("Link"), answer.url), "next") is not None
