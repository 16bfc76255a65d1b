"""What an answer says beside its records: OneRoster 1.2 Rostering OpenAPI, headers and links; RFC 8288, RFC 9110."""

import gzip

import pytest

from bridge.compression import SMALLEST
from tests.conformance.world import PUBLIC_URL, World, code_minor, links_of, records_of, total_of

BASE = f"{PUBLIC_URL}/ims/oneroster/rostering/v1p2"


def orgs(count):
    return [
        {"sourcedId": f"o{number}", "status": "active", "name": f"Org {number}", "type": "school", "identifier": "1"}
        for number in range(count)
    ]


@pytest.fixture(scope="module")
def seven(tmp_path_factory):
    world = World(tmp_path_factory.mktemp("seven"))
    world.add("orgs", *orgs(7))
    yield world
    world.close()


@pytest.fixture(scope="module")
def consumer(seven):
    return seven.consumer()


@pytest.mark.clause("X-Total-Count: SHOULD be the number of records after filtering, on all pages")
def test_total(consumer):
    assert total_of(consumer.get("orgs", limit=2)) == 7
    assert total_of(consumer.get("orgs", limit=2, filter="sourcedId>'o4'")) == 2
    assert total_of(consumer.get("orgs", filter="sourcedId='x'")) == 0


@pytest.mark.clause("Link: SHOULD lead to the first, prev, next and last pages, absolute, keeping what was asked")
def test_links(consumer):
    links = links_of(consumer.get("orgs", limit=2, offset=2, sort="name", orderBy="desc", filter="name~'Org'"))
    kept = "filter=name~%27Org%27&sort=name&orderBy=desc"
    kept = "&".join(sorted(kept.split("&")))

    def parts(url):
        path, _, query = url.partition("?")
        pairs = [pair for pair in query.split("&") if not pair.startswith("cursor=")]
        rest = [pair for pair in pairs if not pair.startswith(("limit", "offset"))]
        return path, "&".join(sorted(rest)), [pair for pair in pairs if pair not in rest]

    assert {relation: parts(url) for relation, url in links.items()} == {
        "first": (f"{BASE}/orgs", kept, ["limit=2", "offset=0"]),
        "prev": (f"{BASE}/orgs", kept, ["limit=2", "offset=0"]),
        "next": (f"{BASE}/orgs", kept, ["limit=2", "offset=4"]),
        "last": (f"{BASE}/orgs", kept, ["limit=2", "offset=6"]),
    }


@pytest.mark.clause("Link: relations that lead nowhere MUST be left out")
@pytest.mark.parametrize(
    ("params", "relations"),
    [
        pytest.param({"limit": 3}, {"first", "next", "last"}, id="first"),
        pytest.param({"limit": 3, "offset": 3}, {"first", "prev", "next", "last"}, id="middle"),
        pytest.param({"limit": 3, "offset": 6}, {"first", "prev", "last"}, id="last"),
        pytest.param({"limit": 7}, {"first", "last"}, id="only"),
        pytest.param({"filter": "sourcedId='x'"}, {"first"}, id="nothing"),
    ],
)
def test_relations(consumer, params, relations):
    assert links_of(consumer.get("orgs", **params)).keys() == relations


@pytest.mark.clause("MAY: counters in the body, where the client is not registered for the standard's own")
def test_body_styles(seven):
    assert seven.consumer().get("orgs", limit=3, offset=3).get_json().keys() == {
        *("orgs", "totalCount", "pageCount", "pageNumber", "offset", "limit")
    }
    assert seven.consumer(body_style="strict").get("orgs").get_json().keys() == {"orgs"}


@pytest.mark.clause("Body style: one setting changes the default, and a client's own goes before it")
def test_strict_by_default(tmp_path):
    world = World(tmp_path, body="strict")
    assert world.consumer().get("orgs").get_json().keys() == {"orgs"}
    assert "totalCount" in world.consumer(body_style="counters").get("orgs").get_json()
    world.close()


@pytest.mark.clause("RFC 9110 section 9.3.2: HEAD MUST be answered like GET, without the body")
@pytest.mark.parametrize("path", ["orgs", "orgs/o1"])
def test_head(consumer, path):
    get, head = consumer.ask(path), consumer.ask(path, method="HEAD")
    assert (head.status_code, head.data) == (200, b"")
    for name in ("Content-Length", "Content-Type", "ETag", "Cache-Control", "X-Total-Count"):
        assert head.headers.get(name) == get.headers.get(name)


