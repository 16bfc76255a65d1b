"""The recipe of sourcedIds is a promise: these vectors never change, and neither may a test that fails here."""

from itertools import product
from uuid import UUID

import pytest

from bridge.roster.identity import (
    ContextKey,
    LtiUserId,
    class_sourced_id,
    context_key,
    course_sourced_id,
    deployment_in,
    enrollment_sourced_id,
    org_sourced_id,
    person_key,
    session_sourced_id,
    user_sourced_id,
)

PLAIN = context_key("2")
OF_DEPLOYMENT = context_key("2", "7")


@pytest.mark.parametrize(
    ("sourced_id", "promised"),
    [
        pytest.param(
            user_sourced_id("moodle.example.org", LtiUserId("27")), "0ade336d-1ad4-53ba-aa35-036d0131eb36", id="user"
        ),
        pytest.param(
            user_sourced_id("school", LtiUserId('Ünïcode/"quoted"')),
            "f5817fd3-87a9-58a4-ba21-7a85ba9975c8",
            id="user-of-odd-letters",
        ),
        pytest.param(class_sourced_id("school", PLAIN), "aa0716bb-e5bc-5685-a918-22e04ece397d", id="class"),
        pytest.param(
            class_sourced_id("school", OF_DEPLOYMENT), "9c7fe501-b457-51a6-9eef-eb656a1065e6", id="class-of-deployment"
        ),
        pytest.param(course_sourced_id("school", PLAIN), "a995db5e-3811-5573-84f5-5897af134d5d", id="course"),
        pytest.param(
            enrollment_sourced_id("school", PLAIN, LtiUserId("27")),
            "689ebf2f-b52d-51fa-a5ef-8f278b5357ca",
            id="enrollment",
        ),
        pytest.param(org_sourced_id("school"), "e51f15de-f6d5-5c95-9f8a-fb1ffcf985c1", id="org"),
        pytest.param(
            session_sourced_id("school", "term", "2026-2027", "2026-08-01"),
            "37999c18-956c-530e-840d-38ed50bdced8",
            id="academic-session",
        ),
    ],
)
def test_sourced_id_is_as_promised(sourced_id, promised):
    assert sourced_id == promised


def test_sourced_id_is_a_uuid_made_of_a_name():
    assert UUID(user_sourced_id("school", LtiUserId("ada@example.org"))).version == 5


@pytest.mark.parametrize(
    ("key", "promised"),
    [
        pytest.param(PLAIN, '["2"]', id="context-id"),
        pytest.param(OF_DEPLOYMENT, '["2","7"]', id="with-deployment"),
        pytest.param(context_key('a"b,c'), '["a\\"b,c"]', id="quoted"),
        pytest.param(context_key("課程"), '["課程"]', id="other-script"),
    ],
)
def test_context_key_is_as_promised(key, promised):
    assert key == promised


def test_deployment_is_not_confused_with_the_context_id():
    keys = [context_key("2,7"), context_key('2","7'), OF_DEPLOYMENT, context_key("7", "2"), PLAIN]

    assert len(set(keys)) == len(keys)


def test_every_kind_tenant_context_and_person_has_an_id_of_its_own():
    tenants, contexts, users = ("a", "b"), (PLAIN, OF_DEPLOYMENT), (LtiUserId("27"), LtiUserId("2"), LtiUserId("A"))
    ids = [
        *(org_sourced_id(tenant) for tenant in tenants),
        *(session_sourced_id(tenant, kind, "2026", "2026-01-01") for tenant in tenants for kind in ("term", "year")),
        *(
            make(tenant, key)
            for make in (class_sourced_id, course_sourced_id)
            for tenant in tenants
            for key in contexts
        ),
        *(user_sourced_id(tenant, user) for tenant in tenants for user in users),
        *(enrollment_sourced_id(*who) for who in product(tenants, contexts, users)),
    ]

    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("abc", "ABC", id="case"),
        pytest.param("27", " 27", id="blanks"),
        pytest.param("27", "027", id="digits"),
        pytest.param("\u00c5", "A\u030a", id="composition"),
    ],
)
def test_user_ids_are_compared_as_written(one, other):
    assert user_sourced_id("school", LtiUserId(one)) != user_sourced_id("school", LtiUserId(other))


def test_parts_cannot_be_shifted_into_each_other():
    assert enrollment_sourced_id("a", ContextKey('["2"]'), LtiUserId("x")) != enrollment_sourced_id(
        'a","["2"]', ContextKey("x"), LtiUserId("")
    )


def test_person_of_one_customer_among_many_has_an_id_of_her_own():
    person = person_key(LtiUserId("27"), "7")

    assert user_sourced_id("moodle.example.org", person) == "00e06bb1-049e-59c7-baf7-a97cc830f412"
    assert (
        user_sourced_id("moodle.example.org", person_key(LtiUserId("27"), "8"))
        != "00e06bb1-049e-59c7-baf7-a97cc830f412"
    )


def test_person_who_needs_no_more_to_be_named_keeps_her_id():
    assert person_key(LtiUserId("27")) == "27"
    assert user_sourced_id("moodle.example.org", person_key(LtiUserId("27"))) == "0ade336d-1ad4-53ba-aa35-036d0131eb36"


def test_deployment_is_read_from_the_key_of_the_context():
    assert (deployment_in(PLAIN), deployment_in(OF_DEPLOYMENT)) == (None, "7")
