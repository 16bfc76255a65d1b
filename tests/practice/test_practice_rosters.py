"""The roster: how it is filled, and that it can be changed while it is read."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from bridge.practice.members import Style
from bridge.practice.people import INSTRUCTOR, LEARNER, Awkward, awkward_indexes, invent_person
from bridge.practice.rosters import Roster, make_roster


def test_every_course_has_the_members_it_was_asked_to_have():
    roster = make_roster(courses=7, members_per_course=25, people=80)

    assert [len(roster.members(course.context_id)) for course in roster.courses()] == [25] * 7


def test_every_course_has_one_teacher_when_nobody_is_awkward():
    roster = make_roster(courses=7, members_per_course=25, people=80, awkward_every=0)

    for course in roster.courses():
        roles = Counter(member.roles for member in roster.members(course.context_id))
        assert roles == {(INSTRUCTOR,): 1, (LEARNER,): 24}


def test_a_course_may_hold_everybody():
    roster = make_roster(courses=2, members_per_course=100, people=100)

    assert [len(roster.members(course.context_id)) for course in roster.courses()] == [100, 100]


def test_people_are_shared_among_courses_and_nobody_is_left_out():
    roster = make_roster(courses=8, members_per_course=25, people=80)

    people = [member.person.user_id for course in roster.courses() for member in roster.members(course.context_id)]

    assert len(people) == 200
    assert len(set(people)) == 80


@pytest.mark.parametrize("awkward", list(Awkward))
def test_every_awkward_person_is_in_some_course(awkward):
    roster = make_roster(courses=10, members_per_course=100, people=400)

    found = {
        member.person.user_id
        for course in roster.courses()
        for member in roster.members(course.context_id)
        if member.person.awkward is awkward
    }

    assert found == {invent_person(index).user_id for index in awkward_indexes(awkward, 400)}


@pytest.mark.parametrize(
    ("awkward", "key", "value"),
    [
        (Awkward.NO_ROLES_KEY, "roles", "absent"),
        (Awkward.EMPTY_ROLES, "roles", ()),
        (Awkward.INACTIVE, "status", "Inactive"),
        (Awkward.NO_STATUS, "status", "absent"),
        (Awkward.NO_EMAIL, "email", "absent"),
        (Awkward.BLANK_EMAIL, "email", ""),
        (Awkward.MONONYM, "family_name", "absent"),
        (Awkward.NAME_ONLY, "given_name", "absent"),
    ],
    ids=lambda value: repr(value) if value in ("", ()) else str(value),
)
def test_awkward_members_are_written_as_documented(awkward, key, value):
    roster = make_roster(courses=1, members_per_course=20, people=20, awkward_every=1)

    (member,) = [member for member in roster.members("Course-1") if member.person.awkward is awkward]

    assert member.to_nrps(Style()).get(key, "absent") == value


def test_too_few_people_for_a_course_are_refused():
    with pytest.raises(ValueError, match="30 members in a course are more than 20 people"):
        make_roster(courses=1, members_per_course=30, people=20)


def test_a_person_is_renamed_in_all_her_courses():
    roster = make_roster(courses=2, members_per_course=10, people=10)
    person = roster.members("Course-1")[3].person
    assert person in [member.person for member in roster.members("Course-2")]
    roster.members("Course-2")[3].to_json(Style())  # so that there is a stale text to find

    roster.rename(person.user_id, family_name="Renamed")

    for context_id in ("Course-1", "Course-2"):
        member = roster.member(context_id, person.user_id)
        assert member.to_nrps(Style())["family_name"] == "Renamed"
        assert b'"Renamed"' in member.to_json(Style())


def test_a_member_keeps_her_place_when_her_role_changes():
    roster = make_roster(courses=1, members_per_course=10, people=10)
    before = [member.person.user_id for member in roster.members("Course-1")]

    roster.change_roles("Course-1", before[4], [INSTRUCTOR])
    roster.change_status("Course-1", before[5], "Inactive")

    assert [member.person.user_id for member in roster.members("Course-1")] == before
    assert roster.member("Course-1", before[4]).roles == (INSTRUCTOR,)
    assert roster.member("Course-1", before[5]).status == "Inactive"


def test_whoever_comes_back_comes_last():
    roster = make_roster(courses=1, members_per_course=10, people=10)
    member = roster.members("Course-1")[0]

    roster.drop("Course-1", member.person.user_id)
    roster.enroll("Course-1", member.person, [LEARNER])

    assert roster.members("Course-1")[-1].person == member.person


def test_enrolling_twice_is_refused():
    roster = make_roster(courses=1, members_per_course=10, people=10)

    with pytest.raises(ValueError, match="already"):
        roster.enroll("Course-1", roster.members("Course-1")[0].person)


def test_dropping_a_stranger_is_refused():
    with pytest.raises(KeyError):
        make_roster(courses=1, members_per_course=10, people=10).drop("Course-1", "nobody")


def test_many_threads_may_enroll_at_once():
    roster = Roster()
    roster.add_course("Big", label="B", title="Big")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda index: roster.enroll("Big", invent_person(index)), range(400)))

    members = roster.members("Big")
    assert len({member.person.user_id for member in members}) == 400
    assert [member.number for member in members] == sorted(member.number for member in members)
