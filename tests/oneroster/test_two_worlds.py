"""What a limited client is answered is the same whether or not there is anything that it may not see."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.oneroster.operations import OPERATIONS
from bridge.roster.model import COLLECTIONS
from bridge.roster.references import ROSTERING_PATH
from tests.oneroster.two_worlds import LIMITS, TwoWorlds, plain, requests, rosters


@pytest.mark.parametrize("limit", LIMITS.values(), ids=LIMITS.keys())
@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_answers_are_the_same_whether_or_not_invisible_records_exist(limit, data):
    with tempfile.TemporaryDirectory() as folder:
        worlds = TwoWorlds(Path(folder), limit, data.draw(rosters(limit)))
        try:
            for collection in COLLECTIONS:
                more, less = worlds.ask(f"{ROSTERING_PATH}/{collection}")
                assert plain(more) == plain(less)
            for path, params in data.draw(st.lists(requests(), min_size=40, max_size=40)):
                more, less = worlds.ask(path, params)
                assert more.status_code < 500
                # A page that goes on where a counting walk was left has a tag that is made of that place too, sealed.
                is_walk = dict(params).get("offset", "0") != "0"
                assert plain(more, tag_counts=not is_walk) == plain(less, tag_counts=not is_walk), (path, params)
            more, less = (answer.get_json() for answer in worlds.ask("/api/events", [("limit", "1000")]))
            assert [_without_id(event) for event in more["events"]] == [_without_id(event) for event in less["events"]]
            assert len(more["next"]) == len(less["next"])
            assert worlds.exported(0) == worlds.exported(1)
        finally:
            worlds.close()


def _without_id(event):
    """Its id is a keyed hash of its number, which tells nobody anything."""
    return {name: value for name, value in event.items() if name != "id"}


def test_every_operation_is_asked():
    assert {operation.collection.name for operation in OPERATIONS} == set(COLLECTIONS)
