"""The reconciler: what becomes of everybody when a source says this or that."""

import itertools
import json

import pytest

from bridge.errors import SourceRefused, SourceUnavailable
from bridge.mirror.runs import Outcome
from bridge.roster.derive import Reading
from bridge.roster.ports import FactKind, Rejected, Stated
from bridge.roster.roles import RoleMapping, RoleTable
from bridge.sync.guards import Guards
from tests.mirror.rosters_in_memory import (
    INSTRUCTOR,
    LEARNER,
    MENTOR,
    PRIMARY,
    RUN_RECORDS,
    Course,
    stated,
)


def class_of(people, context_id="big"):
    course = Course(context_id)
    for number in range(people):
        course.enrol(f"s{number:03}")
    return course


def seq_of(school, collection, document):
    return school.row(collection, document["sourcedId"])["seq"]


# Coming and staying ----------------------------------------------------------------------------------------------


def test_first_run_adds_everybody_and_what_surrounds_them(school, biology):
    run = school.reconcile(biology)

    assert (run.outcome, run.added, run.removed, run.unchanged, run.complete) == (Outcome.APPLIED, 3, 0, 0, True)
    assert run.records == {
        "academicSessions": {"added": 3},
        "classes": {"added": 1},
        "courses": {"added": 1},
        "enrollments": {"added": 3},
        "orgs": {"added": 1},
        "users": {"added": 3},
    }
    assert school.user("ann")["familyName"] == "Abara"
    assert school.enrollment("tea", biology)["role"] == "teacher"
    assert school.class_(biology)["title"] == "Biology"


def test_second_run_moves_nothing(school, biology):
    school.reconcile(biology)
    before = school.dump(without=RUN_RECORDS)
    school.clock.turn(days=1)

    run = school.reconcile(biology)

    assert (run.outcome, run.unchanged, run.records) == (Outcome.UNCHANGED, 3, {})
    assert school.dump(without=RUN_RECORDS) == before


def test_same_members_in_another_order_move_nothing(school, biology):
    school.reconcile(biology)
    before = school.dump(without=RUN_RECORDS)
    biology.members = dict(reversed(biology.members.items()))

    assert school.reconcile(biology).outcome is Outcome.UNCHANGED
    assert school.dump(without=RUN_RECORDS) == before


def test_newcomer_comes_last(school, biology):
    school.reconcile(biology)
    biology.enrol("aaa")

    run = school.reconcile(biology)

    assert (run.added, run.unchanged) == (1, 3)
    assert seq_of(school, "users", school.user("aaa")) == school.count("users") == 4


def test_another_name_changes_the_user_alone(school, biology):
    school.reconcile(biology)
    biology.enrol("ann", given_name="Ann", family_name="Brandt")

    run = school.reconcile(biology)

    assert (run.changed, run.records) == (1, {"users": {"changed": 1}})
    assert school.user("ann")["familyName"] == "Brandt"


def test_another_role_keeps_the_enrollment(school, biology):
    school.reconcile(biology)
    before = school.enrollment("ann", biology)
    biology.enrol("ann", INSTRUCTOR, given_name="Ann", family_name="Abara")

    school.reconcile(biology)

    after = school.enrollment("ann", biology)
    assert (before["role"], after["role"]) == ("student", "teacher")
    assert after["sourcedId"] == before["sourcedId"]
    assert school.count("enrollments") == 3


def test_another_title_changes_class_and_course_alone(school, biology):
    school.reconcile(biology)
    biology.title = "Biology II"

    run = school.reconcile(biology)

    assert run.records == {"classes": {"changed": 1}, "courses": {"changed": 1}}
    assert (run.outcome, run.changed) == (Outcome.APPLIED, 0)
    assert school.class_(biology)["title"] == school.course(biology)["title"] == "Biology II"


def test_fact_that_changes_no_document_moves_no_stamp(school, biology):
    school.reconcile(biology)
    before = school.dump(without=("facts", *RUN_RECORDS))
    of_no_account = {"https://lms.example.org/claim/colour": "blue"}  # a property that no standard has a meaning for
    biology.enrol("ann", given_name="Ann", family_name="Abara", **of_no_account)

    run = school.reconcile(biology)

    assert (run.outcome, run.changed, run.records) == (Outcome.APPLIED, 1, {})
    assert school.dump(without=("facts", *RUN_RECORDS)) == before


