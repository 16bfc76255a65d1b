"""Somebody clicks in an LMS, and an SIS integrator reads her whole class as OneRoster enrollments."""

from collections import deque

import pytest

from bridge.mirror.runs import Outcome, Runs
from bridge.practice.manners import Failure
from bridge.practice.people import MENTOR, Awkward, invent_person
from tests.journeys.running_bridge import without_metadata
from tests.roster.oneroster_schema import violations

# What becomes of the twenty awkward people, where it is not an active enrollment as a student.
NO_ENROLLMENT = {Awkward.NO_ROLES_KEY, Awkward.EMPTY_ROLES, Awkward.UNKNOWN_ROLE, Awkward.TEST_USER}
ENDED = {Awkward.INACTIVE}
TEACHERS = {None, Awkward.TEACHING_ASSISTANT}

NEWCOMER = invent_person(100, every=0)


@pytest.fixture
def taken_up(bridge, lms):
    bridge.register_at(lms, "school")
    bridge.take_up(lms)
    return bridge


@pytest.fixture
def people(lms):
    """The members by user id."""
    return {member.person.user_id: member.person for member in lms.roster.members("Course-1")}


def awkward_in(people, kinds):
    return {user_id for user_id, person in people.items() if person.awkward in kinds}


def test_launch_answers_before_any_roster_is_read(bridge, lms):
    bridge.register_at(lms, "school")

    assert bridge.launch(lms).status_code == 200
    assert bridge.consumer().all("enrollments") == []
    assert bridge.wiring.registry.inbox.waiting() == 1


def test_everybody_expected_is_enrolled_and_nobody_else(taken_up, people):
    enrolled = taken_up.consumer().by_lti_user("enrollments")

    assert len(people) == 41
    assert enrolled.keys() == people.keys() - awkward_in(people, NO_ENROLLMENT)
    assert len(enrolled) == 37
    assert {user for user, each in enrolled.items() if each["status"] == "tobedeleted"} == awkward_in(people, ENDED)


def test_roles_are_those_of_the_lms(taken_up, lms, people):
    enrolled = taken_up.consumer().by_lti_user("enrollments")
    teacher = lms.roster.members("Course-1")[0].person.user_id

    assert {user for user, each in enrolled.items() if each["role"] == "teacher"} == {
        teacher,
        *awkward_in(people, {Awkward.TEACHING_ASSISTANT}),
    }
    assert {each["role"] for each in enrolled.values()} == {"teacher", "student"}
    assert {each.get("primary") for each in enrolled.values()} == {"false", None}


def test_everybody_but_the_test_user_is_a_user_also_without_enrollment(taken_up, people):
    users = taken_up.consumer().by_lti_user("users")

    assert users.keys() == people.keys() - awkward_in(people, {Awkward.TEST_USER})
    assert len(users) == 40
    roleless = awkward_in(people, {Awkward.NO_ROLES_KEY, Awkward.EMPTY_ROLES, Awkward.UNKNOWN_ROLE})
    assert {user for user, each in users.items() if each["roles"][0]["role"] == "ext:unknown"} == roleless


def test_awkward_names_arrive_whole_or_flagged(taken_up, people):
    users = taken_up.consumer().by_lti_user("users")

    def served(awkward):
        (user_id,) = awkward_in(people, {awkward})
        supplied = users[user_id]["metadata"]["bridge.supplied"].removesuffix("enabledUser,primaryOrg")
        return users[user_id]["givenName"], users[user_id]["familyName"], supplied

    def told(awkward):
        return next(person for person in people.values() if person.awkward is awkward)

    def short(awkward):
        return next(users[user_id]["sourcedId"][:8] for user_id in awkward_in(people, {awkward}))

    neither = "givenName,familyName,"
    assert served(Awkward.BLANK_NAMES) == ("Person", short(Awkward.BLANK_NAMES), neither)
    assert served(Awkward.NO_NAMES) == ("Person", short(Awkward.NO_NAMES), neither)
    assert served(Awkward.MONONYM) == (told(Awkward.MONONYM).given_name, "-", "familyName,")
    assert " ".join(served(Awkward.NAME_ONLY)[:2]) in (
        told(Awkward.NAME_ONLY).name,
        f"{told(Awkward.NAME_ONLY).name} -",
    )
    assert served(Awkward.NAME_ONLY)[2] == neither
    assert served(Awkward.LONG_NAME) == ("Wolfeschlegel", "steinhausen-" * 50, "")
    assert served(Awkward.SQL_NAME) == ("Robert'); DROP TABLE users;--", 'O\'Neil "Bobby" \\', "")
    assert served(Awkward.MARKUP_NAME) == ("Niamh & <Co>", "<script>alert('family')</script>", "")
    assert served(Awkward.EMOJI_NAME) == ("👩🏽‍🏫 Smiley", "A\u030angstro\u0308m", "")


