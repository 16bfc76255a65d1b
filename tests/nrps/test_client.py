import gzip
import json
import ssl

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Response

from bridge.errors import SourceGone, SourceRefused, SourceUnavailable
from bridge.nrps.client import with_query
from bridge.nrps.containers import member_user_id

THROTTLED = Response("403 Forbidden (Rate Limit Exceeded)", status=403)


def members_of(pages):
    return [member_user_id(raw) for page in pages for raw in page.members]


@pytest.fixture
def read(client, lms):
    """Reads a roster to its end and gives the user ids in the order that they came."""
    return lambda url=None, **options: members_of(client.pages(lms.platform, url or lms.url, **options))


# -- pages


def test_page_without_next_is_the_only_one(read, lms, page):
    lms.says("/members", page("ada", "ben"))

    assert read() == ["ada", "ben"]


@pytest.mark.parametrize(
    ("second", "lines"),
    [
        pytest.param("/members?p=2", ['<{lms}/members?p=2>; rel="next"'], id="quoted"),
        pytest.param("/members?p=2", ["<{lms}/members?p=2>; rel=next"], id="unquoted"),
        pytest.param(
            "/members?p=2", ['<{lms}/members>; rel="first", <{lms}/members?p=2>; rel="next"'], id="second-link"
        ),
        pytest.param(
            "/members?p=2", ['<{lms}/d>; rel="differences"', '<{lms}/members?p=2>; rel="next"'], id="second-line"
        ),
        pytest.param("/members?p=2", ['<{lms}/members?p=2>; title="2, 3"; rel="next"'], id="after-a-title"),
        pytest.param("/members?p=2", ["<{lms}/members?p=2>; REL=NEXT"], id="upper-case"),
        pytest.param("/members?p=2", ['<{lms}/members?p=2>; rel="next last"'], id="several-relations"),
        pytest.param("/members?p=2", ["<?p=2>; rel=next"], id="relative"),
        pytest.param("/m;v=1?c=A;B,C", ["<{lms}/m;v=1?c=A;B,C>; rel=next"], id="semicolon-and-comma"),
        pytest.param("/members?c=AbC%7Edef%2B%3D", ["<{lms}/members?c=AbC%7Edef%2B%3D>; rel=next"], id="cursor"),
        pytest.param("/members?a=1&a=&b&p=2", ["<{lms}/members?a=1&a=&b&p=2>; rel=next"], id="odd-query"),
    ],
)
@pytest.mark.clause("RFC 8288 3")
def test_next_page_is_asked_for_as_the_link_says(read, lms, page, second, lines):
    lms.says("/members", page("ada", headers=[("Link", line.format(lms=lms.origin)) for line in lines]))
    lms.says(second, page("ben"))

    assert read() == ["ada", "ben"]
    assert lms.asked == ["/members", second]


def test_neither_an_empty_nor_a_short_page_is_the_end(read, lms, page):
    lms.says("/members?limit=2", page("ada", following="?limit=2&p=2"))
    lms.says("/members?limit=2&p=2", page(following="?limit=2&p=3"))
    lms.says("/members?limit=2&p=3", page("ben", "cyd", "dan"))

    assert read(limit=2) == ["ada", "ben", "cyd", "dan"]


def test_empty_body_is_a_page_without_members(read, lms, page):
    lms.says("/members", page("ada", following="/members?start=1"))
    lms.says("/members?start=1", Response(b""))

    assert read() == ["ada"]


def test_pages_are_read_as_they_are_needed(client, lms, page):
    lms.says("/members", page("ada", following="?p=2"))
    pages = client.pages(lms.platform, lms.url)

    assert lms.asked == []
    next(pages)
    assert lms.asked == ["/members"]