# Leaving and returning -------------------------------------------------------------------------------------------


def test_who_leaves_becomes_tobedeleted_and_stays(school, biology):
    school.reconcile(biology)
    biology.leave("ann")

    run = school.reconcile(biology)

    assert (run.removed, run.records) == (1, {"enrollments": {"removed": 1}, "users": {"removed": 1}})
    assert school.user("ann")["status"] == school.enrollment("ann", biology)["status"] == "tobedeleted"
    assert school.user("ann")["familyName"] == "Abara"


def test_who_left_is_not_removed_again(school, biology):
    school.reconcile(biology)
    biology.leave("ann")
    school.reconcile(biology)

    run = school.reconcile(biology)

    assert (run.outcome, run.removed, run.records) == (Outcome.UNCHANGED, 0, {})


def test_who_returns_is_the_same_person_at_the_same_place(school, biology):
    school.reconcile(biology)
    ann, enrollment = school.user("ann"), school.enrollment("ann", biology)
    seqs = seq_of(school, "users", ann), seq_of(school, "enrollments", enrollment)
    gone = biology.members.pop("ann")
    school.reconcile(biology)
    biology.members["ann"] = gone

    run = school.reconcile(biology)

    assert run.records == {"enrollments": {"restored": 1}, "users": {"restored": 1}}
    assert (school.user("ann"), school.enrollment("ann", biology)) == (ann, enrollment)
    assert (seq_of(school, "users", ann), seq_of(school, "enrollments", enrollment)) == seqs


def test_who_leaves_one_of_two_courses_stays_a_user(school, biology, chemistry):
    school.reconcile(biology)
    school.reconcile(chemistry)
    biology.leave("ann")

    school.reconcile(biology)

    assert school.user("ann")["status"] == "active"
    assert school.enrollment("ann", biology)["status"] == "tobedeleted"
    assert school.enrollment("ann", chemistry)["status"] == "active"


def test_who_has_left_every_course_is_no_user_any_more(school, biology, chemistry):
    school.reconcile(biology)
    school.reconcile(chemistry)
    biology.leave("ann")
    chemistry.leave("ann")
    school.reconcile(biology)

    school.reconcile(chemistry)

    assert school.user("ann")["status"] == "tobedeleted"


def test_inactive_member_keeps_a_retired_enrollment_and_stays_a_user(school, biology):
    school.reconcile(biology)
    biology.enrol("ann", given_name="Ann", family_name="Abara", status="Inactive")

    school.reconcile(biology)

    enrollment = school.enrollment("ann", biology)
    assert (enrollment["status"], enrollment["metadata"]["lti.status"]) == ("tobedeleted", "Inactive")
    assert school.user("ann")["status"] == "active"


def test_inactive_member_who_leaves_is_inactive_no_more(school, biology):
    biology.enrol("ann", given_name="Ann", family_name="Abara", status="Inactive")
    school.reconcile(biology)
    biology.leave("ann")

    school.reconcile(biology)
    after = school.enrollment("ann", biology)
    school.reconcile(biology)

    assert (after["status"], after["metadata"]["lti.status"]) == ("tobedeleted", "Deleted")
    assert school.enrollment("ann", biology) == after


def test_role_without_an_enrollment_retires_hers_and_keeps_the_user(school, biology):
    school.reconcile(biology)
    biology.enrol("ann", MENTOR, given_name="Ann", family_name="Abara")

    school.reconcile(biology)

    assert school.enrollment("ann", biology)["status"] == "tobedeleted"
    assert school.user("ann")["status"] == "active"


def test_one_source_is_not_another(school, biology):
    school.reconcile(biology)
    elsewhere = Course("biology", source="south")
    elsewhere.enrol("ann", given_name="Anna", family_name="Other")

    school.reconcile(elsewhere)

    assert school.user("ann")["familyName"] == "Abara"
    assert school.user("ann", source="south")["familyName"] == "Other"


