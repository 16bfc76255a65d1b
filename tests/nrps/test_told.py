"""Members who have been told are served as before: the same bytes, for whoever asks, and none that is true no more."""

import hashlib
import itertools
import json

import pytest
from joserfc.jwk import RSAKey

from bridge.mirror.erasing import People
from bridge.nrps.answers import tell
from bridge.nrps.schemas import load_member
from bridge.practice.people import invent_person
from bridge.roster.enrolled import Enrolled
from bridge.roster.identity import LtiUserId, class_sourced_id, user_sourced_id
from bridge.roster.roles import RoleTable
from bridge.roster.sharing import Share
from bridge.roster.told import VERSION
from tests.mirror.rosters_in_memory import INSTRUCTOR, LEARNER, Course
from tests.nrps.serving import Serving, members_of

LEVELS = [list(level) for size in range(len(Share) + 1) for level in itertools.combinations(Share, size)]
PROPERTIES = ("name", "given_name", "family_name", "middle_name", "email", "picture", "lis_person_sourcedid")
SIS_CLASS = "algebra"

TOLD = ("1", "c7b28d6fee242bc6")
"""A version, and the hash of the texts that it gives of the members below."""


@pytest.fixture(scope="module")
def key():
    return RSAKey.generate_key(2048, auto_kid=True)


@pytest.fixture
def serving(tmp_path, key):
    opened = Serving(tmp_path, key)
    yield opened
    opened.close()


@pytest.fixture
def course(serving):
    """Twenty people, each awkward in a way of her own."""
    course = Course("biology", "Biology")
    for number in range(20):
        person = invent_person(number, every=1)
        said = {name: getattr(person, name) for name in PROPERTIES if getattr(person, name) is not None}
        course.enrol(person.user_id, INSTRUCTOR if number % 5 == 0 else LEARNER, **said)
    serving.school.reconcile(course)
    return course


def user(name, **rest):
    return {"sourcedId": name, "status": "active", "givenName": name.title(), "familyName": 'Ab"ara\\ é', **rest}


def enrolled(name, role="student", *, number=1, **rest):
    return {
        "sourcedId": f"{name}-{number}",
        "status": "active",
        "user": {"sourcedId": name, "type": "user"},
        "class": {"sourcedId": SIS_CLASS, "type": "class"},
        "school": {"sourcedId": "north", "type": "org"},
        "role": role,
        **rest,
    }


@pytest.fixture
def sis_class(serving):
    """Somebody with two roles, somebody who is to come, somebody who is to go, and somebody with an odd id."""
    names = ("ann", "ben", "cem", 'd"\\é')
    serving.put(
        classes=[{"sourcedId": SIS_CLASS, "status": "active", "title": "Algebra", "classType": "scheduled"}],
        users=[user(name, email="e@example.org", enabledUser="true") for name in names],
        enrollments=[
            enrolled("ann"),
            enrolled("ann", "teacher", number=2),
            enrolled("ben", beginDate="2026-12-01"),
            enrolled("cem", endDate="2026-12-24"),
            enrolled('d"\\é'),
        ],
    )
    return SIS_CLASS


@pytest.fixture(params=["lms", "sis"])
def class_(request):
    """A class of either kind."""
    return request.getfixturevalue("course" if request.param == "lms" else "sis_class")


def tell_all(serving):
    serving.app.extensions["bridge"].telling.work()


def is_told(serving, of):
    """Whether a class is served from texts."""
    sourced_id = of if isinstance(of, str) else class_sourced_id(of.source, of.key)
    wiring, tool = serving.app.extensions["bridge"], serving.tool().registered
    with wiring.pages.reading():
        members = wiring.memberships.of_class(sourced_id, tool.visibility)
        return members.told(limit=9, privacy=tool.privacy, user_ids=tool.user_ids) is not None


def texts(serving):
    return " ".join(text for (text,) in serving.school.mirror.db.execute("SELECT text FROM told"))


