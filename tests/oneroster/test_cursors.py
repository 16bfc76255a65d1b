"""The opaque place in a ``next`` link."""

import base64

import pytest

from bridge.errors import InvalidRequest
from bridge.oneroster.cursors import Cursors, Walk
from bridge.roster.query import Place

KEY = bytes(range(32))
WALK = Walk(Place(seq=41, key="O'Neil, Ω"), offset=40, total=503)


@pytest.fixture
def cursors():
    return Cursors(KEY)


@pytest.mark.parametrize(
    "walk",
    [
        WALK,
        Walk(Place(1), 1, 1),
        Walk(Place(2**63 - 1, ""), 2**40, 2**40),
        Walk(Place(5, "x" * 5000), 1, 2),
    ],
    ids=["sorted", "unsorted", "great numbers and an empty key", "a long key"],
)
def test_walk_comes_back_as_it_was_written(cursors, walk):
    assert cursors.read(cursors.write(walk, "here"), "here") == walk


def test_another_process_with_the_same_key_reads_it(cursors):
    assert Cursors(KEY).read(cursors.write(WALK, "here"), "here") == WALK


def test_cursor_goes_into_a_url_as_it_is(cursors):
    for _ in range(50):
        written = cursors.write(WALK, "here")
        assert written.isascii()
        assert written.replace("-", "").replace("_", "").isalnum()


def test_same_place_is_written_differently_each_time_so_that_two_clients_cannot_compare(cursors):
    assert cursors.write(WALK, "here") != cursors.write(WALK, "here")


def test_cursor_shows_nothing_of_the_place(cursors):
    written = cursors.write(WALK, "here")

    assert b"Neil" not in base64.urlsafe_b64decode(written + "=" * (-len(written) % 4))


def test_length_tells_no_more_than_the_length_of_the_place(cursors):
    assert len(cursors.write(WALK, "a short query")) == len(cursors.write(WALK, "a long query" * 100))


def refusal(cursors, cursor, binding="here"):
    with pytest.raises(InvalidRequest) as caught:
        cursors.read(cursor, binding)
    return caught.value


def test_cursor_of_another_query_is_refused(cursors):
    assert refusal(cursors, cursors.write(WALK, "here"), "there").parameter == "cursor"


def test_cursor_of_another_bridge_is_refused(cursors):
    assert refusal(cursors, Cursors(bytes(32)).write(WALK, "here")).parameter == "cursor"


def test_any_changed_character_is_refused(cursors):
    written = cursors.write(WALK, "here")
    # The last character holds bits that belong to no byte.
    for at in range(len(written) - 1):
        changed = written[:at] + ("A" if written[at] != "A" else "B") + written[at + 1 :]
        assert refusal(cursors, changed).parameter == "cursor"


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text[:-4],
        lambda text: text + "AAAA",
        lambda text: text[:8] + "!" + text[8:],
        lambda text: text[:8] + " " + text[8:],
        lambda text: text[:8] + "====" + text[8:],
        lambda text: text[:8] + "é" + text[8:],
    ],
    ids=["cut", "longer", "a stray mark", "a blank", "padding in the middle", "another script"],
)
def test_damaged_cursor_is_refused(cursors, change):
    assert refusal(cursors, change(cursors.write(WALK, "here"))).parameter == "cursor"


@pytest.mark.parametrize("text", ["", "x", "AAAA", "null", "0", "\0", "../..", "A" * 10_000])
def test_text_that_was_never_a_cursor_is_refused(cursors, text):
    assert "next link" in refusal(cursors, text).reason
