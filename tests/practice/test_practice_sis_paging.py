"""The practice SIS's pages, strict and in the manners of others, and its faults."""

import itertools
import time

import pytest
import requests

from bridge.practice.links import LinkForm
from bridge.practice.manners import RESTING, TOO_FAST
from bridge.practice.sis_vendor_manners import SIS_VENDORS, sis_manners_of
from tests.practice.sis_consumer import Consumer


def flat(pages):
    return list(itertools.chain.from_iterable(pages))


@pytest.fixture
def everybody(sis):
    return list(sis.roster.records("users"))


def test_a_page_says_where_the_others_are(consumer, sis):
    response = consumer.get("users", limit=50, offset=50, sort="familyName")

    links = {relation: link["url"] for relation, link in response.links.items()}
    page = f"{sis.base_url()}/users?limit=50&offset={{}}&sort=familyName"
    assert response.headers["X-Total-Count"] == "170"
    assert links == {
        "next": page.format(100),
        "prev": page.format(0),
        "first": page.format(0),
        "last": page.format(150),
    }


def test_the_edges_have_no_links_beyond(consumer):
    assert consumer.get("users", limit=170).links.keys() == {"first", "last"}
    assert consumer.get("users", offset=150).links.keys() == {"first", "last", "prev"}
    assert consumer.get("users", filter="email='nobody'").links.keys() == {"first"}
    assert consumer.get("users", offset=1000).json() == {"users": []}


def test_a_walk_meets_everybody_once(consumer, everybody):
    pages = consumer.walk_by_links("users", limit=50)

    assert [len(page) for page in pages] == [50, 50, 50, 20]
    assert flat(pages) == flat(consumer.walk_by_offset("users", 50)) == everybody


def test_a_page_holds_a_hundred_unless_the_request_says(consumer):
    assert len(consumer.ids("users")) == 100


@pytest.mark.parametrize(("over_limit", "told"), [("clamped", "30"), ("clamped silently", "500")])
def test_a_large_limit_may_be_clamped(sis, consumer, everybody, over_limit, told):
    sis.manners.largest_limit = 30
    sis.manners.over_limit = over_limit

    first = consumer.get("users", limit=500)

    assert len(first.json()["users"]) == 30
    assert f"limit={told}&offset=30>" in first.headers["Link"].replace('"', "")
    assert flat(consumer.walk_by_links("users", limit=500)) == everybody
    assert flat(consumer.walk_by_offset("users", 500)) == everybody


def test_a_large_limit_may_be_refused(sis, consumer):
    sis.manners.largest_limit = 30
    sis.manners.over_limit = "refused"

    assert consumer.get("users", limit=31).status_code == 400
    assert consumer.get("users", limit=30).status_code == 200


def test_a_large_limit_may_be_too_much_for_the_server(sis, consumer):
    sis.manners.fails_above = 100

    assert consumer.get("users", limit=101).status_code == 500
    assert consumer.get("users", limit=100).status_code == 200


def test_headers_may_be_missing(sis, consumer):
    sis.manners.total = sis.manners.links = "absent"

    response = consumer.get("users", limit=10)

    assert not response.headers.keys() & {"X-Total-Count", "Link"}


@pytest.mark.parametrize(("total", "told"), [("of the page", "10"), ("no number", "many")])
def test_the_total_may_be_wrong(sis, consumer, total, told):
    sis.manners.total = total

    assert consumer.get("users", limit=10).headers["X-Total-Count"] == told


def test_the_counters_may_stand_in_the_body(sis, consumer):
    sis.manners.counters_in_body = True

    body = consumer.get("users", limit=10, offset=20).json()

    assert {name: value for name, value in body.items() if name != "users"} == {
        "totalCount": 170, "limit": 10, "offset": 20,
    }  # fmt: skip


@pytest.mark.parametrize("form", LinkForm)
def test_every_form_of_a_link_leads_on(sis, consumer, form):
    sis.manners.link_form = form
    sis.manners.links = "next"

    header = consumer.get("users", limit=10).headers["Link"]
    onward = f"/ims{header.rpartition('/ims')[2].partition('>')[0]}"

    assert consumer.get(f"{sis.url}{onward}").json()["users"] == consumer.rows("users", limit=10, offset=10)


