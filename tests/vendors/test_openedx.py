"""Open edX: no names, no words for the course, staff with two roles and guests with none, and a largest course."""

import pytest

from bridge.mirror.runs import Outcome
from bridge.practice.people import INSTITUTION_STUDENT, TEACHING_ASSISTANT
from tests.vendors.whole_way import COURSE, TEACHER, course_of, person

_INSTITUTION = "http://purl.imsglobal.org/vocab/lis/v2/institution/person#"
_SYSTEM_ADMINISTRATOR = "http://purl.imsglobal.org/vocab/lis/v2/system/person#Administrator"


@pytest.fixture
def openedx(beside):
    return beside("openedx", course_of(["ada", "ben"]))


def test_staff_who_are_administrators_too_teach(openedx):
    openedx.launch()
    openedx.sync()

    assert len(openedx.told_roles()[TEACHER]) == 2
    assert openedx.roles() == {TEACHER: "teacher", "ada": "student", "ben": "student"}


def test_assistants_are_learners_with_a_sub_role_of_instructors(openedx):
    openedx.roster.enroll(COURSE, person("tina"), [TEACHING_ASSISTANT])
    openedx.launch()
    openedx.sync()

    assert openedx.roles()["tina"] == "teacher"


@pytest.mark.parametrize(
    ("roles", "enrolled_as"),
    [
        pytest.param([], None, id="guest-without-roles"),
        pytest.param([INSTITUTION_STUDENT], "student", id="learner-before-its-role-change"),
        pytest.param(
            [f"{_INSTITUTION}Instructor", _SYSTEM_ADMINISTRATOR], "teacher", id="staff-before-its-role-change"
        ),
    ],
)
def test_roles_of_older_releases(openedx, roles, enrolled_as):
    openedx.roster.enroll(COURSE, person("old"), roles)
    openedx.launch()
    openedx.sync()

    assert openedx.roles().get("old") == enrolled_as
    assert "old" in openedx.users()


def test_people_without_names_are_told_apart(openedx):
    openedx.launch()
    openedx.sync()

    names = {user: (one["givenName"], one["familyName"]) for user, one in openedx.users().items()}
    assert {given for given, _ in names.values()} == {"Person"}
    assert len({family for _, family in names.values()}) == 3


def test_the_course_is_called_what_the_launch_calls_it(openedx):
    openedx.launch()
    openedx.sync()

    (class_,) = openedx.served("classes")
    assert (class_["title"], class_["classCode"]) == (f"Title of {COURSE}", f"{COURSE}-L")


def test_pages_by_number_are_followed(openedx):
    openedx.manners.page_size = 2
    openedx.launch()

    assert openedx.sync().added == 3


def test_a_course_that_is_too_large_is_refused_at_once_and_the_message_says_so(openedx):
    openedx.launch()
    openedx.sync()
    openedx.manners.most_members = 2

    run = openedx.sync()

    assert run.outcome is Outcome.REFUSED
    assert "not too large" in run.message
    assert (openedx.waits, len(openedx.roles())) == ([], 3)