class TestTheSameBytes:
    @pytest.mark.parametrize("user_ids", ["lms", "sourcedid"])
    @pytest.mark.parametrize("shares", LEVELS, ids=lambda shares: "+".join(shares) or "nothing")
    def test_at_every_privacy_level_by_either_id(self, serving, class_, shares, user_ids):
        tool = serving.tool(shares=shares, user_ids=user_ids)
        before = tool.get(class_).get_data()
        tell_all(serving)

        assert is_told(serving, class_)
        assert tool.get(class_).get_data() == before

    @pytest.mark.parametrize("limit", [1, 3, 4, 20, 100])
    @pytest.mark.parametrize(
        "roles",
        [[], ["Learner"], ["Instructor"], ["Mentor"], ["Learner", "Instructor"]],
        ids=lambda roles: "+".join(roles) or "all",
    )
    def test_on_every_page_of_whom_is_asked_for(self, serving, class_, roles, limit):
        tool = serving.tool()
        before = [page.get_data() for page in tool.pages(class_, limit=limit, role=roles)]
        tell_all(serving)

        assert [page.get_data() for page in tool.pages(class_, limit=limit, role=roles)] == before

    def test_behind_the_first_page_when_all_that_are_left_would_fit_on_one(self, serving, course):
        tool = serving.tool()
        pages = tool.pages(course, limit=19)
        first = {member["user_id"] for member in members_of(next(pages))}
        for gone in list(course.members)[:2]:
            course.leave(gone)
        serving.school.reconcile(course)
        tell_all(serving)

        assert is_told(serving, course)
        assert {member["user_id"] for member in members_of(next(pages))} == course.members.keys() - first

    def test_with_the_same_tag(self, serving, class_):
        tool = serving.tool()
        before = tool.get(class_).headers["ETag"]
        tell_all(serving)

        assert tool.get(class_, headers={"If-None-Match": before}).status_code == 304


class TestWhatChanges:
    def test_is_told_no_more_from_the_commit_on(self, serving, course):
        tell_all(serving)
        her = next(iter(course.members))
        course.enrol(her, name="Somebody Else")
        serving.school.reconcile(course)

        assert not is_told(serving, course)
        assert "Somebody Else" in serving.tool().get(course).get_data(as_text=True)

    def test_is_told_anew_and_nobody_else_is(self, serving, course):
        tell_all(serving)
        gone, changed, *_ = course.members
        course.leave(gone)
        course.enrol(changed, name="Somebody Else")
        course.enrol("newcomer")
        serving.school.reconcile(course)
        rows = "SELECT place, text FROM told"
        kept = set(serving.school.mirror.db.execute(rows).fetchall())
        slowly = serving.tool().get(course).get_data()
        tell_all(serving)

        assert len(kept) == 18
        assert kept < set(serving.school.mirror.db.execute(rows).fetchall())
        assert is_told(serving, course)
        assert serving.tool().get(course).get_data() == slowly

    @pytest.mark.parametrize(
        "records",
        [
            {"users": [user("ann", email="new@example.org")]},
            {"users": [user("ann", status="tobedeleted")]},
            {"enrollments": [enrolled("ann", status="tobedeleted")]},
            {"enrollments": [enrolled("ann", "teacher")]},
            {"users": [user("new")], "enrollments": [enrolled("new")]},
            {"enrollments": [enrolled("late")], "users": [user("late")]},
            {"enrollments": [enrolled("ann", **{"class": {"sourcedId": "other", "type": "class"}})]},
        ],
        ids=["details", "user-ends", "enrollment-ends", "role", "newcomer", "user-after-enrollment", "other-class"],
    )
    def test_in_records_is_told_anew(self, serving, sis_class, records):
        tell_all(serving)
        serving.put(**records)
        told_still = is_told(serving, sis_class)
        slowly = serving.tool().get(sis_class).get_data()
        tell_all(serving)

        assert not told_still
        assert is_told(serving, sis_class)
        assert serving.tool().get(sis_class).get_data() == slowly

    @pytest.mark.parametrize(
        ("day", "ids"),
        [(11, {"ben"}), (20, {"ben"}), (34, {"ben", "cem"}), (50, {"ben", "cem"})],
        ids=["one-begins-today", "one-begins", "one-ends-today", "one-ends"],
    )
    def test_by_date_is_told_anew(self, serving, sis_class, day, ids):
        tool = serving.tool()
        tell_all(serving)
        before = {member["user_id"] for member in members_of(tool.get(sis_class))}
        serving.school.clock.turn(days=day)
        told_still = is_told(serving, sis_class)
        tell_all(serving)

        assert not told_still
        assert is_told(serving, sis_class)
        assert before ^ {member["user_id"] for member in members_of(serving.tool().get(sis_class))} == ids

    def test_by_date_is_told_until_the_day_before_and_by_a_clock_set_back_no_more(self, serving, sis_class):
        tell_all(serving)
        serving.school.clock.turn(days=10)
        assert is_told(serving, sis_class)

        serving.school.clock.turn(days=1)
        tell_all(serving)
        assert is_told(serving, sis_class)

        serving.school.clock.turn(days=-1)
        assert not is_told(serving, sis_class)

    def test_of_another_class_leaves_it_told(self, serving, course, sis_class):
        tell_all(serving)
        serving.put(users=[user("ann", email="new@example.org")])

        assert is_told(serving, course)
        assert not is_told(serving, sis_class)

    def test_of_somebody_erased_leaves_no_text(self, serving, course):
        course.enrol("gone", name="Gwendolyn Goneaway")
        serving.school.reconcile(course)
        tell_all(serving)
        told = texts(serving)
        people = People(serving.school.mirror, serving.school.clock)
        people.erase(people.find(user_sourced_id(course.source, LtiUserId("gone"))))

        assert "Goneaway" in told
        assert "Goneaway" not in texts(serving)