@pytest.mark.parametrize(("leads", "host"), [("here", "127.0.0.1"), ("elsewhere", "localhost")])
def test_a_link_may_lead_astray(sis, consumer, leads, host):
    sis.manners.next_leads = leads

    onward = consumer.get("users", limit=10).links["next"]["url"]

    assert (f"//{host}:" in onward, "offset=0" in onward) == (True, leads == "here")


def test_a_page_in_the_middle_may_be_short(sis, consumer, everybody):
    sis.manners.short_pages = {50: 7}

    assert [len(page) for page in consumer.walk_by_links("users", limit=50)] == [50, 7, 50, 50, 13]
    assert flat(consumer.walk_by_offset("users", 50)) == everybody


def test_rows_may_be_withheld_after_pages_were_cut(sis, consumer, everybody):
    sis.manners.withheld = frozenset([*everybody[5:10], *everybody[20:30]])

    pages = consumer.walk_by_links("users", limit=10)

    assert [len(page) for page in pages[:4]] == [5, 10, 0, 10]
    assert flat(pages) == everybody[:5] + everybody[10:20] + everybody[30:]


def test_rows_may_come_again_on_the_next_page(sis, consumer, everybody):
    sis.manners.repeats = 3

    pages = consumer.walk_by_links("users", limit=50)

    assert all(after[:3] == before[-3:] for before, after in itertools.pairwise(pages))
    assert list(dict.fromkeys(flat(pages))) == everybody
    assert consumer.get("users", limit=50).headers["X-Total-Count"] == str(len(flat(pages)))
    assert flat(consumer.walk_by_offset("users", 50)) == flat(pages)


def test_booleans_numbers_nulls_and_more_fields_may_be_sent(sis, consumer):
    manners = sis.manners
    manners.json_booleans = manners.school_year_as_number = manners.nulls = True
    manners.also = {"vendorField": 1}

    (user,) = consumer.rows("teachers", limit=1)
    session = consumer.rows("terms", limit=1)[0]

    assert (user["enabledUser"], user["sms"], user["vendorField"]) == (True, None, 1)
    assert (session["schoolYear"], session["type"]) == (2027, "term")


@pytest.mark.parametrize(
    ("hrefs", "written"),
    [
        ("relative", {"href": "/orgs/district", "sourcedId": "district", "type": "org"}),
        ("absent", {"sourcedId": "district", "type": "org"}),
        ("bare ids", "district"),
    ],
)
def test_references_may_be_poor(sis, consumer, hrefs, written):
    sis.manners.hrefs = hrefs

    assert consumer.rows("schools", limit=1)[0]["parent"] == written


@pytest.mark.parametrize(
    ("stamps", "written"),
    [
        ("seconds", "2026-11-20T12:00:00Z"),
        ("offset", "2026-11-20T12:00:00.250000+00:00"),
        ("blank", ""),
        ("absent", None),
    ],
)
def test_stamps_may_be_poor(sis, consumer, stamps, written):
    sis.roster.change("orgs", "district", dateLastModified="2026-11-20T12:00:00.250Z")
    sis.manners.stamps = stamps

    assert consumer.get("orgs/district").json()["org"].get("dateLastModified") == written


@pytest.mark.parametrize(
    ("tombstones", "status"), [("told", "tobedeleted"), ("inactive", "inactive"), ("untold", None)]
)
def test_tombstones_may_be_told_otherwise(sis, consumer, tombstones, status):
    sis.roster.remove("courses", "school-1-course-1")
    sis.manners.tombstones = tombstones

    rows = {row["sourcedId"]: row["status"] for row in consumer.rows("courses")}

    assert rows.get("school-1-course-1") == status
    assert consumer.get("courses/school-1-course-1").status_code == (404 if status is None else 200)


def test_the_newer_version_may_write_the_older_user(sis, consumer):
    sis.manners.fields_1p1 = True

    assert consumer.rows("teachers", limit=1)[0]["role"] == "teacher"


def test_a_version_or_a_collection_may_be_missing(sis, consumer):
    sis.manners.versions = frozenset({"1.1"})
    sis.manners.unserved = frozenset({"demographics"})

    assert consumer.get("orgs").status_code == 404
    assert consumer.get("orgs", version="1.1").status_code == 200
    assert consumer.get("demographics", version="1.1").status_code == 404


