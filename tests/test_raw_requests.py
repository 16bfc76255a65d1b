"""What arrives over a socket as no client library would send it, at each server that the bridge runs under."""

import os
import re
import selectors
import socket
import subprocess
import sys
from contextlib import closing, contextmanager, suppress
from http.client import HTTPConnection
from pathlib import Path

import pytest

from tests.cli.running import Place, eventually, needs_proc, running

pytestmark = needs_proc

ROOT = Path(__file__).parents[1]
THREADS = 8

HOST = b"Host: rosters.example.org\r\n"
GET = b"GET /healthz HTTP/1.1\r\n" + HOST
FORM = b"grant_type=client_credentials"
POST = b"POST /oauth2/token HTTP/1.1\r\n" + HOST + b"Content-Type: application/x-www-form-urlencoded\r\n"
SIGN_IN = POST.replace(b"/oauth2/token", b"/admin/sign-in")
FOLLOWED_BY = b"GET /healthz HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n"
"""What comes next on the connection, and is part of a body to whoever reads the first request otherwise."""


@contextmanager
def served_by_granian(folder, place):
    with running(folder, *place.arguments, "serve", "--workers", "1", "--no-schedule"):
        eventually(place.ready)
        yield


@contextmanager
def served_by_gunicorn(folder, place):
    """As docs/deployment.md has it."""
    options = [
        "--worker-class",
        "gthread",
        "--workers",
        "1",
        "--threads",
        str(THREADS),
        "--forwarder-headers",
        "",
        "--no-control-socket",
    ]
    command = [sys.executable, "-m", "gunicorn", *options, "--bind", f"127.0.0.1:{place.port}", "wsgi:app"]
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("BRIDGE_")}
    with (folder / "gunicorn.log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=ROOT, env={**inherited, "BRIDGE_CONFIG": str(place.config)}, stdout=log, stderr=log
        )
        try:
            eventually(place.ready)
            yield
        finally:
            process.terminate()
            process.wait()


SERVERS = {"granian": served_by_granian, "gunicorn": served_by_gunicorn}


