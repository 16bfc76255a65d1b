"""Held plans: what is shown of them, and what a person's word does once the scheduler has it."""

import pytest

from bridge.mirror.decisions import DecisionKind, Decisions
from bridge.mirror.runs import Outcome, Runs
from bridge.roster.identity import context_key
from bridge.roster.memberships import Context
from tests.admin.conftest import student, teacher, words


@pytest.fixture
def latest(site):
    def latest():
        return Runs(site.wiring.mirror, site.clock).latest()[0]

    return latest


def test_dashboard_shows_held_plans_first(operator, held):
    page = words(operator.get("/admin/"))

    assert "1 plan waits for a person" in page
    assert page.index("1 plan waits") < page.index("Platform Health")


def test_plan_tells_who_would_leave_and_who_would_change_into_what(operator, held):
    operator.post("/admin/personal", shown_at=f"/admin/held/{held.id}", page=f"/held/{held.id}", show="yes")
    page = words(operator.page)

    leaving, changing = page.split("Whose role or status would change")
    assert [number for number in range(13) if f"student-{number:02d}" in leaving] == list(range(3, 13))
    assert "Testdatter 1 id student-01 student teacher Enrolled as teacher" in changing
    assert "student-02" not in page


def test_approved_plan_is_applied_and_the_record_says_by_whom(site, operator, held, latest):
    operator.post("/admin/held/", shown_at=f"/admin/held/{held.id}", run=held.id, decision="approve")
    assert "Approval is ordered" in words(operator.page)

    site.carry_out()

    assert (latest().outcome, latest().removed, latest().decided_by) == (Outcome.APPLIED, 10, "ada")
    assert "ada approved" in words(operator.get(f"/admin/held/{held.id}"))
    assert "No plan" not in words(operator.page)
    assert "for a person" not in words(operator.get("/admin/"))


def test_plan_approved_all_but_removals_removes_nobody(site, lms, operator, held, latest):
    lms.members["Course-1"].append(student(40))
    operator.post("/admin/held/", shown_at=f"/admin/held/{held.id}", run=held.id, decision="approve-rest")

    site.carry_out()

    assert (latest().outcome, latest().added) == (Outcome.HELD, 1)


def test_rejected_plan_is_not_applied_and_waits_no_more(site, operator, held, latest):
    operator.post("/admin/held/", shown_at=f"/admin/held/{held.id}", run=held.id, decision="reject")

    site.carry_out()

    assert latest().id == held.id
    (decision,) = Decisions(site.wiring.mirror, site.clock).about(held.id)
    assert (decision.kind, decision.made_by) == (DecisionKind.REJECTED, "ada")
    assert "It waits no more" in words(operator.get(f"/admin/held/{held.id}"))


def test_several_plans_of_one_platform_are_decided_together(site, lms, operator, held, context):
    other = site.wiring.registry.contexts.add(
        site.wiring.registry.platforms.by_id(context.platform_id),
        context_key("Course-2"),
        Context(context_id="Course-2", title="Biology"),
        memberships_url=f"{lms.url}/members?course=Course-2",
    )
    lms.members["Course-2"] = [student(number) for number in range(13)]
    site.wiring.sync(other)
    lms.members["Course-2"] = [teacher()]
    second = site.wiring.sync(other)
    shown = operator.get("/admin/held/?source=school")
    assert "Biology" in words(shown)

    operator.post("/admin/held/", run=[held.id, second.id], decision="approve")
    site.carry_out()

    outcomes = [run.outcome for run in Runs(site.wiring.mirror, site.clock).latest(2)]
    assert outcomes == [Outcome.APPLIED, Outcome.APPLIED]
    assert "None waits" in words(operator.get("/admin/held/"))


def test_choosing_nothing_decides_nothing(site, operator, held):
    operator.post("/admin/held/", decision="approve")

    assert "Choose at least one plan" in words(operator.page)
    assert site.wiring.registry.orders.open() == []


def test_run_that_is_not_held_cannot_be_approved(operator, held):
    answer = operator.post("/admin/held/", run=held.id - 1, decision="approve")

    assert answer.status_code == 404


def test_word_that_is_no_decision_is_refused(site, operator, held):
    answer = operator.post("/admin/held/", run=held.id, decision="undo")

    assert answer.status_code == 400
    assert site.wiring.registry.orders.open() == []
