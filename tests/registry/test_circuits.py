"""The circuit breaker of a platform: what it takes to open it, and to close it again."""

from datetime import timedelta

import pytest

from bridge.registry.circuits import Circuit, CircuitState

CLOSED, OPEN, HALF_OPEN = CircuitState.CLOSED, CircuitState.OPEN, CircuitState.HALF_OPEN


@pytest.fixture
def platform(add_platform):
    return add_platform()


@pytest.fixture
def fail(registry, platform):
    def fail(times=1, *, news=True, not_before=None):
        for _ in range(times):
            circuit = registry.circuits.failed(platform.id, news=news, threshold=3, not_before=not_before)
        return circuit

    return fail


def test_platform_of_which_nothing_is_known_is_asked(registry, platform):
    assert registry.circuits.of(platform.id) == Circuit()
    assert registry.circuits.admit(platform.id)


@pytest.mark.parametrize(("times", "state"), [(2, CLOSED), (3, OPEN)], ids=["a-few", "as-many-as-set"])
def test_failures_in_a_row_open_it(registry, platform, fail, times, state):
    assert fail(times).state is state
    assert registry.circuits.admit(platform.id) is (state is CLOSED)


def test_answer_in_between_begins_the_count_anew(registry, platform, fail):
    fail(2)
    registry.circuits.answered(platform.id)

    assert fail(2).state is CLOSED


def test_contexts_that_have_failed_before_do_not_count(fail):
    assert fail(50, news=False).state is CLOSED


def test_after_a_while_one_attempt_is_let_through(registry, platform, fail, clock):
    fail(3)
    clock.turn(minutes=2)

    assert [registry.circuits.admit(platform.id) for _ in range(3)] == [True, False, False]
    assert registry.circuits.of(platform.id).state is HALF_OPEN


def test_answer_closes_it(registry, platform, fail, clock):
    fail(3)
    clock.turn(minutes=2)
    registry.circuits.admit(platform.id)

    registry.circuits.answered(platform.id)

    assert registry.circuits.of(platform.id) == Circuit()


@pytest.mark.parametrize("news", [True, False], ids=["context-that-was-fine", "context-that-fails-anyway"])
def test_trial_that_fails_opens_it_for_twice_as_long(registry, platform, fail, clock, news):
    fail(3)
    for minutes in (2, 4, 8, 16, 32, 60, 60):
        clock.turn(minutes=minutes, seconds=-1)
        assert not registry.circuits.admit(platform.id)
        clock.turn(seconds=1)
        assert registry.circuits.admit(platform.id)
        assert fail(news=news).state is OPEN


def test_trial_whose_process_died_is_followed_by_another(registry, platform, fail, clock):
    fail(3)
    clock.turn(minutes=2)
    registry.circuits.admit(platform.id)
    clock.turn(minutes=15)

    assert registry.circuits.admit(platform.id)


def test_failure_of_what_a_person_asked_for_does_not_prolong_it(fail):
    until = fail(3).until

    assert fail().until == until


def test_platform_that_asks_for_more_time_is_given_it(fail, clock):
    until = clock.now + timedelta(hours=3)

    assert fail(3, not_before=until).until == until


def test_removed_platform_leaves_nothing(registry, platform, fail):
    fail(3)
    registry.platforms.remove(platform.id)

    assert registry.circuits.all() == {}
    assert registry.circuits.failed(platform.id, news=True).state is CLOSED
    assert registry.circuits.all() == {}