class TestTelling:
    def test_follows_the_rule_of_the_present(self, serving, class_):
        tell_all(serving)
        before = texts(serving)
        db = serving.school.mirror.db
        db.execute("UPDATE told SET text = replace(text, 'roles', 'rules')")
        db.execute("UPDATE told_rosters SET rule = '0 ' || rule")
        told_still = is_told(serving, class_)
        serving.app.extensions["bridge"].close()  # as another process would begin, of another version
        tell_all(serving)

        assert not told_still
        assert is_told(serving, class_)
        assert texts(serving) == before

    def test_begins_anew_when_the_bridge_has_moved(self, serving, sis_class):
        tell_all(serving)
        before = texts(serving)
        serving.school.mirror.rebase("https://elsewhere.example.org")
        told_still = is_told(serving, sis_class)
        tell_all(serving)

        assert not told_still
        assert is_told(serving, sis_class)
        assert texts(serving) == before

    def test_goes_on_where_it_was_stopped(self, serving, sis_class):
        names = [f"n{number}" for number in range(1_500)]
        serving.put(users=[user(name) for name in names], enrollments=[enrolled(name) for name in names])
        telling = serving.app.extensions["bridge"].telling
        counts, told = [serving.school.count("told")], []
        while telling.step():
            counts.append(serving.school.count("told"))
            told.append(is_told(serving, sis_class))

        assert counts[0] == 0
        assert 0 < counts[1] < counts[-1] == 1_503
        assert not told[0]
        assert told[-1]

    def test_does_nothing_where_nothing_has_changed(self, serving, class_):
        tell_all(serving)
        (before,) = serving.school.mirror.db.execute("PRAGMA data_version").fetchone()
        tell_all(serving)

        assert serving.school.mirror.db.execute("PRAGMA data_version").fetchone() == (before,)

    def test_leaves_whom_it_cannot_read_to_be_read_one_by_one(self, serving, course, sis_class):
        serving.school.mirror.db.execute(
            "UPDATE facts SET raw = '{}' WHERE id = (SELECT max(id) FROM facts WHERE kind = 'member')"
        )
        tell_all(serving)

        assert not is_told(serving, course)
        assert is_told(serving, sis_class)

    def test_takes_no_write_transaction_for_whom_it_cannot_read_alone(self, serving, course, sis_class):
        db = serving.app.extensions["bridge"].mirror.db
        db.execute("UPDATE facts SET raw = '{}' WHERE id = (SELECT max(id) FROM facts WHERE kind = 'member')")
        tell_all(serving)
        asked = []
        db.conn.set_trace_callback(asked.append)
        tell_all(serving)
        quietly = list(asked)
        serving.put(users=[user("ann", email="new@example.org")])
        tell_all(serving)
        db.conn.set_trace_callback(None)

        assert "BEGIN IMMEDIATE" not in quietly
        assert "BEGIN IMMEDIATE" in asked
        assert (is_told(serving, sis_class), is_told(serving, course)) == (True, False)

    def test_keeps_no_second_text_of_an_lmss_class(self, serving, course):
        tell_all(serving)

        assert serving.school.count("told") == len(course.members)


def test_whether_anybody_is_to_be_told_is_found_without_passing_every_roster(serving, class_):
    conn = serving.app.extensions["bridge"].mirror.db.conn
    asked = []
    conn.set_trace_callback(asked.append)
    tell_all(serving)
    conn.set_trace_callback(None)

    by_day = [statement for statement in asked if "closes <=" in statement]
    steps = [step for one in by_day for *_, step in conn.execute(f"EXPLAIN QUERY PLAN {one}")]
    assert any("told_rosters_closing" in step for step in steps)
    assert "SCAN told_rosters" not in steps


def test_texts_change_with_the_version_only():
    said = [
        {"user_id": "1", "roles": ["Learner"], "status": "Active", **{name: f'{name} é"' for name in PROPERTIES}},
        {"user_id": "2", "roles": []},
    ]
    stated = [load_member(json.dumps(each).encode()) for each in said]
    by_records = Enrolled(RoleTable.default()).membership_of(
        user("ann", middleName="M", email="ann@example.org"), [enrolled("ann", "aide")], "2026-11-20"
    )
    told = [tell(member) for member in (*stated, by_records)]
    found = (VERSION, hashlib.sha256(repr([(one.text, one.ends) for one in told]).encode()).hexdigest()[:16])

    assert found == TOLD, (
        "members are told in another text: those who have been told already would keep the old one."
        " Raise VERSION in bridge/roster/told.py, then write down here what this test finds"
    )
