"""One client's requests leave threads to the others."""

import pytest

from bridge.auth.at_once import AtOnce
from bridge.errors import Busy


def test_client_with_as_many_in_hand_as_it_may_is_told_so_at_once():
    at_once = AtOnce(2)

    with at_once.one_more("a"), at_once.one_more("a"), pytest.raises(Busy) as refused, at_once.one_more("a"):
        pass
    assert refused.value.retry_after == 1


def test_others_are_not_counted_with_it():
    at_once = AtOnce(1)

    with at_once.one_more("a"), at_once.one_more("b"):
        pass


def test_what_has_ended_counts_no_more_however_it_ended():
    at_once = AtOnce(1)
    with pytest.raises(ZeroDivisionError), at_once.one_more("a"):
        _ = 1 / 0

    with at_once.one_more("a"):
        pass
