import pytest

from bridge.auth.rate_limit import RateLimit
from bridge.errors import Busy


class Seconds:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def seconds():
    return Seconds()


def refused(limit, client="a"):
    try:
        limit.take(client)
    except Busy as busy:
        return busy.retry_after
    return None


def test_one_second_worth_passes_at_once_and_no_more(seconds):
    limit = RateLimit(3, seconds)
    assert [refused(limit) for _ in range(5)] == [None, None, None, 1, 1]


def test_steady_client_below_the_rate_is_never_refused(seconds):
    limit = RateLimit(3, seconds)
    for _ in range(100):
        limit.take("a")
        seconds.now += 0.334


def test_bucket_fills_again_and_never_over_its_rim(seconds):
    limit = RateLimit(2, seconds)
    assert [refused(limit) for _ in range(3)] == [None, None, 1]
    seconds.now += 0.5
    assert [refused(limit) for _ in range(2)] == [None, 1]
    seconds.now += 3600
    assert [refused(limit) for _ in range(3)] == [None, None, 1]


def test_each_client_has_its_own(seconds):
    limit = RateLimit(1, seconds)
    assert [refused(limit, client) for client in ("a", "b", "a")] == [None, None, 1]


def test_refusals_cost_nothing(seconds):
    limit = RateLimit(1, seconds)
    limit.take("a")
    assert [refused(limit) for _ in range(10)] == [1] * 10
    seconds.now += 1
    assert refused(limit) is None


def test_no_rate_is_no_bound(seconds):
    limit = RateLimit(0, seconds)
    assert {refused(limit) for _ in range(1000)} == {None}


def test_any_number_of_addresses_take_bounded_memory(seconds):
    limit = RateLimit(1, seconds)
    for number in range(25_000):
        limit.take(f"192.0.2.{number}")

    assert len(limit._buckets) <= 10_000
    assert refused(limit, "192.0.2.24999") == 1
