"""The filter grammar: what is understood, what is refused, and how a refusal is worded."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import InvalidFilter
from bridge.oneroster.filters import MAX_COMPARISONS, MAX_DEPTH, MAX_LENGTH, parse_filter
from bridge.roster.model import CLASSES, COLLECTIONS, ENROLLMENTS, USERS, Collection, Shape
from bridge.roster.query import And, Comparison, Condition, Or, Predicate

A = Comparison("givenName", Predicate.EQUAL, "a")
B = Comparison("familyName", Predicate.NOT_EQUAL, "b")
C = Comparison("email", Predicate.CONTAINS, "c")


@pytest.mark.parametrize("predicate", list(Predicate), ids=lambda predicate: predicate.name.lower())
def test_every_predicate(predicate: Predicate) -> None:
    assert parse_filter(f"status{predicate.value}'active'", USERS) == Comparison("status", predicate, "active")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("givenName='Zoë'", "Zoë", id="beyond-ascii"),
        pytest.param("givenName=''", "", id="empty"),
        pytest.param("givenName='  a '", "  a ", id="blanks-are-data"),
        pytest.param("givenName='x AND y=z'", "x AND y=z", id="operators-are-data"),
        pytest.param("givenName='f(x)'", "f(x)", id="parentheses-are-data"),
        pytest.param("givenName='O''Brien'", "O'Brien", id="doubled-quote"),
        pytest.param("givenName=''''", "'", id="only-a-doubled-quote"),
        pytest.param("givenName='O'Brien'", "O'Brien", id="lone-quote-before-a-letter"),
        pytest.param("givenName='the '90s'", "the '90s", id="lone-quote-before-a-digit"),
        pytest.param("givenName='d'orsay'", "d'orsay", id="lone-quote-before-a-word-that-begins-like-or"),
        pytest.param("givenName='Côte d'Or'", "Côte d'Or", id="lone-quote-before-or-that-ends-the-value"),
        pytest.param("givenName='boys'' (AND girls'')'", "boys' (AND girls')", id="doubled-quotes-before-anything"),
        pytest.param("\t givenName \n = 'a' ", "a", id="blanks-around"),
        pytest.param("(givenName='a')", "a", id="parentheses-around"),
        pytest.param("givenName=12", "12", id="number"),
        pytest.param("givenName=-1.50", "-1.50", id="number-as-it-is-written"),
        pytest.param("givenName=true", "true", id="boolean"),
        pytest.param("givenName=2026-01-01", "2026-01-01", id="date"),
        pytest.param("givenName=2026-01-01T10:00:00.5Z", "2026-01-01T10:00:00.5Z", id="date-time"),
    ],
)
def test_values(text: str, value: str) -> None:
    assert parse_filter(text, USERS) == Comparison("givenName", Predicate.EQUAL, value)


@pytest.mark.parametrize("blank", ["", " ", "\t "], ids=["no-blank", "blank", "blanks"])
def test_quote_before_and_ends_the_value(blank: str) -> None:
    assert parse_filter(f"givenName='a'{blank}AND familyName!='b'", USERS) == And((A, B))


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        pytest.param("{a} AND {b}", And((A, B)), id="and"),
        pytest.param("{a} or {b}", Or((A, B)), id="lower-case-or"),
        pytest.param("{a} aNd {b} And {c}", And((A, B, C)), id="three-terms-of-any-case"),
        pytest.param("{a} AND {b} OR {c}", Or((And((A, B)), C)), id="and-binds-tighter-before"),
        pytest.param("{a} OR {b} AND {c}", Or((A, And((B, C)))), id="and-binds-tighter-behind"),
        pytest.param("({a} OR {b}) AND {c}", And((Or((A, B)), C)), id="parentheses-first"),
        pytest.param("{a} AND({b} OR {c})", And((A, Or((B, C)))), id="parenthesis-next-to-the-word"),
        pytest.param("({a})OR({b})", Or((A, B)), id="parentheses-need-no-blanks"),
        pytest.param("({a} AND {b}) AND {c}", And((A, B, C)), id="same-word-is-one-term"),
        pytest.param("(({a} OR ({b} OR {c})))", Or((A, B, C)), id="needless-parentheses"),
    ],
)
def test_joined_comparisons(text: str, condition: Condition) -> None:
    spelled = text.format(a="givenName='a'", b="familyName != 'b'", c="email~'c'")
    assert parse_filter(spelled, USERS) == condition


@pytest.mark.parametrize(
    ("collection", "field"),
    [
        pytest.param(ENROLLMENTS, "class.sourcedId", id="reference"),
        pytest.param(USERS, "roles.org.sourcedId", id="reference-in-a-list"),
        pytest.param(CLASSES, "grades", id="list"),
        pytest.param(USERS, "metadata.lti.status", id="metadata"),
        pytest.param(USERS, "metadata.École:ü-1", id="metadata-with-any-letters"),
    ],
)
def test_fields_of_the_class(collection: Collection, field: str) -> None:
    assert parse_filter(f"{field}='x'", collection) == Comparison(field, Predicate.EQUAL, "x")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("", "needs a field name", id="empty"),
        pytest.param("   ", "needs a field name", id="blank"),
        pytest.param("shoeSize='42'", "user has no field shoeSize", id="unknown-field"),
        pytest.param("givename='x'", "did you mean givenName?", id="misspelt-field"),
        pytest.param("password='x'", "no field password", id="passwords-are-not-compared"),
        pytest.param("metadata='x'", "no field metadata", id="metadata-without-a-key"),
        pytest.param("givenName", "one of = != > >= < <= ~", id="no-predicate"),
        pytest.param("givenName LIKE 'x'", "one of = != > >= < <= ~", id="unknown-predicate"),
        pytest.param("givenName=", "single quotes", id="no-value"),
        pytest.param("givenName=x", "single quotes", id="bare-word"),
        pytest.param('givenName="x"', "single quotes", id="double-quotes"),
        pytest.param("givenName=='x'", "single quotes", id="doubled-equals"),
        pytest.param("givenName=1e3", "single quotes", id="number-with-exponent"),
        pytest.param("givenName=\uff11", "single quotes", id="full-width-digit"),
        pytest.param("givenName='x", "closing quote", id="quote-left-open"),
        pytest.param("givenName='x''", "closing quote", id="doubled-quote-left-open"),
        pytest.param("givenName='x' familyName='y'", "needs AND or OR", id="no-word-between"),
        pytest.param("givenName=1 familyName=2", "needs AND or OR", id="no-word-between-numbers"),
        pytest.param("givenName='x' XOR familyName='y'", "needs AND or OR", id="unknown-word"),
        pytest.param("givenName='x' AND", "needs a field name", id="ends-in-and"),
        pytest.param("givenName='Simon' and Garfunkel'", "no field Garfunkel", id="lone-quote-before-and"),
        pytest.param(
            "givenName='the boys' school'", "a quote inside a value to be doubled", id="lone-quote-before-a-blank"
        ),
        pytest.param("givenName='x'!", "a quote inside a value to be doubled", id="lone-quote-before-a-sign"),
        pytest.param("AND givenName='x'", "no field AND", id="begins-with-and"),
        pytest.param("(givenName='x'", "leaves a parenthesis open", id="open-parenthesis"),
        pytest.param("givenName='x')", "not open", id="closing-parenthesis"),
        pytest.param("()", "needs a field name", id="empty-parentheses"),
        pytest.param("givenName='\0'", "no record can hold", id="nul"),
        pytest.param("givenName='\ud800'", "no record can hold", id="half-a-surrogate-pair"),
    ],
)
def test_refusals_say_what_is_wrong(text: str, said: str) -> None:
    with pytest.raises(InvalidFilter) as refusal:
        parse_filter(text, USERS)
    assert said in refusal.value.reason


def test_refusal_names_the_place() -> None:
    with pytest.raises(InvalidFilter, match=r"^filter: needs the value in single quotes.* \(at character 8\)$"):
        parse_filter("status=active", USERS)


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("2026-01-01", id="date"),
        pytest.param("2026-01-01T00:00Z", id="minutes"),
        pytest.param("2026-01-01T00:00:00", id="no-zone"),
        pytest.param("2026-01-01T00:00:00Z", id="seconds"),
        pytest.param("2026-01-01T00:00:00.000Z", id="milliseconds"),
        pytest.param("2026-01-01T00:00:00.1234567Z", id="ten-millionths"),
        pytest.param("2026-01-01T00:00:00+02:00", id="offset"),
        pytest.param("2026-01-01T00:00:00-0530", id="offset-without-colon"),
        pytest.param("2026-01-01T00:00:00 02:00", id="offset-whose-plus-was-not-encoded"),
        pytest.param("0001-01-01T00:00:00Z", id="since-ever"),
    ],
)
@pytest.mark.parametrize("field", ["dateLastModified", "beginDate"])
def test_dates_compare_with_dates_and_date_times(field: str, value: str) -> None:
    assert parse_filter(f"{field}>='{value}'", ENROLLMENTS) == Comparison(field, Predicate.GREATER_OR_EQUAL, value)


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("yesterday", id="word"),
        pytest.param("", id="empty"),
        pytest.param("2026-02-30", id="no-such-day"),
        pytest.param("2026-1-1", id="short"),
        pytest.param("01/02/2026", id="slashes"),
        pytest.param("2026-01-01T24:00:00Z", id="hour-24"),
        pytest.param("2026-01-01T00:00:00+99:00", id="no-such-offset"),
        pytest.param("2026-01-01T00:00:00+01:75", id="no-such-offset-minutes"),
        pytest.param("0001-01-01T00:00:00+01:00", id="before-the-year-1"),
        pytest.param("9999-12-31T23:59:59-01:00", id="after-the-year-9999"),
        pytest.param("\u0662026-01-01", id="other-digits"),
        pytest.param("2026-01-01,2026-01-02", id="list-against-one-date"),
    ],
)
def test_dates_compare_with_nothing_else(value: str) -> None:
    with pytest.raises(InvalidFilter, match="dateLastModified is compared with something that is no date"):
        parse_filter(f"dateLastModified>'{value}'", USERS)


def test_date_may_contain_any_text() -> None:
    assert parse_filter("dateLastModified~'-01-'", USERS) == Comparison("dateLastModified", Predicate.CONTAINS, "-01-")


def test_dates_in_a_list_compare_with_a_set_of_dates() -> None:
    text = "roles.beginDate='2026-01-01,2026-09-01'"
    assert parse_filter(text, USERS) == Comparison("roles.beginDate", Predicate.EQUAL, "2026-01-01,2026-09-01")
    with pytest.raises(InvalidFilter, match="no date"):
        parse_filter("roles.beginDate='2026-01-01,soon'", USERS)


@pytest.mark.parametrize(
    ("accepted", "refused"),
    [
        pytest.param("email='" + "x" * (MAX_LENGTH - 8) + "'", "email='" + "x" * (MAX_LENGTH - 7) + "'", id="length"),
        pytest.param(
            " OR ".join(["email='x'"] * MAX_COMPARISONS),
            " OR ".join(["email='x'"] * (MAX_COMPARISONS + 1)),
            id="comparisons",
        ),
        pytest.param(
            "(" * MAX_DEPTH + "email='x'" + ")" * MAX_DEPTH,
            "(" * (MAX_DEPTH + 1) + "email='x'" + ")" * (MAX_DEPTH + 1),
            id="depth",
        ),
    ],
)
def test_limits(accepted: str, refused: str) -> None:
    parse_filter(accepted, USERS)
    with pytest.raises(InvalidFilter, match=f"{MAX_LENGTH}|{MAX_COMPARISONS}|{MAX_DEPTH}"):
        parse_filter(refused, USERS)


# Any text, any tree ----------------------------------------------------------------------------------------------

fragments = st.sampled_from(
    (
        *"=~() 1a'é",
        "status",
        "email",
        "dateLastModified",
        "metadata.a",
        "!=",
        ">=",
        "''",
        "'a'",
        " AND ",
        " OR ",
        "AND",
        "2026-01-01",
        "T00:00",
    )
)


@given(st.text() | st.lists(fragments, max_size=30).map("".join))
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(InvalidFilter):
        parse_filter(text, USERS)


def spell(condition: Condition) -> str:
    """A condition as a consumer would write it."""
    match condition:
        case Comparison(field, predicate, value):
            quoted = value.replace("'", "''")
            return f"{field}{predicate.value}'{quoted}'"
        case And(terms):
            return " AND ".join(f"({spell(term)})" if isinstance(term, Or) else spell(term) for term in terms)
        case Or(terms):
            return " OR ".join(spell(term) for term in terms)


def simplest(condition: Condition) -> Condition:
    """The same condition with no AND right inside an AND, and no OR right inside an OR."""
    if isinstance(condition, Comparison):
        return condition
    kind = type(condition)
    terms = [simplest(term) for term in condition.terms]
    return kind(tuple(inner for term in terms for inner in (term.terms if isinstance(term, kind) else (term,))))


plain_values = st.text(st.characters(codec="utf-8", exclude_characters="\0"))
trees = st.recursive(
    st.builds(
        Comparison,
        st.sampled_from([path.name for path in USERS.paths if path.shape is Shape.TEXT]) | st.just("metadata.a.b"),
        st.sampled_from(Predicate),
        plain_values,
    ),
    lambda inner: st.builds(
        lambda kind, terms: kind(tuple(terms)), st.sampled_from([And, Or]), st.lists(inner, min_size=2, max_size=4)
    ),
    max_leaves=8,
)


@given(trees)
def test_written_condition_is_read_back(condition: Condition) -> None:
    assert parse_filter(spell(condition), USERS) == simplest(condition)


@pytest.mark.parametrize("name", list(COLLECTIONS))
def test_every_path_of_the_model_can_be_filtered_by(name: str) -> None:
    collection = COLLECTIONS[name]
    for path in collection.paths:
        assert parse_filter(f"{path.name}='2026-01-01'", collection) is not None


@pytest.mark.parametrize(
    ("text", "collection", "meant"),
    [("class='x'", ENROLLMENTS, "class.sourcedId"), ("role='student'", USERS, "roles.role")],
    ids=["a reference by its bare name", "a field of a list by its own name"],
)
def test_refusal_of_an_unknown_field_names_what_is_meant(text, collection, meant):
    with pytest.raises(InvalidFilter, match=f"did you mean {meant}"):
        parse_filter(text, collection)