def test_twin_by_case_is_another_person(taken_up, people):
    users = taken_up.consumer().by_lti_user("users")
    (twin,) = awkward_in(people, {Awkward.CASE_TWIN})

    assert users[twin]["sourcedId"] != users[twin.lower()]["sourcedId"]


def test_email_is_served_where_there_is_one(taken_up, people):
    users = taken_up.consumer().by_lti_user("users")

    assert {user_id for user_id, user in users.items() if "email" not in user} == awkward_in(
        people, {Awkward.NO_EMAIL, Awkward.BLANK_EMAIL}
    )
    assert all(user["email"] == people[user_id].email for user_id, user in users.items() if "email" in user)


def test_every_served_record_is_valid_oneroster(taken_up):
    for collection, records in taken_up.consumer().everything().items():
        assert records
        assert [violations(collection, record) for record in records] == [[]] * len(records)


def test_references_lead_to_the_records(taken_up):
    consumer = taken_up.consumer()
    enrollment = consumer.all("enrollments")[0]

    for field, envelope in (("user", "user"), ("class", "class"), ("school", "org")):
        answer = consumer.get(enrollment[field]["href"])
        assert answer.json()[envelope]["sourcedId"] == enrollment[field]["sourcedId"]


def test_second_sync_changes_nothing_not_even_a_date(taken_up):
    consumer = taken_up.consumer()
    before = consumer.everything()

    run = taken_up.sync()

    assert (run.outcome, run.unchanged, run.records) == (Outcome.UNCHANGED, 41, {})
    assert consumer.everything() == before


def test_drop_and_join_show_after_the_next_sync_and_touch_nobody_else(taken_up, lms):
    consumer = taken_up.consumer()
    before = consumer.by_lti_user("enrollments")
    leaver = lms.roster.members("Course-1")[2].person.user_id
    lms.roster.drop("Course-1", leaver)
    lms.roster.enroll("Course-1", NEWCOMER)

    run = taken_up.sync()

    after = consumer.by_lti_user("enrollments")
    assert (run.outcome, run.added, run.removed, run.changed) == (Outcome.APPLIED, 1, 1, 0)
    assert after.pop(NEWCOMER.user_id)["status"] == "active"
    assert (before.pop(leaver)["status"], after.pop(leaver)["status"]) == ("active", "tobedeleted")
    assert after == before
    users = consumer.by_lti_user("users")
    assert (users[leaver]["status"], users[NEWCOMER.user_id]["status"]) == ("tobedeleted", "active")


def test_who_comes_back_is_the_same_person(taken_up, lms, people):
    consumer = taken_up.consumer()
    before = consumer.everything()
    leaver = lms.roster.members("Course-1")[2].person
    lms.roster.drop("Course-1", leaver.user_id)
    taken_up.sync()
    lms.roster.enroll("Course-1", leaver)

    taken_up.sync()

    assert without_metadata(consumer.everything()) == without_metadata(before)


def test_changes_can_be_asked_for_by_date(taken_up, lms):
    consumer = taken_up.consumer()
    latest = max(each["dateLastModified"] for each in consumer.all("enrollments"))
    lms.roster.change_roles("Course-1", lms.roster.members("Course-1")[2].person.user_id, [MENTOR])
    lms.roster.enroll("Course-1", NEWCOMER)
    taken_up.sync()

    changed = consumer.all("enrollments", filter=f"dateLastModified>'{latest}'")

    assert sorted(each["status"] for each in changed) == ["active", "tobedeleted"]


def test_failing_lms_leaves_everything_as_it_was_and_the_run_says_so(taken_up, lms):
    consumer = taken_up.consumer()
    before = consumer.everything()
    lms.manners.fail_next = deque([Failure(500)] * 5)

    run = taken_up.sync()

    assert (run.outcome, run.records) == (Outcome.UNAVAILABLE, {})
    assert run.message == f"{lms.memberships_url('Course-1').removeprefix('http://')} answers 500"
    assert len(taken_up.waits) == 4
    assert consumer.everything() == before


