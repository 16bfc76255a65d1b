"""What LTI tools hand in of a person is joined, and no order of it matters."""

from dataclasses import replace
from functools import reduce
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.roster.fed import Word, join_words, read_words, write_word
from bridge.roster.identity import LtiUserId
from bridge.roster.memberships import Membership

LEARNER, INSTRUCTOR = "Learner", "Instructor"

texts = st.none() | st.sampled_from(["Mira", "Noor", "Ö'Neil", "\U0001f393"])
members = st.builds(
    Membership,
    user_id=st.just(LtiUserId("27")),
    roles=st.lists(st.sampled_from([LEARNER, INSTRUCTOR, "x"]), max_size=3).map(tuple),
    name=texts,
    given_name=texts,
    family_name=texts,
    email=texts,
)
words = st.builds(
    Word,
    feeder=st.sampled_from(["a", "b"]),
    signed=st.booleans(),
    at=st.sampled_from([f"2026-11-20T08:0{minute}:00.000Z" for minute in range(4)]),
    member=members,
).map(write_word)


def word(feeder="quiz", *, signed=False, at="2026-11-20T08:00:00.000Z", roles=(LEARNER,), **said):
    member = Membership(user_id=LtiUserId("27"), roles=roles, **said)
    return write_word(Word(feeder=feeder, signed=signed, at=at, member=member))


def joined(*raws):
    return read_words(reduce(join_words, raws))


@settings(deadline=None)
@given(words, words, words)
def test_order_and_grouping_do_not_matter(one, two, three):
    texts = {join_words(join_words(a, b), c) for a, b, c in permutations([one, two, three])} | {
        join_words(a, join_words(b, c)) for a, b, c in permutations([one, two, three])
    }

    assert len(texts) == 1


@settings(deadline=None)
@given(words, words)
def test_what_comes_twice_counts_once(one, other):
    both = join_words(one, other)

    assert join_words(both, one) == join_words(both, other) == join_words(both, both) == both


@settings(deadline=None)
@given(members)
def test_one_word_is_read_back(member):
    found = read_words(write_word(Word(feeder="quiz", signed=True, at="2026-11-20T08:00:00.000Z", member=member)))

    assert (found.member, found.feeder, found.signed) == (member, "quiz", True)


def test_later_word_stands():
    early, late = word(given_name="Mira"), word(at="2026-11-20T09:00:00.000Z", given_name="Noor")

    assert joined(late, early).member.given_name == "Noor"


def test_word_that_says_less_deletes_nothing():
    early, late = word(email="mira@example.org"), word(at="2026-11-20T09:00:00.000Z")

    assert joined(early, late).member.email == "mira@example.org"


def test_what_the_platform_has_signed_stands_above_a_later_claim():
    signed = word(signed=True, roles=(LEARNER,))
    claimed = word(at="2026-11-20T09:00:00.000Z", roles=(INSTRUCTOR,), email="mira@example.org")

    found = joined(claimed, signed)

    assert (found.member.roles, found.signed) == ((LEARNER,), True)
    assert found.member.email == "mira@example.org"


def test_roles_are_never_united():
    roles = joined(word("a", roles=(LEARNER,)), word("b", roles=(INSTRUCTOR,))).member.roles

    assert roles in {(LEARNER,), (INSTRUCTOR,)}


def test_role_that_was_cut_in_the_middle_of_a_character_is_kept_as_far_as_it_goes():
    assert joined(word(roles=("Learner", "x\ud83c"))).member.roles == ("Learner", "x?")


def test_words_about_two_people_are_not_joined():
    stranger = replace(read_words(word()).member, user_id=LtiUserId("28"))

    with pytest.raises(ValueError, match="two people"):
        join_words(word(), write_word(Word(feeder="a", signed=True, at="", member=stranger)))


@pytest.mark.parametrize("raw", [b"", b"[]", b"{}", b'{"user_id":"27","said":{}}'])
def test_anything_else_is_no_word(raw):
    with pytest.raises(ValueError):
        read_words(raw)
