import gzip
import socket
import time

import pytest
from werkzeug import Response

from bridge.errors import SourceRefused, SourceUnavailable
from bridge.transport.http import host_of, without_query


def test_answer_carries_status_url_and_body(http, httpserver):
    httpserver.expect_request("/members").respond_with_data("hello", status=404)
    url = httpserver.url_for("/members?limit=2")

    answer = http.get(url)

    assert (answer.status, answer.url, answer.body) == (404, url, b"hello")


def test_every_request_names_its_user_agent(http, httpserver):
    httpserver.expect_request("/").respond_with_handler(lambda request: Response(request.headers["User-Agent"]))

    assert http.get(httpserver.url_for("/")).text.startswith("oneroster-nrps-bridge/")


def test_headers_sent_several_times_are_kept_apart(http, raw_peer):
    peer = raw_peer(
        lambda to, _: to.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nLink: <a>\r\nlink: <b,c>\r\n\r\n"),
    )

    assert http.get(peer.url).headers.getlist("LINK") == ["<a>", "<b,c>"]


def test_form_is_posted_urlencoded(http, httpserver):
    httpserver.expect_request("/token", method="POST").respond_with_handler(
        lambda request: Response(request.mimetype + " " + request.form["scope"])
    )

    answer = http.post_form(httpserver.url_for("/token"), {"scope": "a b&c"})

    assert answer.text == "application/x-www-form-urlencoded a b&c"


def test_url_goes_out_as_it_is_written(http, raw_peer):
    peer = raw_peer(lambda to, _: to.sendall(b"HTTP/1.1 204 No Content\r\n\r\n"))

    http.get(f"{peer.url}m;v=1?after=%7EAbC%2B,;x=&x=1&=&p=a+b%20c")

    assert peer.requests[0].startswith(b"GET /m;v=1?after=%7EAbC%2B,;x=&x=1&=&p=a+b%20c HTTP/1.1\r\n")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_is_refused_and_not_followed(http, httpserver, status):
    httpserver.expect_request("/old").respond_with_data(
        "", status=status, headers={"Location": httpserver.url_for("/new")}
    )

    with pytest.raises(SourceRefused, match=rf"localhost:\d+ answers with a redirect \({status}\)"):
        http.get(httpserver.url_for("/old"))
    assert [request.path for request, _ in httpserver.log] == ["/old"]


def test_body_of_a_redirect_is_not_waited_for(make_http, raw_peer):
    def begin(to, over):
        to.sendall(b"HTTP/1.1 302 Found\r\nLocation: /new\r\nContent-Length: 1000000\r\n\r\n")
        over.wait()

    with pytest.raises(SourceRefused, match="redirect"):
        make_http(read_timeout=0.5).get(raw_peer(begin).url)


def test_cookies_are_not_sent_back(http, httpserver):
    httpserver.expect_request("/").respond_with_handler(
        lambda request: Response(request.headers.get("Cookie", "none"), headers={"Set-Cookie": "session=1; Path=/"})
    )

    http.get(httpserver.url_for("/"))

    assert http.get(httpserver.url_for("/")).text == "none"


def test_proxy_in_the_environment_is_not_used(http, httpserver, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    httpserver.expect_request("/").respond_with_data("direct")

    assert http.get(httpserver.url_for("/")).text == "direct"


def test_gzip_is_decompressed(http, httpserver):
    httpserver.expect_request("/").respond_with_data(gzip.compress(b"[1]"), headers={"Content-Encoding": "gzip"})

    assert http.get(httpserver.url_for("/")).json() == [1]


def test_small_body_that_inflates_beyond_the_cap_is_refused(make_http, httpserver):
    bomb = gzip.compress(bytes(5_000_000))
    httpserver.expect_request("/").respond_with_data(bomb, headers={"Content-Encoding": "gzip"})

    with pytest.raises(SourceRefused, match="more than 1000000 bytes"):
        make_http(max_bytes=1_000_000).get(httpserver.url_for("/"))


def test_cap_can_be_set_for_one_request(http, httpserver):
    httpserver.expect_request("/").respond_with_data("12345")

    assert http.get(httpserver.url_for("/"), max_bytes=5).body == b"12345"
    for ask in (http.get, lambda url, **cap: http.post_form(url, {}, **cap)):
        with pytest.raises(SourceRefused, match=r"more than 4 bytes$"):
            ask(httpserver.url_for("/"), max_bytes=4)


def test_refusal_names_the_setting_where_there_is_one(make_http, httpserver):
    httpserver.expect_request("/").respond_with_data("12345")

    with pytest.raises(SourceRefused, match=r"more than 4 bytes: .* raise outgoing\.max_body_bytes"):
        make_http(max_bytes=4).get(httpserver.url_for("/"))


def test_broken_gzip_is_unavailable(http, httpserver):
    httpserver.expect_request("/").respond_with_data(b"no gzip", headers={"Content-Encoding": "gzip"})

    with pytest.raises(SourceUnavailable, match="cannot be decompressed"):
        http.get(httpserver.url_for("/"))


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"HTTP/1.1 200 ", id="half-the-status-line"),
        pytest.param(b"HTTP/1.1 200 OK\r\nX-First: 1\r\nContent-Le", id="half-the-headers"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", id="half-the-body"),
        pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe", id="half-a-chunk"),
    ],
)
def test_cut_connection_is_unavailable(http, raw_peer, said):
    peer = raw_peer(lambda to, _: to.sendall(said))

    with pytest.raises(SourceUnavailable, match="the connection was cut"):
        http.get(peer.url)


