"""Several courses and several LMSs behind one bridge: who is the same person, and who may see whom."""

import pytest

from bridge.mirror.runs import Outcome
from bridge.practice.people import INSTRUCTOR, LEARNER, invent_person
from bridge.practice.rosters import Roster, make_roster

SITE_ADMIN = "http://purl.imsglobal.org/vocab/lis/v2/institution/person#Administrator"


@pytest.fixture
def ada():
    return invent_person(1, every=0)


@pytest.fixture
def two_courses(start_lms, ada):
    """Ada learns in one course and teaches the other."""
    roster = Roster()
    for number, role in ((1, LEARNER), (2, INSTRUCTOR)):
        roster.add_course(f"Course-{number}", label=f"C{number}", title=f"Course {number}")
        roster.enroll(f"Course-{number}", ada, [role])
        roster.enroll(f"Course-{number}", invent_person(10 * number, every=0))
    return start_lms(roster)


@pytest.fixture
def two_schools(bridge, start_lms):
    """Two LMSs that number their people alike: north has two courses of 10, south one of 12."""
    north = start_lms(make_roster(courses=2, members_per_course=10, people=20, awkward_every=0))
    south = start_lms(make_roster(courses=1, members_per_course=12, people=12, awkward_every=0))
    bridge.register_at(north, "north")
    bridge.register_at(south, "south")
    bridge.take_up(north, "Course-1", "Course-2")
    bridge.take_up(south)
    return bridge


# -- one LMS


def test_member_of_two_courses_is_one_user_with_two_enrollments(bridge, two_courses, ada):
    bridge.register_at(two_courses, "school")
    bridge.take_up(two_courses, "Course-1", "Course-2")
    consumer = bridge.consumer()

    user = consumer.by_lti_user("users")[ada.user_id]
    enrollments = consumer.all("enrollments", filter=f"user.sourcedId='{user['sourcedId']}'")

    assert [(role["roleType"], role["role"]) for role in user["roles"]] == [
        ("primary", "teacher"),
        ("secondary", "student"),
    ]
    assert sorted(each["role"] for each in enrollments) == ["student", "teacher"]
    assert len(consumer.all("classes")) == 2
    assert len(consumer.all("orgs")) == 1


def test_who_leaves_one_course_stays_a_user_until_she_has_left_all(bridge, two_courses, ada):
    bridge.register_at(two_courses, "school")
    bridge.take_up(two_courses, "Course-1", "Course-2")
    consumer = bridge.consumer()

    two_courses.roster.drop("Course-2", ada.user_id)
    bridge.sync("Course-2")
    user = consumer.by_lti_user("users")[ada.user_id]
    assert (user["status"], [role["role"] for role in user["roles"]]) == ("active", ["student"])

    two_courses.roster.drop("Course-1", ada.user_id)
    bridge.sync("Course-1")
    assert consumer.by_lti_user("users")[ada.user_id]["status"] == "tobedeleted"


def test_order_in_which_courses_are_read_makes_no_difference(bridge, two_courses, ada):
    bridge.register_at(two_courses, "school")
    bridge.take_up(two_courses, "Course-1", "Course-2")
    before = bridge.consumer().everything()

    runs = [bridge.sync(f"Course-{number}") for number in (2, 1, 2)]

    assert {run.outcome for run in runs} == {Outcome.UNCHANGED}
    assert bridge.consumer().everything() == before


# -- two registrations of one tenant


def test_registrations_of_one_tenant_do_not_rewrite_each_others_records(bridge, start_lms, ada):
    """Each with options of its own; Ada is in a course of either."""
    for number, options in (
        (1, {"school_name": "Hillside", "trust_admin_roles": True}),
        (2, {"school_name": "Seaside"}),
    ):
        roster = Roster()
        roster.add_course(f"Course-{number}", label=f"C{number}", title=f"Course {number}")
        roster.enroll(f"Course-{number}", ada, [LEARNER] if number == 1 else [SITE_ADMIN])
        lms = start_lms(roster)
        bridge.register_at(lms, "school", **options)
        bridge.take_up(lms, f"Course-{number}")
    consumer = bridge.consumer()
    before = consumer.everything()

    runs = [bridge.sync(f"Course-{number}") for number in (1, 2, 1)]

    assert {run.outcome for run in runs} == {Outcome.UNCHANGED}
    assert consumer.everything() == before
    assert [org["name"] for org in before["orgs"]] == ["Hillside"]
    (user,) = before["users"]
    assert [role["role"] for role in user["roles"]] == ["student", "ext:administrator"]  # said by the one not trusted


