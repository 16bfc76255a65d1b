"""Why roles became what they are: the sentences agree with the mapping itself."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.roster.reading import Reading
from bridge.roster.role_reasons import explain
from bridge.roster.roles import RoleMapping, RoleTable
from bridge.roster.vocabulary import TEST_USER, VOCABULARY

CONTEXT = "http://purl.imsglobal.org/vocab/lis/v2/membership"
INSTITUTION = "http://purl.imsglobal.org/vocab/lis/v2/institution/person"
SYSTEM = "http://purl.imsglobal.org/vocab/lis/v2/system/person"
COMPAT = Reading(table=RoleTable.default(), mapping=RoleMapping.COMPAT)
DECIDES = "the lowest rank among the roles that count decides."
EXT = Reading(table=RoleTable.default(), mapping=RoleMapping.EXT)


def reasons(*roles, reading=COMPAT):
    return [one.reason for one in explain(reading, roles).roles]


def test_context_role_says_what_it_makes():
    (reason,) = reasons(f"{CONTEXT}#Learner")

    assert reason == "a role in this course: it makes a student, with rank 70"


def test_principal_beside_its_sub_role_does_not_count():
    principal, sub = reasons(f"{CONTEXT}#Instructor", f"{CONTEXT}/Instructor#TeachingAssistant")

    assert "made more precise by another of these roles" in principal
    assert "it makes a teacher, with rank 30" in sub


def test_institution_role_counts_only_without_any_in_the_course():
    _, beside = reasons(f"{CONTEXT}#Learner", f"{INSTITUTION}#Faculty")
    (alone,) = reasons(f"{INSTITUTION}#Faculty")

    assert "decides no enrollment beside roles in the course" in beside
    assert "it makes a teacher" in alone


def test_administrator_of_a_platform_that_is_not_trusted_is_told():
    (reason,) = reasons(f"{SYSTEM}#Administrator")

    assert "It would make a systemAdministrator if this platform's administrators were trusted" in reason


def test_unknown_text_is_told_and_what_would_make_it_known():
    (one,) = explain(COMPAT, ["urn:example:Wizard"]).roles

    assert one.short == "urn:example:wizard"
    assert "[extra]" in one.reason


def test_role_that_only_the_other_mapping_enrolls_says_so():
    (compat,) = reasons(f"{CONTEXT}#Mentor")
    (ext,) = reasons(f"{CONTEXT}#Mentor", reading=EXT)

    assert "with role mapping ext it would be ext:mentor" in compat
    assert "it makes a ext:mentor" in ext


def test_text_that_the_operator_has_named_is_told():
    table = RoleTable.load('[extra]\n"wizard" = { rank = 5, enrollment = "teacher", user_role = "teacher" }')
    reading = Reading(table=table, mapping=RoleMapping.COMPAT)

    (reason,) = reasons("Wizard", reading=reading)

    assert reason == "named in the role table under [extra]: it makes a teacher, with rank 5"


@pytest.mark.parametrize(
    ("roles", "outcome"),
    [
        ([], "Not enrolled: the platform lists no role."),
        ([f"{CONTEXT}#Mentor"], "Not enrolled: none of the roles gives an enrollment in role mapping compat."),
        ([f"{CONTEXT}#Learner", TEST_USER.uri], "Left out: a test user, and test users are not kept."),
        (
            [f"{CONTEXT}/Instructor#PrimaryInstructor"],
            f"Enrolled as teacher, who claims to be the primary teacher: {DECIDES}",
        ),
    ],
    ids=["no role", "nothing that enrolls", "test user", "primary teacher"],
)
def test_outcome_is_a_sentence(roles, outcome):
    assert explain(COMPAT, roles).outcome == outcome


@given(st.lists(st.sampled_from([*(role.uri for role in VOCABULARY), TEST_USER.uri, "nonsense", ""]), max_size=6))
def test_whatever_is_listed_is_explained_and_agrees_with_the_mapping(roles):
    for reading in (COMPAT, EXT):
        explained = explain(reading, roles)
        mapped = reading.map_roles(tuple(roles))

        assert explained.mapped == mapped
        assert [one.text for one in explained.roles] == list(dict.fromkeys(roles))
        assert (mapped.enrollment is not None) == explained.outcome.startswith("Enrolled as")
        decided = any(f"makes a {mapped.enrollment}," in one.reason for one in explained.roles)
        assert decided == (mapped.enrollment is not None and not mapped.merely_listed)
        unknown = [one.text for one in explained.roles if one.reason.startswith("not a role")]
        assert sorted(unknown) == list(mapped.unknown)
