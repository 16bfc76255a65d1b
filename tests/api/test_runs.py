"""``/api/runs``: what reconciliations did and changed, and to whom that is told."""

import json

import pytest

from bridge.api.scopes import RUNS_READ, SYNC
from bridge.oneroster.scopes import ROSTER, ROSTER_DEMOGRAPHICS
from bridge.roster.identity import class_sourced_id
from tests.mirror.rosters_in_memory import Course


@pytest.fixture
def south():
    course = Course("physics", "Physics", source="south")
    course.enrol("sue", given_name="Sue", family_name="Sand")
    return course


@pytest.fixture
def told(school, biology, south):
    """Four runs, of two sources; the last of the north took Ann away."""
    school.reconcile(biology)
    school.reconcile(south)
    biology.leave("ann")
    school.reconcile(biology)
    school.reconcile(south)
    return school


def get(ask, path, **parameters):
    response = ask(path, **parameters)
    assert response.status_code == 200, response.text
    assert response.headers["Cache-Control"] == "private, no-store"
    return response.json


def pages(ask, path, key, **parameters):
    """Every entry, a few at a time."""
    found = []
    while True:
        page = get(ask, path, limit=2, **parameters)
        found += page[key]
        if "next" not in page:
            return found
        parameters["after"] = page["next"]


def test_runs_are_listed_newest_first_with_what_they_did(told, caller):
    runs = pages(caller(RUNS_READ), "/api/runs", "runs")

    assert [(run["source"], run["outcome"]) for run in runs] == [
        ("south", "unchanged"),
        ("north", "applied"),
        ("south", "applied"),
        ("north", "applied"),
    ]
    assert runs[1]["members"] == {"added": 0, "changed": 0, "removed": 1, "unchanged": 2, "quarantined": 0}
    assert runs[1]["records"] == {"enrollments": {"removed": 1}, "users": {"removed": 1}}


def test_a_run_is_found_by_its_id(told, caller):
    ask = caller(RUNS_READ)
    for run in pages(ask, "/api/runs", "runs"):
        assert get(ask, f"/api/runs/{run['id']}")["run"] == run


def test_changes_of_a_run_have_before_and_after(told, caller):
    ask = caller(RUNS_READ, ROSTER)
    run = pages(ask, "/api/runs", "runs")[1]

    changes = pages(ask, f"/api/runs/{run['id']}/changes", "changes")

    assert sorted((one["collection"], one["kind"]) for one in changes) == [
        ("enrollments", "removed"),
        ("users", "removed"),
    ]
    for one in changes:
        told_before = one["before"]["metadata"]
        metadata = told_before | ({"lti.status": "Deleted"} if one["collection"] == "enrollments" else {})
        assert one["after"] == {**one["before"], "status": "tobedeleted", "metadata": metadata}
        assert (one["after"]["sourcedId"], one["after"]["status"]) == (one["sourcedId"], "tobedeleted")


def test_changes_come_in_pages_that_lose_and_repeat_none(told, caller):
    ask = caller(RUNS_READ, ROSTER)
    run = pages(ask, "/api/runs", "runs")[3]
    path = f"/api/runs/{run['id']}/changes"

    whole = get(ask, path)["changes"]

    assert pages(ask, path, "changes") == whole
    assert len(whole) == sum(count for kinds in run["records"].values() for count in kinds.values())


def test_runs_can_be_asked_for_by_class_and_outcome(told, caller, biology):
    ask = caller(RUNS_READ)

    of_class = pages(ask, "/api/runs", "runs", **{"class": class_sourced_id("north", biology.key)})
    assert [run["source"] for run in of_class] == ["north", "north"]
    assert [run["source"] for run in pages(ask, "/api/runs", "runs", outcome="unchanged")] == ["south"]


# -- who is told what


def test_client_sees_the_runs_of_its_sources_only(told, caller, south):
    everything = pages(caller(RUNS_READ), "/api/runs", "runs")
    ask = caller(RUNS_READ, ROSTER, sources=["north"])

    assert {run["source"] for run in pages(ask, "/api/runs", "runs")} == {"north"}
    others = {"class": class_sourced_id("south", south.key)}
    assert get(ask, "/api/runs", **others) == {"runs": []}
    for run in everything:
        expected = 200 if run["source"] == "north" else 404
        assert ask(f"/api/runs/{run['id']}").status_code == expected
        assert ask(f"/api/runs/{run['id']}/changes").status_code == expected


