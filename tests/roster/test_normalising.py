"""What SISs write, made into what OneRoster 1.2 describes."""

import pytest
from jsonschema import Draft202012Validator

from bridge.oneroster.schemas import class_name, schemas
from bridge.roster.identity import SourcedId
from bridge.roster.model import COLLECTIONS
from bridge.roster.normalising import Normaliser, Unusable, is_ended
from bridge.roster.references import References

ROOT = "https://bridge.example.org/ims/oneroster/rostering/v1p2"
SCHOOL = {"href": f"{ROOT}/orgs/school", "sourcedId": "school", "type": "org"}

VALID = {
    "orgs": {"name": "North High", "type": "school", "identifier": "n-1"},
    "academicSessions": {
        "title": "Autumn",
        "startDate": "2026-08-01",
        "endDate": "2027-02-01",
        "type": "term",
        "schoolYear": "2027",
    },
    "courses": {"title": "Algebra", "courseCode": "ALG"},
    "classes": {
        "title": "Algebra 1",
        "course": {"sourcedId": "algebra"},
        "school": {"sourcedId": "school"},
        "terms": [{"sourcedId": "term"}],
    },
    "users": {
        "enabledUser": "true",
        "givenName": "Ada",
        "familyName": "Lovelace",
        "roles": [{"roleType": "primary", "role": "student", "org": {"sourcedId": "school"}}],
    },
    "enrollments": {
        "user": {"sourcedId": "ada"},
        "class": {"sourcedId": "algebra-1"},
        "school": {"sourcedId": "school"},
        "role": "student",
    },
    "demographics": {"sex": "female"},
}


def violations(collection, body):
    """What the schema that the bridge publishes has against a record; elsewhere that is held against the standard's."""
    name = class_name(COLLECTIONS[collection].singular)
    schema = {"$ref": f"#/components/schemas/{name}", "components": {"schemas": schemas(counters=False)}}
    stamped = {**body, "dateLastModified": "2026-11-20T21:05:09.123Z"}
    return [error.message for error in Draft202012Validator(schema).iter_errors(stamped)]


def normalised(collection, prefix="", **said):
    record = {"sourcedId": "x", "status": "active", **VALID[collection], **said}
    normaliser = Normaliser(References("https://bridge.example.org"), prefix)
    return normaliser.record(COLLECTIONS[collection], SourcedId(f"{prefix}x"), record)


def without(collection, *names):
    return normalised(collection, **dict.fromkeys(names))


@pytest.mark.parametrize("collection", VALID)
def test_valid_record_is_valid_afterwards(collection):
    found = normalised(collection)

    assert violations(collection, found) == []
    assert "metadata" not in found


@pytest.mark.parametrize("collection", VALID)
def test_normalising_twice_changes_nothing_more(collection):
    once = normalised(collection, metadata={"a": 1}, junk="x")

    assert normalised(collection, **once) == once


