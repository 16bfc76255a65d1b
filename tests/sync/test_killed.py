"""A reconciling process that is killed, or sleeps past its lease: the mirror is as before or as after, never between.

A handful of times; ``python -m bench.kill`` does it a hundred times.
"""

import pytest

from bench.kill import course, kill, stop


@pytest.fixture(scope="module")
def lively_course():
    with course(members=800) as found:
        yield found


@pytest.mark.parametrize("within", [0.3, 0.6, 0.9, 1.2, 1.5], ids=lambda seconds: f"{seconds}s")
def test_killed_process_leaves_the_mirror_as_before_or_as_after(lively_course, within):
    kill(lively_course, within)


def test_process_that_slept_past_its_lease_undoes_nothing(lively_course):
    stop(lively_course)