@pytest.mark.clause("RFC 9110 section 15.5.6: another method MUST be answered 405 with Allow")
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_other_methods(consumer, method):
    answer = consumer.ask("orgs", method=method)
    assert answer.status_code == 405
    assert set(answer.headers["Allow"].split(", ")) == {"GET", "HEAD"}
    assert answer.get_json()["imsx_codeMajor"] == "unsupported"


@pytest.mark.clause("RFC 9111 section 5.2.2.7: what is for one client MUST be private; RFC 9110 section 12.5.5: Vary")
@pytest.mark.parametrize("path", ["orgs", "orgs/o1"])
def test_answers_are_private(consumer, path):
    answer = consumer.get(path)
    assert answer.headers["Cache-Control"] == "private, no-cache"
    assert {"Authorization", "Accept-Encoding"} <= {name.strip() for name in answer.headers["Vary"].split(",")}
    assert answer.content_type == "application/json"


@pytest.mark.clause("RFC 9110 section 8.4: gzip, where the client accepts it")
@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [("gzip", "gzip"), ("deflate, gzip;q=0.5", "gzip"), ("gzip;q=0", None), ("br", None), (None, None)],
)
def test_compression(strict, accepted, encoding):
    headers = {} if accepted is None else {"Accept-Encoding": accepted}
    plain, answer = strict.ask("users"), strict.ask("users", headers=headers)
    assert answer.headers.get("Content-Encoding") == encoding
    assert int(answer.headers["Content-Length"]) == len(answer.data)
    assert (gzip.decompress(answer.data) if encoding else answer.data) == plain.data
    assert answer.headers["ETag"] == plain.headers["ETag"]


@pytest.mark.clause("Small bodies go as they are")
def test_small_body_is_not_compressed(consumer):
    answer = consumer.ask("orgs/o1", headers={"Accept-Encoding": "gzip"})
    assert len(answer.data) < SMALLEST
    assert "Content-Encoding" not in answer.headers


@pytest.mark.clause("Fetch, CORS protocol: off unless configured")
def test_other_origins_are_told_nothing(consumer):
    answer = consumer.ask("orgs", headers={"Origin": "https://app.example.org"})
    assert [name for name, _ in answer.headers if name.startswith("Access-Control")] == []


@pytest.mark.clause("Fetch, CORS protocol: preflight and answer, for the origins that are configured")
@pytest.mark.parametrize(
    ("origins", "origin", "allowed"),
    [
        (("https://app.example.org",), "https://app.example.org", True),
        (("https://app.example.org",), "https://other.example.org", False),
        (("*",), "https://other.example.org", True),
    ],
)
def test_configured_origins(tmp_path, origins, origin, allowed):
    world = World(tmp_path, cors_origins=origins)
    consumer = world.consumer()
    preflight = consumer.ask(
        "orgs",
        method="OPTIONS",
        headers={"Origin": origin, "Access-Control-Request-Method": "GET", "Authorization": ""},
    )
    answer = consumer.ask("orgs", headers={"Origin": origin})
    refusal = consumer.ask("orgs", headers={"Origin": origin, "Authorization": ""})

    for each in (preflight, answer, refusal):
        assert each.headers.get("Access-Control-Allow-Origin") == (origin if allowed else None)
        assert "Origin" in each.headers["Vary"]
    assert preflight.status_code == (204 if allowed else 405)
    assert ("Authorization" in preflight.headers.get("Access-Control-Allow-Headers", "")) == allowed
    assert ("X-Total-Count" in answer.headers.get("Access-Control-Expose-Headers", "")) == allowed
    world.close()


@pytest.mark.clause("RFC 6585 section 4: 429 with Retry-After; Rostering OpenAPI: server_busy")
def test_too_many_requests(tmp_path):
    world = World(tmp_path, requests_per_second=1)
    consumer, other = world.consumer(), world.consumer()

    answers = [consumer.ask("orgs") for _ in range(20)]

    assert answers[0].status_code == 200
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert refused.headers["Retry-After"] == "1"
    assert code_minor(refused) == "server_busy"
    assert other.ask("orgs").status_code == 200
    world.close()


@pytest.mark.clause("Behind a proxy, links MUST lead to the public address, whatever the request says")
def test_links_are_on_the_public_address(consumer):
    answer = consumer.ask("orgs", {"limit": 1}, headers={"Host": "internal:8080", "X-Forwarded-Host": "evil.example"})
    assert all(url.startswith(f"{BASE}/orgs?") for url in links_of(answer).values())
    assert records_of(answer)
