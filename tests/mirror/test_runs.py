"""The record of runs: what is told of each, and which can be found."""

import pytest

from bridge.errors import SourceUnavailable
from bridge.mirror.runs import Outcome
from bridge.roster.plan import Quarantined
from tests.mirror.rosters_in_memory import Course


def test_run_in_progress(school, biology):
    number = school.runs.begin("north", biology.key)

    run = school.runs.get(number)
    assert (run.source, run.context, run.started) == ("north", biology.key, "2026-11-20T08:00:00.000Z")
    assert (run.outcome, run.finished, run.message, run.records) == (Outcome.RUNNING, None, "", {})


def test_run_that_ended_says_when_and_what(school, biology):
    number = school.runs.begin("north", biology.key)
    school.clock.turn(seconds=90)

    school.runs.fail(number, Outcome.UNAVAILABLE, "lms.example.org answers 503")

    run = school.runs.get(number)
    assert (run.outcome, run.finished) == (Outcome.UNAVAILABLE, "2026-11-20T08:01:30.000Z")
    assert run.message == "lms.example.org answers 503"


def test_run_that_was_stopped_is_marked_once(school, biology):
    stopped = school.runs.begin("north", biology.key)
    failed = school.runs.begin("north", biology.key)
    school.runs.fail(failed, Outcome.UNAVAILABLE, "lms.example.org answers 503")

    school.runs.begin("north", biology.key)

    assert school.runs.get(stopped).message == "stopped before it ended; nothing was changed"
    assert school.runs.get(failed).outcome is Outcome.UNAVAILABLE


@pytest.mark.parametrize(
    "other",
    [pytest.param(Course("chemistry"), id="context"), pytest.param(Course("biology", source="south"), id="source")],
)
def test_run_of_another_goes_on(school, biology, other):
    running = school.runs.begin(other.source, other.key)

    school.runs.begin("north", biology.key)

    assert school.runs.get(running).outcome is Outcome.RUNNING


def test_there_is_no_such_run(school):
    assert school.runs.get(7) is None


def test_latest_runs_come_first(school, biology, chemistry):
    one, two, three = (school.reconcile(course).id for course in (biology, chemistry, biology))

    assert [run.id for run in school.runs.latest()] == [three, two, one]
    assert [run.id for run in school.runs.latest(2)] == [three, two]
    assert [run.id for run in school.runs.latest(context=("north", biology.key))] == [three, one]
    assert [run.id for run in school.runs.latest(1, context=("north", chemistry.key))] == [two]
    assert school.runs.latest(context=("south", biology.key)) == []


def test_latest_run_of_each_course(school, biology, chemistry):
    for course in (biology, chemistry, biology):
        school.reconcile(course)
    chemistry.also = [SourceUnavailable("lms.example.org answers 503")]
    school.reconcile(chemistry)

    latest = school.runs.latest_by_context()

    assert {key: (run.id, run.outcome) for key, run in latest.items()} == {
        ("north", biology.key): (3, Outcome.UNCHANGED),
        ("north", chemistry.key): (4, Outcome.UNAVAILABLE),
    }


def test_report_counts_what_the_change_log_holds(school, biology, chemistry):
    school.reconcile(biology)
    biology.leave("ann")
    biology.enrol("ben", given_name="Benno")
    biology.enrol("dan")

    run = school.reconcile(biology)

    logged = school.mirror.db.execute(
        "SELECT collection, kind, count(*) FROM changes JOIN writes USING (changed) WHERE run = ? GROUP BY 1, 2",
        [run.id],
    )
    assert {(collection, kind): count for collection, kind, count in logged} == {
        (collection, kind): count for collection, kinds in run.records.items() for kind, count in kinds.items()
    }
    assert (run.added, run.changed, run.removed, run.unchanged) == (1, 1, 1, 1)


def test_quarantine_belongs_to_its_run(school, biology):
    biology.enrol("ann", status="Resting")
    first = school.reconcile(biology)
    biology.enrol("ann")
    second = school.reconcile(biology)

    assert school.runs.quarantined(first.id) == [
        Quarantined(0, "ann", "status is none of Active, Inactive and Deleted")
    ]
    assert (first.quarantined, second.quarantined, school.runs.quarantined(second.id)) == (1, 0, [])


def test_run_that_is_not_held_would_remove_nobody(school, biology):
    school.reconcile(biology)
    biology.leave("ann")

    assert school.runs.held_removals(school.reconcile(biology).id) == set()


def test_runs_are_numbered_on(school, biology):
    first = school.reconcile(biology).id
    with_runs_purged = school.mirror.db
    with_runs_purged.execute("DELETE FROM runs")

    assert school.reconcile(biology).id == first + 1
