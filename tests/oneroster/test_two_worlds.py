"""What a limited client is answered is the same whether or not there is anything that it may not see."""

import re
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
            _compare_runs(worlds)
            for name in ("sources/north", "sources/south", "classes/class-v0", "classes/class-i0"):
                more, less = worlds.ask(f"/api/{name}/sync")
                assert _without_names(more) == _without_names(less), name
            assert worlds.exported(0) == worlds.exported(1)
        finally:
            worlds.close()


def _compare_runs(worlds):
    """The log of runs and what each changed, as far as the client may ask for it."""
    for params in ([("limit", "3")], [("outcome", "applied"), ("limit", "1000")], [("class", "class-i0")]):
        more, less = worlds.ask("/api/runs", params)
        assert more.status_code == (200 if worlds.limit.tells_runs else 403)
        assert _without_names(more) == _without_names(less), params
    both = [[run["id"] for run in answer.get_json().get("runs", ())] for answer in worlds.ask("/api/runs")]
    for names in zip(*both, strict=True):
        for path in ("", "/changes"):
            more, less = worlds.ask_each([f"/api/runs/{name}{path}" for name in names])
            assert more.status_code == 200
            assert _without_names(more) == _without_names(less)


def _without_names(answer):
    """What it says of runs: their names, and cursors, are encrypted numbers."""
    status, headers, body = plain(answer, tag_counts=False)
    return status, headers, re.sub(rb'"(id|next)":"([\w=-]+)"', lambda match: b"%d" % len(match[2]), body)


def _without_id(event):
    """Its id is a keyed hash of its number, which tells nobody anything."""
    return {name: value for name, value in event.items() if name != "id"}


def test_every_operation_is_asked():
    assert {operation.collection.name for operation in OPERATIONS} == set(COLLECTIONS)
