"""Undoing a run: what is restored, what is left alone, and that nothing is redone behind anybody's back."""

from dataclasses import replace

import pytest

from bridge.errors import SourceGone, SourceUnavailable
from bridge.mirror.applying import apply
from bridge.mirror.attempts import Attempts
from bridge.mirror.changes import Changes
from bridge.mirror.decisions import DecisionKind
from bridge.mirror.documents import RecordChange
from bridge.mirror.runs import Mandate, Outcome
from bridge.mirror.staging import Staging
from bridge.mirror.standings import Standings
from bridge.mirror.undoing import rehearse_undo, undo
from bridge.roster.identity import LtiUserId, enrollment_sourced_id, user_sourced_id
from bridge.roster.model import COLLECTIONS
from bridge.roster.roles import RoleMapping
from bridge.sync.reconciler import Approval
from bridge.sync.retiring import Nobody, Retired
from tests.mirror.rosters_in_memory import INSTRUCTOR, LEARNER, MENTOR, PRIMARY, RUN_RECORDS, School


def to_undo(run):
    return Mandate(kind=DecisionKind.UNDONE, made_by="operator", run=run.id)


@pytest.fixture
def undone(school):
    """Undo a run of a course; gives what was done and the run that did it."""

    def undone(run, course):
        number = school.runs.begin(run.source, run.context, to_undo(run))
        report = undo(school.mirror, run, school.derivation(course), number, school.clock)
        return report, school.runs.get(number)

    return undone


def undo_elsewhere(school, run, course):
    """As another process does it."""
    other = School(school.path)
    undo(
        other.mirror,
        run,
        other.derivation(course),
        other.runs.begin(run.source, run.context, to_undo(run)),
        other.clock,
    )
    other.close()


def documents(school):
    """Every served record, by collection and sourcedId."""
    return {
        (name, sourced_id): document
        for name in COLLECTIONS
        for sourced_id, document in school.mirror.db.execute(f'SELECT sourcedId, document FROM "{name}"')
    }


def user_record(user_id):
    return ("users", user_sourced_id("north", LtiUserId(user_id)))


def enrollment_record(user_id, course):
    return ("enrollments", enrollment_sourced_id(course.source, course.key, LtiUserId(user_id)))


def test_members_that_a_run_removed_are_members_again(school, biology, undone):
    school.reconcile(biology)
    before = documents(school)
    biology.leave("ann")
    run = school.reconcile(biology)

    report, undoing = undone(run, biology)

    assert documents(school) == before
    assert set(report.restored) == {user_record("ann"), enrollment_record("ann", biology)}
    assert report.left == []
    assert (undoing.outcome, undoing.added) == (Outcome.APPLIED, 1)
    assert school.runs.latest_by_context() == {("north", biology.key): undoing}


def test_what_a_run_changed_is_as_it_was(school, biology, undone):
    school.reconcile(biology)
    before = documents(school)
    biology.enrol("ann", INSTRUCTOR, given_name="Hannah", family_name="Abara")
    run = school.reconcile(biology)

    report, _ = undone(run, biology)

    assert documents(school) == before
    assert set(report.restored) == {user_record("ann"), enrollment_record("ann", biology)}


def test_records_that_a_run_added_end_and_do_not_disappear(school, biology, undone):
    school.reconcile(biology)
    biology.enrol("new")
    run = school.reconcile(biology)

    report, _ = undone(run, biology)

    assert school.user("new")["status"] == "tobedeleted"
    assert school.enrollment("new", biology)["status"] == "tobedeleted"
    assert set(report.restored) == {user_record("new"), enrollment_record("new", biology)}


def test_a_member_who_has_been_changed_since_is_left_and_named(school, biology, undone):
    school.reconcile(biology)
    biology.enrol("ann", INSTRUCTOR, given_name="Ann", family_name="Abara")
    biology.enrol("ben", INSTRUCTOR, given_name="Ben", family_name="Berg")
    run = school.reconcile(biology)
    biology.enrol("ben", LEARNER, given_name="Benjamin", family_name="Berg")
    later = school.reconcile(biology)
    ben = school.user("ben")

    report, _ = undone(run, biology)

    assert school.enrollment("ann", biology)["role"] == "student"
    assert school.user("ben") == ben
    assert {(left.collection, left.sourced_id): left.reason for left in report.left} == {
        user_record("ben"): f"changed since, by run {later.id}",
        enrollment_record("ben", biology): f"changed since, by run {later.id}",
    }


