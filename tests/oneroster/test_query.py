"""The query string: what each parameter may be, and what becomes of it."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import InvalidFilter, InvalidRequest, InvalidSelection
from bridge.oneroster.projection import Selection
from bridge.oneroster.query import CollectionQuery, parse_collection_query, parse_selection, split_query_string
from bridge.roster.model import CLASSES, USERS
from bridge.roster.query import Comparison, Predicate, Sort
from bridge.roster.visibility import Visibility

MINE = Visibility.of("north")


def parse(raw: str) -> CollectionQuery:
    return parse_collection_query(split_query_string(raw), USERS, MINE, max_limit=1000)


def test_nothing_asked_is_the_first_hundred_in_default_order() -> None:
    asked = parse("")
    assert (asked.limit, asked.query.offset, asked.query.where, asked.query.sort) == (100, 0, None, None)
    assert (asked.selection, asked.kept, asked.cursor, asked.ignored_sort) == (None, (), None, None)


def test_visibility_and_preset_are_the_callers() -> None:
    preset = Comparison("roles.role", Predicate.EQUAL, "teacher")
    asked = parse_collection_query([], USERS, MINE, max_limit=10, preset=preset)
    assert (asked.query.collection, asked.query.visibility, asked.query.preset) == (USERS, MINE, preset)


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        pytest.param("1", 1, id="least"),
        pytest.param("007", 7, id="leading-zeros"),
        pytest.param("1000", 1000, id="most"),
        pytest.param("1001", 1000, id="above-the-most-is-cut"),
        pytest.param("9999999999", 1000, id="far-above-the-most-is-cut"),
    ],
)
def test_limit(text: str, limit: int) -> None:
    asked = parse(f"limit={text}")
    assert (asked.limit, asked.asked_limit) == (limit, int(text))


@pytest.mark.parametrize("parameter", ["limit", "offset"])
@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="blank"),
        pytest.param("abc", id="word"),
        pytest.param("-1", id="negative"),
        pytest.param("%2B1", id="signed"),
        pytest.param("+1", id="after-a-blank"),
        pytest.param("1.0", id="fraction"),
        pytest.param("1e3", id="exponent"),
        pytest.param("1_000", id="underscore"),
        pytest.param("%EF%BC%91", id="full-width-digit"),
        pytest.param("1%0A", id="line-feed"),
        pytest.param("99999999999999999999", id="too-many-digits"),
    ],
)
def test_numbers_are_digits(parameter: str, text: str) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        parse(f"{parameter}={text}")
    assert refusal.value.parameter == parameter


def test_limit_of_zero_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="limit: must be a whole number from 1"):
        parse("limit=0")


def test_offset_may_be_as_large_as_the_mirror_can_count() -> None:
    assert parse(f"offset={2**63 - 1}").query.offset == 2**63 - 1
    with pytest.raises(InvalidRequest, match="offset"):
        parse(f"offset={2**63}")


@pytest.mark.parametrize(
    ("raw", "sort"),
    [
        pytest.param("sort=familyName", Sort("familyName"), id="ascending-by-default"),
        pytest.param("sort=familyName&orderBy=asc", Sort("familyName"), id="ascending"),
        pytest.param("orderBy=desc&sort=familyName", Sort("familyName", descending=True), id="descending"),
        pytest.param("sort=familyName&orderBy=DESC", Sort("familyName", descending=True), id="upper-case"),
        pytest.param("sort=dateLastModified", Sort("dateLastModified"), id="by-last-change"),
        pytest.param("sort=primaryOrg.sourcedId", Sort("primaryOrg.sourcedId"), id="by-reference"),
        pytest.param("sort=metadata.a.b", Sort("metadata.a.b"), id="by-metadata"),
        pytest.param("filter=dateLastModified>'2026-11-20'", Sort("dateLastModified"), id="changed-since"),
        pytest.param(
            "filter=status='active' AND dateLastModified>='2026-11-20'",
            Sort("dateLastModified"),
            id="and-changed-since",
        ),
        pytest.param("filter=dateLastModified>'2026-11-20'&sort=email", Sort("email"), id="changed-since-but-sorted"),
        pytest.param("filter=dateLastModified>'2026-11-20'&orderBy=desc", None, id="changed-since-but-descending"),
        pytest.param("filter=dateLastModified<'2026-11-20'", None, id="changed-until"),
        pytest.param("filter=status='active' OR dateLastModified>'2026-11-20'", None, id="or-changed-since"),
    ],
)
def test_sort(raw: str, sort: Sort | None) -> None:
    asked = parse(raw)
    assert (asked.query.sort, asked.ignored_sort) == (sort, None)


@pytest.mark.parametrize(
    "field",
    [
        pytest.param("shoeSize", id="unknown"),
        pytest.param("FamilyName", id="other-case"),
        pytest.param("", id="blank"),
        pytest.param("roles.role", id="many-values"),
        pytest.param("familyName,givenName", id="list-of-fields"),
    ],
)
def test_sort_by_what_cannot_be_sorted_by_is_the_default_order(field: str) -> None:
    asked = parse(f"sort={field}&orderBy=desc")
    assert (asked.query.sort, asked.query.descending, asked.ignored_sort) == (None, False, field)


def test_order_without_sort_is_that_of_the_default_order() -> None:
    assert parse("orderBy=desc").query.descending
    assert not parse("orderBy=asc").query.descending


@pytest.mark.parametrize("text", ["descending", "", "1"], ids=["word", "blank", "number"])
def test_other_orders_are_refused(text: str) -> None:
    with pytest.raises(InvalidRequest, match="orderBy: must be asc or desc"):
        parse(f"sort=familyName&orderBy={text}")


def test_filter_is_read_after_decoding() -> None:
    asked = parse("filter=email%3D'a%2Bb%40example.org'+AND+familyName~%27O%27%27%27")
    assert asked.query.where is not None
    assert "a+b@example.org" in repr(asked.query.where)


def test_bad_filter_is_refused() -> None:
    with pytest.raises(InvalidFilter):
        parse("filter=shoeSize%3D'42'")
    with pytest.raises(InvalidFilter):
        parse("filter=")


@pytest.mark.parametrize(
    ("raw", "search"),
    [
        pytest.param("search=north", "north", id="text"),
        pytest.param("search=", None, id="empty"),
        pytest.param("search=+%20", None, id="blank"),
        pytest.param("search=" + "x" * 256, "x" * 256, id="longest"),
    ],
)
def test_search(raw: str, search: str | None) -> None:
    assert parse(raw).query.search == search


def test_longer_search_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="search: is longer than 256"):
        parse("search=" + "x" * 257)


def test_cursor_is_handed_on_unread() -> None:
    assert parse("cursor=abc").cursor == "abc"


def test_fields_are_selected_by_list_and_by_repetition() -> None:
    assert parse("fields=familyName,givenName&fields=sourcedId").selection == Selection(
        ("sourcedId", "givenName", "familyName")
    )
    with pytest.raises(InvalidSelection):
        parse("fields=shoeSize")


def test_single_read_takes_fields_alone() -> None:
    pairs = split_query_string("fields=title&limit=none")
    assert parse_selection(pairs, CLASSES) == Selection(("title",))
    assert parse_selection([], CLASSES) is None


@pytest.mark.parametrize("name", ["limit", "offset", "sort", "orderBy", "filter", "search", "cursor"])
def test_repeated_parameter_is_refused(name: str) -> None:
    value = {"limit": "1", "offset": "1", "sort": "email", "orderBy": "asc", "filter": "status='active'"}.get(name, "x")
    with pytest.raises(InvalidRequest, match=f"{name}: is given more than once"):
        parse(f"{name}={value}&{name}={value}")


def test_unknown_parameters_are_ignored_and_not_kept() -> None:
    asked = parse("_=17&filter=status%3D'active'&_=18&limit=5&offset=10&cursor=c&sort=email&fields=email&fields=phone")
    assert asked.kept == (("filter", "status='active'"), ("sort", "email"), ("fields", "email"), ("fields", "phone"))


# Decoding --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "pairs"),
    [
        pytest.param("", [], id="empty"),
        pytest.param("a=1&&b=2&", [("a", "1"), ("b", "2")], id="empty-parts"),
        pytest.param("a", [("a", "")], id="name-alone"),
        pytest.param("a=b=c", [("a", "b=c")], id="equals-in-the-value"),
        pytest.param("a=x+y%20z%2B", [("a", "x y z+")], id="blanks-and-plus"),
        pytest.param("a=%C3%A9", [("a", "é")], id="escaped-utf-8"),
        pytest.param("a=\xc3\xa9", [("a", "é")], id="bare-utf-8-as-wsgi-gives-it"),
        pytest.param("a=100%", [("a", "100%")], id="percent-that-begins-no-escape"),
        pytest.param("a=1;b=2", [("a", "1;b=2")], id="semicolon-is-data"),
        pytest.param("%61=1", [("a", "1")], id="escaped-name"),
    ],
)
def test_query_string_is_split_and_decoded(raw: str, pairs: list[tuple[str, str]]) -> None:
    assert split_query_string(raw) == pairs


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param("filter=%FF", id="no-utf-8"),
        pytest.param("filter=%C0%AF", id="overlong"),
        pytest.param("filter=%ED%A0%80", id="surrogate"),
        pytest.param("filter=%00", id="nul"),
        pytest.param("filter=€", id="more-than-a-byte"),
    ],
)
def test_undecodable_parameter_is_refused_by_name(raw: str) -> None:
    with pytest.raises(InvalidRequest, match=r"^filter: "):
        split_query_string(raw)


def test_undecodable_name_is_refused() -> None:
    with pytest.raises(InvalidRequest, match=r"^query string: "):
        split_query_string("%FF=1")


@given(st.text(st.characters(max_codepoint=0xFF)))
def test_any_query_string_is_read_or_refused(raw: str) -> None:
    with suppress(InvalidRequest):
        parse(raw)
