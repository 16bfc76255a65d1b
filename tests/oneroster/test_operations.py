"""The table of operations, against OneRoster 1.2 Rostering, and what a path means by it."""

import pytest

from bridge.oneroster.operations import OPERATIONS, Operation, match

CORE = "https://purl.imsglobal.org/spec/or/v1p2/scope/roster-core.readonly"
ALL = "https://purl.imsglobal.org/spec/or/v1p2/scope/roster.readonly"

# path, operationId, key of the answer: the 22 operations of the scope roster-core, from the OpenAPI document v1.0.
ROSTER_CORE_OPERATIONS = """
/academicSessions              getAllAcademicSessions  academicSessions
/academicSessions/{sourcedId}  getAcademicSession      academicSession
/classes                       getAllClasses           classes
/classes/{sourcedId}           getClass                class
/courses                       getAllCourses           courses
/courses/{sourcedId}           getCourse               course
/enrollments                   getAllEnrollments       enrollments
/enrollments/{sourcedId}       getEnrollment           enrollment
/gradingPeriods                getAllGradingPeriods    academicSessions
/gradingPeriods/{sourcedId}    getGradingPeriod        academicSession
/orgs                          getAllOrgs              orgs
/orgs/{sourcedId}              getOrg                  org
/schools                       getAllSchools           orgs
/schools/{sourcedId}           getSchool               org
/students                      getAllStudents          users
/students/{sourcedId}          getStudent              user
/teachers                      getAllTeachers          users
/teachers/{sourcedId}          getTeacher              user
/terms                         getAllTerms             academicSessions
/terms/{sourcedId}             getTerm                 academicSession
/users                         getAllUsers             users
/users/{sourcedId}             getUser                 user
"""


def as_the_standard_writes_it(operation: Operation) -> tuple[str, str, str]:
    path = f"/{operation.path}/{{sourcedId}}" if operation.single else f"/{operation.path}"
    return path, operation.operation_id, operation.envelope


@pytest.mark.clause("OneRoster 1.2 Rostering OpenAPI, paths")
def test_table_holds_the_operations_of_the_standard_s_roster_core_scope():
    expected = {tuple(line.split()) for line in ROSTER_CORE_OPERATIONS.strip().splitlines()}

    assert {as_the_standard_writes_it(operation) for operation in OPERATIONS} == expected
    assert len(OPERATIONS) == 22


@pytest.mark.clause("OneRoster 1.2 Rostering OpenAPI, security")
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.operation_id)
def test_either_roster_scope_allows_an_operation_and_no_other_does(operation):
    assert set(operation.scopes) == {CORE, ALL}


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.operation_id)
def test_every_operation_is_found_by_its_path(operation):
    path = f"{operation.path}/some-id" if operation.single else operation.path

    assert match(path) == (operation, "some-id" if operation.single else "")


@pytest.mark.parametrize(
    ("path", "operation_id", "sourced_id"),
    [
        pytest.param("users/", "getAllUsers", "", id="a trailing slash"),
        pytest.param("classes/a/students", "getClass", "a/students", id="a slash in the sourcedId"),
        pytest.param("classes/a//b", "getClass", "a//b", id="two slashes in the sourcedId"),
        pytest.param("classes//a", "getClass", "/a", id="a slash at the sourcedId's start"),
        pytest.param("classes/a/", "getClass", "a/", id="a slash at the sourcedId's end"),
        pytest.param("users/..", "getUser", "..", id="dots"),
        pytest.param("users/users", "getUser", "users", id="the collection's own name"),
    ],
)
def test_everything_behind_the_first_segment_is_the_sourced_id(path, operation_id, sourced_id):
    matched = match(path)

    assert matched is not None
    assert (matched[0].operation_id, matched[1]) == (operation_id, sourced_id)


@pytest.mark.parametrize("path", ["", "/", "user", "Users", "users2", "/users", "demographics", "results", "é"])
def test_path_of_no_operation_matches_nothing(path):
    assert match(path) is None