def test_page_carries_context_members_and_differences_as_they_came(client, lms, page):
    lms.says("/members", page("ada", context={"id": "c1", "x": 1}, headers=[("Link", "</since?t=1>; rel=differences")]))

    (read,) = client.pages(lms.platform, lms.url)

    assert read.url == lms.url
    assert json.loads(read.context) == {"id": "c1", "x": 1}
    assert read.members == (b'{"user_id": "ada", "roles": ["Learner"]}',)
    assert read.differences == f"{lms.origin}/since?t=1"


def test_page_without_context_and_differences_says_so(client, lms, page):
    lms.says("/members", page("ada", context=None))

    (read,) = client.pages(lms.platform, lms.url)

    assert (read.context, read.differences) == (None, None)


@pytest.mark.parametrize(
    "response",
    [
        pytest.param(
            Response(gzip.compress(b'{"members":[{"user_id":"ada"}]}'), headers={"Content-Encoding": "gzip"}), id="gzip"
        ),
        pytest.param(Response(b'\xef\xbb\xbf{"members":[{"user_id":"ada"}]}'), id="byte-order-mark"),
        pytest.param(Response('{"members":[{"user_id":"ada"}]}', content_type="text/html"), id="called-html"),
    ],
)
def test_body_counts_and_not_its_wrapping(read, lms, response):
    lms.says("/members", response)

    assert read() == ["ada"]


# -- the request


def test_every_page_is_asked_for_with_the_one_media_type_and_the_token(read, lms, page):
    lms.says("/members", page("ada", following="?p=2"))
    lms.says("/members?p=2", page("ben"))
    read()

    assert [headers["Accept"] for headers in lms.headers] == [
        "application/vnd.ims.lti-nrps.v2.membershipcontainer+json"
    ] * 2
    assert [headers["Authorization"] for headers in lms.headers] == ["Bearer t1"] * 2


def test_registered_query_is_kept(read, lms, page):
    target = "/members?placement_id=_1_1&flag=&a=1&a=2&role=Learner&limit=50"
    lms.says(target, page("ada"))

    assert read(f"{lms.url}?placement_id=_1_1&flag=&a=1&a=2", role="Learner", limit=50) == ["ada"]


@pytest.mark.parametrize(
    ("url", "params", "result"),
    [
        pytest.param("https://a.example/m", {}, "https://a.example/m", id="nothing-to-add"),
        pytest.param("https://a.example/m", {"rlid": None}, "https://a.example/m", id="none-is-left-out"),
        pytest.param("https://a.example/m", {"limit": 5}, "https://a.example/m?limit=5", id="no-query"),
        pytest.param("https://a.example/m?", {"limit": 5}, "https://a.example/m?limit=5", id="empty-query"),
        pytest.param("https://a.example/m?a&", {"limit": 5}, "https://a.example/m?a&limit=5", id="final-ampersand"),
        pytest.param(
            "https://a.example/m?limit=9", {"limit": 5}, "https://a.example/m?limit=9&limit=5", id="not-replaced"
        ),
        pytest.param(
            "https://a.example/m?x=%7e;y#f", {"limit": 5}, "https://a.example/m?x=%7e;y&limit=5#f", id="fragment"
        ),
        pytest.param(
            "https://a.example/m",
            {"role": "http://purl.example/m#Learner", "rlid": "a&b c"},
            "https://a.example/m?role=http%3A%2F%2Fpurl.example%2Fm%23Learner&rlid=a%26b%20c",
            id="escaped",
        ),
    ],
)
def test_query_is_appended_and_never_replaced(url, params, result):
    assert with_query(url, **params) == result


# -- what is not followed, and what ends a reading


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param("/members", "/members", id="itself"),
        pytest.param("?p=2", "/members", id="back-to-the-start"),
        pytest.param("?p=2", "?p=2", id="second-page-itself"),
    ],
)
def test_circle_is_refused(read, lms, page, first, second):
    lms.says("/members", page("ada", following=first))
    lms.says("/members?p=2", page("ben", following=second))

    with pytest.raises(SourceRefused, match="links back to a page that was read already"):
        read()


