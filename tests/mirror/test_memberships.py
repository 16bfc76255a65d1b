"""The memberships of one class out of the mirror: of an LMS's class as they came, of others by the records."""

from datetime import date

import pytest

from bridge import storage
from bridge.errors import CursorExpired, UnknownObject
from bridge.mirror.documents import Documents
from bridge.mirror.memberships import Memberships
from bridge.mirror.writes import next_changed, stamp
from bridge.nrps.schemas import load_member
from bridge.roster.enrolled import Enrolled
from bridge.roster.identity import class_sourced_id
from bridge.roster.memberships import Membership, MemberStatus, Moment
from bridge.roster.ports import Derived
from bridge.roster.roles import RoleTable
from bridge.roster.visibility import ClassVisibility, Visibility
from tests.mirror.rosters_in_memory import INSTRUCTOR, LEARNER, MENTOR

ALL = ClassVisibility(None)
TODAY = date(2026, 11, 20)


class Reader:
    """Reads a school's memberships.

    :ivar today: the date that it believes.
    :ivar escaped: whether the platform is said to escape names.
    """

    def __init__(self, school, *, escaped=False):
        self.today = TODAY
        self.escaped = escaped
        self.memberships = Memberships(
            school.mirror,
            load_member=load_member,
            names_escaped=lambda *_: self.escaped,
            enrolled=Enrolled(RoleTable.default()),
            today=lambda: self.today,
        )

    def of(self, class_, visibility=ALL):
        sourced_id = class_ if isinstance(class_, str) else class_sourced_id(class_.source, class_.key)
        return self.memberships.of_class(sourced_id, visibility)

    def ids(self, class_, **asked):
        return [member.membership.user_id for member in self.of(class_).read(limit=100, **asked).members]

    def statuses(self, class_, since):
        read = self.of(class_).read(limit=100, since=since)
        return {member.membership.user_id: member.membership.status for member in read.members}


@pytest.fixture
def reader(school):
    return Reader(school)