@pytest.mark.parametrize(
    ("collection", "field", "said", "means"),
    [
        ("users", "enabledUser", True, "true"),
        ("users", "enabledUser", False, "false"),
        ("users", "enabledUser", "TRUE", "true"),
        ("users", "enabledUser", 1, "true"),
        ("enrollments", "primary", False, "false"),
        ("demographics", "white", True, "true"),
        ("orgs", "type", "departments", "department"),
        ("orgs", "type", "School", "school"),
        ("orgs", "type", "Charter School", "ext:Charter-School"),
        ("orgs", "type", "ext:charter", "ext:charter"),
        ("academicSessions", "type", "grading period", "gradingPeriod"),
        ("academicSessions", "schoolYear", 2027, "2027"),
        ("academicSessions", "startDate", "2026-08-01T00:00:00.000Z", "2026-08-01"),
        ("enrollments", "role", "Teacher", "teacher"),
        ("enrollments", "role", "aide", "ext:aide"),
        ("demographics", "sex", "M", "male"),
        ("classes", "grades", "09,10", ["09", "10"]),
        ("classes", "periods", [1, 2], ["1", "2"]),
        ("classes", "subjects", ["Maths", ""], ["Maths"]),
        ("users", "identifier", 12345, "12345"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_other_spellings_are_read(collection, field, said, means):
    found = normalised(collection, **{field: said})

    assert found[field] == means
    assert violations(collection, found) == []


@pytest.mark.parametrize("blank", [None, "", " ", {}], ids=repr)
@pytest.mark.parametrize(
    ("collection", "field"),
    [
        ("users", "email"),
        ("users", "grades"),
        ("orgs", "parent"),
        ("enrollments", "beginDate"),
        ("classes", "metadata"),
    ],
    ids=lambda value: value,
)
def test_blank_is_left_out(collection, field, blank):
    assert field not in normalised(collection, **{field: blank})


def test_empty_list_stays_one():
    assert normalised("orgs", children=[])["children"] == []


@pytest.mark.parametrize(
    ("field", "value"),
    [("beginDate", "2026-02-30"), ("endDate", "soon"), ("primary", "perhaps")],
    ids=["no such day", "no date", "no flag"],
)
def test_unusable_optional_value_is_left_out(field, value):
    assert field not in normalised("enrollments", **{field: value})


def test_field_that_the_class_does_not_have_is_left_out():
    assert "favouriteColour" not in normalised("users", favouriteColour="blue")


def test_password_and_credentials_are_left_out():
    profile = {
        "profileId": "urn:p",
        "profileType": "x",
        "vendorId": "v",
        "credentials": [{"type": "t", "username": "u"}],
    }

    found = normalised("users", password="hunter2", userProfiles=[profile])

    assert "password" not in found
    assert found["userProfiles"] == [{"profileId": "urn:p", "profileType": "x", "vendorId": "v"}]


def test_metadata_stays_as_it_came():
    metadata = {"lti.roles": '["http://…#Learner"]', "lti.status": "Inactive", "n": 1, "nested": {"a": [None]}}

    assert normalised("enrollments", metadata=metadata)["metadata"] == metadata


@pytest.mark.parametrize(
    "reference",
    [
        {"sourcedId": "school"},
        {"href": "https://sis.example.org/schools/school", "sourcedId": "school", "type": "school"},
        {"href": "https://sis.example.org/orgs/school"},
        "school",
    ],
    ids=["id alone", "another type", "address alone", "bare text"],
)
def test_reference_is_completed(reference):
    assert normalised("enrollments", school=reference)["school"] == SCHOOL


def test_every_reference_gets_the_prefix():
    found = normalised("users", "p-", primaryOrg="school", agents=[{"sourcedId": "mum"}])

    assert [found["sourcedId"], found["primaryOrg"]["sourcedId"], found["agents"][0]["sourcedId"]] == [
        "p-x",
        "p-school",
        "p-mum",
    ]
    assert found["roles"][0]["org"]["sourcedId"] == "p-school"


def test_resources_are_kept():
    assert normalised("courses", resources=["r"])["resources"] == [
        {
            "href": "https://bridge.example.org/ims/oneroster/resources/v1p2/resources/r",
            "sourcedId": "r",
            "type": "resource",
        }
    ]


# -- OneRoster 1.1


@pytest.mark.parametrize(
    ("role", "means"),
    [("student", "student"), ("administrator", "siteAdministrator"), ("Teacher", "teacher"), ("chef", "ext:chef")],
    ids=["student", "administrator", "capital", "own word"],
)
def test_role_and_orgs_of_1p1_become_roles(role, means):
    found = normalised("users", roles=None, role=role, orgs=[{"sourcedId": "school"}])

    assert found["roles"] == [{"roleType": "primary", "role": means, "org": SCHOOL}]
    assert found["primaryOrg"] == SCHOOL
    assert "role" not in found
    assert "orgs" not in found


def test_user_of_1p1_at_two_schools_has_a_primary_role_at_each_and_no_primary_org():
    found = normalised("users", roles=None, role="teacher", orgs=["school", "other"])

    assert [(each["roleType"], each["org"]["sourcedId"]) for each in found["roles"]] == [
        ("primary", "school"),
        ("primary", "other"),
    ]
    assert "primaryOrg" not in found


def test_birthdate_of_1p1():
    assert normalised("demographics", birthdate="2010-02-03")["birthDate"] == "2010-02-03"


def test_preferred_names_of_the_csv_binding():
    found = normalised("users", preferredGivenName="Augusta", preferredFamilyName="King")

    assert (found["preferredFirstName"], found["preferredLastName"]) == ("Augusta", "King")


def test_roles_without_an_org_are_at_the_users_own_and_one_is_primary():
    found = normalised("users", roles=[{"role": "teacher"}, {"role": "aide"}], primaryOrg="school")

    assert found["roles"] == [
        {"roleType": "primary", "role": "teacher", "org": SCHOOL},
        {"roleType": "secondary", "role": "aide", "org": SCHOOL},
    ]


def test_role_that_cannot_be_used_spoils_no_other():
    good = {"roleType": "primary", "role": "student", "org": SCHOOL}

    assert normalised("users", roles=[{"role": "teacher", "org": None}, "x", good])["roles"] == [good]


# -- what is missing


@pytest.mark.parametrize(
    ("collection", "field", "supplied"),
    [
        ("orgs", "identifier", "x"),
        ("orgs", "name", "n-1"),
        ("orgs", "type", "ext:unknown"),
        ("academicSessions", "schoolYear", "2027"),
        ("academicSessions", "title", "x"),
        ("courses", "courseCode", "x"),
        ("courses", "title", "ALG"),
        ("classes", "title", "x"),
        ("users", "enabledUser", "true"),
        ("users", "givenName", "-"),
    ],
    ids=lambda value: str(value),
)
def test_neutral_value_is_supplied_and_marked(collection, field, supplied):
    found = without(collection, field)

    assert found[field] == supplied
    assert found["metadata"]["bridge.supplied"] == field
    assert violations(collection, found) == []


def test_mark_of_another_bridge_stays():
    found = normalised("orgs", identifier="", metadata={"bridge.supplied": "name"})

    assert found["metadata"]["bridge.supplied"] == "name,identifier"


@pytest.mark.parametrize(
    ("collection", "field"),
    [
        ("academicSessions", "startDate"),
        ("classes", "course"),
        ("classes", "school"),
        ("classes", "terms"),
        ("users", "roles"),
        ("enrollments", "user"),
        ("enrollments", "class"),
        ("enrollments", "school"),
        ("enrollments", "role"),
    ],
    ids=lambda value: value,
)
def test_record_without_what_nobody_can_supply_is_unusable(collection, field):
    with pytest.raises(Unusable, match=f"{field} is missing"):
        without(collection, field)


def test_reason_names_the_field_and_not_the_value():
    with pytest.raises(Unusable, match=r"^startDate cannot be used$"):
        normalised("academicSessions", startDate="Ada Lovelace's birthday")


@pytest.mark.parametrize(
    ("status", "ended"),
    [("active", False), ("tobedeleted", True), ("inactive", True), ("ToBeDeleted", True), (None, False), ("", False)],
    ids=str,
)
def test_what_has_ended(status, ended):
    assert is_ended({"status": status}) is ended
