"""The events feed: what it tells, to whom, and for how long."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.mirror.purging import Keep, Purge
from bridge.oneroster.scopes import ROSTER_CORE, ROSTER_DEMOGRAPHICS
from tests.mirror.rosters_in_memory import INSTRUCTOR, Course

DAY = timedelta(days=1)
NEVER = timedelta(days=10_000)


def purge_events(school, kept):
    Purge(school.mirror, Keep(tombstones=NEVER, facts=NEVER, changes=NEVER, events=kept, runs=NEVER), school.clock).do()


def records(events):
    return {(event["collection"], event["sourcedId"]) for event in events}


def test_every_change_is_told_once_in_order(school, biology, reader):
    school.reconcile(biology)
    biology.leave("ann")
    school.reconcile(biology)

    events, _ = reader().read_all()

    logged = school.mirror.db.execute(
        "SELECT kind, collection, sourcedId, stamp FROM changes JOIN writes USING (changed) ORDER BY id"
    ).fetchall()
    assert [
        (event["kind"], event["collection"], event["sourcedId"], event["dateLastModified"]) for event in events
    ] == logged


def test_an_event_holds_no_name(school, biology, reader):
    school.reconcile(biology)

    response = reader().ask()

    assert {key for event in response.json["events"] for key in event} == {
        "id",
        "kind",
        "collection",
        "sourcedId",
        "dateLastModified",
    }
    assert "Abara" not in response.text


def test_next_leads_on_to_what_happens_later(school, biology, reader):
    school.reconcile(biology)
    client = reader()
    _, cursor = client.read_all()
    assert client.get(after=cursor)["events"] == []
    biology.leave("ann")
    school.reconcile(biology)

    assert [event["kind"] for event in client.get(after=cursor)["events"]] == ["removed", "removed"]


def test_latest_tells_of_what_comes_only(school, biology, reader):
    school.reconcile(biology)
    client = reader()

    page = client.get(after="latest")
    biology.leave("ben")
    school.reconcile(biology)

    assert page["events"] == []
    assert [event["kind"] for event in client.get(after=page["next"])["events"]] == ["removed", "removed"]


def test_an_event_has_the_same_id_whoever_asks_and_however_often(school, biology, reader):
    school.reconcile(biology)

    ids = [[event["id"] for event in client.read_all()[0]] for client in (reader(), reader(sources=["north"]))]

    assert ids[0] == ids[1]
    assert len(set(ids[0])) == len(ids[0])


def test_a_client_of_one_source_is_told_of_no_other(school, biology, reader):
    south = Course("history", "History", source="south")
    south.enrol("sue")
    client = reader(sources=["south"])
    school.reconcile(biology)
    school.reconcile(south)
    everything = records(reader().read_all()[0])

    seen = records(client.read_all()[0])

    assert seen < everything
    sources = {
        source
        for collection, sourced_id in seen
        for (source,) in school.mirror.db.execute(
            "SELECT name FROM changes JOIN sources ON sources.id = source WHERE collection = ? AND sourcedId = ?",
            (collection, sourced_id),
        )
    }
    assert sources == {"south"}


def test_neither_cursors_nor_ids_nor_ages_tell_of_other_sources(school, biology, reader):
    """The same south, alone and beside a busy north: nothing that south's client gets is longer, or missing."""
    client = reader(sources=["south"])
    empty = client.get()
    for _ in range(5):
        biology.enrol("ann", given_name="Ann" * 3)
        school.reconcile(biology)
        biology.enrol("ann", INSTRUCTOR)
        school.reconcile(biology)
    school.clock.turn(days=5)
    purge_events(school, 3 * DAY)

    beside = client.get()

    assert (beside["events"], beside["more"]) == ([], False)
    assert len(beside["next"]) == len(empty["next"])
    # North's events behind this cursor are gone, and that is nobody's business but north's: only its age counts.
    school.clock.turn(days=1)
    assert client.ask(after=beside["next"]).status_code == 200


