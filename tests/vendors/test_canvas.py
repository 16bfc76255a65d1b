"""Canvas: pages of 50 by number, active people only, roles by full URI, a throttle that looks like a refusal."""

from collections import deque

import pytest

from bridge.mirror.runs import Outcome
from bridge.practice.manners import FORBIDDEN
from bridge.practice.people import INSTRUCTOR, LEARNER, MENTOR, TEACHING_ASSISTANT, TEST_USER
from tests.vendors.whole_way import COURSE, TEACHER, course_of, person

DESIGNER = "http://purl.imsglobal.org/vocab/lis/v2/membership#ContentDeveloper"


@pytest.fixture
def canvas(beside):
    return beside("canvas", course_of(f"s{number:03}" for number in range(119)))


def test_the_pages_of_fifty_are_read_to_the_last(canvas):
    canvas.launch()

    run = canvas.sync()

    assert (run.outcome, run.added) == (Outcome.APPLIED, 120)
    assert len(canvas.roles()) == 120


def test_fifty_one_members_at_a_page_size_of_fifty_are_all_served(beside):
    canvas = beside("canvas", course_of(f"s{number:03}" for number in range(50)))
    canvas.launch()
    canvas.sync()

    assert len(canvas.roles()) == 51


def test_larger_pages_are_asked_for_in_vain_and_nobody_is_lost(beside):
    canvas = beside("canvas", course_of(f"s{number:03}" for number in range(119)), page_limit=100)
    canvas.launch()
    canvas.sync()

    assert len(canvas.roles()) == 120


def test_whoever_is_concluded_vanishes_and_is_served_as_tobedeleted(canvas):
    canvas.launch()
    canvas.sync()
    canvas.roster.change_status(COURSE, "s007", "Inactive")

    run = canvas.sync()

    assert run.removed == 1
    assert canvas.enrollments()["s007"]["status"] == "tobedeleted"
    assert canvas.enrollments()["s007"]["metadata"]["lti.status"] == "Deleted"


def test_whoever_is_active_again_has_her_enrollment_again(canvas):
    canvas.launch()
    canvas.sync()
    before = canvas.enrollments()["s007"]["sourcedId"]
    canvas.roster.change_status(COURSE, "s007", "Inactive")
    canvas.sync()
    canvas.roster.change_status(COURSE, "s007", "Active")
    canvas.sync()

    assert (canvas.enrollments()["s007"]["status"], canvas.enrollments()["s007"]["sourcedId"]) == ("active", before)


@pytest.mark.parametrize(
    ("roles", "mapping", "role"),
    [
        pytest.param([TEACHING_ASSISTANT, INSTRUCTOR], "compat", "teacher", id="assistant"),
        pytest.param([TEACHING_ASSISTANT, INSTRUCTOR], "ext", "ext:teachingAssistant", id="assistant-extended"),
        pytest.param([DESIGNER], "ext", "ext:contentDeveloper", id="designer"),
        pytest.param([MENTOR], "ext", "ext:mentor", id="observer"),
        pytest.param([LEARNER, MENTOR], "compat", "student", id="student-who-observes"),
    ],
)
def test_roles_of_the_course(beside, roles, mapping, role):
    roster = course_of([])
    roster.enroll(COURSE, person("ada"), roles)
    canvas = beside("canvas", roster, role_mapping=mapping)
    canvas.launch()
    canvas.sync()

    assert canvas.roles()["ada"] == role


def test_the_student_view_is_nobody(beside):
    roster = course_of([])
    roster.enroll(COURSE, person("view"), [LEARNER, TEST_USER])
    canvas = beside("canvas", roster)
    canvas.launch()
    canvas.sync()

    assert (canvas.roles(), "view" in canvas.users()) == ({TEACHER: "teacher"}, False)


def test_the_throttle_is_waited_out_with_the_token_at_hand(canvas):
    canvas.launch()
    canvas.manners.throttle_every = 2

    run = canvas.sync()

    assert (run.outcome, run.added) == (Outcome.APPLIED, 120)
    assert len(canvas.waits) == 2


def test_a_403_without_the_throttles_words_is_a_refusal_at_once(canvas):
    canvas.launch()
    canvas.manners.fail_next = deque([FORBIDDEN])

    run = canvas.sync()

    assert run.outcome is Outcome.REFUSED
    assert "answers 403" in run.message
    assert canvas.waits == []


def test_names_may_be_withheld_and_people_are_told_apart_all_the_same(canvas):
    canvas.manners.share_names = canvas.manners.share_email = False
    canvas.launch()
    canvas.sync()
    ada = canvas.users()["s001"]

    assert (ada["givenName"], ada["familyName"], "email" in ada) == ("Person", ada["sourcedId"][:8], False)
    assert "givenName,familyName" in ada["metadata"]["bridge.supplied"]
