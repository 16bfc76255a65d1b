from datetime import UTC, datetime

import pytest
from urllib3 import HTTPHeaderDict

from bridge.errors import SourceRefused, SourceUnavailable
from bridge.transport.http import Answer
from bridge.transport.retry import Patience, asks_to_wait, retry_after

NOW = datetime(2026, 11, 20, 21, 0, tzinfo=UTC)


def failing(times, error):
    """Something that raises so many times, then returns how often it was tried."""
    tries = []

    def attempt():
        tries.append(None)
        if len(tries) <= times:
            raise error
        return len(tries)

    return attempt


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        pytest.param("120", 120, id="seconds"),
        pytest.param(" 0 ", 0, id="zero"),
        pytest.param("Fri, 20 Nov 2026 21:02:00 GMT", 120, id="date"),
        pytest.param("Friday, 20-Nov-26 21:02:00 GMT", 120, id="rfc-850-date"),
        pytest.param("Fri, 20 Nov 2026 21:02:00 -0000", 120, id="date-without-zone"),
        pytest.param("Fri, 20 Nov 2026 20:00:00 GMT", 0, id="date-gone-by"),
        pytest.param("Fri, 20 Nov 99999999999 21:02:00 GMT", None, id="date-without-end"),
        pytest.param("Fri, 20 Nov 2026 21:02:00 +99999999999", None, id="zone-without-end"),
        pytest.param("-1", None, id="negative"),
        pytest.param("soon", None, id="word"),
        pytest.param("9" * 5000, None, id="too-many-digits"),
        pytest.param("٣", None, id="other-digits"),
        pytest.param("", None, id="blank"),
    ],
)
def test_retry_after_is_read_in_both_forms(value, seconds):
    assert retry_after(Answer(429, "", HTTPHeaderDict({"Retry-After": value}), b""), NOW) == seconds


def test_answer_that_asks_for_nothing_asks_for_no_wait():
    assert retry_after(Answer(503, "", HTTPHeaderDict(), b""), NOW) is None


def test_statuses_that_ask_to_wait():
    assert [status for status in range(200, 600) if asks_to_wait(status)] == [408, 425, 429, *range(500, 600)]


def test_waits_grow_and_are_left_half_to_chance():
    waits = []

    assert Patience(sleep=waits.append, attempts=5, max_wait=100).insist(failing(4, SourceUnavailable(""))) == 5
    assert all(full / 2 <= wait <= full for wait, full in zip(waits, [1, 2, 4, 8], strict=True))


def test_peer_is_given_the_time_it_asks_for():
    waits = []

    Patience(sleep=waits.append, attempts=5, max_wait=100).insist(failing(2, SourceUnavailable("", 17)))

    assert waits == [17, 17]


def test_last_failure_is_raised_when_attempts_are_used_up():
    waits = []

    with pytest.raises(SourceUnavailable) as raised:
        Patience(sleep=waits.append, attempts=3, max_wait=100).insist(failing(3, SourceUnavailable("", 5)))
    assert (raised.value.retry_after, waits) == (5, [5, 5])


def test_wait_beyond_the_patience_left_is_not_begun():
    waits = []
    patience = Patience(sleep=waits.append, attempts=9, max_wait=60)
    patience.insist(failing(1, SourceUnavailable("", 40)))

    with pytest.raises(SourceUnavailable):
        patience.insist(failing(1, SourceUnavailable("", 30)))
    assert waits == [40]


def test_refusal_is_not_tried_again():
    waits = []

    with pytest.raises(SourceRefused):
        Patience(sleep=waits.append, attempts=5, max_wait=100).insist(failing(1, SourceRefused("")))
    assert waits == []
