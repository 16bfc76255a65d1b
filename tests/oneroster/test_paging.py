"""The ``Link`` header and the counters."""

import json
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests.utils
from hypothesis import given
from hypothesis import strategies as st

from bridge.oneroster.paging import Counters, link_header, links_begin

URL = "https://bridge.example.org/ims/oneroster/rostering/v1p2/users"


def links(
    *, limit: int, offset: int, total: int, kept: tuple[tuple[str, str], ...] = (), cursor: str | None = None
) -> dict[str, dict[str, str]]:
    """The links of a page, each by its parameters."""
    header = link_header(
        links_begin(URL, kept, limit),
        limit=limit,
        offset=offset,
        total=total,
        next_cursor=cursor,
        has_next=offset + limit < total,
    )
    return {
        link["rel"]: dict(parse_qsl(urlsplit(link["url"]).query, keep_blank_values=True, strict_parsing=True))
        for link in requests.utils.parse_header_links(header)
    }


def offsets(*, limit: int, offset: int, total: int) -> dict[str, int]:
    return {
        relation: int(pairs["offset"]) for relation, pairs in links(limit=limit, offset=offset, total=total).items()
    }


@pytest.mark.parametrize(
    ("offset", "total", "expected"),
    [
        pytest.param(0, 503, {"next": 10, "first": 0, "last": 500}, id="first-page"),
        pytest.param(10, 503, {"next": 20, "prev": 0, "first": 0, "last": 500}, id="second-page"),
        pytest.param(500, 503, {"prev": 490, "first": 0, "last": 500}, id="last-page"),
        pytest.param(490, 500, {"prev": 480, "first": 0, "last": 490}, id="full-last-page"),
        pytest.param(0, 7, {"first": 0, "last": 0}, id="only-page"),
        pytest.param(0, 0, {"first": 0}, id="nothing-matches"),
        pytest.param(5, 503, {"next": 15, "prev": 0, "first": 0, "last": 500}, id="between-pages"),
        pytest.param(5, 12, {"prev": 0, "first": 0, "last": 10}, id="between-pages-at-the-end"),
        pytest.param(9000, 503, {"prev": 500, "first": 0, "last": 500}, id="behind-the-end"),
        pytest.param(9000, 0, {"prev": 0, "first": 0}, id="behind-the-end-of-nothing"),
    ],
)
def test_links_of_a_page_of_ten(offset: int, total: int, expected: dict[str, int]) -> None:
    assert offsets(limit=10, offset=offset, total=total) == expected


def test_limit_is_the_same_in_every_link() -> None:
    assert {pairs["limit"] for pairs in links(limit=10, offset=10, total=503).values()} == {"10"}


def test_next_comes_first_and_alone_carries_the_cursor() -> None:
    header = link_header(links_begin(URL, (), 10), limit=10, offset=10, total=503, next_cursor="a/b+c=", has_next=True)
    assert header.startswith(f'<{URL}?limit=10&offset=20&cursor=a%2Fb%2Bc%3D>; rel="next", ')
    assert header.count("cursor=") == 1


def test_whole_header_is_one_line() -> None:
    header = link_header(
        links_begin(URL, (("filter", "a='<x>, \"y\"\r\n€'"),), 1),
        limit=1,
        offset=1,
        total=3,
        next_cursor=None,
        has_next=True,
    )
    filter_ = "filter=a%3D%27%3Cx%3E%2C%20%22y%22%0D%0A%E2%82%AC%27"
    assert header == (
        f'<{URL}?{filter_}&limit=1&offset=2>; rel="next", <{URL}?{filter_}&limit=1&offset=0>; rel="prev", '
        f'<{URL}?{filter_}&limit=1&offset=0>; rel="first", <{URL}?{filter_}&limit=1&offset=2>; rel="last"'
    )


def test_next_is_there_while_a_record_follows_whatever_the_total_says() -> None:
    header = link_header(links_begin(URL, (), 10), limit=10, offset=10, total=15, next_cursor="c", has_next=True)
    assert 'offset=20&cursor=c>; rel="next"' in header


@given(st.lists(st.tuples(st.sampled_from(["filter", "sort", "fields"]), st.text(st.characters(codec="utf-8")))))
def test_kept_parameters_come_back_as_they_were_given(kept: list[tuple[str, str]]) -> None:
    header = link_header(links_begin(URL, kept, 5), limit=5, offset=0, total=6, next_cursor=None, has_next=True)
    target = header.partition(">")[0].removeprefix("<")
    pairs = parse_qsl(urlsplit(target).query, keep_blank_values=True, strict_parsing=True)
    assert pairs == [*kept, ("limit", "5"), ("offset", "5")]


@given(st.integers(1, 20), st.integers(0, 200))
def test_next_links_visit_every_record_once(limit: int, total: int) -> None:
    seen: list[int] = []
    offset: int | None = 0
    while offset is not None:
        seen.extend(range(offset, min(offset + limit, total)))
        offset = offsets(limit=limit, offset=offset, total=total).get("next")
    assert seen == list(range(total))


@pytest.mark.parametrize(
    ("offset", "total", "page_count", "page_number"),
    [
        pytest.param(0, 0, 0, 1, id="nothing"),
        pytest.param(0, 10, 1, 1, id="one-full-page"),
        pytest.param(10, 11, 2, 2, id="second-page"),
        pytest.param(15, 31, 4, 2, id="between-pages"),
    ],
)
def test_counters_of_a_page_of_ten(offset: int, total: int, page_count: int, page_number: int) -> None:
    counters = Counters(total=total, offset=offset, limit=10)
    assert (counters.page_count, counters.page_number) == (page_count, page_number)


def test_counters_follow_the_records_in_the_body() -> None:
    body = '{"users":[]' + Counters(total=31, offset=10, limit=10).as_json_members() + "}"
    assert json.loads(body) == {
        "users": [],
        "totalCount": 31,
        "pageCount": 4,
        "pageNumber": 2,
        "offset": 10,
        "limit": 10,
    }
