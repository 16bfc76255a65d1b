"""What is sealed opens here and for its own purpose only, and what is marked tells nothing."""

import pytest

from bridge.seals import Seals

KEY, OTHER_KEY = b"k" * 32, b"o" * 32


def test_what_was_sealed_can_be_opened():
    assert Seals(KEY).open(Seals(KEY).seal(b"place 7", "client a"), "client a") == b"place 7"


def test_the_same_is_sealed_differently_each_time():
    assert Seals(KEY).seal(b"x", "a") != Seals(KEY).seal(b"x", "a")


@pytest.mark.parametrize(
    ("key", "binding"), [pytest.param(OTHER_KEY, "a", id="another-key"), pytest.param(KEY, "b", id="another-binding")]
)
def test_what_was_sealed_for_something_else_cannot_be_opened(key, binding):
    sealed = Seals(KEY).seal(b"x", "a")

    with pytest.raises(ValueError):
        Seals(key).open(sealed, binding)


@pytest.mark.parametrize("text", ["", "A", "AAAA", "é", "\udc80", "=" * 9, "A" * 40, "...."])
def test_nonsense_cannot_be_opened(text):
    with pytest.raises(ValueError):
        Seals(KEY).open(text, "a")


def test_marks_are_the_same_for_the_same_text_under_the_same_key_only():
    assert Seals(KEY).mark("event 1") == Seals(KEY).mark("event 1")
    assert len({Seals(KEY).mark("event 1"), Seals(KEY).mark("event 2"), Seals(OTHER_KEY).mark("event 1")}) == 3


@pytest.mark.parametrize("change", [str.lower, str.upper, str])
def test_caseless_seals_open_in_any_case(change):
    seals = Seals(KEY, caseless=True)
    sealed = [seals.seal(b"x" * length, "a") for length in range(12)]

    assert [seals.open(change(text), "a") for text in sealed] == [b"x" * length for length in range(12)]
    assert all(text.isalnum() and text == text.lower() for text in sealed)


@pytest.mark.parametrize("text", ["", "a", "aaaa", "é", "\udc80", "=" * 9, "a" * 40, "0189", "...."])
def test_nonsense_cannot_be_opened_caselessly(text):
    with pytest.raises(ValueError):
        Seals(KEY, caseless=True).open(text, "a")