@pytest.fixture(scope="module", params=SERVERS.values(), ids=SERVERS)
def port(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("served")
    place = Place(folder, "error", server={"threads": THREADS}, oneroster={"token_requests_per_minute": 0})
    with request.param(folder, place):
        yield place.port


@pytest.fixture
def say(port):
    """Sends bytes, and gives all that comes back until the server closes."""

    def say(raw, *, end=False):
        with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
            answer = b""
            with suppress(OSError):  # closed by the server, with what it had not read
                connection.sendall(raw)
                if end:
                    connection.shutdown(socket.SHUT_WR)
            with suppress(ConnectionResetError):
                while piece := connection.recv(65_536):
                    answer += piece
        return answer

    return say


def statuses(answer):
    return [int(status) for status in re.findall(rb"^HTTP/1\.[01] (\d{3}) ", answer, re.MULTILINE)]


def chunked(*lines):
    return POST + b"Transfer-Encoding: chunked\r\n\r\n" + b"".join(lines)


def test_what_is_sent_properly_is_answered_and_so_is_what_follows(say):
    length = b"Content-Length: %d\r\n\r\n" % len(FORM)

    assert statuses(say(POST + length + FORM + FOLLOWED_BY)) == [401, 200]
    assert statuses(say(chunked(b"%x\r\n%s\r\n0\r\n\r\n" % (len(FORM), FORM)) + FOLLOWED_BY)) == [401, 200]


@pytest.mark.parametrize(
    "framing",
    [
        pytest.param(b"Content-Length: 4\r\nContent-Length: 29", id="two lengths"),
        pytest.param(b"Content-Length: 29\r\nContent-Length: 4", id="two lengths, the longer first"),
        pytest.param(b"Content-Length: 4, 29", id="a list of lengths"),
        pytest.param(b"Content-Length: +4", id="length with a plus"),
        pytest.param(b"Content-Length: -4", id="negative length"),
        pytest.param(b"Content-Length: 0x4", id="hexadecimal length"),
        pytest.param(b"Content-Length: 4_0", id="length with an underscore"),
        pytest.param(b"Content-Length: 4\r\nTransfer-Encoding: chunked", id="length, then chunked"),
        pytest.param(b"Transfer-Encoding: chunked\r\nContent-Length: 4", id="chunked, then length"),
        pytest.param(b"Transfer-Encoding: xchunked", id="unknown coding"),
        pytest.param(b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", id="two codings"),
        pytest.param(b"Transfer-Encoding: chunked, gzip", id="coding after chunked"),
        pytest.param(b"Transfer-Encoding : chunked", id="blank before the colon"),
        pytest.param(b"Transfer-Encoding:\r\n chunked", id="folded"),
        pytest.param(b"Transfer-Encoding: \x0bchunked", id="control character"),
        pytest.param(b"X: y\rTransfer-Encoding: chunked", id="behind a bare carriage return"),
    ],
)
def test_body_whose_end_is_in_doubt_ends_the_connection(say, framing):
    found = statuses(say(POST + framing + b"\r\n\r\n0\r\n\r\n" + FOLLOWED_BY))

    assert len(found) == 1
    assert 400 <= found[0] <= 501
    assert found[0] != 500


@pytest.mark.parametrize(
    "chunks",
    [
        pytest.param((b"zz\r\nab\r\n",), id="size that is none"),
        pytest.param((b"-1\r\n\r\n",), id="negative size"),
        pytest.param((b"0x4\r\nabcd\r\n",), id="size with a prefix"),
        pytest.param((b"4\nabcd\r\n",), id="size that ends in a bare line feed"),
        pytest.param((b"4\r\nabcdefgh\r\n",), id="longer than its size"),
        pytest.param((b"FFFFFFFFFFFFFFFFF\r\n",), id="size beyond counting"),
        pytest.param((b"4\r\nabcd\r\n",), id="no end"),
        pytest.param((b"4", b";x=" + b"y" * 100_000 + b"\r\nabcd\r\n"), id="endless extension"),
    ],
)
def test_broken_chunks_are_the_senders_fault(say, chunks):
    found = statuses(say(chunked(*chunks), end=True))

    assert len(found) <= 1
    assert all(400 <= status < 500 for status in found)


def test_body_that_is_cut_is_not_taken_for_a_whole_one(say):
    assert [
        status for status in statuses(say(POST + b"Content-Length: 99\r\n\r\n" + FORM, end=True)) if status != 400
    ] == []


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param(b"Content-Encoding: gzip\r\nContent-Length: 29\r\n\r\n" + FORM, id="gzip"),
        pytest.param(b"Content-Encoding: identity, deflate\r\nContent-Length: 29\r\n\r\n" + FORM, id="stacked"),
        pytest.param(b"Transfer-Encoding: gzip, chunked\r\n\r\n1d\r\n" + FORM + b"\r\n0\r\n\r\n", id="transfer coding"),
    ],
)
def test_compressed_body_is_refused(say, headers):
    assert statuses(say(POST + headers + FOLLOWED_BY)) in ([415, 200], [415])


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(b"X-A: a\r\n b", id="folded line"),
        pytest.param(b"X-A: a\rX-B: b", id="bare carriage return"),
        pytest.param(b"X-A: a\0b", id="NUL in a value"),
        pytest.param(b"X\0A: a", id="NUL in a name"),
        pytest.param(b"X A: a", id="blank in a name"),
        pytest.param(b"X-A : a", id="blank behind a name"),
        pytest.param(b"X-A", id="no colon"),
        pytest.param(b": a", id="no name"),
        pytest.param("X-É: a".encode(), id="name beyond ASCII"),
    ],
)
def test_header_that_is_none_is_refused(say, line):
    assert statuses(say(GET + line + b"\r\n\r\n" + FOLLOWED_BY)) == [400]


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"GET /healthz HTTP/2.0\r\n" + HOST, id="HTTP 2.0"),
        pytest.param(b"GET /healthz\r\n", id="HTTP 0.9"),
        pytest.param(b"GET /healthz http/1.1\r\n" + HOST, id="small letters"),
        pytest.param(b"GET /healthz\x01 HTTP/1.1\r\n" + HOST, id="control character in the path"),
        pytest.param(b"GET /healthz\xff HTTP/1.1\r\n" + HOST, id="byte beyond ASCII in the path"),
        pytest.param(b"GET / healthz HTTP/1.1\r\n" + HOST, id="blank in the path"),
        pytest.param(b"GET /healthz?" + b"a" * 200_000 + b" HTTP/1.1\r\n" + HOST, id="long query"),
        pytest.param(GET + b"X-A: " + b"a" * 1_000_000 + b"\r\n", id="long header"),
        pytest.param(GET + b"".join(b"X-%d: a\r\n" % number for number in range(1000)), id="many headers"),
    ],
)
def test_request_that_is_none_is_refused(say, raw):
    found = statuses(say(raw + b"\r\n" + FOLLOWED_BY))

    assert found in ([400], [414], [431], [505])


def test_nothing_but_http_1_is_spoken(say):
    answer = say(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0]), end=True)

    assert answer == b"" or statuses(answer) in ([400], [505])


def test_no_connection_is_handed_over_to_another_protocol(say):
    upgrade = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAA\r\n\r\n"

    assert b"101 " not in say(GET + upgrade + FOLLOWED_BY)[:20]


