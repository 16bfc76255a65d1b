"""Held plans: whom each would remove or change, and letting it through or not."""

from collections.abc import Iterable

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from bridge.admin import personal
from bridge.admin.accounts import signed_in
from bridge.admin.contexts import derivation_of, member_row
from bridge.admin.limits import sees
from bridge.admin.marks import ids_on
from bridge.admin.paging import PAGE, listing, number
from bridge.admin.reading import title_of
from bridge.errors import InvalidRequest, UnknownObject
from bridge.mirror.class_members import ClassMembers
from bridge.mirror.decisions import Decisions
from bridge.mirror.outcomes import Outcome
from bridge.mirror.runs import Run, Runs
from bridge.registry.csv_sources import CsvSource
from bridge.registry.orders import APPROVALS, OrderKind
from bridge.registry.rosters import Reconciled
from bridge.roster.records import WHOLE_SOURCE, split_subject
from bridge.roster.role_reasons import explain
from bridge.roster.visibility import Visibility
from bridge.wiring import Wiring

_DECISIONS = APPROVALS | {OrderKind.REJECT}


def pages(wiring: Wiring) -> Blueprint:
    """``/held`` and ``/held/<run>``."""
    blueprint = Blueprint("plans", __name__, url_prefix="/held")

    def runs() -> Runs:
        return Runs(wiring.mirror_to_read, wiring.clock)

    def about(run: Run) -> dict[str, object]:
        """What the page of a plan says of it, whatever it is of."""
        decisions = Decisions(wiring.mirror_to_read, wiring.clock)
        roster = _roster(wiring, run)
        return {
            "title": None if roster is None else title_of(roster),
            "waits": run.id in {each.id for each in runs().waiting(run.source)},
            "stands": decisions.standing(run.id) if runs().latest_answered(run.source, run.context) == run else None,
            "files": isinstance(roster, CsvSource),
            "decisions": decisions.about(run.id),
            "ordered": _decided(wiring).get(run.id),
        }

    @blueprint.get("/")
    def show_all() -> str:
        source = request.args.get("source")
        waiting = [run for run in runs().waiting(source) if sees(run.source)]
        offset = number("offset") or 0
        page = listing(waiting[offset : offset + PAGE + 1], offset=offset)
        return render_template(
            "held_plans.html",
            page=page,
            count=len(waiting),
            source=source,
            sources=sorted({run.source for run in waiting}),
            titles=titles_of(wiring, page.items),
            decided=_decided(wiring),
        )

    @blueprint.get("/<int:run_id>")
    def show(run_id: int) -> str:
        run = _held(runs(), run_id)
        if run.context == WHOLE_SOURCE:
            return show_records(run)
        with_names = personal.is_shown(wiring, f"held plan {run.id}")
        derivation = derivation_of(wiring, run.source, run.context)
        members = ClassMembers(wiring.mirror_to_read, Visibility.of_all(), run.source, run.context)
        offset = number("offset") or 0
        leaving = runs().held_removals_page(run.id, PAGE + 1, offset)
        changing = runs().held_changes(run.id, PAGE + 1, offset)
        known = {one.subject: one for one in members.named([*leaving, *(subject for subject, _ in changing)])}
        after = {}
        if derivation is not None:
            for subject, raw in changing:
                stated = derivation.load_member(raw)
                after[subject] = (explain(derivation.reading, stated.roles), stated.status or "Active")
        rows = {subject: member_row(one, derivation, with_names=with_names) for subject, one in known.items()}
        longest = leaving if len(leaving) > len(changing) else changing
        return render_template(
            "held_plan.html",
            run=run,
            leaving=[rows[subject] for subject in leaving[:PAGE] if subject in rows],
            changing=[
                (rows[subject], *after.get(subject, (None, ""))) for subject, _ in changing[:PAGE] if subject in rows
            ],
            page=listing(longest, offset=offset),
            personal=with_names,
            **about(run),
        )

    def show_records(run: Run) -> str:
        """The same for a source that states records: which of them would end."""
        with_names = personal.is_shown(wiring, f"held plan {run.id}")
        ids, offset = ids_on(wiring, shown=with_names), number("offset") or 0
        page = listing(runs().held_removals_page(run.id, PAGE + 1, offset), offset=offset)
        leaving = [split_subject(subject) for subject in page.items]
        return render_template(
            "held_records.html",
            run=run,
            leaving=[(of.name, ids.record(of.name, sourced_id)) for of, sourced_id in leaving],
            page=page,
            personal=with_names,
            **about(run),
        )

    @blueprint.post("/")
    def decide() -> Response:
        kind = request.form.get("decision", "")
        if kind not in {each.value for each in _DECISIONS}:
            raise InvalidRequest("decision", "must be one of approve, approve-rest, reject")
        chosen = [int(text) for text in request.form.getlist("run") if text.isascii() and text.isdecimal()]
        if not chosen:
            flash("Choose at least one plan.", "warning")
        for run_id in chosen[:PAGE]:
            _order(wiring, _held(runs(), run_id), OrderKind(kind))
        if chosen:
            done = "Rejected" if kind == OrderKind.REJECT else "Approved: each roster that can be asked is read again"
            flash(f"{done}. It is done within a second while a scheduler runs.", "success")
        if len(chosen) == 1:
            return redirect(url_for("plans.show", run_id=chosen[0]))
        return redirect(url_for("plans.show_all"))

    return blueprint


def titles_of(wiring: Wiring, runs: Iterable[Run]) -> dict[int, str]:
    """What runs were of, by the number of the run; those apart that are registered no more."""
    titles = {}
    for run in runs:
        roster = _roster(wiring, run)
        if roster is not None:
            titles[run.id] = "all of it" if run.context == WHOLE_SOURCE else title_of(roster)
    return titles


def _roster(wiring: Wiring, run: Run) -> Reconciled | None:
    try:
        return wiring.registry.rosters.of_run(run.source, run.context)
    except UnknownObject:
        return None


def _order(wiring: Wiring, run: Run, kind: OrderKind) -> None:
    orders, by = wiring.registry.orders, signed_in()
    if kind is OrderKind.REJECT:
        orders.reject(run.source, run.context, run.id, by)
    else:
        orders.approve(run.source, run.context, run.id, by, except_removals=kind is OrderKind.APPROVE_REST)
    word = {OrderKind.APPROVE: "approved", OrderKind.APPROVE_REST: "approved all but removals of"}.get(kind, "rejected")
    wiring.registry.activity.add(by, word, f"held plan {run.id}")


def _decided(wiring: Wiring) -> dict[int, str]:
    """What was ordered about held plans and is not done yet."""
    return {order.run: order.kind for order in wiring.registry.orders.open() if order.run and order.kind in _DECISIONS}


def _held(runs: Runs, run_id: int) -> Run:
    run = runs.get(run_id)
    if run is None or run.outcome is not Outcome.HELD or not sees(run.source):
        raise UnknownObject(f"run {run_id} is not a held plan")
    return run
