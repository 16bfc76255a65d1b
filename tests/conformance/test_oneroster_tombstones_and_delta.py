"""Records that have ended, and asking for what changed: OneRoster 1.2, ``status`` and ``dateLastModified``."""

import pytest

from tests.conformance.awkward import records_named
from tests.conformance.world import links_of, records_of, total_of


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


def followed(consumer, path, **query):
    """Pages by ``next``."""
    answer = consumer.get(path, **query)
    yield answer
    while "next" in links_of(answer):
        answer = consumer.get(links_of(answer)["next"])
        yield answer


def counted(consumer, path, **query):
    """Pages as somebody asks for them who counts offsets up to the total."""
    offset, total = 0, 1
    while offset < total:
        answer = consumer.get(path, offset=offset, **query)
        total = total_of(answer)
        yield answer
        offset += query["limit"]


@pytest.mark.parametrize("pages", [followed, counted], ids=["following-next", "counting-offsets"])
@pytest.mark.parametrize("more", ["", " AND status='active'"], ids=["changed", "changed-and-active"])
@pytest.mark.clause("MUST: whoever asks from the latest she has seen misses nothing, in however many pages she reads")
def test_polling_over_pages_while_records_change(world, pages, more):
    for name in "abcdef":
        family(world, name)
    consumer = world.consumer()
    copy, highest = {}, "2000-01-01T00:00:00.000Z"
    for round_ in range(3):
        for number, page in enumerate(pages(consumer, "users", filter=f"dateLastModified>'{highest}'{more}", limit=2)):
            for record in records_of(page):
                copy[record["sourcedId"]] = record
                highest = max(highest, record["dateLastModified"])
            if round_ == 0 and number in {1, 3}:  # behind her, and before her
                family(world, "a", grades=[f"0{number}"])
                family(world, "f", grades=[f"0{number}"])

    assert copy == {record["sourcedId"]: record for record in records_of(consumer.get("users", limit=1000))}


@pytest.mark.clause("MUST: a change of one record moves no other")
def test_neighbours_stay(world):
    family(world, "a")
    stamp = family(world, "b")
    world.retire("users", "a")
    assert changed_since(world.consumer(), "users", stamp) == ["a"]
    assert changed_since(world.consumer(), "enrollments", stamp) == []
