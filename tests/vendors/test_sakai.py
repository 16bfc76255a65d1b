"""Sakai: plain JSON, an empty body behind the last page, 403 for an expired token, and roles in odd forms."""

import pytest

from bridge.mirror.runs import Outcome
from bridge.practice.manners import FORBIDDEN
from bridge.practice.people import TEACHING_ASSISTANT
from tests.vendors.whole_way import COURSE, TEACHER, course_of, person


@pytest.fixture
def sakai(beside):
    return beside("sakai", course_of(f"s{number:02}" for number in range(39)))


def test_the_empty_page_behind_the_end_is_the_end_and_no_empty_roster(sakai):
    sakai.manners.page_size = 10
    sakai.launch()

    run = sakai.sync()

    assert (run.outcome, run.complete, run.added) == (Outcome.APPLIED, True, 40)


def test_a_token_that_expires_midway_is_answered_403_and_renewed(sakai):
    sakai.manners.page_size = 10
    sakai.launch()
    sakai.manners.expire_on_page = 3

    run = sakai.sync()

    assert (run.outcome, run.added, sakai.waits) == (Outcome.APPLIED, 40, [])


def test_an_operator_may_take_a_403_at_its_word(sakai):
    sakai.launch()
    sakai.set(renew_on_403=False)
    sakai.manners.fail_on_page = {1: FORBIDDEN}

    assert sakai.sync().outcome is Outcome.REFUSED


@pytest.mark.parametrize(
    ("mapping", "role"), [pytest.param("compat", "teacher", id="compat"), ("ext", "ext:teachingAssistant")]
)
def test_roles_in_two_fragments_and_several_forms_are_understood(beside, mapping, role):
    roster = course_of(["ada"])
    roster.enroll(COURSE, person("tina"), [TEACHING_ASSISTANT])
    sakai = beside("sakai", roster, role_mapping=mapping)
    sakai.launch()
    sakai.sync()

    assert sakai.told_roles()["tina"][1].endswith("membership#Instructor#TeachingAssistant")
    assert len(sakai.told_roles()[TEACHER]) == 3
    assert sakai.roles() == {TEACHER: "teacher", "ada": "student", "tina": role}


def test_an_empty_site_is_held_and_not_emptied_unseen(sakai):
    sakai.launch()
    sakai.sync()
    for member in sakai.roster.members(COURSE):
        sakai.roster.drop(COURSE, member.person.user_id)

    run = sakai.sync()

    assert run.outcome is Outcome.HELD
    assert len(sakai.roles()) == 40
