"""Answers made to exhaust whoever reads them: every one ends in a refusal, and little memory is taken for it."""

import gzip
import tracemalloc
import zlib
from itertools import count

import pytest

from bridge.errors import SourceRefused, SourceUnavailable
from bridge.transport.http import Answer

CAP = 1_000_000
MEMORY = 24 * CAP
"""Bytes that refusing an answer may take: the cap some times over, and nothing like what the bomb holds."""
LARGE = 400 * CAP
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"


def inflating(compressor):
    """Zeros, compressed without ever being in one place."""
    block = bytes(CAP)
    return b"".join(compressor.compress(block) for _ in range(LARGE // CAP)) + compressor.flush()


@pytest.fixture(scope="module")
def bombs():
    once = inflating(zlib.compressobj(9, zlib.DEFLATED, 31))
    return {
        "gzip": once,
        "x-gzip": once,
        "deflate": inflating(zlib.compressobj(9)),
        "raw deflate": inflating(zlib.compressobj(9, zlib.DEFLATED, -15)),
        "many members": gzip.compress(bytes(CAP)) * 400,
        "twice": gzip.compress(once),
        "three times": gzip.compress(gzip.compress(once)),
    }


@pytest.fixture
def memory():
    """Gives the most bytes that were held since the test began."""
    tracemalloc.start()
    yield lambda: tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()


@pytest.mark.parametrize(
    ("bomb", "coding"),
    [
        pytest.param("gzip", "gzip", id="gzip"),
        pytest.param("x-gzip", "X-GZip", id="gzip by its other name"),
        pytest.param("deflate", "deflate", id="deflate"),
        pytest.param("raw deflate", "deflate", id="deflate without its header"),
        pytest.param("many members", "gzip", id="gzip of many members"),
    ],
)
def test_what_inflates_beyond_the_cap_is_refused_when_it_passes_it(make_http, httpserver, bombs, memory, bomb, coding):
    httpserver.expect_request("/").respond_with_data(bombs[bomb], headers={"Content-Encoding": coding})

    with pytest.raises(SourceRefused, match=f"more than {CAP} bytes"):
        make_http(max_bytes=CAP).get(httpserver.url_for("/"))
    assert memory() < MEMORY


@pytest.mark.parametrize(
    ("bomb", "coding"),
    [
        pytest.param("twice", "gzip, gzip", id="compressed twice"),
        pytest.param("three times", "gzip, gzip, gzip", id="three times"),
        pytest.param("gzip", "br", id="brotli"),
        pytest.param("gzip", "zstd", id="zstandard"),
        pytest.param("gzip", "gzip, br", id="a stack"),
    ],
)
def test_coding_that_was_not_asked_for_is_refused_unread(make_http, httpserver, bombs, memory, bomb, coding):
    httpserver.expect_request("/").respond_with_data(bombs[bomb], headers={"Content-Encoding": coding})

    with pytest.raises(SourceRefused, match="as was not asked for"):
        make_http(max_bytes=CAP).get(httpserver.url_for("/"))
    assert memory() < MEMORY


@pytest.mark.parametrize("coding", ["identity", "", "none", "UTF-8"])
def test_answer_that_calls_itself_plain_is_read(http, httpserver, coding):
    httpserver.expect_request("/").respond_with_data("plain", headers={"Content-Encoding": coding})

    assert http.get(httpserver.url_for("/")).text == "plain"


@pytest.mark.parametrize(
    ("beginning", "piece", "error"),
    [
        pytest.param(CHUNKED, b"2000\r\n" + b"x" * 8192 + b"\r\n", SourceRefused, id="chunks"),
        pytest.param(b"\r\n", b"x" * 8192, SourceRefused, id="body"),
        pytest.param(b"", b"X-Header: x\r\n", SourceUnavailable, id="headers"),
        pytest.param(b"X-Long: ", b"x" * 8192, SourceUnavailable, id="one header"),
        pytest.param(CHUNKED + b"1;x=", b"x" * 8192, SourceUnavailable, id="extension of a chunk"),
        pytest.param(CHUNKED + b"1\r\nx\r\n0\r\n", b"X-Trailer: x\r\n", SourceUnavailable, id="trailers"),
    ],
)
def test_answer_without_end_is_refused(make_http, raw_peer, memory, beginning, piece, error):
    def pour(to, over):
        to.sendall(b"HTTP/1.1 200 OK\r\n" + beginning)
        for _ in count():
            if over.is_set():
                return
            to.sendall(piece)

    with pytest.raises(error):
        make_http(max_bytes=CAP, answer_within=3).get(raw_peer(pour).url)
    assert memory() < MEMORY


def test_endless_announcements_of_an_answer_are_not_waited_for(make_http, raw_peer):
    def announce(to, over):
        while not over.wait(0.001):
            to.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")

    with pytest.raises(SourceUnavailable):
        make_http(answer_within=0.5).get(raw_peer(announce).url)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"[" * 500_000, id="depth"),
        pytest.param(b'{"a":' * 200_000, id="depth of objects"),
        pytest.param(b"9" * 1_000_000, id="number of a million digits"),
        pytest.param(b"[" + b"1" * 5_000 + b"]", id="number of too many digits"),
        pytest.param(b'"\\ud800', id="half a character, cut"),
        pytest.param(b"\xff\xfe[\x00]\x00", id="another encoding"),
    ],
)
def test_json_that_is_a_bomb_is_no_json(body):
    with pytest.raises(ValueError):
        Answer(200, "https://lms.example.org/", {}, body).json()
