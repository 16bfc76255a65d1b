import json

import pytest

from bridge.nrps.role_filter import RoleFilter

MEMBERSHIP = "http://purl.imsglobal.org/vocab/lis/v2/membership"
INSTITUTION = "http://purl.imsglobal.org/vocab/lis/v2/institution/person"


def member(*roles):
    return json.dumps({"user_id": "7", "roles": roles}).encode()


@pytest.mark.clause('NRPS 2.0 "Role query parameter"')
@pytest.mark.parametrize(
    ("asked", "role", "passes"),
    [
        pytest.param("Learner", f"{MEMBERSHIP}#Learner", True, id="short-for-uri"),
        pytest.param(f"{MEMBERSHIP}#Learner", "Learner", True, id="uri-for-short"),
        pytest.param("Instructor", f"{MEMBERSHIP}/Instructor#TeachingAssistant", True, id="principal-for-sub-role"),
        pytest.param(f"{MEMBERSHIP}/Instructor#Grader", f"{MEMBERSHIP}#Instructor", False, id="sub-role-for-principal"),
        pytest.param(
            f"{MEMBERSHIP}/Instructor#Grader", f"{MEMBERSHIP}/Instructor#Lecturer", False, id="another-sub-role"
        ),
        pytest.param("Learner", "Instructor", False, id="another-role"),
        pytest.param("Instructor", f"{MEMBERSHIP}/Learner#Instructor", False, id="a-learner-who-teaches"),
        pytest.param("Instructor", f"{INSTITUTION}#Instructor", False, id="another-scope"),
        pytest.param("urn:x:tutor", "urn:x:tutor", True, id="outside-the-vocabulary"),
        pytest.param("urn:x:tutor", "urn:x:TUTOR", False, id="outside-the-vocabulary-exactly"),
    ],
)
def test_member_has_the_role_that_was_asked_for(asked, role, passes):
    assert RoleFilter(asked)(member(role)) is passes


def test_any_of_several_roles_will_do():
    assert RoleFilter("Mentor")(member("Learner", "Mentor"))


def test_nobody_passes_for_having_no_role():
    assert not RoleFilter("Learner")(member())


def test_who_cannot_be_read_passes_to_be_quarantined():
    assert RoleFilter("Learner")(b'{"user_id": "7", "roles": 5}')