def test_a_member_is_left_if_another_course_has_changed_her_user_since(school, biology, chemistry, undone):
    school.reconcile(biology)
    school.reconcile(chemistry)
    biology.enrol("ann", INSTRUCTOR, given_name="Ann Beatrice", family_name="Abara")
    run = school.reconcile(biology)
    chemistry.enrol("ann", given_name="Ann Beatrice Charlotte", family_name="Abara")
    school.reconcile(chemistry)
    held = documents(school)

    report, undoing = undone(run, biology)

    assert documents(school) == held
    assert report.restored == []
    assert {(left.collection, left.sourced_id) for left in report.left} == {
        user_record("ann"),
        enrollment_record("ann", biology),
    }
    assert undoing.outcome is Outcome.UNCHANGED


def test_an_undoing_that_undoes_nothing_does_not_say_that_the_source_was_asked(school, biology, chemistry, undone):
    school.reconcile(biology)
    school.reconcile(chemistry)
    biology.enrol("ann", INSTRUCTOR, given_name="Ann Beatrice", family_name="Abara")
    run = school.reconcile(biology)
    chemistry.enrol("ann", given_name="Ann Beatrice Charlotte", family_name="Abara")
    school.reconcile(chemistry)
    good = Attempts(school.mirror).of(biology.source, biology.key).good
    school.clock.turn(hours=1)

    _, undoing = undone(run, biology)

    assert undoing.outcome is Outcome.UNCHANGED
    assert Attempts(school.mirror).of(biology.source, biology.key).good == good


@pytest.mark.parametrize(
    "problem",
    [SourceUnavailable("lms.example.org answers 429", retry_after=86_400), SourceGone("lms.example.org answers 404")],
    ids=["asked to wait", "gone"],
)
def test_an_undoing_says_nothing_about_whether_the_source_answers(school, biology, undone, problem):
    run = school.reconcile(biology)
    biology.also = [problem]
    school.clock.turn(hours=1)
    school.reconcile(biology)
    before = Attempts(school.mirror).of(biology.source, biology.key)
    failing = school.runs.failing_since(biology.source, biology.key)
    school.clock.turn(hours=1)

    undone(run, biology)

    after = Attempts(school.mirror).of(biology.source, biology.key)
    assert after == replace(before, undone=school.clock.now)
    assert after.failures == 1
    assert school.runs.failing_since(biology.source, biology.key) == failing is not None


def test_what_was_undone_stays_undone_until_the_source_agrees(school, biology, undone):
    run = school.reconcile(biology)
    school.clock.turn(hours=1)
    undone(run, biology)
    undone_at = school.clock.now
    biology.also = [SourceUnavailable("lms.example.org answers 503")]
    school.clock.turn(hours=1)
    school.reconcile(biology)
    failed = Attempts(school.mirror).of(biology.source, biology.key)
    biology.also = []
    school.clock.turn(hours=1)
    school.reconcile(biology)

    assert (failed.undone, failed.is_undone) == (undone_at, False)
    assert Attempts(school.mirror).of(biology.source, biology.key).undone is None


def test_a_member_is_restored_though_her_user_changed_since_if_that_stays_as_it_is(school, biology, chemistry, undone):
    school.reconcile(biology)
    school.reconcile(chemistry)
    biology.leave("ben")
    run = school.reconcile(biology)
    chemistry.enrol("ben", given_name="Ben", family_name="Berg")
    school.reconcile(chemistry)

    report, _ = undone(run, biology)

    assert school.enrollment("ben", biology)["status"] == "active"
    assert report.restored == [enrollment_record("ben", biology)]
    assert [(left.collection, left.sourced_id) for left in report.left] == [user_record("ben")]


def test_an_undone_run_leaves_nothing_to_be_derived_anew(school, biology, undone):
    school.reconcile(biology)
    was = biology.snapshot()
    biology.leave("ann")
    biology.enrol("tea", PRIMARY, name="Tea Tamm")
    undone(school.reconcile(biology), biology)
    after = school.dump(without=RUN_RECORDS)

    school.reconciler.reconcile(was, school.derivation(biology))

    assert school.dump(without=RUN_RECORDS) == after


def test_a_plan_made_before_is_refused_after(school, biology):
    school.reconcile(biology)
    biology.leave("ann")
    run = school.reconcile(biology)
    biology.enrol("new")
    derivation = school.derivation(biology)
    late = school.runs.begin(run.source, run.context)

    with Staging(school.mirror, biology.snapshot(), school.derivation(biology)) as staging:
        list(staging.read())
        plan = staging.plan()
        undo_elsewhere(school, run, biology)
        with pytest.raises(SourceUnavailable):
            apply(school.mirror, plan, derivation, late, school.clock)

    assert school.user("new") is None
    assert school.enrollment("ann", biology)["status"] == "active"