def test_nothing_tells_a_limited_client_of_the_other_sources(school, biology, south, caller):
    """What it is told is the same, however much there is of others: but for the names, which are as long."""

    def told(ask):
        run = get(ask, "/api/runs")["runs"][0]
        return {**run, "id": len(run["id"])}

    ask = caller(RUNS_READ, sources=["north"])
    school.reconcile(biology)
    before = told(ask)
    for _ in range(20):
        school.reconcile(south)

    assert told(ask) == before
    assert before.keys().isdisjoint({"number", "message", "decidedBy"})


def test_client_of_every_source_is_told_the_operators_words(told, caller):
    run = get(caller(RUNS_READ), "/api/runs")["runs"][0]

    assert (run["number"], run["message"], run["decidedBy"]) == (4, "", None)


def test_changes_are_of_records_that_the_clients_scopes_let_it_read(told, caller):
    ask = caller(RUNS_READ, ROSTER_DEMOGRAPHICS)
    run = get(ask, "/api/runs")["runs"][1]

    assert get(ask, f"/api/runs/{run['id']}/changes") == {"changes": []}


@pytest.mark.parametrize(
    ("scopes", "path", "status"),
    [
        pytest.param([ROSTER, SYNC], "/api/runs", 403, id="no-scope-for-runs"),
        pytest.param([RUNS_READ], "/api/runs/{run}/changes", 403, id="no-scope-for-records"),
        pytest.param([RUNS_READ, ROSTER], "/api/runs/{run}/changes", 200, id="both"),
    ],
)
def test_scopes_are_asked_for(told, caller, scopes, path, status):
    run = get(caller(RUNS_READ), "/api/runs")["runs"][0]["id"]

    response = caller(*scopes)(path.format(run=run))

    assert response.status_code == status
    if status == 403:
        assert "insufficient_scope" in response.headers["WWW-Authenticate"]


def test_nobody_is_told_without_a_token(told, http):
    response = http.get("/api/runs")

    assert (response.status_code, response.json["error"]) == (401, "Unauthorized")


# -- what cannot be answered


@pytest.mark.parametrize("run", ["1", "0", "nonsense", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "%C3%BC"])
def test_run_that_was_never_told_of_is_unknown(told, caller, run):
    assert caller(RUNS_READ)(f"/api/runs/{run}").status_code == 404


@pytest.mark.parametrize(
    ("parameters", "names"),
    [
        pytest.param({"limit": "0"}, "limit", id="limit"),
        pytest.param({"outcome": "odd"}, "outcome", id="outcome"),
        pytest.param({"after": "odd"}, "after", id="cursor"),
        pytest.param({"class": ["a", "b"]}, "class", id="repeated"),
    ],
)
def test_parameter_that_cannot_be_used_is_named(told, caller, parameters, names):
    response = caller(RUNS_READ)("/api/runs", **parameters)

    assert (response.status_code, response.json["detail"].partition(":")[0]) == (400, names)


def test_cursor_is_good_for_its_client_and_list_only(told, caller):
    ask, other = caller(RUNS_READ), caller(RUNS_READ)
    cursor = get(ask, "/api/runs", limit=1)["next"]

    assert other("/api/runs", limit=1, after=cursor).status_code == 400
    assert ask("/api/runs", limit=1, after=cursor, outcome="held").status_code == 400


def test_cursor_from_before_a_restore_is_gone(told, caller):
    ask = caller(RUNS_READ)
    cursor = get(ask, "/api/runs", limit=1)["next"]
    told.mirror.db.execute("UPDATE meta SET value = ? WHERE key = 'epoch'", ["0" * 32])

    response = ask("/api/runs", limit=1, after=cursor)

    assert (response.status_code, response.json["error"]) == (410, "Gone")


def test_answers_hold_no_name_but_in_the_records(told, caller):
    ask = caller(RUNS_READ)

    assert "Abara" not in json.dumps(pages(ask, "/api/runs", "runs"))
