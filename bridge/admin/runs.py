"""What each reconciliation did: the record before and after, and whom it could not use."""

import json
from collections.abc import Iterable
from typing import Any

from flask import Blueprint, render_template

from bridge.admin import personal
from bridge.admin.limits import seen
from bridge.admin.marks import Ids, ids_on
from bridge.admin.paging import PAGE, listing, number
from bridge.admin.plans import titles_of
from bridge.errors import UnknownObject
from bridge.mirror.changes import Changes
from bridge.mirror.decisions import Decisions
from bridge.mirror.runs import Run, Runs
from bridge.roster.difference import Difference, differences
from bridge.roster.plan import Quarantined
from bridge.wiring import Wiring

_QUARANTINED_SHOWN = 20

_REASONS = (
    ("is listed more than once", "The platform lists this person twice, and one of the entries cannot be read."),
    ("is not UTF-8", "The entry is not text that can be read (not UTF-8)."),
    ("is not JSON", "The entry cannot be read (not JSON)."),
    ("user_id is missing", "The platform does not say who this is: there is no user_id."),
    ("user_id is blank", "The platform does not say who this is: the user_id is blank."),
    ("user_id is longer", "The user_id is longer than LTI allows (255 characters)."),
    ("roles", "The roles are not a list of texts, as NRPS wants them."),
    ("status", "The status is none that NRPS knows: Active, Inactive or Deleted."),
    ("is longer than", "The entry is too large."),
)


def pages(wiring: Wiring) -> Blueprint:
    """``/runs`` and ``/runs/<run>``."""
    blueprint = Blueprint("runs", __name__, url_prefix="/runs")

    def runs() -> Runs:
        return Runs(wiring.mirror_to_read, wiring.clock)

    @blueprint.get("/")
    def show_all() -> str:
        found = runs().page(seen(), PAGE + 1, before=number("before"))
        page = listing(found, before=lambda run: run.id)
        decisions = Decisions(wiring.mirror_to_read, wiring.clock).that_led_to(run.id for run in page.items)
        return render_template(
            "runs.html", page=page, roster=None, titles=titles_of(wiring, page.items), decisions=decisions
        )

    @blueprint.get("/<int:run_id>")
    def show(run_id: int) -> str:
        run = _run(run_id)
        with_names = personal.is_shown(wiring, f"run {run.id}")
        ids = ids_on(wiring, shown=with_names)
        changes = Changes(wiring.mirror_to_read).latest(PAGE + 1, run=run.id, before=number("before"))
        decisions = Decisions(wiring.mirror_to_read, wiring.clock)
        return render_template(
            "run.html",
            run=run,
            title=titles_of(wiring, [run]).get(run.id),
            page=listing(list(changes), before=lambda change: change.id),
            differences=differences,
            ids=ids,
            value=_value(ids),
            personal=with_names,
            quarantined=_in_words(runs().quarantined_page(run.id, _QUARANTINED_SHOWN)),
            decisions=decisions.about(run.id),
            led_by=decisions.that_led_to([run.id]).get(run.id),
        )

    @blueprint.get("/<int:run_id>/quarantine")
    def quarantine(run_id: int) -> str:
        run = _run(run_id)
        with_names = personal.is_shown(wiring, f"run {run.id}, quarantined members")
        found = runs().quarantined_page(run.id, PAGE + 1, number("after") or -1)
        page = listing(found, after=lambda one: one.position)
        return render_template(
            "quarantine.html", run=run, page=page, quarantined=_in_words(page.items), personal=with_names
        )

    def _run(run_id: int) -> Run:
        run = runs().get(run_id)
        if run is None:
            raise UnknownObject(f"there is no run {run_id}")
        return run

    return blueprint


def in_plain_words(reason: str) -> str:
    """Why a member could not be used, for somebody who knows no JSON; the reason itself where there are no others.

    >>> in_plain_words("user_id is missing")
    'The platform does not say who this is: there is no user_id.'
    """
    return next((words for part, words in _REASONS if part in reason), reason)


def _in_words(found: Iterable[Quarantined]) -> list[tuple[Quarantined, str]]:
    return [(one, in_plain_words(one.reason)) for one in found]


def _value(ids: Ids) -> Any:
    def value(difference: Difference, what: Any) -> str:
        if what is None:
            return "—"
        if difference.personal and not ids.shown:
            return "••••"
        if difference.ids:
            what = ids.within(what)
        return what if isinstance(what, str) else json.dumps(what, ensure_ascii=False)

    return value