# One person, several courses -------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))), ids=str)
def test_user_does_not_depend_on_the_order_of_the_courses(school, order):
    courses = [Course("one"), Course("two"), Course("three")]
    courses[0].enrol("ann", LEARNER, given_name="Ann", family_name="Abara", email="ann@example.org")
    courses[1].enrol("ann", INSTRUCTOR, given_name="Anna", family_name="Abara", email="a.abara@example.org")
    courses[2].enrol("ann", MENTOR, name="A. Abara", email="a.abara@example.org")

    for index in order:
        school.reconcile(courses[index])

    ann = school.user("ann")
    assert school.count("users") == 1
    assert (ann["givenName"], ann["email"]) == ("Ann", "a.abara@example.org")
    assert [role["role"] for role in ann["roles"]] == ["teacher", "student", "ext:mentor"]


# Members listed twice --------------------------------------------------------------------------------------------


def test_member_on_two_pages_has_the_roles_of_both(school, biology):
    biology.also = [stated("ann", INSTRUCTOR, email="ann@example.org"), stated("ben", given_name="Ben")]

    run = school.reconcile(biology)

    assert run.added == 3
    assert json.loads(school.enrollment("ann", biology)["metadata"]["lti.roles"]) == [LEARNER, INSTRUCTOR]
    assert school.enrollment("ann", biology)["role"] == "teacher"
    assert (school.user("ann")["familyName"], school.user("ann")["email"]) == ("Abara", "ann@example.org")


def test_member_listed_twice_alike_is_not_changed(school, biology):
    school.reconcile(biology)
    before = school.dump(without=RUN_RECORDS)
    biology.also = [biology.members["ann"]] * 2

    run = school.reconcile(biology)

    assert (run.outcome, run.unchanged) == (Outcome.UNCHANGED, 3)
    assert school.dump(without=RUN_RECORDS) == before


def test_second_entry_that_cannot_be_read_spoils_nothing(school, biology):
    biology.also = [Stated(FactKind.MEMBER, "ann", rb'{"user_id": "ann", "name": "\ud800"}')]

    run = school.reconcile(biology)

    assert (run.outcome, run.added, run.unchanged, run.quarantined) == (Outcome.APPLIED, 3, 0, 1)
    assert school.runs.quarantined(run.id)[0].subject == "ann"
    assert school.user("ann")["familyName"] == "Abara"


def test_first_entry_that_cannot_be_read_quarantines_the_person(school, biology):
    good = biology.members.pop("ann")
    biology.also = [Stated(FactKind.MEMBER, "ann", b"{"), good]

    run = school.reconcile(biology)

    assert (run.outcome, run.added, run.unchanged) == (Outcome.APPLIED, 2, 0)
    assert {one.subject for one in school.runs.quarantined(run.id)} == {"ann"}


def test_entry_rejected_by_the_source_beside_a_good_one_counts_once(school, biology):
    school.reconcile(biology)
    biology.also = [Rejected(3, "ann", "is not UTF-8")]

    run = school.reconcile(biology)

    assert (run.outcome, run.added, run.unchanged, run.removed, run.quarantined) == (Outcome.UNCHANGED, 0, 3, 0, 1)


# Sources that fail -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("failure", "outcome"),
    [
        pytest.param(SourceUnavailable("lms.example.org answers 503"), Outcome.UNAVAILABLE, id="fails"),
        pytest.param(SourceRefused("lms.example.org repeats a page"), Outcome.REFUSED, id="refuses"),
    ],
)
def test_source_that_ends_half_way_changes_nothing(school, biology, failure, outcome):
    school.reconcile(biology)
    before = school.dump(without=("runs", "run_totals", "attempts", "sqlite_sequence"))
    biology.leave("ann")
    biology.enrol("dan")
    biology.also = [failure]

    run = school.reconcile(biology)

    assert (run.outcome, run.message, run.added, run.removed) == (outcome, str(failure), 0, 0)
    assert school.dump(without=("runs", "run_totals", "attempts", "sqlite_sequence")) == before


def test_source_that_recovers_is_reconciled_as_if_nothing_had_been(school, biology):
    biology.also = [SourceUnavailable("lms.example.org answers 503")]
    school.reconcile(biology)
    biology.also = []

    assert school.reconcile(biology).added == 3


def test_fault_of_the_bridge_is_recorded_and_raised(school, biology):
    biology.also = [ZeroDivisionError("Ann Abara")]

    with pytest.raises(ZeroDivisionError):
        school.reconcile(biology)

    (run,) = school.runs.latest()
    assert (run.outcome, run.message) == (Outcome.BROKEN, "the bridge itself failed: ZeroDivisionError")