def test_token_goes_to_no_other_origin(read, lms, page):
    with HTTPServer(port=0) as elsewhere:
        elsewhere.expect_request("/members").respond_with_data("{}")
        lms.says("/members", page("ada", following=elsewhere.url_for("/members")))

        with pytest.raises(SourceRefused, match="another scheme, host or port"):
            read()
        assert elsewhere.log == []


@pytest.mark.parametrize(
    "origin",
    [
        pytest.param("https://localhost:{port}", id="another-scheme"),
        pytest.param("http://127.0.0.1:{port}", id="another-host"),
        pytest.param("http://localhost:9", id="another-port"),
        pytest.param("http://localhost", id="default-port"),
        pytest.param("//lms.example.org", id="relative-to-the-scheme"),
    ],
)
def test_next_page_of_another_origin_is_refused(read, lms, page, origin):
    port = lms.origin.rpartition(":")[2]
    lms.says("/members", page("ada", following=origin.format(port=port) + "/members?p=2"))

    with pytest.raises(SourceRefused, match="another scheme, host or port"):
        read()


def test_next_page_over_plain_http_is_refused_though_the_host_is_listed(make_client, lms, page, certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with HTTPServer(host="127.0.0.1", ssl_context=context) as secure:
        downgraded = secure.url_for("/members?p=2").replace("https:", "http:")
        secure.expect_request("/members").respond_with_response(page("ada", following=downgraded))
        client = make_client(ca_bundle=certificate)

        with pytest.raises(SourceRefused, match="another scheme, host or port"):
            list(client.pages(lms.platform, secure.url_for("/members")))
        assert len(secure.log) == 1


def test_roster_at_plain_http_is_refused_unless_the_host_is_listed(read):
    with pytest.raises(SourceRefused, match="plain http is not used"):
        read("http://lms.example.org/members")


def test_case_of_the_host_and_default_port_do_not_make_another_origin(read, lms, page):
    lms.says("/members", page("ada", following=f"{lms.origin.upper().replace('HTTP', 'http')}/members?p=2"))
    lms.says("/members?p=2", page("ben"))

    assert read() == ["ada", "ben"]


def test_more_members_than_allowed_are_refused_and_not_cut_off(read, lms, page):
    lms.says("/members", page("ada", "ben", following="?p=2"))
    lms.says("/members?p=2", page("cyd"))

    with pytest.raises(SourceRefused, match=r"more than 2 members: if that is right, raise nrps\.max_members"):
        read(max_members=2)
    assert read(max_members=3) == ["ada", "ben", "cyd"]


def test_pages_without_end_are_refused(make_client, lms, page):
    lms.says("/members", page(following="?p=2"))
    lms.says("/members?p=2", page(following="?p=3"))

    with pytest.raises(SourceRefused, match="more than 2 pages"):
        list(make_client(max_pages=2).pages(lms.platform, lms.url))


def test_pages_without_members_are_followed_for_a_while(read, lms, page):
    lms.says("/members", page("ada", following="?p=1"))
    for number in range(1, 101):
        lms.says(f"/members?p={number}", page(following=f"?p={number + 1}"))
    lms.says("/members?p=101", page("ben"))

    assert read() == ["ada", "ben"]


def test_pages_without_members_are_not_followed_for_ever(read, lms, page):
    lms.says("/members", page(following="?p=1"))
    for number in range(1, 200):
        lms.says(f"/members?p={number}", page(following=f"?p={number + 1}"))

    with pytest.raises(SourceRefused, match="on and on to pages without members"):
        read()
    assert len(lms.asked) == 101


def test_roster_that_takes_too_long_is_refused(make_client, lms, page):
    minutes = iter(range(100))
    client = make_client(max_minutes=2, ticks=lambda: 60 * next(minutes))
    for number in range(9):
        lms.says(f"/members?p={number}", page("ada", following=f"?p={number + 1}"))

    with pytest.raises(SourceRefused, match=r"more than 2 minutes: if that is right, raise nrps\.max_minutes"):
        list(client.pages(lms.platform, f"{lms.url}?p=0"))
    assert len(lms.asked) == 2


def test_link_header_that_cannot_be_read_is_not_taken_for_the_end(read, lms, page):
    lms.says("/members", page("ada", headers=[("Link", "/members?p=2; rel=next")]))

    with pytest.raises(SourceRefused, match="there may be a next page"):
        read()


def test_links_without_end_are_refused(read, lms, page):
    lms.says("/members", page("ada", headers=[("Link", "<?p=2>; title=" + "x" * 4100)] * 2))

    with pytest.raises(SourceRefused, match="Link headers of more than 8192 bytes"):
        read()


@pytest.mark.parametrize("status", [400, 404, 410, 418])
def test_refusal_names_place_and_status_and_what_to_check(read, lms, status):
    lms.says("/members?rlid=secret", Response("Ada Example", status=status))

    with pytest.raises(SourceRefused) as raised:
        read(rlid="secret")
    message = str(raised.value)
    assert f"{lms.origin.removeprefix('http://')}/members answers {status}: " in message
    assert "check" in message or "gone" in message
    assert "secret" not in message
    assert "Ada" not in message
    assert len(lms.asked) == 1


@pytest.mark.parametrize(("status", "gone"), [(400, False), (404, True), (410, True), (418, False)])
def test_roster_that_is_gone_is_told_from_other_refusals(read, lms, status, gone):
    lms.says("/members", Response(status=status))

    with pytest.raises(SourceRefused) as raised:
        read()

    assert isinstance(raised.value, SourceGone) is gone


def test_page_that_is_gone_in_the_middle_is_no_roster_that_is_gone(read, lms, page):
    lms.says("/members", page("ada", following="?p=2"))
    lms.says("/members?p=2", Response(status=404))

    with pytest.raises(SourceUnavailable, match="a page in the middle of the roster is gone"):
        read()


@pytest.mark.parametrize("status", [401, 403])
def test_refusal_for_want_of_a_right_names_the_scope(read, lms, status):
    lms.says("/members", Response(status=status))

    with pytest.raises(
        SourceRefused, match=r"scope https://purl\.imsglobal\.org/spec/lti-nrps/scope/contextmembership"
    ):
        read()


def test_each_page_waits_for_its_moment(make_client, lms, page):
    waited = []
    lms.says("/members", page("ada", following="?p=2"))
    lms.says("/members?p=2", page("ben"))

    list(make_client(pace=waited.append).pages(lms.platform, lms.url))

    assert waited == [lms.platform] * 2


def test_url_that_cannot_be_read_is_refused(read):
    with pytest.raises(SourceRefused, match="is not a URL"):
        read("https://[lms/members")


# -- tokens


@pytest.mark.parametrize("status", [pytest.param(401, id="401"), pytest.param(403, id="403-as-Sakai-does")])
def test_token_refused_midway_is_renewed_and_the_page_asked_again(read, lms, page, status):
    lms.says("/members", page("ada", following="?p=2"))
    lms.says("/members?p=2", page("ben", following="?p=3"))
    lms.says("/members?p=3", Response(status=status), page("cyd"))

    assert read() == ["ada", "ben", "cyd"]
    assert lms.asked == ["/members", "/members?p=2", "/members?p=3", "/members?p=3"]
    assert [headers["Authorization"] for headers in lms.headers[2:]] == ["Bearer t1", "Bearer t2"]


def test_403_may_be_taken_at_its_word(read, lms, waits):
    lms.says("/members", Response(status=403))

    with pytest.raises(SourceRefused, match="answers 403"):
        read(renew_on_403=False)
    assert (len(lms.asked), lms.tokens, waits) == (1, 1, [])


@pytest.mark.parametrize("status", [401, 403])
def test_new_token_refused_as_well_is_a_refusal(read, lms, waits, status):
    lms.says("/members", Response(status=status))

    with pytest.raises(SourceRefused, match=f"answers {status}: .* Names and Role Provisioning"):
        read()
    assert (len(lms.asked), lms.tokens, waits) == (2, 2, [])


# -- patience


def test_throttle_that_looks_like_a_refusal_is_waited_out_with_the_same_token(read, lms, page, waits):
    lms.says("/members", THROTTLED, page("ada"))

    assert read() == ["ada"]
    assert (len(waits), lms.tokens) == (1, 1)


def test_403_that_names_a_time_is_waited_out(read, lms, page, waits):
    lms.says("/members", Response(status=403, headers={"Retry-After": "3"}), page("ada"))

    assert read() == ["ada"]
    assert waits == [3]


@pytest.mark.parametrize(
    ("header", "seconds"),
    [pytest.param("20", 20, id="seconds"), pytest.param("Fri, 20 Nov 2026 21:00:20 GMT", 20, id="date")],
)
def test_platform_is_given_the_time_it_asks_for(read, lms, page, waits, header, seconds):
    lms.says("/members", Response(status=429, headers={"Retry-After": header}), page("ada"))

    assert read() == ["ada"]
    assert waits == [seconds]


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(Response(status=503), id="503"),
        pytest.param(Response(status=500), id="500"),
        pytest.param(Response(status=408), id="408"),
        pytest.param(Response(b'{"members"', headers={"Content-Length": "5000"}), id="cut-connection"),
        pytest.param(Response(b'{"members": [{"user_id"'), id="half-an-answer"),
        pytest.param(Response(b"<html>Maintenance</html>"), id="html-with-200"),
    ],
)
def test_passing_fault_is_waited_out(read, lms, page, waits, fault):
    lms.says("/members", page("ada", following="?p=2"))
    lms.says("/members?p=2", fault, page("ben"))

    assert read() == ["ada", "ben"]
    assert len(waits) == 1


