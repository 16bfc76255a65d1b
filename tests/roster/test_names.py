from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.roster.identity import LtiUserId, user_sourced_id
from bridge.roster.memberships import Membership
from bridge.roster.names import Name, most_told, name_of

ID = user_sourced_id("school", LtiUserId("27"))


def told(given=None, family=None, middle=None, whole=None):
    return Membership(user_id=LtiUserId("27"), given_name=given, family_name=family, middle_name=middle, name=whole)


def name(*memberships):
    return name_of(memberships, ID)


@pytest.mark.parametrize(
    ("membership", "expected"),
    [
        pytest.param(told("Ada", "Lovelace"), Name("Ada", "Lovelace"), id="both-parts"),
        pytest.param(told("Ada", "Lovelace", "King", "A. K. L."), Name("Ada", "Lovelace", "King"), id="all"),
        pytest.param(told(" Ada ", "Lovelace\t"), Name("Ada", "Lovelace"), id="blanks-around"),
        pytest.param(told("Plato"), Name("Plato", "-", supplied=("familyName",)), id="given-only"),
        pytest.param(told("Plato", " ", whole="Plato "), Name("Plato", "-", supplied=("familyName",)), id="mononym"),
        pytest.param(told(None, "Plato"), Name("-", "Plato", supplied=("givenName",)), id="family-only"),
        pytest.param(
            told("", "\u00a0"), Name("Person", ID[:8], supplied=("givenName", "familyName")), id="blank-parts"
        ),
        pytest.param(told(), Name("Person", ID[:8], supplied=("givenName", "familyName")), id="nothing"),
        pytest.param(told(whole=" "), Name("Person", ID[:8], supplied=("givenName", "familyName")), id="blank-name"),
        pytest.param(told("محمد", "العربي", whole="محمد العربي"), Name("محمد", "العربي"), id="right-to-left"),
        pytest.param(
            told("👩🏽‍🏫", "A\u030angstro\u0308m"),
            Name("👩🏽‍🏫", "A\u030angstro\u0308m"),
            id="letters-stay-as-they-are",
        ),
    ],
)
def test_name_of_one_membership(membership, expected):
    assert name(membership) == expected


@pytest.mark.parametrize(
    ("whole", "given", "family"),
    [
        pytest.param("Ada Lovelace", "Ada", "Lovelace", id="two-words"),
        pytest.param("Anne Marie van der Berg", "Anne Marie van der", "Berg", id="many-words"),
        pytest.param("Ada  Lovelace", "Ada", "Lovelace", id="two-blanks"),
        pytest.param("佐藤\u3000健太", "佐藤", "健太", id="wide-blank"),
        pytest.param("Ada\u00a0Lovelace", "Ada", "Lovelace", id="unbreakable-blank"),
        pytest.param("Plato", "Plato", "-", id="one-word"),
        pytest.param("Plato ", "Plato", "-", id="blank-behind"),
        pytest.param(" Plato", "Plato", "-", id="blank-before"),
        pytest.param("王伟", "王伟", "-", id="no-blank-in-this-script"),
    ],
)
def test_name_in_one_piece_is_split_at_its_last_blank_and_flagged(whole, given, family):
    assert name(told(whole=whole)) == Name(
        given, family, supplied=("givenName", "familyName"), split_from=whole.strip()
    )


def test_placeholder_tells_nameless_people_apart():
    other = user_sourced_id("school", LtiUserId("28"))

    assert name_of([told()], other) != name(told())


@pytest.mark.parametrize(
    ("memberships", "expected"),
    [
        pytest.param([told("Ada", "Lovelace"), told("Zoe")], ("Ada", "Lovelace", ""), id="parts-before-one-part"),
        pytest.param(
            [told("A", "L"), told("Ada", "King"), told("Ada", "King")], ("Ada", "King", ""), id="told-most-often"
        ),
        pytest.param([told("Zoe", "King"), told("Ada", "King")], ("Ada", "King", ""), id="first-by-code-point"),
        pytest.param([told("Ada", "King"), told("Ada", "King", "B")], ("Ada", "King", "B"), id="with-middle-name"),
        pytest.param([told(whole="Ada King"), told("Zoe")], ("Zoe", "-", ""), id="one-part-before-one-piece"),
        pytest.param([told(), told(whole="Ada King")], ("Ada", "King", ""), id="one-piece-before-nothing"),
        pytest.param(
            [told("Zoe", "King", whole="Zoe King"), told("Zoe", "King"), told("Ada", "King", whole="Ada King")],
            ("Zoe", "King", ""),
            id="same-parts-count-together",
        ),
    ],
)
def test_fullest_then_most_told_then_first_counts_in_any_order(memberships, expected):
    names = [name(*order) for order in permutations(memberships)]

    assert {(each.given, each.family, each.middle) for each in names} == {expected}


_texts = st.sampled_from([None, "", " ", "A", "B ", "A B", "Ж"])
_members = st.builds(told, _texts, _texts, _texts, _texts)


@settings(deadline=None)
@given(st.lists(_members, max_size=4), st.randoms(use_true_random=False))
def test_order_of_memberships_never_matters(memberships, random):
    shuffled = random.sample(memberships, len(memberships))

    assert name(*shuffled) == name(*memberships)


@settings(deadline=None)
@given(st.lists(st.builds(told, *[st.none() | st.text(max_size=8)] * 4), max_size=3))
def test_everybody_has_a_name_in_two_parts(memberships):
    found = name(*memberships)

    assert found.given.strip() == found.given != ""
    assert found.family.strip() == found.family != ""


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param([], None, id="nobody"),
        pytest.param([None, ""], None, id="nothing"),
        pytest.param(["b", None, "b", "a"], "b", id="most-often"),
        pytest.param(["b", "a"], "a", id="first-by-code-point"),
    ],
)
def test_most_told(values, expected):
    assert {most_told(order) for order in permutations(values)} == {expected}