def test_run_that_was_killed_is_marked_by_the_next_of_its_course(school, biology, chemistry):
    killed = school.runs.begin("north", biology.key)
    elsewhere = school.runs.begin("north", chemistry.key)

    school.reconcile(biology)

    assert school.runs.get(killed).outcome is Outcome.BROKEN
    assert school.runs.get(elsewhere).outcome is Outcome.RUNNING


# Snapshots that do not say everything ----------------------------------------------------------------------------


def test_incomplete_snapshot_removes_nobody(school, biology):
    school.reconcile(biology)
    biology.leave("ann")
    biology.enrol("dan")
    biology.complete = False

    run = school.reconcile(biology)

    assert (run.complete, run.added, run.removed) == (False, 1, 0)
    assert school.user("ann")["status"] == school.enrollment("ann", biology)["status"] == "active"


def test_member_without_a_readable_user_id_may_be_anybody(school, biology):
    school.reconcile(biology)
    biology.leave("ann")
    biology.also = [Rejected(2, None, "user_id is missing or cannot be read")]

    run = school.reconcile(biology)

    assert (run.complete, run.removed, run.quarantined) == (False, 0, 1)
    assert school.enrollment("ann", biology)["status"] == "active"


def test_member_who_turns_invalid_keeps_what_is_held_of_her(school, biology):
    school.reconcile(biology)
    ann = school.user("ann"), school.enrollment("ann", biology)
    biology.enrol("ann", email=7.5)
    biology.enrol("ben", given_name="Benno", family_name="Berg")

    run = school.reconcile(biology)

    assert (run.changed, run.removed, run.quarantined, run.unchanged) == (1, 0, 1, 1)
    assert (school.user("ann"), school.enrollment("ann", biology)) == ann
    assert school.user("ben")["givenName"] == "Benno"
    (quarantined,) = school.runs.quarantined(run.id)
    assert (quarantined.position, quarantined.subject, quarantined.reason) == (0, "ann", "email is not text")


def test_who_turned_invalid_and_then_left_is_removed(school, biology):
    school.reconcile(biology)
    biology.enrol("ann", email=7.5)
    school.reconcile(biology)
    biology.leave("ann")

    assert school.reconcile(biology).removed == 1


# Plans that wait for a person ------------------------------------------------------------------------------------


def test_emptied_roster_is_held(school, biology):
    school.reconcile(biology)
    before = school.dump(without=(*RUN_RECORDS,))
    biology.leave("ann", "ben", "tea")

    run = school.reconcile(biology)

    assert (run.outcome, run.removed) == (Outcome.HELD, 3)
    assert f"bridge approve {run.id}" in run.message
    assert school.runs.held_removals(run.id) == {"ann", "ben", "tea"}
    assert school.dump(without=RUN_RECORDS) == before


def test_nothing_of_a_held_plan_is_applied(school):
    course = class_of(40)
    school.reconcile(course)
    before = school.dump(without=("contexts", *RUN_RECORDS)), school.dump()["contexts"]
    course.leave(*(f"s{number:03}" for number in range(11)))
    course.enrol("new")
    course.title = "Another"

    run = school.reconcile(course)

    assert (run.outcome, run.added, run.removed) == (Outcome.HELD, 1, 11)
    assert (school.dump(without=("contexts", *RUN_RECORDS)), school.dump()["contexts"]) == before


def test_approval_lets_these_go(school):
    course = class_of(40)
    school.reconcile(course)
    course.leave(*(f"s{number:03}" for number in range(11)))
    held = school.reconcile(course)

    run = school.reconcile(course, approved=school.runs.held_removals(held.id))

    assert (run.outcome, run.removed) == (Outcome.APPLIED, 11)
    assert school.count("users", "status = 'active'") == 29


def test_approval_lets_nobody_else_go(school):
    course = class_of(40)
    school.reconcile(course)
    course.leave(*(f"s{number:03}" for number in range(11)))
    held = school.reconcile(course)
    course.leave("s030")

    run = school.reconcile(course, approved=school.runs.held_removals(held.id))

    assert run.outcome is Outcome.HELD
    assert run.id != held.id
    assert len(school.runs.held_removals(run.id)) == 12
    assert school.count("users", "status = 'active'") == 40