@pytest.mark.parametrize(
    ("raw", "allowed"),
    [
        pytest.param(b"GET http://evil.example/healthz HTTP/1.1\r\n" + HOST, {200}, id="absolute"),
        pytest.param(b"GET http://evil.example HTTP/1.1\r\n" + HOST, {200, 400}, id="absolute, without a path"),
        pytest.param(b"GET evil.example:80 HTTP/1.1\r\n" + HOST, {200, 400}, id="authority"),
        pytest.param(b"GET //evil.example HTTP/1.1\r\n" + HOST, {404}, id="two slashes"),
        pytest.param(b"CONNECT evil.example:80 HTTP/1.1\r\n" + HOST, {400, 404, 405}, id="CONNECT"),
        pytest.param(b"OPTIONS * HTTP/1.1\r\n" + HOST, {400, 404}, id="asterisk"),
        pytest.param(b"TRACE /healthz HTTP/1.1\r\n" + HOST + b"Cookie: a=b\r\n", {405}, id="TRACE"),
        pytest.param(b"GET /healthz HTTP/1.1\r\nHost: evil.example\r\n", {200}, id="another host"),
        pytest.param(GET + b"Host: evil.example\r\n", {200, 400}, id="two hosts"),
        pytest.param(b"GET /admin HTTP/1.1\r\nHost: evil.example\r\n", {302}, id="redirect asked for by another host"),
    ],
)
def test_nobody_is_sent_elsewhere_whatever_address_is_named(say, raw, allowed):
    answer = say(raw + b"Connection: close\r\n\r\n")

    assert statuses(answer)[0] in allowed
    assert not re.search(rb"^location:.*evil", answer, re.IGNORECASE | re.MULTILINE)
    assert b"a=b" not in answer


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param(b"Authorization: Bearer a\r\nAuthorization: Bearer b\r\n", id="two tokens"),
        pytest.param(b"Authorization: Bearer a, Bearer b\r\n", id="a list of tokens"),
        pytest.param(b"Authorization: Basic YTpi\r\nAuthorization: Bearer b\r\n", id="two schemes"),
    ],
)
def test_of_two_credentials_none_counts(say, headers):
    path = b"GET /ims/oneroster/rostering/v1p2/users HTTP/1.1\r\n"

    assert statuses(say(path + HOST + headers + b"Connection: close\r\n\r\n")) == [401]


@pytest.mark.parametrize("name", [b"SCRIPT_NAME", b"PATH_INFO", b"Script-Name", b"X-Script-Name", b"X-Original-URL"])
def test_path_is_the_one_that_was_asked_for(say, name):
    raw = b"GET /metrics/nothing HTTP/1.1\r\n" + HOST + name + b": /healthz\r\nConnection: close\r\n\r\n"

    assert statuses(say(raw)) == [404]


@pytest.mark.parametrize("to", [POST, SIGN_IN], ids=["service", "pages"])
def test_slow_senders_leave_places_to_others_and_are_told_so(port, say, to):
    """They hold as many as one address may, and the next is refused before its body is there."""
    unfinished = to + b"Content-Length: 99\r\n\r\n" + FORM
    slow = [socket.create_connection(("127.0.0.1", port), timeout=60) for _ in range(THREADS)]
    for connection in slow:
        connection.sendall(unfinished)

    def refused():
        answer = say(POST + b"Connection: close\r\nContent-Length: 29\r\n\r\n" + FORM)
        return answer if statuses(answer) == [429] else None

    answer = eventually(refused)

    assert b"retry-after: 5\r\n" in answer.lower()
    assert b"temporarily_unavailable" in answer
    assert statuses(say(FOLLOWED_BY)) == [200]
    for connection in slow:
        connection.close()
    whole = POST + b"Connection: close\r\nContent-Length: 29\r\n\r\n" + FORM
    eventually(lambda: statuses(say(whole)) == [401])


def late(connection, path, **headers):
    """Post a body that comes some time after its headers; the answer's status."""
    connection.putrequest("POST", path)
    for name, value in {"Content-Type": "application/x-www-form-urlencoded", **headers}.items():
        connection.putheader(name.replace("_", "-"), value)
    connection.putheader("Content-Length", str(len(FORM)))
    connection.endheaders()
    with selectors.DefaultSelector() as answers:  # select.select takes none above 1,023
        answers.register(connection.sock, selectors.EVENT_READ)
        assert not answers.select(timeout=0.2)  # nothing before the body is there
    connection.send(FORM)
    with connection.getresponse() as answer:
        answer.read()
        return answer.status


@pytest.mark.parametrize(
    ("section", "rate", "enough"),
    [
        pytest.param("oneroster", {"token_requests_per_minute": 1}, 4, id="tokens"),
        pytest.param("server", {"requests_per_second": 2}, 20, id="requests"),
    ],
)
@pytest.mark.parametrize("served_by", SERVERS.values(), ids=SERVERS)
def test_who_asks_too_often_is_told_so_however_late_the_body_comes(tmp_path, served_by, section, rate, enough):
    """Whoever refuses before the body is there closes on the sender, who never learns why."""
    place = Place(tmp_path, "error", **{section: rate})
    with served_by(tmp_path, place), closing(HTTPConnection("127.0.0.1", place.port, timeout=60)) as connection:
        found = [late(connection, "/oauth2/token") for _ in range(enough)]

    assert set(found) == {401, 429}


def test_who_sends_compressed_bodies_is_told_so_however_late_they_come(port):
    with closing(HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        assert [late(connection, "/oauth2/token", Content_Encoding="gzip") for _ in range(3)] == [415, 415, 415]
