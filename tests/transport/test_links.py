import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.transport.links import find_link, parse_links

BASE = "https://lms.example.org/course/7/members?limit=2"


def next_in(*lines):
    link = find_link(parse_links(lines, BASE), "next")
    return link and link.target


@pytest.mark.parametrize(
    "line",
    [
        pytest.param('<https://a.example/p2>; rel="next"', id="quoted"),
        pytest.param("<https://a.example/p2>; rel=next", id="unquoted"),
        pytest.param("<https://a.example/p2>;rel=next", id="without-space"),
        pytest.param('  <https://a.example/p2>  ;  rel = "next"  ', id="with-spaces"),
        pytest.param('<https://a.example/p2>; title="a, <b>; rel=prev"; rel="next"', id="after-a-title"),
        pytest.param(r'<https://a.example/p2>; title="say \"next\""; rel=next', id="after-escaped-quotes"),
        pytest.param('<https://a.example/p2>; REL="next"', id="upper-case-name"),
        pytest.param("<https://a.example/p2>; rel=NEXT", id="upper-case-relation"),
        pytest.param('<https://a.example/p2>; rel="next last"', id="several-relations"),
        pytest.param('<https://a.example/p1>; rel="first", <https://a.example/p2>; rel="next"', id="second-link"),
        pytest.param("<https://a.example/p1>;rel=first,<https://a.example/p2>;rel=next", id="second-link-tight"),
        pytest.param(', , <https://a.example/p2>; rel="next", ', id="empty-elements"),
        pytest.param('<https://a.example/p2>; rel="next', id="quote-never-closed"),
        pytest.param('nonsense; rel=prev, <https://a.example/p2>; rel="next"', id="after-nonsense"),
        pytest.param('<https://a.example/p2>; rel="next"; rel="prev"', id="repeated-rel"),
        pytest.param("<https://a.example/p2>; crossorigin; rel=next", id="after-a-bare-parameter"),
        pytest.param("< https://a.example/p2 >; rel=next", id="spaces-in-the-brackets"),
    ],
)
def test_next_is_found(line):
    assert next_in(line) == "https://a.example/p2"


@pytest.mark.parametrize(
    "target",
    [
        pytest.param("https://a.example/p;v=1?c=A;B,C", id="semicolon-and-comma"),
        pytest.param("https://a.example/p?c=%7eAbC%2F%2f+x", id="escapes-and-case"),
        pytest.param("HTTPS://A.Example/P?", id="upper-case-host-and-empty-query"),
        pytest.param("https://a.example/a/../b/./c", id="dots"),
        pytest.param("https://a.example/p?a=1&a=&b", id="repetitions-and-blanks"),
    ],
)
def test_absolute_target_comes_out_as_it_was_written(target):
    assert next_in(f'<{target}>; rel="next"') == target


@pytest.mark.parametrize(
    ("target", "resolved"),
    [
        pytest.param("?from=2", "https://lms.example.org/course/7/members?from=2", id="query"),
        pytest.param("more?from=A;B,C", "https://lms.example.org/course/7/more?from=A;B,C", id="path"),
        pytest.param("/more", "https://lms.example.org/more", id="from-the-root"),
        pytest.param("//other.example/more", "https://other.example/more", id="another-host"),
        pytest.param("", BASE, id="itself"),
    ],
)
def test_relative_target_is_resolved_against_what_was_asked(target, resolved):
    assert next_in(f"<{target}>; rel=next") == resolved


def test_every_line_is_read():
    assert next_in('<https://a.example/d>; rel="differences"', '<https://a.example/p2>; rel="next"') == (
        "https://a.example/p2"
    )


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("", id="nothing"),
        pytest.param('<https://a.example/p2>; title="next"', id="no-relation"),
        pytest.param('<https://a.example/p2>; rel="nextish"', id="another-relation"),
        pytest.param('<https://a.example/p2>; rel="prev"; rel="next"', id="first-rel-counts"),
        pytest.param('<https://a.example/p2; rel="next"', id="bracket-never-closed"),
        pytest.param('https://a.example/p2; rel="next"', id="no-brackets"),
        pytest.param("<//[>; rel=next", id="not-a-url"),
    ],
)
def test_what_is_not_next_is_not_found(line):
    assert next_in(line) is None


def test_parameters_are_kept_by_lower_case_name():
    (link,) = parse_links(['<a>; REL="Next"; Title="T, 1"; flag; title=2'], BASE)

    assert link.params == {"rel": "Next", "title": "T, 1", "flag": ""}


@given(st.text(alphabet='<>;,="\\ \tarelnxt:/?[]', max_size=60))
def test_nothing_in_a_header_raises(line):
    parse_links([line], BASE)


@pytest.mark.parametrize(
    "piece",
    [
        pytest.param("<,", id="brackets-never-closed"),
        pytest.param(", ", id="empty-elements"),
        pytest.param("x,", id="nonsense"),
        pytest.param("<>;", id="parameters-without-names"),
        pytest.param('<>;a="', id="quotes"),
        pytest.param('<>;a="\\', id="escapes"),
        pytest.param("<> ", id="blanks"),
    ],
)
def test_hostile_header_takes_no_time(piece):
    begun = time.process_time()

    parse_links([piece * (65_536 // len(piece)) + "!"], BASE)

    assert time.process_time() - begun < 2