def test_who_came_back_since_the_approval_stays(school):
    course = class_of(40)
    school.reconcile(course)
    gone = {f"s{number:03}": course.members.pop(f"s{number:03}") for number in range(11)}
    held = school.reconcile(course)
    course.members["s000"] = gone["s000"]

    run = school.reconcile(course, approved=school.runs.held_removals(held.id))

    assert (run.outcome, run.removed) == (Outcome.APPLIED, 10)
    assert school.user("s000")["status"] == "active"


def test_rest_can_be_approved_while_removals_wait(school):
    course = class_of(40)
    school.reconcile(course)
    course.leave(*(f"s{number:03}" for number in range(11)))
    course.enrol("new")
    held = school.reconcile(course)

    run = school.reconcile(course, approved=school.runs.held_removals(held.id), except_removals=True)

    assert (run.outcome, run.records) == (Outcome.HELD, {"enrollments": {"added": 1}, "users": {"added": 1}})
    assert school.runs.held_removals(run.id) == school.runs.held_removals(held.id)
    assert school.count("enrollments", "status = 'active'") == 41
    assert school.runs.waiting() == [run]


def test_removals_that_were_left_waiting_can_be_approved_later(school):
    course = class_of(40)
    school.reconcile(course)
    course.leave(*(f"s{number:03}" for number in range(11)))
    course.enrol("new")
    removals = school.runs.held_removals(school.reconcile(course).id)
    school.reconcile(course, approved=removals, except_removals=True)

    run = school.reconcile(course, approved=removals)

    assert (run.outcome, run.added, run.removed) == (Outcome.APPLIED, 0, 11)
    assert school.runs.waiting() == []


def test_rest_is_applied_by_itself_where_that_is_set(make_school):
    school = make_school(Guards(apply_rest=True))
    course = class_of(40)
    school.reconcile(course)
    course.leave(*(f"s{number:03}" for number in range(11)))
    course.enrol("new")

    run = school.reconcile(course)

    assert (run.outcome, run.records) == (Outcome.HELD, {"enrollments": {"added": 1}, "users": {"added": 1}})
    assert "removals held: it would remove 11 of 40 members; all else is applied" in run.message


@pytest.mark.parametrize("approved", [False, True], ids=["by-the-setting", "by-an-approval"])
def test_whose_removal_waits_is_derived_anew_under_another_mapping(make_school, approved):
    """The rest is applied while removals wait: those who are spared speak by the present mapping like all others."""
    school = make_school(Guards(apply_rest=not approved))
    course = class_of(40)
    course.enrol("s000", MENTOR)
    school.reconcile(course)
    assert school.enrollment("s000", course) is None
    course.leave(*(f"s{number:03}" for number in range(11)))
    school.reading = Reading(table=RoleTable.default(), mapping=RoleMapping.EXT)

    run = school.reconcile(course, approved=[] if approved else None, except_removals=approved)

    assert (run.outcome, run.removed) == (Outcome.HELD, 11)
    assert school.enrollment("s000", course)["role"] == "ext:mentor"
    assert school.reconcile(course, approved=[] if approved else None, except_removals=approved).records == {}


def test_nothing_is_applied_by_itself_of_an_upheaval(make_school):
    school = make_school(Guards(apply_rest=True))
    course = class_of(40)
    school.reconcile(course)
    for number in range(40):
        course.enrol(f"s{number:03}", INSTRUCTOR)

    run = school.reconcile(course)

    assert (run.outcome, run.records) == (Outcome.HELD, {})
    assert school.reconcile(course, approved=[]).outcome is Outcome.APPLIED


def test_plan_that_nobody_approved_is_held_even_if_it_removes_nobody(school):
    course = class_of(40)
    school.reconcile(course)
    for number in range(40):
        course.enrol(f"s{number:03}", status="Inactive")

    run = school.reconcile(course)

    assert (run.outcome, school.runs.held_removals(run.id)) == (Outcome.HELD, set())
    assert school.count("enrollments", "status = 'active'") == 40


def test_roles_that_are_only_spelled_differently_are_no_upheaval(school):
    course = class_of(40)
    school.reconcile(course)
    for number in range(40):
        course.enrol(f"s{number:03}", "Learner")

    run = school.reconcile(course)

    assert (run.outcome, run.changed, run.details) == (Outcome.APPLIED, 40, 40)


