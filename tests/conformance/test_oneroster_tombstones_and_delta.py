"""Records that have ended, and asking for what changed: OneRoster 1.2, ``status`` and ``dateLastModified``."""

import pytest

from tests.conformance.awkward import records_named
from tests.conformance.world import records_of


def family(world, name="s", **user):
    records = [
        (collection, body | user if collection == "users" else body) for collection, body in records_named(name, "t")
    ]
    return world.put([(collection, body, body["sourcedId"]) for collection, body in records])


def changed_since(consumer, path, stamp):
    return consumer.ids(path, filter=f"dateLastModified>'{stamp}'")


@pytest.mark.clause("MUST: a record that has ended is still served, as tobedeleted, with the time of that change")
def test_tombstone_is_served(world):
    family(world)
    consumer = world.consumer()
    before = consumer.get("users/s").get_json()["user"]

    stamp = world.retire("users", "s")

    after = consumer.get("users/s").get_json()["user"]
    assert after == {**before, "status": "tobedeleted", "dateLastModified": stamp}
    assert "s" in consumer.ids("users")
    assert consumer.ids("users", filter="status='active'") == ["s~teacher"]
    assert changed_since(consumer, "users", before["dateLastModified"]) == ["s"]


@pytest.mark.clause("MAY: a record that had ended comes back")
def test_record_comes_back(world):
    family(world)
    world.retire("users", "s")
    stamp = family(world)

    user = world.consumer().get("users/s").get_json()["user"]
    assert (user["status"], user["dateLastModified"]) == ("active", stamp)


@pytest.mark.clause("MUST: dateLastModified moves with every change, in lists as well, and with nothing else")
def test_stamp_moves_when_something_changes(world):
    first = family(world)
    consumer = world.consumer()

    family(world)
    assert changed_since(consumer, "users", first) == []

    second = family(world, grades=["03"])
    assert changed_since(consumer, "users", first) == ["s", "s~teacher"]
    assert changed_since(consumer, "classes", first) == []
    assert {record["dateLastModified"] for record in records_of(consumer.get("users"))} == {second}


@pytest.mark.clause("MUST: dateLastModified is in UTC, and whoever asks from the latest she has seen misses nothing")
def test_polling_by_the_highest_stamp_seen(world):
    consumer = world.consumer()
    seen, highest = [], "2000-01-01T00:00:00.000Z"
    for name in ("a", "b", "c"):
        family(world, name)
        page = records_of(consumer.get("courses", filter=f"dateLastModified>'{highest}'"))
        seen += [record["sourcedId"] for record in page]
        highest = max(record["dateLastModified"] for record in page)
        assert highest.endswith("Z")
    assert seen == ["a", "b", "c"]


@pytest.mark.clause("MUST: a change of one record moves no other")
def test_neighbours_stay(world):
    family(world, "a")
    stamp = family(world, "b")
    world.retire("users", "a")
    assert changed_since(world.consumer(), "users", stamp) == ["a"]
    assert changed_since(world.consumer(), "enrollments", stamp) == []
