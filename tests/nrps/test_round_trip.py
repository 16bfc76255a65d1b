"""What an LMS says of its members is what tools are told: through the mirror and back, for any roster."""

import itertools
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from joserfc.jwk import RSAKey

from bridge.nrps.schemas import load_member
from bridge.roster.memberships import MemberStatus
from bridge.roster.ports import FactKind, Stated
from bridge.roster.reading import Reading
from bridge.roster.roles import RoleMapping, RoleTable
from bridge.roster.vocabulary import TEST_USER, VOCABULARY
from bridge.sync.guards import Guards
from tests.mirror.rosters_in_memory import Course
from tests.nrps.serving import Serving, link_of, members_of

URIS = sorted(role.uri for role in (*VOCABULARY, TEST_USER))
FORMS = ("Learner", "urn:lti:role:ims/lis/Instructor", "https://other.example.org/roles#Tutor", " ", "Learner ", "é")

both_mappings = pytest.mark.parametrize("mapping", list(RoleMapping))

texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
roles = st.lists(st.sampled_from(URIS) | st.sampled_from(FORMS) | texts, max_size=5)
members = st.fixed_dictionaries(
    {"user_id": texts.filter(str.strip) | st.integers(), "roles": roles | st.sampled_from(URIS) | st.none()},
    optional={
        "status": st.sampled_from(
            ["Active", "Inactive", "active", "", None, "http://purl.imsglobal.org/vocab/lis/v2/status#Inactive"]
        ),
        **dict.fromkeys(
            ("name", "given_name", "family_name", "middle_name", "email", "picture", "lis_person_sourcedid"),
            texts | st.none() | st.integers(),
        ),
        "message": st.just([{"x": "\u2028"}]),
    },
)
rosters = st.lists(members, max_size=6, unique_by=lambda member: str(member["user_id"]))


@pytest.fixture(scope="module")
def serving(tmp_path_factory):
    trusting = Guards(removal_share=1, source_removal_share=1, hold_emptied=False, change_share=1)
    key = RSAKey.generate_key(2048, auto_kid=True)
    opened = Serving(tmp_path_factory.mktemp("round-trip"), key, guards=trusting)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def tool(serving):
    return serving.tool()


contexts = itertools.count()


def read_back(serving, tool, said, mapping, *, limit=1000):
    """Reconcile a new course whose LMS says this of its members, and read it as a tool, page by page."""
    serving.school.reading = Reading(table=RoleTable.default(), mapping=mapping)
    course = Course(f"course {next(contexts)}")
    for member in said:
        course.members[str(member["user_id"])] = stated(member)
    serving.school.reconcile(course)
    told = [json.dumps(member).encode() for page in tool.pages(course, limit=limit) for member in members_of(page)]
    return course, {member.user_id: member for member in map(load_member, told)}


def stated(member):
    return Stated(FactKind.MEMBER, str(member["user_id"]), json.dumps(member).encode())


def meant(said):
    """The same as the domain reads it: what is blank was not said."""
    return {member.user_id: member for member in (load_member(stated(each).raw) for each in said)}


@both_mappings
@given(said=rosters, limit=st.integers(1, 4))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_member_comes_back_unchanged(serving, tool, mapping, said, limit):
    _, told = read_back(serving, tool, said, mapping, limit=limit)

    assert told == meant(said)


@both_mappings
@given(before=rosters, after=rosters)
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_differences_lead_to_what_the_lms_says_now(serving, tool, mapping, before, after):
    course, held = read_back(serving, tool, before, mapping)
    since = link_of(tool.get(course), "differences")
    course.members = {str(member["user_id"]): stated(member) for member in after}
    serving.school.reconcile(course)
    for page in tool.pages(since):
        for raw in members_of(page):
            member = load_member(json.dumps(raw).encode())
            if member.status is MemberStatus.DELETED:
                held.pop(member.user_id, None)
            else:
                held[member.user_id] = member

    assert held == meant(after)


@both_mappings
def test_each_role_of_the_vocabulary_comes_back_as_it_was_written(serving, tool, mapping):
    said = [{"user_id": f"u{number}", "roles": [uri]} for number, uri in enumerate(URIS)]
    _, told = read_back(serving, tool, said, mapping)

    assert len(URIS) == 81  # the vocabulary, and the marker of test users
    assert {member.user_id: list(member.roles) for member in told.values()} == {
        member["user_id"]: member["roles"] for member in said
    }