def test_names_that_vanish_are_announced_and_not_held(school):
    course = Course("big")
    for number in range(40):
        course.enrol(f"s{number:03}", given_name="Ann", family_name=f"Abara{number}")
    school.reconcile(course)
    for number in range(39):
        course.enrol(f"s{number:03}")

    run = school.reconcile(course)

    assert (run.outcome, run.changed, run.details) == (Outcome.APPLIED, 39, 39)
    assert run.message.startswith("names or contact details of 39 of 40 members have changed")


def test_role_table_that_changes_everybody_is_not_held(school):
    course = class_of(40)
    school.reconcile(course)
    table = RoleTable.load('[context]\nLearner = { rank = 80, enrollment = "proctor", user_role = "proctor" }')
    school.reading = Reading(table=table, mapping=RoleMapping.COMPAT)

    run = school.reconcile(course)

    assert (run.outcome, run.details) == (Outcome.APPLIED, 0)
    assert school.enrollment("s000", course)["role"] == "proctor"


def test_small_removals_of_many_courses_add_up_and_are_held(school):
    courses = [class_of(30, f"c{number}") for number in range(5)]
    for number, course in enumerate(courses):
        course.members = {f"{number}{user_id}": stated(f"{number}{user_id}") for user_id in course.members}
        school.reconcile(course)
        course.leave(*list(course.members)[:5])

    outcomes = [school.reconcile(course).outcome for course in courses]

    assert outcomes == [Outcome.APPLIED] * 3 + [Outcome.HELD] * 2
    assert [run.context for run in school.runs.waiting("north")] == [course.key for course in courses[3:]]
    assert school.runs.waiting("south") == []


def test_removals_of_another_day_do_not_add_up(school):
    courses = [class_of(30, f"c{number}") for number in range(5)]
    for course in courses:
        school.reconcile(course)
        course.leave(*list(course.members)[:5])

    outcomes = []
    for course in courses:
        outcomes.append(school.reconcile(course).outcome)
        school.clock.turn(hours=25)

    assert outcomes == [Outcome.APPLIED] * 5


def test_removals_that_somebody_approved_do_not_add_up(school):
    large, small = class_of(40), class_of(30, "small")
    school.reconcile(large)
    school.reconcile(small)
    large.leave(*list(large.members)[:11])
    held = school.reconcile(large)
    school.reconcile(large, approved=school.runs.held_removals(held.id))
    small.leave("s029")

    assert school.reconcile(small).outcome is Outcome.APPLIED


def test_held_plan_waits_until_a_later_run_answers_it(school):
    course = class_of(40)
    school.reconcile(course)
    gone = {user_id: course.members.pop(user_id) for user_id in list(course.members)[:11]}
    held = school.reconcile(course)
    course.also = [SourceUnavailable("lms.example.org answers 503")]
    school.reconcile(course)
    assert school.runs.waiting() == [held]
    course.also = []
    course.members |= gone

    school.reconcile(course)

    assert school.runs.waiting() == []


# Previews --------------------------------------------------------------------------------------------------------


def test_preview_says_what_a_run_would_do_and_does_nothing(school, biology):
    school.reconcile(biology)
    before = school.dump()
    biology.leave("ann", "ben", "tea")

    preview = school.preview(biology)

    assert preview.plan.removals == 3
    assert preview.objection == "it would empty the roster: all 3 members would be removed"
    assert school.dump() == before


def test_preview_of_an_unknown_course_records_nothing(school, biology):
    before = school.dump()

    assert school.preview(biology).plan.counts["added"] == 3
    assert school.dump() == before


def test_preview_of_a_source_that_fails_raises(school, biology):
    biology.also = [SourceUnavailable("lms.example.org answers 503")]

    with pytest.raises(SourceUnavailable):
        school.preview(biology)


# Another mapping -------------------------------------------------------------------------------------------------


def test_changed_role_table_derives_everybody_anew(school, biology):
    biology.enrol("men", MENTOR)
    school.reconcile(biology)
    table = RoleTable.load('[context]\nMentor = { rank = 80, enrollment = "proctor", user_role = "proctor" }')
    school.reading = Reading(table=table, mapping=RoleMapping.COMPAT)

    run = school.reconcile(biology)

    assert (run.outcome, run.changed, run.unchanged) == (Outcome.APPLIED, 0, 4)
    assert school.enrollment("men", biology)["role"] == "proctor"
    assert school.enrollment("ann", biology)["metadata"]["lti.rolesMapVersion"] == table.fingerprint