@pytest.mark.parametrize(
    ("scopes", "told"),
    [
        pytest.param((ROSTER_CORE,), True, id="core"),
        pytest.param((ROSTER_DEMOGRAPHICS,), False, id="demographics-alone"),
    ],
)
def test_a_client_is_told_of_what_its_scopes_let_it_read(school, biology, reader, scopes, told):
    school.reconcile(biology)

    assert bool(reader(scopes=scopes).get()["events"]) is told


def test_a_cursor_older_than_the_retention_is_gone(school, biology, reader):
    school.reconcile(biology)
    client = reader()
    _, cursor = client.read_all()
    school.clock.turn(days=31)
    purge_events(school, 30 * DAY)

    response = client.ask(after=cursor)

    assert response.status_code == 410
    assert response.json["error"] == "Gone"
    assert "after=latest" in response.json["detail"]


def test_a_cursor_within_the_retention_reads_on_after_a_purge(school, biology, reader):
    school.reconcile(biology)
    client = reader()
    _, cursor = client.read_all()
    school.clock.turn(days=29)
    biology.leave("ann")
    school.reconcile(biology)

    purge_events(school, 30 * DAY)

    assert len(client.get(after=cursor)["events"]) == 2


def test_a_cursor_of_another_epoch_is_gone(school, biology, reader):
    school.reconcile(biology)
    client = reader()
    _, cursor = client.read_all()
    school.mirror.db.execute("UPDATE meta SET value = lower(hex(randomblob(16))) WHERE key = 'epoch'")

    assert client.ask(after=cursor).status_code == 410


@pytest.mark.parametrize(
    "parameters",
    [
        pytest.param({"after": "nonsense"}, id="no-cursor"),
        pytest.param({"after": "é"}, id="not-ascii"),
        pytest.param({"after": ""}, id="empty"),
        pytest.param({"after": ["latest", "latest"]}, id="repeated"),
        pytest.param({"limit": "0"}, id="limit-zero"),
        pytest.param({"limit": "1001"}, id="limit-too-large"),
        pytest.param({"limit": "ten"}, id="limit-no-number"),
        pytest.param({"limit": "１"}, id="limit-full-width"),
    ],
)
def test_a_parameter_that_cannot_be_used_is_named(reader, parameters):
    response = reader().ask(**parameters)

    assert response.status_code == 400
    assert response.json["error"] == "Bad Request"
    assert response.json["detail"].startswith(next(iter(parameters)))


def test_a_cursor_is_good_for_its_own_client_only(school, biology, reader):
    school.reconcile(biology)
    _, cursor = reader().read_all()

    assert reader().ask(after=cursor).status_code == 400


def test_without_a_token_nothing_is_told(http):
    response = http.get("/api/events")

    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == 'Bearer realm="bridge"'
    assert set(response.json) == {"error", "detail"}


moves = st.lists(
    st.tuples(st.sampled_from(["north", "south"]), st.sampled_from(["ann", "ben", "cem"]), st.booleans()),
    max_size=8,
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=moves, after=moves, limit=st.integers(1, 5))
def test_replaying_from_any_cursor_tells_which_records_changed(school, reader, before, after, limit):
    courses = {name: Course("maths", source=name) for name in ("north", "south")}
    clients = {"all": reader(), "north": reader(sources=["north"])}

    def play(steps):
        for name, user_id, there in steps:
            if there:
                courses[name].enrol(user_id)
            else:
                courses[name].members.pop(user_id, None)
            everybody = {"ann", "ben", "cem"}
            assert school.reconcile(courses[name], approved=everybody).outcome in {"applied", "unchanged"}

    play(before)
    cursors = {name: client.get(after="latest")["next"] for name, client in clients.items()}
    (mark,) = school.mirror.db.execute("SELECT coalesce(max(changed), 0) FROM writes").fetchone()
    play(after)

    changed = {
        name: {
            (collection, sourced_id)
            for collection, sourced_id in school.mirror.db.execute(
                "SELECT DISTINCT collection, sourcedId FROM changes JOIN sources ON sources.id = source"
                " WHERE changed > ? AND (? = 'all' OR name = ?)",
                (mark, name, name),
            )
        }
        for name in clients
    }
    for name, client in clients.items():
        assert records(client.read_all(cursors[name], limit)[0]) == changed[name]
