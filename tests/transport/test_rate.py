"""How fast a peer is asked."""

import threading

import pytest

from bridge.transport.rate import Rates


class Time:
    """Passes only while somebody sleeps."""

    def __init__(self):
        self.now = 1000.0

    def sleep(self, seconds):
        self.now += seconds

    def ticks(self):
        return self.now


@pytest.fixture
def time():
    return Time()


@pytest.fixture
def rates(time):
    return Rates(sleep=time.sleep, ticks=time.ticks)


def ask(rates, times, *, peer=1, per_minute=60):
    for _ in range(times):
        rates.wait(peer, per_minute)


def test_ten_seconds_worth_comes_at_once(rates, time):
    ask(rates, 10)

    assert time.now == 1000.0


def test_more_is_spread_out(rates, time):
    ask(rates, 40)

    assert time.now == pytest.approx(1030.0)


def test_peers_do_not_wait_for_each_other(rates, time):
    ask(rates, 10, peer=1)
    ask(rates, 10, peer=2)

    assert time.now == 1000.0


def test_rate_is_the_peers_own(rates, time):
    ask(rates, 200, peer=1, per_minute=1200)
    ask(rates, 11, peer=2, per_minute=60)

    assert time.now == pytest.approx(1001.0)


def test_pause_fills_the_bucket_and_no_more(rates, time):
    ask(rates, 10)
    time.now += 3600
    began = time.now
    ask(rates, 10)
    assert time.now == began

    ask(rates, 1)

    assert time.now == pytest.approx(began + 1.0)


def test_threads_share_one_bucket():
    slept = []
    rates = Rates(sleep=slept.append, ticks=lambda: 0.0)
    threads = [threading.Thread(target=ask, args=(rates, 10)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(slept) == pytest.approx(range(1, 31))