def test_changed_role_mapping_derives_everybody_anew(school, biology):
    biology.enrol("men", MENTOR)
    school.reconcile(biology)
    school.reading = Reading(table=RoleTable.default(), mapping=RoleMapping.EXT)

    run = school.reconcile(biology)

    assert run.records["enrollments"] == {"added": 1}
    assert school.enrollment("men", biology)["role"] == "ext:mentor"


@pytest.mark.parametrize("now", ["absent", "invalid"])
def test_new_mapping_also_reaches_who_was_not_read_this_time(school, biology, now):
    biology.complete = False
    biology.enrol("ann", MENTOR)
    school.reconcile(biology)
    if now == "absent":
        biology.leave("ann")
    else:
        biology.enrol("ann", email=7.5)
    school.reading = Reading(table=RoleTable.default(), mapping=RoleMapping.EXT)

    school.reconcile(biology)

    assert school.enrollment("ann", biology)["role"] == "ext:mentor"


NO_LEADS = '[context]\n"Instructor#PrimaryInstructor" = { rank = 10, enrollment = "teacher", user_role = "teacher" }'


def test_new_mapping_counts_the_claims_to_be_primary_anew(school, biology):
    school.reading = Reading(table=RoleTable.load(NO_LEADS), mapping=RoleMapping.COMPAT)
    biology.enrol("one", PRIMARY)
    school.reconcile(biology)
    assert primaries(school, biology, "one") == ["false"]
    school.reading = Reading(table=RoleTable.default(), mapping=RoleMapping.COMPAT)

    school.reconcile(biology)

    assert primaries(school, biology, "one") == ["true"]


def test_new_mapping_counts_the_claims_of_who_was_not_read_this_time(school, biology):
    school.reading = Reading(table=RoleTable.load(NO_LEADS), mapping=RoleMapping.COMPAT)
    biology.complete = False
    biology.enrol("one", PRIMARY)
    biology.enrol("two", PRIMARY)
    school.reconcile(biology)
    biology.leave("two")
    school.reading = Reading(table=RoleTable.default(), mapping=RoleMapping.COMPAT)

    school.reconcile(biology)

    assert primaries(school, biology, "one", "two") == ["false", "false"]


# The primary teacher ---------------------------------------------------------------------------------------------


def primaries(school, course, *user_ids):
    return [school.enrollment(user_id, course)["primary"] for user_id in user_ids]


def test_only_claim_to_be_primary_is_believed(school, biology):
    biology.enrol("one", PRIMARY)

    school.reconcile(biology)

    assert primaries(school, biology, "one", "tea") == ["true", "false"]


def test_second_claim_makes_neither_primary(school, biology):
    biology.enrol("one", PRIMARY)
    school.reconcile(biology)
    biology.enrol("two", PRIMARY)

    run = school.reconcile(biology)

    assert primaries(school, biology, "one", "two") == ["false", "false"]
    assert run.records["enrollments"] == {"added": 1, "changed": 1}
    assert (run.added, run.changed, run.unchanged) == (1, 0, 4)


@pytest.mark.parametrize("how", ["leaves", "turns-inactive", "becomes-another"])
def test_claim_that_ends_gives_the_other_its_own_back(school, biology, how):
    biology.enrol("one", PRIMARY)
    biology.enrol("two", PRIMARY)
    school.reconcile(biology)
    if how == "leaves":
        biology.leave("two")
    elif how == "turns-inactive":
        biology.enrol("two", PRIMARY, status="Inactive")
    else:
        biology.enrol("two", INSTRUCTOR)

    school.reconcile(biology)

    assert primaries(school, biology, "one") == ["true"]


def test_claim_in_one_course_is_nothing_in_another(school, biology, chemistry):
    biology.enrol("one", PRIMARY)
    chemistry.enrol("two", PRIMARY)
    school.reconcile(biology)

    school.reconcile(chemistry)

    assert primaries(school, biology, "one") + primaries(school, chemistry, "two") == ["true", "true"]


