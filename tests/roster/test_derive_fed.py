"""People of whom launches were handed in are derived below every roster, whatever the order of the facts."""

import json
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.roster.fed import Word, write_word
from bridge.roster.identity import LtiUserId
from bridge.roster.memberships import Membership
from bridge.roster.ports import Fact, FactKind, Stated
from tests.roster.derivation_world import ELSEWHERE, HERE, fact, make_derivation, of_member


def fed(context=HERE, *, feeder="quiz", signed=True, roles=("Learner",), **said):
    member = Membership(user_id=LtiUserId("27"), roles=roles, **said)
    raw = write_word(Word(feeder=feeder, signed=signed, at="2026-11-20T08:00:00.000Z", member=member))
    return Fact(FactKind.FED, context, "27", raw)


def derived(*facts):
    return of_member(make_derivation(), facts)


def test_fed_person_is_a_user_with_an_enrollment():
    user, enrollment = derived(fed(given_name="Mira", family_name="Example"))

    assert (user["givenName"], user["familyName"]) == ("Mira", "Example")
    assert enrollment["role"] == "student"


def test_her_records_say_who_has_told_of_her():
    user, enrollment = derived(fed(feeder="quiz", signed=True))

    for record in (user, enrollment):
        assert record["metadata"]["bridge.source"] == "feeder:quiz"
        assert record["metadata"]["bridge.signed"] == "true"


def test_a_mere_claim_is_not_called_signed():
    user, _ = derived(fed(signed=False))

    assert "bridge.signed" not in user["metadata"]


def test_teacher_by_a_feeder_s_word_never_claims_the_lead():
    roles = ("http://purl.imsglobal.org/vocab/lis/v2/membership/Instructor#PrimaryInstructor",)

    _, enrollment = derived(fed(roles=roles))

    assert (enrollment["role"], enrollment["primary"]) == ("teacher", "false")


def test_member_of_the_same_class_is_what_the_roster_says():
    assert derived(fact(given_name="Noor"), fed(roles=("Instructor",), given_name="Mira")) == derived(
        fact(given_name="Noor")
    )


def test_user_who_is_in_any_roster_is_told_by_rosters_alone():
    """Neither a name that the roster hides, nor a further role."""
    user, enrollment = derived(fact(ELSEWHERE), fed(roles=("Instructor",), given_name="Mira", email="m@example.org"))

    assert user == derived(fact(ELSEWHERE))[0]
    assert enrollment["role"] == "teacher"
    assert enrollment["metadata"]["bridge.source"] == "feeder:quiz"


def test_somebody_whom_a_roster_lists_as_deleted_is_not_brought_back_in_that_class():
    assert derived(fact(status="Deleted"), fed()) == (None, None)


def test_test_user_is_left_out():
    assert derived(fed(roles=("http://purl.imsglobal.org/vocab/lti/system/person#TestUser",))) == (None, None)


def test_word_that_cannot_be_read_is_rejected():
    assert make_derivation().reject(Stated(FactKind.FED, "27", b"{}"))
    assert make_derivation().reject(Stated(FactKind.FED, "27", fed().raw)) is None


roles = st.sampled_from([("Learner",), ("Instructor",), (), ("Mentor",)])
names = st.none() | st.sampled_from(["Mira", "Noor"])
contexts = st.sampled_from([HERE, ELSEWHERE])
fed_facts = st.builds(
    lambda context, feeder, signed, roles, name: fed(
        context, feeder=feeder, signed=signed, roles=roles, given_name=name
    ),
    contexts,
    st.sampled_from(["a", "b"]),
    st.booleans(),
    roles,
    names,
)
members = st.builds(
    lambda context, roles, status: fact(context, roles=list(roles), status=status),
    contexts,
    roles,
    st.sampled_from(["Active", "Inactive", "Deleted"]),
)


@settings(deadline=None)
@given(st.lists(fed_facts | members, max_size=4, unique_by=lambda one: (one.kind, one.context)))
def test_order_of_the_facts_does_not_matter(facts):
    assert len({json.dumps(derived(*order)) for order in permutations(facts)}) == 1


@settings(deadline=None)
@given(st.lists(members, min_size=1, max_size=2, unique_by=lambda one: one.context), fed_facts)
def test_what_is_fed_changes_no_user_of_a_roster(listed, told):
    user = derived(*listed)[0]

    if user is not None:
        assert derived(*listed, told)[0] == user


@pytest.mark.parametrize("context", [HERE, ELSEWHERE], ids=["here", "elsewhere"])
def test_enrollment_follows_from_this_class_alone(context):
    _, enrollment = derived(fact(HERE), fed(context, roles=("Instructor",)))

    assert enrollment == derived(fact(HERE))[1]
