"""OneRoster records back to memberships: those of another bridge as the LMS said, all others by their roles."""

import pytest

from bridge.nrps.schemas import load_member
from bridge.roster.enrolled import Enrolled, context_of
from bridge.roster.memberships import Context, MemberStatus
from bridge.roster.roles import RoleMapping, RoleTable
from bridge.roster.vocabulary import TEST_USER, VOCABULARY
from tests.roster.derivation_world import fact, make_derivation, make_reading, of_member

TODAY = "2026-11-20"
MEMBERSHIP = "http://purl.imsglobal.org/vocab/lis/v2/membership"
URIS = sorted(role.uri for role in (*VOCABULARY, TEST_USER))

both_mappings = pytest.mark.parametrize("mapping", list(RoleMapping))


def there_and_back(said, mapping="ext", **changed):
    """What a second bridge tells of somebody whom a first one knows from an LMS; ``None`` of those not enrolled.

    :param changed: what has been changed in the enrollment between the two.
    """
    user, enrollment = of_member(make_derivation(make_reading(mapping, keep_test_users=True)), [said])
    if enrollment is None:
        return None
    return Enrolled(RoleTable.default()).membership_of(user, [enrollment | changed], TODAY)


@both_mappings
@pytest.mark.parametrize("uri", URIS, ids=lambda uri: uri.rpartition("/")[2])
def test_roles_status_and_identity_come_back_through_a_second_bridge(mapping, uri):
    for status in ({}, {"status": "Active"}, {"status": "Inactive"}):
        said = fact(roles=[uri, uri, "Odd"], **status)
        member, told = load_member(said.raw), there_and_back(said, mapping)

        if told is None:
            enrolled = RoleTable.default().map_roles([uri], mapping=mapping, keep_test_users=True).enrollment
            assert enrolled is None
        else:
            assert (told.user_id, told.roles, told.status) == (member.user_id, member.roles, member.status)


@pytest.mark.parametrize(
    "names",
    [
        {"given_name": "Ann", "family_name": "Abara", "middle_name": "M", "name": "Ann Abara"},
        {"given_name": "Ann"},
        {"name": "Ann von Abara"},
        {},
    ],
    ids=["all", "given", "in one piece", "none"],
)
def test_names_that_were_not_told_are_not_told(names):
    said = fact(**names, email="ann@example.org", lis_person_sourcedid="17", picture="https://p.example.org/1")
    member, told = load_member(said.raw), there_and_back(said)

    assert (told.given_name, told.family_name, told.middle_name) == (
        member.given_name,
        member.family_name,
        member.middle_name,
    )
    assert told.name == (member.name or member.given_name)
    assert (told.email, told.person_sourced_id, told.picture) == ("ann@example.org", "17", "https://p.example.org/1")


@pytest.mark.parametrize(
    ("changed", "roles"),
    [
        ({"role": "teacher"}, (f"{MEMBERSHIP}#Instructor",)),
        ({"role": "administrator"}, (f"{MEMBERSHIP}#Administrator",)),
    ],
    ids=["teacher", "administrator"],
)
def test_roles_that_the_enrollment_no_longer_follows_from_are_made_anew(changed, roles):
    assert there_and_back(fact(roles=["Learner"]), **changed).roles == roles


def test_primary_teacher_who_is_none_any_more_is_told_as_a_teacher():
    said = fact(roles=[f"{MEMBERSHIP}/Instructor#PrimaryInstructor"])

    assert there_and_back(said, primary="true").roles == (f"{MEMBERSHIP}/Instructor#PrimaryInstructor",)
    assert there_and_back(said, primary="false").roles == (f"{MEMBERSHIP}#Instructor",)


def record(**fields):
    return {"sourcedId": "u1", "status": "active", "enabledUser": "true", "givenName": "A", "familyName": "B", **fields}


def enrolled(**fields):
    return {"status": "active", "role": "student", "school": {"sourcedId": "s"}, **fields}


@pytest.mark.parametrize(
    ("enrollment", "user_role", "roles"),
    [
        ({"role": "teacher", "primary": "true"}, "teacher", ["/Instructor#PrimaryInstructor", "#Instructor"]),
        ({"role": "teacher", "primary": True}, "teacher", ["/Instructor#PrimaryInstructor", "#Instructor"]),
        ({"role": "teacher"}, "teacher", ["#Instructor"]),
        ({"role": "teacher", "primary": "false"}, "aide", ["/Instructor#TeachingAssistant", "#Instructor"]),
        ({"role": "student"}, "student", ["#Learner"]),
        ({"role": "administrator"}, "principal", ["#Administrator"]),
        ({"role": "proctor"}, "proctor", ["#Mentor"]),
        ({"role": "ext:grader"}, "teacher", ["/Instructor#Grader", "#Instructor"]),
        ({"role": "ext:other"}, "student", ["#Member"]),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_roles_of_a_sis_are_canonical(enrollment, user_role, roles):
    user = record(roles=[{"role": user_role, "org": {"sourcedId": "s"}}])

    told = Enrolled(RoleTable.default()).membership_of(user, [enrolled(**enrollment)], TODAY)

    assert told.roles == tuple(MEMBERSHIP + role for role in roles)
    assert told.status is MemberStatus.ACTIVE


def test_role_at_another_school_does_not_matter():
    user = record(roles=[{"role": "aide", "org": {"sourcedId": "other"}}])

    told = Enrolled(RoleTable.default()).membership_of(user, [enrolled(role="teacher")], TODAY)

    assert told.roles == (f"{MEMBERSHIP}#Instructor",)


@pytest.mark.parametrize("text", ["", "[", "7", '{"a": 1}', None, 7], ids=repr)
def test_metadata_that_cannot_be_read_is_passed_over(text):
    enrollment = enrolled(metadata={"lti.roles": text})

    assert Enrolled(RoleTable.default()).membership_of(record(), [enrollment], TODAY).roles == (
        f"{MEMBERSHIP}#Learner",
    )


def test_who_has_left_is_told_with_her_id_and_roles_alone():
    left = Enrolled(RoleTable.default()).left(record(email="a@example.org"), [enrolled(status="tobedeleted")])

    assert (left.user_id, left.roles, left.status) == ("u1", (f"{MEMBERSHIP}#Learner",), MemberStatus.DELETED)
    assert (left.email, left.given_name) == (None, None)


@pytest.mark.parametrize(
    ("class_", "context"),
    [
        ({"sourcedId": "c", "title": "T", "classCode": "C"}, Context(context_id="c", label="C", title="T")),
        (
            {"sourcedId": "c", "title": "7", "metadata": {"lti.contextId": "7", "bridge.supplied": "title,course"}},
            Context(context_id="7"),
        ),
    ],
    ids=["of a SIS", "of an LMS"],
)
def test_class_is_the_context_that_it_came_from(class_, context):
    assert context_of(class_) == context
