"""What LTI tools hand in is kept beside what rosters say: it adds, removes nobody, and yields to the first roster."""

import json
import tempfile
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.mirror.feeding import feed, has_roster
from bridge.mirror.runs import Outcome
from bridge.roster.fed import Word, write_word
from bridge.roster.identity import LtiUserId
from bridge.roster.memberships import Membership
from bridge.roster.reading import Reading
from bridge.roster.roles import RoleMapping, RoleTable
from tests.mirror.rosters_in_memory import INSTRUCTOR, LEARNER, MENTOR, RUN_RECORDS, Course, School

BIOLOGY = "biology"


def word(user_id, *roles, feeder="quiz", signed=True, at="2026-11-20T08:00:00.000Z", **said):
    member = Membership(user_id=LtiUserId(user_id), roles=roles or (LEARNER,), **said)
    return write_word(Word(feeder=feeder, signed=signed, at=at, member=member))


def nobody(_):
    return set()


def hand_in(school, course, user_id, *roles, **said):
    raw = word(user_id, *roles, **said)
    derivation = school.derivation(course)
    return feed(school.mirror, course.source, course.key, {user_id: raw}, derivation, school.clock, erased=nobody)


@pytest.fixture
def course():
    return Course(BIOLOGY)


def test_class_and_person_are_there_afterwards(school, course):
    hand_in(school, course, "7", given_name="Mira")

    assert school.class_(course)["status"] == "active"
    assert school.user("7")["givenName"] == "Mira"
    assert school.enrollment("7", course)["role"] == "student"


def test_class_is_there_though_nobody_is_named(school, course):
    feed(school.mirror, course.source, course.key, {}, school.derivation(course), school.clock, erased=nobody)

    assert school.class_(course) is not None
    assert school.count("users") == 0


def test_same_again_changes_nothing(school, course):
    hand_in(school, course, "7")
    before = school.dump()

    assert hand_in(school, course, "7") == 0
    assert school.dump() == before


def test_hand_in_is_no_run(school, course):
    hand_in(school, course, "7")

    assert not has_roster(school.mirror, course.source, course.key)
    assert school.runs.latest() == []


def test_first_roster_takes_the_place_of_what_was_fed(school, course):
    hand_in(school, course, "7")
    hand_in(school, course, "8")
    course.enrol("8", INSTRUCTOR)

    assert school.reconcile(course).outcome is Outcome.APPLIED

    assert school.enrollment("7", course)["status"] == school.user("7")["status"] == "tobedeleted"
    assert school.enrollment("8", course)["role"] == "teacher"


def test_guards_do_not_count_people_who_were_fed(school, course):
    for number in range(30):
        hand_in(school, course, f"fed-{number}")
    course.enrol("8")

    assert school.reconcile(course).outcome is Outcome.APPLIED


def test_after_a_roster_a_hand_in_changes_no_record(school, course):
    course.enrol("8")
    school.reconcile(course)
    before = school.dump(without=("facts",))

    assert hand_in(school, course, "7") == 0
    assert hand_in(school, course, "8", INSTRUCTOR) == 0
    assert school.dump(without=("facts",)) == before


def test_somebody_who_has_left_the_roster_is_not_brought_back(school, course):
    hand_in(school, course, "7")
    course.enrol("7")
    course.enrol("8")
    school.reconcile(course)
    course.leave("7")
    school.reconcile(course)

    hand_in(school, course, "7", at="2026-11-21T08:00:00.000Z")

    assert school.enrollment("7", course)["status"] == "tobedeleted"


def test_roster_of_one_class_leaves_what_was_fed_of_another(school, course):
    other = Course("chemistry")
    hand_in(school, other, "7", given_name="Mira")
    for user_id in ("7", "8", "9"):
        course.enrol(user_id, given_name="Noor")
    school.reconcile(course)

    assert school.user("7")["givenName"] == "Noor"
    assert school.enrollment("7", other)["status"] == "active"
    course.leave("7")
    school.reconcile(course)
    assert school.user("7")["givenName"] == "Mira"


def test_reconciling_later_leaves_fed_facts_of_other_classes_alone(school, course):
    other = Course("chemistry")
    hand_in(school, other, "7")
    course.enrol("8")
    school.reconcile(course)
    before = school.dump(without=(*RUN_RECORDS, "run_totals"))

    school.reconcile(course)

    assert school.dump(without=(*RUN_RECORDS, "run_totals")) == before


def test_new_mapping_reaches_everybody_who_was_fed_with_the_next_hand_in(school, course):
    hand_in(school, course, "7", MENTOR)
    assert school.enrollment("7", course) is None
    school.reading = Reading(table=RoleTable.default(), mapping=RoleMapping.EXT)

    hand_in(school, course, "8")

    assert school.enrollment("7", course)["role"].startswith("ext:")


def test_unreadable_word_keeps_nothing(school, course):
    before = school.dump(without=("sources",))

    with pytest.raises(ValueError):
        feed(
            school.mirror,
            course.source,
            course.key,
            {"7": b"{}"},
            school.derivation(course),
            school.clock,
            erased=nobody,
        )

    assert school.dump(without=("sources",)) == before


PEOPLE = ("7", "8")
hand_ins = st.tuples(
    st.sampled_from(["biology", "chemistry"]),
    st.sampled_from(PEOPLE),
    st.sampled_from([LEARNER, INSTRUCTOR]),
    st.sampled_from(["a", "b"]),
    st.booleans(),
    st.sampled_from(["2026-11-20T08:00:00.000Z", "2026-11-20T09:00:00.000Z"]),
    st.none() | st.sampled_from(["Mira", "Noor"]),
)
rosters = st.tuples(st.sampled_from(["biology", "chemistry"]))


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_what_is_served_follows_from_what_was_said_and_not_from_its_order(data):
    events = data.draw(st.lists(hand_ins | rosters, max_size=6))

    served = [_served(order) for order in (events, data.draw(st.permutations(events)))]

    assert served[0] == served[1]


def _served(events):
    """The active records after these hand-ins, and readings of rosters that always say the same."""
    with tempfile.TemporaryDirectory() as folder, closing(School(Path(folder) / "mirror.sqlite")) as school:
        courses = {name: Course(name) for name in ("biology", "chemistry")}
        for course in courses.values():
            course.enrol("7", given_name="Roster")
        for event in events:
            course = courses[event[0]]
            if len(event) == 1:
                school.reconcile(course)
                continue
            _, user_id, role, feeder, signed, at, name = event
            hand_in(school, course, user_id, role, feeder=feeder, signed=signed, at=at, given_name=name)
        return {
            collection: sorted(
                json.dumps(json.loads(document), sort_keys=True)
                for (document,) in school.mirror.db.execute(
                    f"SELECT document FROM \"{collection}\" WHERE status = 'active'"
                )
            )
            for collection in ("users", "enrollments", "classes", "courses", "orgs")
        }