def test_platform_that_stays_busy_is_left_with_the_time_it_named(make_client, lms, waits):
    lms.says("/members", Response(status=429, headers={"Retry-After": "7"}))

    with pytest.raises(SourceUnavailable, match=r"/members answers 429$") as raised:
        list(make_client(attempts=3).pages(lms.platform, lms.url))
    assert raised.value.retry_after == 7
    assert (waits, len(lms.asked)) == ([7, 7], 3)


def test_wait_beyond_all_patience_is_left_to_the_caller(make_client, lms, waits):
    lms.says("/members", Response(status=503, headers={"Retry-After": "3600"}))

    with pytest.raises(SourceUnavailable) as raised:
        list(make_client(max_wait=300).pages(lms.platform, lms.url))
    assert (raised.value.retry_after, waits) == (3600, [])


# -- a real Moodle 4.5


def test_moodle_course_in_one_answer(read, lms, recorded):
    lms.says("/members", recorded("mix-all"))

    assert len(set(read())) == 33


def test_moodle_pages_continue_where_its_link_says(client, lms, recorded):
    path = "/mod/lti/services.php/CourseSection/2/bindings/2/memberships"
    lms.says(f"{path}?limit=10", recorded("mix-limit10"))
    lms.says(f"{path}?limit=10&from=10", recorded("mix-limit10-from10"))
    lms.says(f"{path}?limit=10&from=20", recorded("mix-limit10-from999"))

    pages = client.pages(lms.platform, lms.origin + path, limit=10)

    assert [len(page.members) for page in pages] == [10, 10, 0]


def test_moodle_link_that_lost_the_role_is_followed_as_it_is(client, lms, recorded):
    path = "/mod/lti/services.php/CourseSection/2/bindings/2/memberships"
    lms.says(f"{path}?role=Instructor&limit=2", recorded("mix-limit2-Instructor"))
    lms.says(f"{path}?limit=2&from=2", recorded("mix-limit10-from999"))

    list(client.pages(lms.platform, lms.origin + path, role="Instructor", limit=2))

    assert lms.asked == [f"{path}?role=Instructor&limit=2", f"{path}?limit=2&from=2"]
