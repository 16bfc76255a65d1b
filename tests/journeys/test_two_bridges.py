"""What an LMS says of its members is what tools are told by a bridge that has read another bridge."""

import itertools
import json
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.nrps.schemas import load_member
from bridge.practice.members import Style
from bridge.practice.people import INSTRUCTOR, LEARNER, MENTOR, TEST_USER, invent_person
from bridge.practice.rosters import Roster, make_roster
from bridge.roster.roles import RoleMapping, RoleTable
from bridge.roster.vocabulary import VOCABULARY
from tests.journeys.two_bridges import TwoBridges, who

URIS = [role.uri for role in VOCABULARY]
FORMS = ("Learner", "urn:lti:role:ims/lis/Instructor", "https://other.example.org/roles#Tutor", "é", TEST_USER)

_CONTEXT = "http://purl.imsglobal.org/vocab/lis/v2/membership"
WITHOUT_ENROLLMENT = {
    *(f"{_CONTEXT}#{role}" for role in ("ContentDeveloper", "Mentor", "Officer", "Member")),
    *(uri for uri in URIS if uri.startswith(tuple(f"{_CONTEXT}/{name}#" for name in ("ContentDeveloper", "Mentor")))),
    *(uri for uri in URIS if uri.startswith(tuple(f"{_CONTEXT}/{name}#" for name in ("Officer", "Member")))),
    *(f"{_CONTEXT}/Manager#{role}" for role in ("Observer", "ExternalObserver")),
    *(uri for uri in URIS if "/system/person#" in uri),
    *(
        f"http://purl.imsglobal.org/vocab/lis/v2/institution/person#{role}"
        for role in (
            *("Administrator", "Alumni", "Guest", "Member", "Mentor", "None", "Observer", "Other"),
            *("ProspectiveStudent", "Staff"),
        )
    ),
}
"""The rows of the role table that have "–" for an enrollment in the role mapping ``compat``."""

both_mappings = pytest.mark.parametrize("mapping", list(RoleMapping))
numbers = itertools.count(1)

members = st.dictionaries(
    st.sampled_from(["a", "b", "c", "7", "ä ö"]),
    st.tuples(
        st.lists(st.sampled_from(URIS) | st.sampled_from(FORMS), max_size=4),
        st.sampled_from(["Active", "Inactive", None]),
    ),
    max_size=4,
)


@pytest.fixture(scope="module")
def bridges(tmp_path_factory, platform_key) -> Iterator[TwoBridges]:
    with TwoBridges(tmp_path_factory.mktemp("two-bridges"), platform_key, Roster()) as bridges:
        yield bridges


def person(user_id):
    return replace(invent_person(sum(user_id.encode()), every=0), user_id=user_id)


class Course:
    """A new course of the LMS, with the one who launches."""

    def __init__(self, bridges, mapping):
        self.id = f"Course-{next(numbers)}"
        self._bridges, self._mapping = bridges, mapping
        self.roster = bridges.lms.roster
        self.roster.add_course(self.id, label=self.id, title=self.id)
        self.roster.enroll(self.id, person("host"), [INSTRUCTOR])

    def has(self, members):
        """Make these, by id with roles and status, its members beside the host."""
        for member in self.roster.members(self.id)[1:]:
            self.roster.drop(self.id, member.person.user_id)
        for user_id, (roles, status) in members.items():
            self.roster.enroll(self.id, person(user_id), roles, status=status)

    def launch(self):
        self._bridges.launch(self.id, self._mapping)
        self._bridges.pass_on()

    def pass_on(self):
        self._bridges.first.sync(self.id, self._mapping)
        return self._bridges.pass_on()

    @property
    def url(self):
        return self._bridges.memberships_url(self.id, self._mapping)

    def said(self):
        """What the LMS says."""
        return {
            member.person.user_id: (list(member.roles or ()), member.status) for member in self.roster.members(self.id)
        }

    def told(self):
        """What the second bridge says."""
        return who(self._bridges.told(f"{self.url}?limit=3"))


def is_enrolled(mapping, roles):
    mapped = RoleTable.default().map_roles(roles, mapping=mapping)
    return mapped.enrollment is not None and not mapped.left_out