def test_trust_in_one_registration_is_no_trust_in_the_other_whichever_is_read_last(bridge, start_lms, ada):
    roster = Roster()
    roster.add_course("Course-1", label="C1", title="Course 1")
    roster.enroll("Course-1", ada)
    trusted = start_lms(roster)
    other_roster = Roster()
    other_roster.add_course("Course-2", label="C2", title="Course 2")
    other_roster.enroll("Course-2", ada, [SITE_ADMIN])
    untrusted = start_lms(other_roster)
    bridge.register_at(trusted, "school", trust_admin_roles=True)
    bridge.register_at(untrusted, "school")
    bridge.take_up(untrusted, "Course-2")
    bridge.take_up(trusted, "Course-1")

    roster.rename(ada.user_id, email="new@example.org")
    bridge.sync("Course-1")

    (user,) = bridge.consumer().all("users")
    assert [role["role"] for role in user["roles"]] == ["student", "ext:administrator"]


# -- two tenants


def test_people_whom_two_lmss_call_alike_are_different_people(two_schools):
    users = two_schools.consumer().all("users")
    by_user_id = {}
    for user in users:
        by_user_id.setdefault(user["metadata"]["lti.userId"], set()).add(user["metadata"]["lti.issuer"])

    assert len({user["sourcedId"] for user in users}) == len(users)
    assert any(len(issuers) == 2 for issuers in by_user_id.values())


@pytest.mark.parametrize(
    ("tenant", "classes", "enrollments"),
    [pytest.param("north", 2, 20, id="north"), pytest.param("south", 1, 12, id="south")],
)
def test_client_sees_its_own_tenant_totals_included(two_schools, tenant, classes, enrollments):
    consumer = two_schools.consumer(tenant)
    platform = two_schools.wiring.registry.platforms.of_tenant(tenant)[0]

    seen = consumer.everything()

    assert (len(seen["classes"]), len(seen["enrollments"]), len(seen["orgs"])) == (classes, enrollments, 1)
    assert {
        record["metadata"]["lti.issuer"] for name in ("users", "enrollments", "classes") for record in seen[name]
    } == {platform.issuer}
    page = consumer.get("enrollments", limit=1)
    assert (page.headers["X-Total-Count"], page.json()["totalCount"]) == (str(enrollments), enrollments)
    filtered = consumer.get("enrollments", limit=1, filter="role='student'")
    assert filtered.headers["X-Total-Count"] == str(enrollments - classes)


def test_clients_together_see_what_an_unlimited_one_sees(two_schools):
    ids = [
        {name: {record["sourcedId"] for record in records} for name, records in consumer.everything().items()}
        for consumer in (two_schools.consumer("north"), two_schools.consumer("south"), two_schools.consumer())
    ]

    north, south, both = ids
    assert {name: north[name] | south[name] for name in both} == both
    assert not any(north[name] & south[name] for name in both)


def test_another_tenants_record_is_as_good_as_not_there(two_schools):
    foreign = two_schools.consumer("south").all("users")[0]
    consumer = two_schools.consumer("north")

    answer, unknown = consumer.get(f"users/{foreign['sourcedId']}"), consumer.get("users/no-such-user")

    assert answer.status_code == unknown.status_code == 404
    assert answer.json() == unknown.json()
    assert consumer.all("users", filter=f"sourcedId='{foreign['sourcedId']}'") == []


def test_cursor_of_one_client_is_of_no_use_to_another(two_schools):
    following = two_schools.consumer("south").get("users", limit=2).links["next"]["url"]

    assert two_schools.consumer("north").get(following).status_code == 400