@pytest.mark.parametrize(
    "beginning",
    [
        pytest.param(b"HTTP/1.1 200 OK\r\nX-Slow: ", id="in-the-headers"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", id="in-the-body"),
        pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", id="in-a-chunk-size"),
    ],
)
def test_dripping_peer_is_given_up(make_http, raw_peer, beginning):
    def drip(to, over):
        to.sendall(beginning)
        while not over.wait(0.02):
            to.sendall(b"0")

    peer = raw_peer(drip)
    begun = time.monotonic()

    with pytest.raises(SourceUnavailable, match="no whole answer in time"):
        make_http(read_timeout=5, answer_within=0.3).get(peer.url)
    assert time.monotonic() - begun < 3


def test_somebody_who_waits_is_answered_sooner(make_http, raw_peer):
    def drip(to, over):
        to.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        while not over.wait(0.02):
            to.sendall(b"0")

    peer = raw_peer(drip)
    begun = time.monotonic()

    with pytest.raises(SourceUnavailable, match="no whole answer in time"):
        make_http().within(0.3).get(peer.url)
    assert time.monotonic() - begun < 3


def test_silent_peer_is_given_up(make_http, raw_peer):
    peer = raw_peer(lambda _, over: over.wait())

    with pytest.raises(SourceUnavailable, match="no whole answer in time"):
        make_http(read_timeout=0.1).get(peer.url)


def test_closed_port_is_unavailable(http):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    with pytest.raises(SourceUnavailable, match=rf"127\.0\.0\.1:{port}: no connection"):
        http.get(f"http://127.0.0.1:{port}/")


@pytest.mark.parametrize(
    "host",
    [pytest.param("a." * 150 + "example", id="too-long"), pytest.param(f"{'a' * 64}.example.org", id="label-too-long")],
)
def test_name_that_does_not_resolve_is_unavailable(http, host):
    with pytest.raises(SourceUnavailable, match="cannot be resolved"):
        http.get(f"https://{host}/")


def test_messages_hold_no_query(http, raw_peer):
    peer = raw_peer(lambda to, _: to.sendall(b""))

    with pytest.raises(SourceUnavailable) as raised:
        http.get(f"{peer.url}?cursor=c0ffee")
    assert "c0ffee" not in f"{raised.value} {raised.value.__cause__}"


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"<html>", id="html"),
        pytest.param(b"\xff\xfe", id="not-utf-8"),
        pytest.param(b"[" * 100_000, id="nested-without-end"),
        pytest.param(b"", id="empty"),
    ],
)
def test_body_that_is_not_json_is_a_value_error(http, httpserver, body):
    httpserver.expect_request("/").respond_with_data(body)

    with pytest.raises(ValueError):
        http.get(httpserver.url_for("/")).json()


def test_byte_order_mark_is_no_part_of_the_body(http, httpserver):
    httpserver.expect_request("/").respond_with_data(b"\xef\xbb\xbf[1]")

    answer = http.get(httpserver.url_for("/"))

    assert (answer.json(), answer.text) == ([1], "[1]")


def test_peer_is_called_by_host_and_path():
    url = "https://lms.example.org:8443/m?id=7#x"

    assert (host_of(url), without_query(url)) == ("lms.example.org:8443", "lms.example.org:8443/m")
