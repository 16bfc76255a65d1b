"""The invented people: the same every time, unique where it matters, awkward in the documented numbers."""

import unicodedata

import pytest

from bridge.practice.people import Awkward, awkward_indexes, invent_person


def test_a_number_gives_the_same_person_every_time():
    assert invent_person(41) == invent_person(41)


def test_user_ids_and_addresses_are_unique():
    people = [invent_person(index) for index in range(2000)]

    assert len({person.user_id for person in people}) == len(people)
    emails = [person.email for person in people if person.email]
    assert len(set(emails)) == len(emails)


def test_addresses_are_ascii_at_example_org():
    for index in range(300):
        email = invent_person(index, every=0).email
        assert email is not None
        assert email.isascii()
        assert email.endswith("@example.org")


@pytest.mark.parametrize(
    "script", ["LATIN", "ARABIC", "CYRILLIC", "CJK", "HIRAGANA", "DEVANAGARI", "GREEK", "HEBREW", "HANGUL", "THAI"]
)
def test_names_come_in_many_scripts(script):
    letters = "".join(str(invent_person(index, every=0).name) for index in range(48))

    assert any(unicodedata.name(letter, "").startswith(script) for letter in letters)


@pytest.mark.parametrize("every", [1, 3, 10])
@pytest.mark.parametrize("awkward", list(Awkward))
def test_awkward_people_are_where_they_are_said_to_be(awkward, every):
    found = [index for index in range(450) if invent_person(index, every=every).awkward is awkward]

    assert found == list(awkward_indexes(awkward, 450, every=every))
    assert found


def test_nobody_is_awkward_when_none_is_asked_for():
    assert all(invent_person(index, every=0).awkward is None for index in range(300))
    assert len(awkward_indexes(Awkward.MONONYM, 300, every=0)) == 0


def test_two_user_ids_differ_in_case_only():
    index = awkward_indexes(Awkward.CASE_TWIN, 1000)[0]

    twin, other = invent_person(index), invent_person(index - 1)

    assert twin.user_id != other.user_id
    assert twin.user_id.lower() == other.user_id


@pytest.mark.parametrize(
    ("awkward", "names"),
    [
        (Awkward.BLANK_NAMES, ("", "", "")),
        (Awkward.NO_NAMES, (None, None, None)),
    ],
)
def test_blank_names_and_no_names_are_different_things(awkward, names):
    person = invent_person(awkward_indexes(awkward, 1000)[0])

    assert (person.name, person.given_name, person.family_name) == names