def test_lms_that_recovers_in_time_is_read_after_all(taken_up, lms):
    lms.manners.fail_next = deque([Failure(503, {"Retry-After": "7"})])

    assert taken_up.sync().outcome is Outcome.UNCHANGED
    assert taken_up.waits == [7]


def test_roster_that_breaks_off_removes_nobody(taken_up, lms):
    consumer = taken_up.consumer()
    before = consumer.everything()
    lms.manners.page_size = 10
    lms.manners.cut_connection_on_page = 3

    run = taken_up.sync()

    assert run.outcome is Outcome.UNAVAILABLE
    assert consumer.everything() == before


def test_course_that_is_gone_needs_a_person(taken_up, lms):
    consumer = taken_up.consumer()
    before = consumer.everything()
    lms.manners.fail_next = deque([Failure(404)])

    run = taken_up.sync()

    assert (run.outcome, "the course may be gone" in run.message) == (Outcome.GONE, True)
    assert consumer.everything() == before


def test_roster_that_turns_empty_is_held(taken_up, lms, people):
    consumer = taken_up.consumer()
    before = consumer.everything()
    for user_id in people:
        lms.roster.drop("Course-1", user_id)

    run = taken_up.sync()

    assert (run.outcome, run.removed) == (Outcome.HELD, 41)
    assert consumer.everything() == before


def test_token_that_expires_at_the_lms_is_renewed(taken_up, lms):
    lms.expire_tokens()

    assert taken_up.sync().outcome is Outcome.UNCHANGED


@pytest.mark.parametrize("page_size", [1, 41])
def test_pages_of_the_lms_make_no_difference(bridge, lms, people, page_size):
    lms.manners.page_size = page_size
    bridge.register_at(lms, "school")

    bridge.take_up(lms)

    assert len(bridge.consumer().all("enrollments")) == 37


def test_class_that_launches_at_once_costs_one_reading(taken_up, lms):
    taken_up.take_up(lms, *["Course-1"] * 3)

    runs = Runs(taken_up.wiring.mirror, taken_up.wiring.clock).latest()
    assert (len(runs), taken_up.wiring.registry.inbox.waiting()) == (1, 0)


def test_launch_that_is_refused_leaves_nothing(bridge, lms, start_lms):
    platform = bridge.register_at(lms, "school")
    registry = bridge.wiring.registry
    registry.platforms.remove(platform.id)
    registry.platforms.add(
        issuer=platform.issuer,
        client_id=platform.client_id,
        auth_login_url=platform.auth_login_url,
        token_url=platform.token_url,
        jwks_url=f"{bridge.url}/.well-known/jwks.json",  # not the keys that the LMS signs with
        tenant="school",
    )

    answer = bridge.launch(lms)
    bridge.take_inbox()

    assert (answer.status_code, answer.headers["Content-Type"]) == (400, "text/html; charset=utf-8")
    assert registry.contexts.all() == []
    assert not any(bridge.consumer().everything().values())
    assert registry.deployments.of(registry.platforms.all()[0]) == frozenset()


@pytest.mark.parametrize("limit", [7, 37])
@pytest.mark.parametrize("way", ["walk_by_link", "walk_by_offset"])
def test_crawl_gives_everybody_exactly_once(taken_up, way, limit):
    consumer = taken_up.consumer()
    pages = list(getattr(consumer, way)("enrollments", limit))

    crawled = [record for page in pages for record in page]
    assert crawled == consumer.all("enrollments")
    assert {len(page) for page in pages[:-1]} <= {limit}


def test_crawl_by_link_ends_with_the_last_full_page(taken_up):
    pages = list(taken_up.consumer().walk_by_link("enrollments", 37))

    assert [len(page) for page in pages] == [37]


def test_people_that_are_not_shared_become_users_without_names(bridge, lms, people):
    lms.manners.share_names = lms.manners.share_email = False
    bridge.register_at(lms, "school")

    bridge.take_up(lms)

    users = bridge.consumer().all("users")
    assert {user["givenName"] for user in users} == {"Person"}
    assert not {"email", "identifier", "middleName"} & {field for user in users for field in user}
    assert len({user["familyName"] for user in users}) == len(users)