@both_mappings
def test_each_role_comes_back_but_those_without_an_enrollment(bridges, mapping):
    course = Course(bridges, mapping)
    course.has({f"role {number}": ([uri], "Active") for number, uri in enumerate(URIS)})
    course.launch()

    told, said = course.told(), course.said()

    assert len(said) == 81
    assert {user_id: said[user_id] for user_id in told} == told
    missing = {roles[0] for user_id, (roles, _) in said.items() if user_id not in told}
    assert missing == (WITHOUT_ENROLLMENT if mapping is RoleMapping.COMPAT else set())


@both_mappings
@given(before=members, after=members)
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_roster_comes_back_in_full_and_by_differences(bridges, mapping, before, after):
    course = Course(bridges, mapping)
    course.has(before)
    course.launch()
    held = course.told()
    assert held == {user_id: one for user_id, one in course.said().items() if is_enrolled(mapping, one[0])}
    since = bridges.differences(course.url)

    course.has(after)
    course.pass_on()

    now = {user_id: one for user_id, one in course.said().items() if is_enrolled(mapping, one[0])}
    assert course.told() == now
    for user_id, (roles, status) in who(bridges.told(since)).items():
        if status == "Deleted":
            held.pop(user_id, None)
        else:
            held[user_id] = (roles, status)
    assert held == now


def test_roles_that_are_listed_twice_come_back_twice(bridges):
    course = Course(bridges, RoleMapping.COMPAT)
    course.has({"a": ([LEARNER, "Learner", LEARNER], "Active")})
    course.launch()

    assert course.told()["a"] == ([LEARNER, "Learner", LEARNER], "Active")


def test_each_change_at_the_lms_is_one_difference_at_the_second_bridge(bridges):
    course = Course(bridges, RoleMapping.COMPAT)
    course.has({user_id: ([LEARNER], "Active") for user_id in ("leaves", "suspended", "promoted", "demoted", "stays")})
    course.launch()
    since = bridges.differences(course.url)

    course.roster.drop(course.id, "leaves")
    course.roster.change_status(course.id, "suspended", "Inactive")
    course.roster.change_roles(course.id, "promoted", [INSTRUCTOR])
    course.roster.change_roles(course.id, "demoted", [MENTOR])
    run = course.pass_on()

    assert not run.complete
    assert who(bridges.told(since)) == {
        "leaves": ([LEARNER], "Deleted"),
        "suspended": ([LEARNER], "Inactive"),
        "promoted": ([INSTRUCTOR], "Active"),
        "demoted": ([LEARNER], "Deleted"),
    }
    since = bridges.differences(course.url)

    course.roster.enroll(course.id, person("leaves"), [LEARNER])
    course.roster.change_status(course.id, "suspended", "Active")
    course.roster.change_roles(course.id, "demoted", [LEARNER])
    course.pass_on()

    assert who(bridges.told(since)) == {
        user_id: ([LEARNER], "Active") for user_id in ("leaves", "suspended", "demoted")
    }
    assert course.told() == course.said()


def test_suspended_member_who_leaves_one_of_her_courses_has_left_it(bridges):
    here, elsewhere = Course(bridges, RoleMapping.COMPAT), Course(bridges, RoleMapping.COMPAT)
    for course in (here, elsewhere):
        course.has({"suspended": ([LEARNER], "Inactive")})
        course.launch()
    assert here.told()["suspended"] == ([LEARNER], "Inactive")
    since = bridges.differences(here.url)

    here.roster.drop(here.id, "suspended")
    here.pass_on()

    assert "suspended" not in here.told()
    assert who(bridges.told(since)) == {"suspended": ([LEARNER], "Deleted")}
    assert elsewhere.told()["suspended"] == ([LEARNER], "Inactive")


def test_identity_and_names_come_back_for_awkward_people_too(tmp_path, platform_key):
    roster = make_roster(courses=1, members_per_course=41, people=41, awkward_every=2)
    with TwoBridges(tmp_path, platform_key, roster) as bridges:
        bridges.launch("Course-1", RoleMapping.EXT)
        bridges.pass_on()
        told = bridges.told(bridges.memberships_url("Course-1", "ext"))

    said = {
        member.person.user_id: load_member(member.to_json(Style()))
        for member in roster.members("Course-1")
        if TEST_USER not in (member.roles or ())
    }
    back = {user_id: load_member(json.dumps(one).encode()) for user_id, one in told.items()}
    assert {user_id: _in_parts(one) for user_id, one in back.items()} == {
        user_id: _in_parts(one) for user_id, one in said.items()
    }


def _in_parts(member):
    """Without the name in one piece, which is put together of the others where there are any."""
    return replace(member, name=None) if member.given_name and member.family_name else member
