"""The change log: before and after, and that it, the runs' reports and the outbox say the same."""

from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.mirror.changes import Changes
from bridge.mirror.documents import RecordChange
from bridge.mirror.runs import Runs
from bridge.mirror.undoing import undo
from bridge.roster.identity import LtiUserId, user_sourced_id
from bridge.roster.model import COLLECTIONS
from tests.mirror.rosters_in_memory import INSTRUCTOR, LEARNER, Course, School

ANN = user_sourced_id("north", LtiUserId("ann"))


@pytest.fixture
def log(school):
    return Changes(school.mirror)


def test_what_a_change_led_to_is_what_the_next_one_replaced(school, biology, log):
    school.reconcile(biology)
    first = school.user("ann")
    biology.enrol("ann", given_name="Hannah", family_name="Abara")
    school.reconcile(biology)
    second = school.user("ann")
    biology.leave("ann")
    school.reconcile(biology)
    third = school.user("ann")

    history = [(change.kind, change.before, change.after) for change in log.latest(10, record=ANN)]

    assert history == [
        (RecordChange.REMOVED, second, third),
        (RecordChange.CHANGED, first, second),
        (RecordChange.ADDED, None, first),
    ]


def test_a_change_says_when_and_by_which_run(school, biology, log):
    run = school.reconcile(biology)

    (change,) = log.latest(10, record=ANN)

    assert (change.run, change.source, change.stamp) == (run.id, "north", "2026-11-20T08:00:00.000Z")


def test_changes_can_be_narrowed_down(school, biology, chemistry, log):
    first, second = school.reconcile(biology), school.reconcile(chemistry)

    assert {change.run for change in log.latest(100, run=second.id)} == {second.id}
    assert {change.collection for change in log.latest(100, collection="classes")} == {"classes"}
    assert list(log.latest(100, source="south")) == []
    assert len(list(log.latest(2))) == 2
    assert {change.run for change in log.of_run(first.id)} == {first.id}


def counted(rows):
    return Counter({(collection, kind): count for collection, kind, count in rows})


steps = st.lists(
    st.tuples(
        st.sampled_from(["biology", "chemistry"]),
        st.sampled_from(["enrol", "teach", "rename", "leave", "undo"]),
        st.sampled_from(["ann", "ben", "cem"]),
    ),
    max_size=10,
)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=steps)
def test_report_log_outbox_and_documents_agree_whatever_happens(tmp_path_factory, steps):
    school = School(tmp_path_factory.mktemp("laws") / "mirror.sqlite")
    courses = {name: Course(name) for name in ("biology", "chemistry")}
    runs = Runs(school.mirror, school.clock)
    for name, move, user_id in steps:
        course = courses[name]
        match move:
            case "enrol":
                course.enrol(user_id, LEARNER)
            case "teach":
                course.enrol(user_id, INSTRUCTOR)
            case "rename":
                course.enrol(user_id, LEARNER, given_name=f"{user_id}-{school.count('runs')}", family_name="Abara")
            case "leave":
                course.members.pop(user_id, None)
        school.reconcile(course, approved={"ann", "ben", "cem"})
        if move == "undo":
            (run,) = runs.latest(1, context=(course.source, course.key))
            number = runs.begin(course.source, course.key)
            undo(school.mirror, run, school.derivation(course), number, school.clock)

    db = school.mirror.db
    for run in runs.latest(100):
        reported = Counter(
            {(name, kind): count for name, kinds in run.records.items() for kind, count in kinds.items()}
        )
        for table in ("changes", "outbox"):
            assert reported == counted(
                db.execute(
                    f"SELECT collection, kind, count(*) FROM {table} JOIN writes USING (changed) WHERE run = ?"
                    " GROUP BY collection, kind",
                    (run.id,),
                )
            )
    told = "SELECT changed, collection, sourcedId, kind FROM {} ORDER BY {}"
    assert db.execute(told.format("changes", "id")).fetchall() == db.execute(told.format("outbox", "event")).fetchall()
    replayed = {
        (each.collection, each.sourced_id): each.after for each in list(Changes(school.mirror).latest(10_000))[::-1]
    }
    assert replayed == {
        (name, sourced_id): school.document(name, sourced_id)
        for name in COLLECTIONS
        for (sourced_id,) in db.execute(f'SELECT sourcedId FROM "{name}"')
    }
    school.close()