class TestClassOfAnLms:
    def test_everybody_is_given_back_as_she_came(self, school, reader, biology):
        biology.enrol("m", MENTOR, MENTOR, "Odd", status="Inactive", name="M", lis_person_sourcedid="17")
        school.reconcile(biology)

        found = {each.membership.user_id: each.membership for each in reader.of(biology).read(limit=9).members}

        assert found["m"] == Membership(
            user_id="m", roles=(MENTOR, MENTOR, "Odd"), status=MemberStatus.INACTIVE, name="M", person_sourced_id="17"
        )
        assert found["ann"].status is None

    def test_names_are_told_as_the_platform_is_said_to_write_them_now(self, school, reader, biology):
        biology.enrol("m", name="A &amp; B")
        school.reconcile(biology)
        told = []
        for reader.escaped in (False, True, False):
            names = [each.membership.name for each in reader.of(biology).read(limit=9).members]
            told += [name for name in names if name and name[0] == "A" and name[-1] == "B"]

        assert told == ["A &amp; B", "A & B", "A &amp; B"]

    def test_names_are_unescaped_where_the_platform_escapes_them(self, school, biology):
        biology.enrol("q", name="Q &amp; R", email="q&amp;r@example.org")
        school.reconcile(biology)

        found = {
            each.membership.user_id: each.membership
            for each in Reader(school, escaped=True).of(biology).read(limit=9).members
        }

        assert (found["q"].name, found["q"].email) == ("Q & R", "q&amp;r@example.org")

    def test_pages_go_on_behind_the_last_place(self, school, reader, biology):
        school.reconcile(biology)
        first = reader.of(biology).read(limit=2)
        rest = reader.of(biology).read(limit=2, after=first.members[-1].place)

        assert [first.more, rest.more] == [True, False]
        assert {each.membership.user_id for each in first.members + rest.members} == {"ann", "ben", "tea"}

    def test_newcomers_come_last(self, school, reader, biology):
        school.reconcile(biology)
        biology.enrol("aaa")
        school.reconcile(biology)

        assert reader.ids(biology)[-1] == "aaa"

    def test_role_test_decides_who_is_on_a_page(self, school, reader, biology):
        school.reconcile(biology)

        assert reader.ids(biology, has_role=lambda roles: INSTRUCTOR in roles) == ["tea"]

    def test_only_the_asked_class_is_read(self, school, reader, biology, chemistry):
        school.reconcile(biology)
        school.reconcile(chemistry)

        assert sorted(reader.ids(chemistry)) == ["ann", "cem"]

    def test_class_of_an_unseen_source_is_as_unknown_as_none(self, school, reader, biology):
        school.reconcile(biology)

        with pytest.raises(UnknownObject) as unseen:
            reader.of(biology, ClassVisibility(frozenset({"south"})))
        with pytest.raises(UnknownObject) as unknown:
            reader.of("no-such-class")
        assert str(unseen.value) == str(unknown.value)

    def test_limit_of_classes_is_honoured(self, school, reader, biology, chemistry):
        school.reconcile(biology)
        school.reconcile(chemistry)
        only = ClassVisibility(None, frozenset({class_sourced_id(biology.source, biology.key)}))

        assert reader.of(biology, only).context.context_id == "biology"
        with pytest.raises(UnknownObject):
            reader.of(chemistry, only)

    def test_visibility_of_records_reads_nothing(self, school, reader, biology):
        """Its orgs, classes and privacy would be passed over."""
        school.reconcile(biology)

        with pytest.raises(AttributeError):
            reader.of(biology, Visibility(None, orgs=frozenset({"org"})))

    def test_context_is_the_lmss_own(self, school, reader, biology):
        school.reconcile(biology)

        context = reader.of(biology).context

        assert (context.context_id, context.title, context.label) == ("biology", "Biology", "biology")

    def test_differences_name_who_came_changed_and_left(self, school, reader, biology):
        school.reconcile(biology)
        before = reader.of(biology).now
        biology.enrol("new")
        biology.enrol("ann", INSTRUCTOR)
        biology.leave("ben")
        school.reconcile(biology)

        assert reader.statuses(biology, before) == {"new": None, "ann": None, "ben": MemberStatus.DELETED}
        assert reader.statuses(biology, reader.of(biology).now) == {}

    def test_who_left_is_told_without_her_name(self, school, reader, biology):
        school.reconcile(biology)
        before = reader.of(biology).now
        biology.leave("ann")
        school.reconcile(biology)

        (gone,) = reader.of(biology).read(limit=9, since=before).members

        assert gone.membership == Membership(user_id="ann", roles=(LEARNER,), status=MemberStatus.DELETED)

    def test_who_left_and_came_back_is_a_member(self, school, reader, biology):
        school.reconcile(biology)
        before = reader.of(biology).now
        ann = biology.members["ann"]
        biology.leave("ann")
        school.reconcile(biology)
        biology.members["ann"] = ann
        school.reconcile(biology)

        assert reader.statuses(biology, before) == {"ann": None}

    def test_change_that_no_record_shows_is_a_difference(self, school, reader, biology):
        biology.enrol("m", MENTOR)
        school.reconcile(biology)
        before, writes = reader.of(biology).now, school.count("writes")
        biology.enrol("m", MENTOR, picture="")
        school.reconcile(biology)

        assert school.count("writes") == writes
        assert reader.statuses(biology, before) == {"m": None}

    def test_who_lost_the_asked_role_is_deleted_from_its_differences(self, school, reader, biology):
        school.reconcile(biology)
        before = reader.of(biology).now
        biology.enrol("ann", INSTRUCTOR)
        school.reconcile(biology)

        (ann,) = reader.of(biology).read(limit=9, since=before, has_role=lambda roles: LEARNER in roles).members

        assert ann.membership.status is MemberStatus.DELETED

    def test_moment_that_is_yet_to_come_is_refused(self, school, reader, biology):
        school.reconcile(biology)

        with pytest.raises(CursorExpired):
            reader.of(biology).read(limit=9, since=Moment(reader.of(biology).now.number + 1))

    def test_mark_stays_over_a_run_that_finds_nothing_new(self, school, reader, biology):
        school.reconcile(biology)
        before = reader.of(biology).mark
        school.reconcile(biology)
        unchanged = reader.of(biology).mark
        biology.enrol("new")
        school.reconcile(biology)

        assert before == unchanged != reader.of(biology).mark


def record(sourced_id, status="active", **fields):
    return {"sourcedId": sourced_id, "status": status, **fields}


def user(sourced_id, **fields):
    names = {"givenName": "Ann", "familyName": "Abara"}
    return record(sourced_id, **{**names, "enabledUser": "true", "roles": [], **fields})


