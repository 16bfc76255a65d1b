"""Data quality: what an operator should look at, though nothing has failed."""

import json
from collections import Counter
from datetime import timedelta

from flask import Blueprint, abort, render_template, request

from bridge.admin import personal
from bridge.admin.limits import seen
from bridge.admin.marks import ids_on
from bridge.admin.paging import number, url_with
from bridge.errors import BridgeError
from bridge.mirror.quality import Found, Quality
from bridge.roster.reading import Reading
from bridge.seals import Seals
from bridge.wiring import Wiring

_QUESTIONS = {
    "teachers": ("Classes with no teacher", "Active classes in which nobody is enrolled as a teacher."),
    "people": ("People without name or e-mail", "Active people of whom the platform gives no name, or no address."),
    "roles": ("Unknown roles", "Role texts that the bridge does not know: they grant nothing."),
    "duplicates": ("People in several platforms", "Active people of several sources who share an e-mail address."),
    "stale": (
        "Contexts not synced for long",
        "Contexts that have not agreed with their platform for two targets.",
    ),
}
_BINDING = "duplicates"
_ABOUT_PEOPLE = frozenset({"people", "duplicates"})


def pages(wiring: Wiring) -> Blueprint:
    """``/quality`` and ``/quality/<question>``."""
    blueprint = Blueprint("quality", __name__, url_prefix="/quality")

    def quality() -> Quality:
        return Quality(wiring.mirror_to_read, seen())

    @blueprint.get("/")
    def show() -> str:
        return render_template("quality.html", questions=_QUESTIONS)

    @blueprint.get("/<question>")
    def answer(question: str) -> str:
        if question not in _QUESTIONS:
            abort(404)
        title, meaning = _QUESTIONS[question]
        values: dict[str, object] = {"question": question, "title": title, "meaning": meaning, "found": None}
        match question:
            case "teachers":
                values |= _paged(quality().without_teacher(number("after") or 0))
            case "people":
                values |= _paged(quality().incomplete_people(number("after") or 0))
            case "duplicates":
                values |= _duplicates(quality(), Seals(wiring.registry.secrets.get("pages")))
            case "stale":
                since = wiring.clock() - timedelta(hours=2 * wiring.settings.sync.freshness_hours)
                values |= _paged(quality().not_read_since(since, number("after") or 0))
                values["titles"] = _titles(wiring, values["found"])
            case _:
                values |= _unknown_roles(quality(), wiring)
        if question in _ABOUT_PEOPLE:
            values["personal"] = personal.is_shown(wiring, f"data quality: {title.lower()}")
            values["ids"] = ids_on(wiring, shown=bool(values["personal"]))
        first = url_with(after=None) if "after" in request.args else None
        return render_template("quality_answer.html", **values, first_url=first)

    return blueprint


def _paged(found: Found) -> dict[str, object]:
    return {"found": found, "next_url": url_with(after=found.next) if found.next else None}


def _duplicates(quality: Quality, seals: Seals) -> dict[str, object]:
    """The place between two pages is an e-mail address: it stands in no link but sealed."""
    sealed = request.args.get("after")
    try:
        after = seals.open(sealed, _BINDING).decode() if sealed else ""
    except ValueError:
        abort(404)
    found = quality.shared_addresses(after)
    return {
        "found": found,
        "next_url": url_with(after=seals.seal(found.next.encode(), _BINDING)) if found.next else None,
    }


def _unknown_roles(quality: Quality, wiring: Wiring) -> dict[str, object]:
    lists, looked_at, following = quality.role_lists(number("after"))
    readings = _readings(wiring)
    counts: Counter[tuple[str, str]] = Counter()
    for source, text, count in lists:
        reading = readings.get(source)
        for role in reading.map_roles(tuple(_texts(text))).unknown if reading else ():
            counts[source, role] += count
    return {
        "roles": counts.most_common(200),
        "looked_at": looked_at,
        "next_url": url_with(after=str(following)) if following else None,
    }


def _readings(wiring: Wiring) -> dict[str, Reading]:
    """How each tenant's members are read, by its oldest registration that can be used."""
    found: dict[str, Reading] = {}
    for platform in wiring.registry.platforms.all():
        try:
            found.setdefault(platform.tenant, wiring.reading(platform))
        except BridgeError:
            continue
    return found


def _texts(text: str) -> list[str]:
    """A list of roles as it was stated: one text is not always in a list."""
    try:
        stated = json.loads(text)
    except ValueError:
        return [text]
    return [role for role in (stated if isinstance(stated, list) else [stated]) if isinstance(role, str)]


def _titles(wiring: Wiring, found: object) -> dict[tuple[str, str], str]:
    assert isinstance(found, Found)
    titles = {}
    for tenant, key, *_ in found.rows:
        try:
            context = wiring.registry.contexts.get(tenant, key)  # type: ignore[arg-type] # a key, out of the mirror
        except BridgeError:
            continue
        titles[tenant, key] = context.title or context.label or context.context_id
    return titles
