"""sourcedIds of every kind in paths, references, filters and links: RFC 3986; PEP 3333 hands paths over decoded."""

import http.client
import json
from urllib.parse import quote, urlsplit

import pytest

from bridge.practice.server import PracticeServer
from bridge.roster.references import ROSTERING_PATH
from tests.conformance.awkward import DOTS, IDS, records_named
from tests.conformance.world import links_of, records_of

each_id = pytest.mark.parametrize("sourced_id", IDS, ids=lambda sourced_id: ascii(sourced_id[:12]))

pytestmark = pytest.mark.clause("MUST: a sourcedId is any text, and survives in every place")


@each_id
def test_path(strict, sourced_id):
    for collection, singular in (("orgs", "org"), ("users", "user"), ("classes", "class")):
        record = strict.get(f"{collection}/{quote(sourced_id, safe='')}").get_json()[singular]
        assert record["sourcedId"] == sourced_id


@each_id
def test_reference_leads_to_the_record(strict, sourced_id):
    enrollment = strict.get(f"enrollments/{quote(sourced_id, safe='')}").get_json()["enrollment"]
    for field in ("user", "class", "school"):
        reference = enrollment[field]
        found = strict.get(reference["href"]).get_json()[reference["type"]]
        assert found["sourcedId"] == reference["sourcedId"] == sourced_id


@each_id
def test_filter(strict, sourced_id):
    quoted = sourced_id.replace("'", "''")
    assert strict.ids("users", filter=f"sourcedId='{quoted}'") == [sourced_id]
    enrolled = strict.ids("enrollments", filter=f"class.sourcedId='{quoted}'")
    assert enrolled == [sourced_id, f"{sourced_id[:247]}~teacher"]


@each_id
def test_links_of_a_nested_collection(strict, sourced_id):
    first = strict.get(f"schools/{quote(sourced_id, safe='')}/enrollments", limit=1)
    links = links_of(first)
    path = urlsplit(links["next"]).path.removeprefix("/bridge")
    assert path == f"{ROSTERING_PATH}/schools/{quote(sourced_id, safe='')}/enrollments"

    second = strict.get(links["next"])
    assert [record["sourcedId"] for record in records_of(first)] == [sourced_id]
    assert [record["sourcedId"] for record in records_of(second)] == [f"{sourced_id[:247]}~teacher"]
    assert links_of(second).keys() == {"first", "prev", "last"}


@each_id
def test_parents(strict, sourced_id):
    one = quote(sourced_id, safe="")
    teacher = quote(f"{sourced_id[:247]}~teacher", safe="")
    assert strict.ids(f"schools/{one}/classes/{one}/students") == [sourced_id]
    assert strict.ids(f"teachers/{teacher}/classes") == [sourced_id]
    assert strict.ids(f"terms/{one}/classes") == [sourced_id]
    assert strict.ids(f"schools/{one}/terms") == [sourced_id]


def test_record_goes_before_what_belongs_to_another(world):
    """A server is told of ``a%2Fstudents`` and ``a/students`` in the same words."""
    for name in ("a", "b"):
        world.put([(collection, body, body["sourcedId"]) for collection, body in records_named(name, "t")])
    consumer = world.consumer()
    assert consumer.ids("classes/a/students") == ["a"]
    class_ = next(body for collection, body in records_named("a/students", "t") if collection == "classes")
    world.add("classes", class_)

    assert consumer.get("classes/a/students").get_json()["class"]["sourcedId"] == "a/students"
    assert consumer.ids("classes/b/students") == ["b"]
    assert consumer.ids("classes/a%2Fstudents/students") == []


@pytest.mark.parametrize("sourced_id", [*DOTS, "a//b", "a/students", "%2F"])
def test_over_a_real_connection(awkward, strict, sourced_id):
    with PracticeServer(awkward.app) as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
        path = quote(sourced_id, safe="").replace(".", "%2E")
        connection.request("GET", f"{ROSTERING_PATH}/orgs/{path}", headers=strict.headers)
        answer = connection.getresponse()
        assert (answer.status, json.loads(answer.read())["org"]["sourcedId"]) == (200, sourced_id)
        connection.close()
