import json

import pytest

from bridge.roster.model import COLLECTIONS, ENROLLMENTS, USERS, Path, Shape
from tests.roster.oneroster_schema import CLASSES, OFFICIAL

NAMES = list(COLLECTIONS)


def official(collection):
    """The properties of a class in the official OpenAPI document."""
    document = json.loads(OFFICIAL.read_text(encoding="utf-8"))
    return document["components"]["schemas"][CLASSES[collection]]["properties"]


by_the_document = pytest.mark.skipif(
    not OFFICIAL.exists(), reason="the official OpenAPI document is not beside the checkout"
)


def test_collections_are_the_seven_of_the_rostering_service():
    assert NAMES == ["orgs", "academicSessions", "courses", "classes", "users", "enrollments", "demographics"]


@by_the_document
@pytest.mark.parametrize("name", NAMES)
def test_fields_are_those_of_the_official_document(name):
    assert sorted(COLLECTIONS[name].fields) == sorted(official(name))


@by_the_document
@pytest.mark.parametrize("name", NAMES)
def test_dates_are_those_of_the_official_document(name):
    formats = {field: schema.get("format") for field, schema in official(name).items()}
    shapes = {path.name: path.shape for path in COLLECTIONS[name].paths if "." not in path.name}

    assert {field for field, shape in shapes.items() if shape is Shape.DATE} == {
        field for field, format_ in formats.items() if format_ == "date"
    }
    assert {field for field, shape in shapes.items() if shape is Shape.INSTANT} == {"dateLastModified"}


@by_the_document
@pytest.mark.parametrize("name", NAMES)
def test_what_is_a_list_in_the_official_document_holds_many(name):
    lists = {field for field, schema in official(name).items() if schema.get("type") == "array"}

    assert {path.name.partition(".")[0] for path in COLLECTIONS[name].paths if path.many} == lists


@pytest.mark.parametrize("name", NAMES)
def test_every_field_but_metadata_and_secrets_can_be_filtered_by(name):
    collection = COLLECTIONS[name]
    tops = {path.name.partition(".")[0] for path in collection.paths}

    assert set(collection.fields) - tops == {"metadata", *({"password"} & set(collection.fields))}


def test_password_can_be_selected_and_never_compared():
    assert "password" in USERS.fields
    assert USERS.path("password") is None


@pytest.mark.parametrize(
    ("collection", "name", "path"),
    [
        pytest.param(USERS, "familyName", Path("familyName"), id="scalar"),
        pytest.param(USERS, "roles.role", Path("roles.role", many=True, facet=True), id="inside-a-list"),
        pytest.param(ENROLLMENTS, "class.sourcedId", Path("class.sourcedId", facet=True), id="reference"),
        pytest.param(ENROLLMENTS, "beginDate", Path("beginDate", Shape.DATE), id="date"),
        pytest.param(ENROLLMENTS, "metadata.lti.userId", Path("metadata.lti.userId"), id="metadata"),
        pytest.param(ENROLLMENTS, "metadata.", None, id="metadata-without-key"),
        pytest.param(ENROLLMENTS, "metadata", None, id="metadata-as-a-whole"),
        pytest.param(ENROLLMENTS, "class", None, id="reference-as-a-whole"),
        pytest.param(ENROLLMENTS, "familyName", None, id="of-another-class"),
        pytest.param(ENROLLMENTS, "Role", None, id="other-case"),
    ],
)
def test_path(collection, name, path):
    assert collection.path(name) == path


@pytest.mark.parametrize("name", NAMES)
def test_kind_and_searchable_are_paths_of_the_class(name):
    collection = COLLECTIONS[name]
    wanted = [*collection.searchable, *([collection.kind] if collection.kind else [])]

    assert [each for each in wanted if collection.path(each) is None] == []


@pytest.mark.parametrize("name", NAMES)
def test_columns_are_the_single_values_of_the_document(name):
    columns = {path.name for path in COLLECTIONS[name].columns}

    assert "dateLastModified" not in columns
    assert {"sourcedId", "status"} <= columns
    assert not {path.name for path in COLLECTIONS[name].paths if path.many} & columns
