"""The ``fields`` parameter: which names it takes, and what is left of a document."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import InvalidSelection
from bridge.oneroster.projection import Selection, parse_fields
from bridge.roster.model import CLASSES, COLLECTIONS, ENROLLMENTS, ORGS, USERS

DOCUMENT = '{"sourcedId":"1","dateLastModified":"2026-01-01T00:00:00.000Z","status":"active","title":"Früh, \\"A\\"",'
DOCUMENT += '"grades":["09", "10"],"metadata":{"weight":1.50,"title":"inner"}}'


@pytest.mark.parametrize(
    ("values", "fields"),
    [
        pytest.param(["title"], ("title",), id="one"),
        pytest.param(["title,sourcedId"], ("sourcedId", "title"), id="list-in-the-class's-order"),
        pytest.param(["title", "sourcedId,title"], ("sourcedId", "title"), id="repeated"),
        pytest.param([" title , grades"], ("title", "grades"), id="blanks-around"),
        pytest.param(["metadata,dateLastModified"], ("dateLastModified", "metadata"), id="what-every-class-has"),
    ],
)
def test_selection_is_read(values: list[str], fields: tuple[str, ...]) -> None:
    assert parse_fields(values, CLASSES).fields == fields


@pytest.mark.parametrize(
    ("values", "said"),
    [
        pytest.param([""], "blank name", id="blank"),
        pytest.param(["title,,grades"], "blank name", id="blank-in-a-list"),
        pytest.param(["title", ""], "blank name", id="blank-when-repeated"),
        pytest.param(["shoeSize"], "class has no field shoeSize; it has sourcedId", id="unknown"),
        pytest.param(["Title"], "no field Title", id="other-case"),
        pytest.param(["course.sourcedId"], "whole fields only: write course", id="dotted"),
        pytest.param(["shoe.size"], "no field shoe.size", id="dotted-unknown"),
    ],
)
def test_selection_is_refused(values: list[str], said: str) -> None:
    with pytest.raises(InvalidSelection) as refusal:
        parse_fields(values, CLASSES)
    assert said in refusal.value.reason


def test_only_selected_fields_are_left() -> None:
    assert (
        Selection(("sourcedId", "title")).apply(DOCUMENT.encode()).decode()
        == '{"sourcedId":"1","title":"Früh, \\"A\\""}'
    )


def test_values_are_copied_as_they_are_written() -> None:
    selection = Selection(("grades", "metadata"))
    assert (
        selection.apply(DOCUMENT.encode()).decode()
        == '{"grades":["09", "10"],"metadata":{"weight":1.50,"title":"inner"}}'
    )


def test_stamp_is_a_field_like_others() -> None:
    selected = Selection(("sourcedId", "dateLastModified")).apply(DOCUMENT.encode()).decode()
    assert json.loads(selected) == {"sourcedId": "1", "dateLastModified": "2026-01-01T00:00:00.000Z"}


def test_absent_fields_stay_absent() -> None:
    assert Selection(("location",)).apply(DOCUMENT.encode() + b',{"location":"B2"}').decode() == '{},{"location":"B2"}'


def test_no_documents_stay_none() -> None:
    assert Selection(("title",)).apply(b"") == b""


def test_fields_named_like_python_words_are_selected() -> None:
    document = '{"sourcedId":"1","class":{"sourcedId":"c"},"primary":"true"}'
    assert (
        parse_fields(["class,primary"], ENROLLMENTS).apply(document.encode()).decode()
        == '{"class":{"sourcedId":"c"},"primary":"true"}'
    )


@pytest.mark.parametrize("name", list(COLLECTIONS))
def test_every_field_of_the_model_can_be_selected(name: str) -> None:
    collection = COLLECTIONS[name]
    document = json.dumps(dict.fromkeys(collection.fields, "x"), separators=(",", ":"))
    assert parse_fields([",".join(collection.fields)], collection).apply(document.encode()).decode() == document


_json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="utf-8")),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=3)
    ),
    max_leaves=5,
)
_documents = st.fixed_dictionaries({}, optional=dict.fromkeys(ORGS.fields, _json_values))


@given(st.lists(_documents, max_size=4), st.sets(st.sampled_from(ORGS.fields), min_size=1))
def test_projection_is_that_of_plain_python(documents: list[dict[str, Any]], chosen: set[str]) -> None:
    selected = parse_fields(list(chosen), ORGS).apply(",".join(map(json.dumps, documents)).encode()).decode()
    assert json.loads(f"[{selected}]") == [
        {name: value for name, value in document.items() if name in chosen} for document in documents
    ]


def test_password_is_selectable_and_selects_nothing() -> None:
    assert parse_fields(["password"], USERS).apply(b'{"sourcedId":"1"}') == b"{}"