# What platforms send ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        pytest.param('{"user_id": "odd", "given_name": "Zoë", "family_name": "Šimůnek 😀"}', "Šimůnek 😀", id="utf-8"),
        pytest.param(r'{"user_id": "odd", "given_name": "A", "family_name": "\ud83d\ude00"}', "😀", id="pair"),
        pytest.param(r'{"user_id": "odd", "given_name": "A", "family_name": "B\u0000C"}', "B\0C", id="nul"),
    ],
)
def test_odd_name_is_kept(school, biology, raw, name):
    biology.members["odd"] = Stated(FactKind.MEMBER, "odd", raw.encode())

    run = school.reconcile(biology)

    assert (run.added, run.quarantined) == (4, 0)
    assert school.user("odd")["familyName"] == name
    assert school.reconcile(biology).outcome is Outcome.UNCHANGED


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        pytest.param(rb'{"user_id": "odd", "name": "\ud800"}', "is not JSON", id="lone-surrogate"),
        pytest.param(b'{"user_id": "odd", "name": "a\0b"}', "is not JSON", id="raw-nul"),
        pytest.param(b'{"user_id": "odd", "name": "\xff"}', "is not UTF-8", id="not-utf-8"),
        pytest.param(b'{"user_id": "odd", "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "is not JSON", id="deep"),
        pytest.param(
            b'{"user_id": "odd", "name": "' + b"x" * 1_000_000 + b'"}',
            "name is longer than 4096 characters",
            id="name-of-a-megabyte",
        ),
    ],
)
def test_member_who_cannot_be_used_is_quarantined_alone(school, biology, raw, reason):
    biology.members = {"odd": Stated(FactKind.MEMBER, "odd", raw), **biology.members}

    run = school.reconcile(biology)

    assert (run.outcome, run.added, run.quarantined, run.complete) == (Outcome.APPLIED, 3, 1, True)
    (quarantined,) = school.runs.quarantined(run.id)
    assert (quarantined.position, quarantined.subject, quarantined.reason) == (0, "odd", reason)


def test_member_of_a_megabyte_is_a_member(school, biology):
    picture = "data:image/png;base64," + "A" * 1_000_000
    biology.enrol("big", name="Big Picture", picture=picture, also="x" * 1_000_000)

    school.reconcile(biology)

    assert school.user("big")["familyName"] == "Picture"
    assert "lti.picture" not in school.user("big")["metadata"]
    ((raw,),) = school.mirror.db.execute("SELECT raw FROM facts WHERE subject = 'big'").fetchall()
    assert json.loads(raw)["picture"] == picture


def test_nul_in_a_user_id_names_somebody_else(school, biology):
    biology.enrol("ann\0")

    run = school.reconcile(biology)

    assert (run.added, school.count("users")) == (4, 4)
    assert school.user("ann\0")["userIds"] == [{"type": "LTI", "identifier": "ann\0"}]
    biology.leave("ann\0")
    school.reconcile(biology)
    assert (school.user("ann\0")["status"], school.user("ann")["status"]) == ("tobedeleted", "active")


# Stamps ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("minutes", [pytest.param(0, id="stands-still"), pytest.param(-90, id="goes-back")])
def test_stamps_rise_whatever_the_clock_does(school, biology, minutes):
    for user_id in ("one", "two", "three"):
        biology.enrol(user_id)
        school.reconcile(biology)
        school.clock.turn(minutes=minutes)

    stamps = [stamp for (stamp,) in school.mirror.db.execute("SELECT stamp FROM writes ORDER BY changed")]
    assert stamps == ["2026-11-20T08:00:00.000Z", "2026-11-20T08:00:00.001Z", "2026-11-20T08:00:00.002Z"]


def test_stamp_is_written_last(school, biology):
    statements = []
    school.mirror.db.conn.set_trace_callback(statements.append)

    school.reconcile(biology)

    commits = [index for index, statement in enumerate(statements) if statement == "COMMIT"]
    writes = [index for index, statement in enumerate(statements) if statement.startswith("INSERT INTO writes ")]
    assert len(writes) == 1
    assert writes[0] + 1 in commits


def test_progress_is_told(school):
    told = []
    course = class_of(2_300)

    school.reconciler.reconcile(course.snapshot(), school.derivation(course), progress=told.append)

    assert told == [1000, 2000, 2300]


def test_progress_that_raises_ends_the_run_as_a_failing_source_does(school):
    def lose_the_lease(members):
        raise SourceUnavailable("reading took too long")

    course = class_of(450)
    run = school.reconciler.reconcile(course.snapshot(), school.derivation(course), progress=lose_the_lease)

    assert (run.outcome, school.count("users")) == (Outcome.UNAVAILABLE, 0)
