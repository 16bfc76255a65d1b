"""Walking a provider's pages, whatever it says of them."""

import json

import pytest
from werkzeug import Response

from bridge.errors import SourceRefused, SourceUnavailable
from bridge.roster.model import DEMOGRAPHICS, ORGS, USERS
from tests.sources.scripted_sis import make_client, numbered, org, user


def ids(pages):
    return [record["sourcedId"] for page in pages for record in page]


def read(sis, waits, *, collection=USERS, limit=10, **options):
    reading = make_client(waits, **options).read(sis.account(), limit=limit)
    return ids(reading.pages(collection)), reading


@pytest.mark.parametrize("total", [0, None], ids=["total", "no total"])
@pytest.mark.parametrize("links", [True, False], ids=["links", "no links"])
@pytest.mark.parametrize("clamp", [10_000, 7], ids=["honoured limit", "clamped pages"])
@pytest.mark.parametrize("count", [0, 1, 9, 10, 11, 30], ids=lambda count: f"{count} records")
def test_everything_is_read_once_whatever_the_headers_say(sis, waits, total, links, clamp, count):
    sis.has("users", *numbered(count))
    sis.sends_total, sis.sends_links, sis.clamp = total, links, clamp

    found, reading = read(sis, waits)

    assert found == [f"u{number:05}" for number in range(count)]
    assert reading.whole


def test_a_short_page_is_no_end_where_nothing_is_said_of_more(sis, waits):
    sis.has("users", *numbered(12))
    sis.sends_total, sis.sends_links, sis.clamp = None, False, 5

    read(sis, waits)

    assert sis.offsets("users") == [0, 5, 10, 12]


def test_a_total_that_is_too_small_alone_ends_nothing(sis, waits):
    sis.has("users", *numbered(25))
    sis.sends_total, sis.sends_links = -20, False

    found, _ = read(sis, waits)

    assert len(found) == 25


def test_a_total_that_is_not_reached_makes_the_reading_one_that_is_not_whole(sis, waits):
    sis.has("users", *numbered(25))
    sis.sends_total = 3

    found, reading = read(sis, waits)

    assert (len(found), reading.whole) == (25, False)


def test_a_record_that_moves_between_pages_hides_no_other_that_is_missing(sis, waits):
    """Twenty come, one of them twice: of the twenty that there are one has not come."""
    people = list(numbered(20))

    def answers(name, limit, offset):
        page = people[:10] if offset == 0 else [people[9], *people[10:19]] if offset == 10 else []
        response = Response(json.dumps({"users": page}))
        response.headers["X-Total-Count"] = "20"
        return response

    sis.answers = answers

    _, reading = read(sis, waits)

    assert not reading.whole


def test_next_links_are_followed_as_they_are(sis, waits):
    pages = {"": (["a"], "?after=A;B,c"), "after=A;B,c": (["b"], None)}

    def answers(name, limit, offset):
        key = sis.asked[-1].partition("?")[2] if "after" in sis.asked[-1] else ""
        found, following = pages[key]
        response = Response(json.dumps({"users": [user(each) for each in found]}))
        response.headers["Link"] = f"<{following}>; REL=Next" if following else '<?x>; rel="first"'
        response.headers["X-Total-Count"] = "2"
        return response

    sis.answers = answers

    assert read(sis, waits)[0] == ["a", "b"]


def test_next_link_that_leaves_the_origin_is_refused(sis, waits):
    def answers(name, limit, offset):
        response = Response(json.dumps({"users": [user("a")]}))
        response.headers["Link"] = '<https://elsewhere.example.org/users?offset=1>; rel="next"'
        return response

    sis.answers = answers

    with pytest.raises(SourceRefused, match="another scheme, host or port"):
        read(sis, waits)


def test_next_link_in_a_circle_is_refused(sis, waits):
    def answers(name, limit, offset):
        response = Response(json.dumps({"users": [user(str(len(sis.asked)))]}))
        response.headers["Link"] = f'<{sis.base_url}/users?limit=10&offset=10>; rel="next"'
        return response

    sis.answers = answers

    with pytest.raises(SourceRefused, match="links back"):
        read(sis, waits)


def test_links_to_pages_without_records_have_an_end(sis, waits):
    def answers(name, limit, offset):
        response = Response(json.dumps({"users": []}))
        response.headers["Link"] = f'<{sis.base_url}/users?n={len(sis.asked)}>; rel="next"'
        return response

    sis.answers = answers

    with pytest.raises(SourceRefused, match="no end"):
        read(sis, waits)


def test_page_that_comes_again_later_is_refused(sis, waits):
    people = list(numbered(20))

    def answers(name, limit, offset):
        return Response(json.dumps({"users": people[offset : offset + 10] if offset < 20 else people[10:]}))

    sis.answers = answers

    with pytest.raises(SourceRefused, match="circles"):
        read(sis, waits)


@pytest.mark.parametrize(
    ("count", "total", "whole"),
    [(30, None, True), (6, "6", True), (6, None, False)],
    ids=["more than asked for", "as many as its total", "perhaps only the first"],
)
def test_provider_that_knows_no_paging_gives_all_with_its_first_page(sis, waits, count, total, whole):
    def answers(name, limit, offset):
        response = Response(json.dumps({"users": list(numbered(count))}))
        if total:
            response.headers["X-Total-Count"] = total
        return response

    sis.answers = answers

    found, reading = read(sis, waits)

    assert (len(found), reading.whole) == (count, whole)