def test_filters_may_be_passed_over_refused_or_of_bare_dates(sis, consumer):
    sis.manners.filters = "passed over"
    assert len(consumer.ids("orgs", filter="type='school'")) == 3
    sis.manners.filters = "refused"
    assert consumer.get("orgs", filter="type='school'").status_code == 400
    sis.manners.filters = "bare dates"
    assert consumer.get("orgs", filter="dateLastModified>'2026-01-01T00:00:00Z'").status_code == 400
    assert consumer.get("orgs", filter="dateLastModified>'2026-01-01'").status_code == 200


def test_a_lenient_provider_passes_nonsense_over(sis, consumer):
    sis.manners.lenient = True

    assert len(consumer.ids("orgs", limit="ten", offset="-1", orderBy="up", page=3)) == 3


def test_a_body_may_be_a_bare_list_behind_a_mark(sis, consumer):
    sis.manners.envelope = "bare list"
    sis.manners.byte_order_mark = True
    sis.manners.media_type = "text/plain"

    response = consumer.get("orgs")

    assert response.content.startswith(b"\xef\xbb\xbf[")
    assert response.headers["Content-Type"].startswith("text/plain")


@pytest.mark.parametrize(
    ("errors", "body"),
    [
        ("word", '"imsx_codeMinor": "unknownobject"'),
        ("no code minor", '"imsx_severity": "error"'),
        ("wrapped", '{"imsx_StatusInfo": {'),
        ("html", "<!doctype html>"),
    ],
)
def test_refusals_may_be_worded_otherwise(sis, consumer, errors, body):
    sis.manners.errors = errors

    response = consumer.get("orgs/nowhere")

    assert (response.status_code, body in response.text) == (404, True)


def test_a_request_too_many_is_throttled(sis, consumer):
    sis.manners.throttle_every = 3

    answers = [consumer.get("orgs") for _ in range(6)]

    assert [answer.status_code for answer in answers] == [200, 200, 429, 200, 200, 429]
    assert answers[2].headers["Retry-After"] == "1"


def test_failures_are_used_up(sis, consumer):
    sis.manners.fail_next.extend([TOO_FAST, RESTING])
    sis.manners.fail_at["users", 100] = RESTING

    assert [consumer.get("users", offset=100).status_code for _ in range(4)] == [429, 503, 503, 200]


def test_tokens_may_expire_in_the_middle_of_a_walk(sis, consumer):
    sis.manners.expire_at = 50
    token = consumer.token()

    assert consumer.get("users", token=token, limit=50).status_code == 200
    assert consumer.get("users", token=token, limit=50, offset=50).status_code == 401
    assert consumer.get("users", limit=50, offset=50).status_code == 200


def test_an_answer_may_break_off(sis, consumer):
    sis.manners.cut_connection_at = ("users", 100)

    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        consumer.get("users", offset=100)
    assert consumer.get("users", offset=100).status_code == 200


def test_an_answer_may_take_its_time(sis, consumer):
    sis.manners.delay_seconds = 0.05
    token, began = consumer.token(), time.monotonic()

    assert consumer.get("orgs", token=token).status_code == 200
    assert time.monotonic() - began >= 0.05


@pytest.mark.parametrize("vendor", SIS_VENDORS)
def test_every_vendor_can_be_read_to_the_end(sis, vendor):
    sis.roster.remove("courses", "school-1-course-1")
    manners = sis_manners_of(vendor)
    for name in type(manners).__dataclass_fields__:
        setattr(sis.manners, name, getattr(manners, name))
    sis.manners.throttle_every = None
    sis.manners.oauth2_for_1p1 = True
    consumer = Consumer(sis)
    version = "1.2" if "1.2" in sis.manners.versions else "1.1"
    found = []
    with consumer.session:
        while page := consumer.get("users", version=version, limit=60, offset=len(found)).json()["users"]:
            found += [row["sourcedId"] for row in page]

    assert found == list(sis.roster.records("users"))


def test_an_unknown_vendor_is_refused():
    with pytest.raises(ValueError, match="and none of nobody"):
        sis_manners_of("nobody")