def test_undoing_is_logged_and_told_like_any_run(school, biology, undone):
    school.reconcile(biology)
    biology.leave("ann")
    run = school.reconcile(biology)
    (stamp,) = school.mirror.db.execute("SELECT max(stamp) FROM writes").fetchone()

    _, undoing = undone(run, biology)

    changes = list(Changes(school.mirror).of_run(undoing.id))
    assert {(change.collection, change.sourced_id, change.kind) for change in changes} == {
        (*user_record("ann"), RecordChange.RESTORED),
        (*enrollment_record("ann", biology), RecordChange.RESTORED),
    }
    assert all(change.stamp > stamp for change in changes)
    told = school.mirror.db.execute("SELECT collection, sourcedId FROM outbox ORDER BY event DESC LIMIT 2").fetchall()
    assert set(told) == {user_record("ann"), enrollment_record("ann", biology)}


def test_an_undoing_can_be_undone(school, biology, undone):
    school.reconcile(biology)
    biology.leave("ann")
    biology.enrol("ben", INSTRUCTOR, given_name="Ben", family_name="Berg")
    biology.enrol("new")
    run = school.reconcile(biology)
    held = documents(school)
    _, undoing = undone(run, biology)

    report, _ = undone(undoing, biology)

    assert documents(school) == held
    assert report.left == []


def test_a_rehearsal_says_what_would_be_done_and_changes_nothing(school, biology, undone):
    school.reconcile(biology)
    biology.leave("ann")
    run = school.reconcile(biology)
    held = school.dump()

    rehearsed = rehearse_undo(school.mirror, run, school.derivation(biology), school.clock)

    assert school.dump() == held
    assert rehearsed == undone(run, biology)[0]


def test_teachers_who_share_the_lead_again_lose_it(school, biology, undone):
    biology.enrol("tea", PRIMARY, name="Tea Tamm")
    biology.enrol("tom", PRIMARY, name="Tom Toom")
    school.reconcile(biology)
    biology.leave("tom")
    run = school.reconcile(biology)
    assert school.enrollment("tea", biology)["primary"] == "true"

    report, _ = undone(run, biology)

    assert school.enrollment("tea", biology)["primary"] == "false"
    assert report.left == []


def test_what_follows_from_a_changed_mapping_is_left(school, biology, undone):
    biology.enrol("men", MENTOR)
    school.reconcile(biology)
    school.reading = replace(school.reading, mapping=RoleMapping.EXT)
    run = school.reconcile(biology)
    held = documents(school)

    report, _ = undone(run, biology)

    assert documents(school) == held
    assert report.restored == []
    assert {(left.collection, left.sourced_id) for left in report.left} >= {enrollment_record("men", biology)}


def test_a_course_that_was_renamed_has_its_name_again(school, biology, undone):
    school.reconcile(biology)
    biology.title = "Biology II"
    run = school.reconcile(biology)

    report, _ = undone(run, biology)

    assert school.class_(biology)["title"] == "Biology"
    assert {collection for collection, _ in report.restored} == {"classes", "courses"}


def test_a_course_that_was_ended_by_mistake_is_there_again(school, biology, undone):
    school.reconcile(biology)
    before = documents(school)
    mandate = Mandate(kind=DecisionKind.RETIRED, made_by="operator")
    run = school.reconciler.reconcile(
        Nobody(biology.source, biology.key),
        Retired(school.derivation(biology), whole_source=True),
        approval=Approval(mandate=mandate, removals=None),
    )
    assert school.class_(biology)["status"] == "tobedeleted"

    report, _ = undone(run, biology)

    assert documents(school) == before
    assert report.left == []


def test_an_undone_course_is_to_be_read_anew_and_keeps_when_it_was_good(school, biology, undone):
    """So that its turn has come as soon as it is resumed, and that it is then read in full."""
    school.reconcile(biology)
    school.clock.turn(hours=1)
    biology.leave("ann")
    snapshot = biology.snapshot()
    snapshot.bookmark = "since now"
    run = school.reconciler.reconcile(snapshot, school.derivation(biology))
    good = Attempts(school.mirror).of(biology.source, biology.key).good
    school.clock.turn(hours=1)

    undone(run, biology)

    attempt = Attempts(school.mirror).of(biology.source, biology.key)
    assert (attempt.is_undone, attempt.good) == (True, good)
    standing = Standings(school.mirror).of(biology.source, biology.key)
    assert (standing.full_pull, standing.bookmark) == (None, None)
