"""Load on the API while an unruly LMS is reconciled: a small version of ``python -m bench.soak``."""

from bench.soak import soak


def test_nothing_is_lost_repeated_or_broken_while_the_lms_misbehaves():
    soaked = soak(contexts=12, members=24, seconds=5, limit=15)

    assert soaked.wrong == []