@pytest.mark.parametrize("status", [400, 413, 422])
def test_refused_limit_is_halved_until_it_is_accepted(sis, waits, status):
    sis.has("users", *numbered(70))
    sis.answers = lambda name, limit, offset: Response(status=status) if limit > 50 else None

    found, _ = read(sis, waits, limit=200)

    assert (len(found), sis.limits("users")[:4], waits) == (70, [200, 100, 50, 50], [])


def test_page_that_is_too_large_is_asked_for_in_parts_from_where_it_began(sis, waits):
    sis.has("users", *numbered(60), *(user(f"v{n}", metadata={"note": "x" * 2000}) for n in range(60)))

    found, reading = read(sis, waits, limit=60, max_bytes=100_000)

    assert (len(found), reading.whole) == (120, True)
    assert sis.limits("users") == [60, 60, 30, 30]


def test_busy_provider_is_asked_again_after_what_it_says_and_for_as_much(sis, waits):
    sis.has("users", *numbered(5))
    refusals = [Response(status=429, headers={"Retry-After": "7"}), Response(status=503, headers={"Retry-After": "3"})]
    sis.answers = lambda *_: refusals.pop(0) if refusals else None

    found, _ = read(sis, waits, limit=100)

    assert (len(found), waits, set(sis.limits("users"))) == (5, [7.0, 3.0], {100})


def test_throttle_without_a_time_does_not_shrink_the_pages(sis, waits):
    sis.answers = lambda *_: Response(status=429)

    with pytest.raises(SourceUnavailable, match="429"):
        read(sis, waits, limit=100)

    assert set(sis.limits("users")) == {100}


def test_provider_that_stays_broken_is_unavailable(sis, waits):
    sis.answers = lambda *_: Response(status=500)

    with pytest.raises(SourceUnavailable, match="answers 500"):
        read(sis, waits, limit=100)


def test_provider_that_refuses_to_look_behind_its_end_is_read_to_it(sis, waits):
    sis.has("users", *numbered(10))
    sis.sends_links = False
    sis.answers = lambda name, limit, offset: Response(status=404) if offset >= 10 else None

    found, reading = read(sis, waits)

    assert (len(found), reading.whole) == (10, True)


@pytest.mark.parametrize(
    "body",
    [
        lambda found: found,
        lambda found: {"data": found},
        lambda found: {"users": found, "totalCount": 1, "warnings": []},
    ],
    ids=["bare list", "another key", "more keys"],
)
def test_records_are_found_under_whatever_key(sis, waits, body):
    sis.answers = lambda name, limit, offset: Response(json.dumps(body([user("a")] if offset == 0 else [])))

    assert read(sis, waits)[0] == ["a"]


@pytest.mark.parametrize("body", [b"", b"{}", b'{"users": null}', b'\xef\xbb\xbf{"users": []}'], ids=repr)
def test_body_without_records_is_an_empty_page(sis, waits, body):
    sis.answers = lambda *_: Response(body)

    assert read(sis, waits)[0] == []


def test_half_an_emoji_spoils_no_page(sis, waits):
    sis.answers = lambda name, limit, offset: Response(
        b'{"users": [{"sourcedId": "a", "givenName": "Ada \\ud83d"}]}' if offset == 0 else b'{"users": []}'
    )

    reading = make_client(waits).read(sis.account())

    assert [record for page in reading.pages(USERS) for record in page] == [{"sourcedId": "a", "givenName": "Ada �"}]


def test_a_page_of_something_else_is_refused_and_not_quoted(sis, waits):
    sis.answers = lambda *_: Response(json.dumps({"imsx_codeMajor": "failure", "secret": ["ada@example.org"]}))

    with pytest.raises(SourceRefused, match="holds no users") as refusal:
        read(sis, waits)

    assert "ada" not in str(refusal.value)


def test_a_page_that_is_no_json_may_be_one_another_time(sis, waits):
    answers = [Response("<html>starting up</html>"), Response(json.dumps({"users": [user("a")]}))]
    sis.answers = lambda name, limit, offset: answers.pop(0) if answers else Response('{"users": []}')

    assert read(sis, waits)[0] == ["a"]


@pytest.mark.parametrize(
    ("status", "says"),
    [(401, "fresh access token"), (403, "check the scopes"), (404, "check the base URL")],
    ids=["unauthorised", "forbidden", "not found"],
)
def test_refusal_says_what_to_check(sis, waits, status, says):
    sis.answers = lambda *_: Response("body of the provider", status=status)

    with pytest.raises(SourceRefused, match=says) as refusal:
        read(sis, waits, collection=ORGS)

    assert "body of the provider" not in str(refusal.value)


def test_refused_demographics_say_how_to_do_without(sis, waits):
    sis.answers = lambda *_: Response(status=403)

    with pytest.raises(SourceRefused, match="without demographics"):
        read(sis, waits, collection=DEMOGRAPHICS)


def test_more_records_than_are_accepted_are_refused_as_a_whole(sis, waits):
    sis.has("users", *numbered(30))

    with pytest.raises(SourceRefused, match=r"sources\.max_records"):
        read(sis, waits, max_records=29)


def test_reading_that_takes_too_long_is_refused(sis, waits):
    sis.has("users", *numbered(30))

    with pytest.raises(SourceRefused, match=r"sources\.max_minutes"):
        read(sis, waits, max_minutes=5, ticks=iter(range(0, 10_000, 200)).__next__)


def test_checking_a_provider_asks_for_one_record(sis, waits):
    sis.has("orgs", org(), org("b"))

    make_client(waits).check(sis.account())

    assert sis.asked == ["/ims/oneroster/rostering/v1p2/orgs?limit=1&offset=0"]