def enrolment(sourced_id, who, role="student", **fields):
    references = {"user": {"sourcedId": who}, "class": {"sourcedId": "algebra"}, "school": {"sourcedId": "school"}}
    return record(sourced_id, **{**references, "role": role, **fields})


class Sis:
    """Records of a SIS, put into a school's mirror."""

    def __init__(self, school):
        self.school = school
        self.put(classes=[record("algebra", title="Algebra", classCode="ALG")])

    def put(self, source="sis", **records):
        mirror = self.school.mirror
        with storage.write(mirror.db):
            changed = next_changed(mirror.db)
            documents = Documents(mirror.db, mirror.add_source(source), changed)
            for collection, bodies in records.items():
                documents.put([Derived(collection, body["sourcedId"], body) for body in bodies])
            documents.finish()
            stamp(mirror.db, changed, None, self.school.clock)


@pytest.fixture
def sis(school):
    return Sis(school)


class TestClassOfASis:
    def test_member_has_her_sourced_id_and_the_roles_of_the_enrollment(self, sis, reader):
        sis.put(users=[user("u1", email="ann@example.org")], enrollments=[enrolment("e1", "u1")])

        (member,) = reader.of("algebra").read(limit=9).members

        assert member.membership == Membership(
            user_id="u1",
            roles=(LEARNER,),
            status=MemberStatus.ACTIVE,
            name="Ann Abara",
            given_name="Ann",
            family_name="Abara",
            email="ann@example.org",
            person_sourced_id="u1",
        )

    def test_context_is_the_class(self, sis, reader):
        context = reader.of("algebra").context

        assert (context.context_id, context.label, context.title) == ("algebra", "ALG", "Algebra")

    def test_two_enrollments_of_one_person_are_one_member(self, sis, reader):
        sis.put(users=[user("u1")], enrollments=[enrolment("e1", "u1"), enrolment("e2", "u1", "teacher")])

        (member,) = reader.of("algebra").read(limit=9).members

        assert member.membership.roles == (LEARNER, INSTRUCTOR)

    @pytest.mark.parametrize(
        ("of_user", "of_enrollment"),
        [
            ({}, {"status": "tobedeleted"}),
            ({"status": "tobedeleted"}, {}),
            ({"enabledUser": "false"}, {}),
            ({}, {"beginDate": "2026-11-21"}),
            ({}, {"endDate": "2026-11-20"}),
        ],
        ids=["ended enrollment", "ended user", "disabled user", "begins tomorrow", "first day after"],
    )
    def test_who_is_no_member_now_is_left_out(self, sis, reader, of_user, of_enrollment):
        sis.put(users=[user("u1", **of_user)], enrollments=[enrolment("e1", "u1", **of_enrollment)])

        assert reader.ids("algebra") == []

    def test_enrollment_lasts_from_its_first_day_until_the_day_before_its_last(self, sis, reader):
        dates = {"beginDate": "2026-11-20", "endDate": "2026-11-21"}
        sis.put(users=[user("u1")], enrollments=[enrolment("e1", "u1", **dates)])

        assert reader.ids("algebra") == ["u1"]

    def test_differences_tell_of_users_and_enrollments(self, sis, reader):
        sis.put(
            users=[user("u1"), user("u2"), user("u3")], enrollments=[enrolment(f"e{n}", f"u{n}") for n in (1, 2, 3)]
        )
        before = reader.of("algebra").now
        sis.put(users=[user("u1", middleName="B")], enrollments=[enrolment("e2", "u2", status="tobedeleted")])

        assert reader.statuses("algebra", before) == {"u1": MemberStatus.ACTIVE, "u2": MemberStatus.DELETED}

    def test_membership_that_ends_by_date_is_a_difference(self, sis, reader):
        sis.put(users=[user("u1")], enrollments=[enrolment("e1", "u1", endDate="2026-11-21")])
        before = reader.of("algebra").now
        reader.today = date(2026, 11, 21)

        assert reader.statuses("algebra", before) == {"u1": MemberStatus.DELETED}

    def test_records_of_another_source_are_no_members(self, sis, reader):
        sis.put(source="other", users=[user("u1")], enrollments=[enrolment("e1", "u1")])

        assert reader.ids("algebra") == []

    def test_ended_class_is_unknown(self, sis, reader):
        sis.put(classes=[record("algebra", status="tobedeleted", title="Algebra")])

        with pytest.raises(UnknownObject):
            reader.of("algebra")
