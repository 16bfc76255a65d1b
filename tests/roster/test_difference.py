"""What differs between two versions of a record, and which of it is personal."""

import pytest

from bridge.roster.difference import Difference, differences


def test_same_documents_do_not_differ():
    document = {"sourcedId": "1", "status": "active", "metadata": {"lti.status": "Active"}}

    assert differences("users", document, dict(document)) == []


def test_fields_that_were_changed_added_and_dropped_are_told():
    before = {"sourcedId": "1", "title": "Maths", "classCode": "M"}
    after = {"sourcedId": "1", "title": "Mathematics", "location": "Hall"}

    assert differences("classes", before, after) == [
        Difference("title", "Maths", "Mathematics", personal=False),
        Difference("classCode", "M", None, personal=False),
        Difference("location", None, "Hall", personal=False),
    ]


def test_metadata_is_compared_key_by_key():
    found = differences("users", {"metadata": {"lti.name": "A", "lti.roles": "[]"}}, {"metadata": {"lti.roles": "[1]"}})

    assert found == [
        Difference("metadata.lti.name", "A", None, personal=True),
        Difference("metadata.lti.roles", "[]", "[1]", personal=False),
    ]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(
            {"org": {"href": "https://a/1", "sourcedId": "1", "type": "org"}},
            {"org": {"href": "https://b/1", "sourcedId": "1", "type": "org"}},
            id="reference",
        ),
        pytest.param(
            {"terms": [{"href": "https://a/1", "sourcedId": "1", "type": "term"}]},
            {"terms": [{"href": "https://b/1", "sourcedId": "1", "type": "term"}]},
            id="list",
        ),
        pytest.param(
            {"roles": [{"role": "aide", "org": {"href": "https://a/1", "sourcedId": "1", "type": "org"}}]},
            {"roles": [{"role": "aide", "org": {"href": "https://b/1", "sourcedId": "1", "type": "org"}}]},
            id="inside",
        ),
    ],
)
def test_addresses_in_references_are_no_difference(before, after):
    assert differences("users", before, after) == []


@pytest.mark.parametrize("field", ["givenName", "email", "userIds", "sms", "identifier", "somethingNew"])
def test_what_tells_who_somebody_is_is_personal(field):
    (found,) = differences("users", None, {field: "x"})

    assert found.personal


@pytest.mark.parametrize("collection", ["users", "classes", "orgs", "enrollments"])
def test_what_a_source_adds_of_its_own_is_personal(collection):
    found = differences(collection, None, {"somethingNew": "x", "metadata": {"taughtBy": "Ada"}})

    assert [(one.field, one.personal) for one in found] == [("somethingNew", True), ("metadata.taughtBy", True)]


def test_what_tells_of_a_person_in_her_roles_is_told_apart():
    org = {"sourcedId": "1", "type": "org"}
    role = {"roleType": "primary", "role": "student", "org": org, "beginDate": "2026-08-01"}
    profiled = {**role, "userProfile": "https://profiles.example.org/ada"}

    found = differences("users", {"roles": [role, profiled]}, {"roles": [{**role, "role": "aide"}, role]})

    assert found == [
        Difference("roles", [role, role], [{**role, "role": "aide"}, role], personal=False),
        Difference("roles.userProfile", [None, profiled["userProfile"]], None, personal=True),
    ]


@pytest.mark.parametrize(
    ("collection", "field"),
    [("users", "status"), ("users", "roles"), ("enrollments", "role"), ("classes", "title"), ("orgs", "name")],
)
def test_what_tells_nobody_apart_is_not(collection, field):
    (found,) = differences(collection, {field: "x"}, None)

    assert not found.personal


def test_everything_in_demographics_is_personal_but_the_status():
    found = differences("demographics", None, {"sourcedId": "1", "status": "active", "birthDate": "2010-01-01"})

    assert [one.field for one in found if one.personal] == ["birthDate"]


@pytest.mark.parametrize(
    ("collection", "field"),
    [("users", "sourcedId"), ("users", "agents"), ("enrollments", "user"), ("demographics", "sourcedId")],
)
def test_ids_of_people_are_told_apart(collection, field):
    (found,) = differences(collection, None, {field: "x"})

    assert (found.ids, found.personal) == (True, False)
    assert not any(one.ids for one in differences("classes", None, {"sourcedId": "1", "school": {"sourcedId": "2"}}))
