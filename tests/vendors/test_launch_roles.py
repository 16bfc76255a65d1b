"""Roles that a roster withholds and launches tell, as with Moodle's teachers who may not edit."""

import json

import pytest

from bridge.lti.launch import Launch
from bridge.lti.launch_roles import context_roles, note_roles
from bridge.practice.people import INSTRUCTOR, LEARNER, TEACHING_ASSISTANT
from bridge.roster.identity import LtiUserId
from bridge.roster.memberships import Membership
from tests.vendors.whole_way import COURSE, TEACHER, course_of, person

INSTITUTION_ADMINISTRATOR = "http://purl.imsglobal.org/vocab/lis/v2/institution/person#Administrator"


@pytest.fixture
def moodle(beside):
    """A course whose assistant the roster calls a Learner, and whom nobody has seen launch."""
    roster = course_of(["ada"])
    roster.enroll(COURSE, person("tina"), [TEACHING_ASSISTANT])
    started = beside("moodle", roster)
    started.add()
    started.sync()
    assert started.roles() == {TEACHER: "teacher", "ada": "student", "tina": "student"}
    return started


def launched(bridge, user_id, *roles):
    """What a verified launch leaves behind."""
    launch = Launch(
        platform=bridge.platform,
        deployment_id=bridge.deployment_id,
        person=Membership(user_id=LtiUserId(user_id), roles=roles),
        roles=roles,
        context=None,
        memberships_url=None,
        target_link_uri="https://bridge.example.org/lti/launch",
        claims={},
        said={},
    )
    note_roles(launch, bridge.context().key, bridge.wiring.registry)


def test_a_launch_makes_a_teacher_of_whom_the_roster_calls_a_learner(moodle):
    launched(moodle, "tina", INSTRUCTOR)
    moodle.sync()

    assert moodle.roles()["tina"] == "teacher"
    assert moodle.users()["tina"]["roles"][0]["role"] == "teacher"
    metadata = moodle.enrollments()["tina"]["metadata"]
    assert (json.loads(metadata["lti.roles"]), json.loads(metadata["lti.launchRoles"])) == (["Learner"], [INSTRUCTOR])


def test_her_enrollment_stays_the_same_one(moodle):
    before = moodle.enrollments()["tina"]["sourcedId"]
    launched(moodle, "tina", INSTRUCTOR)
    moodle.sync()

    assert moodle.enrollments()["tina"]["sourcedId"] == before


def test_an_old_launch_undoes_no_demotion(moodle):
    launched(moodle, "tina", INSTRUCTOR)
    moodle.sync()
    moodle.clock.turn(days=31)
    moodle.sync()

    assert moodle.roles()["tina"] == "student"
    assert "lti.launchRoles" not in moodle.enrollments()["tina"]["metadata"]


def test_the_latest_launch_counts(moodle):
    launched(moodle, "tina", INSTRUCTOR)
    moodle.sync()
    launched(moodle, "tina", LEARNER)
    moodle.sync()

    assert moodle.roles()["tina"] == "student"


def test_a_launch_that_says_the_same_changes_nothing(moodle):
    launched(moodle, "tina", INSTRUCTOR)
    moodle.sync()
    before = moodle.served("enrollments")
    moodle.clock.turn(hours=1)
    launched(moodle, "tina", INSTRUCTOR)

    assert moodle.sync().outcome == "unchanged"
    assert moodle.served("enrollments") == before


def test_who_is_not_in_the_roster_is_no_member_by_launching(moodle):
    launched(moodle, "admin", INSTRUCTOR)
    moodle.sync()

    assert "admin" not in moodle.users()
    assert "admin" not in moodle.enrollments()


def test_who_leaves_the_roster_has_left_whatever_her_launch_said(moodle):
    launched(moodle, "tina", INSTRUCTOR)
    moodle.sync()
    moodle.roster.drop(COURSE, "tina")
    moodle.sync()

    assert moodle.enrollments()["tina"]["status"] == "tobedeleted"


def test_roles_elsewhere_in_the_institution_make_her_nothing_here():
    assert context_roles([INSTITUTION_ADMINISTRATOR, INSTRUCTOR, "Learner", "urn:example:x"]) == (INSTRUCTOR, "Learner")


def test_other_platforms_launches_are_not_kept(beside):
    canvas = beside("canvas", course_of(["ada"]))
    canvas.add()
    launched(canvas, "ada", INSTRUCTOR)
    canvas.sync()

    assert canvas.roles()["ada"] == "student"


def test_the_operator_may_switch_it_off(moodle):
    launched(moodle, "tina", INSTRUCTOR)
    moodle.sync()
    moodle.set(merge_launch_roles=False)
    moodle.sync()

    assert moodle.roles()["tina"] == "student"
