"""The table of operations, against OneRoster 1.2 Rostering, and what a path means by it."""

from time import thread_time
from urllib.parse import quote, unquote

import pytest

from bridge.oneroster.operations import OPERATIONS, Operation, match

CORE = "https://purl.imsglobal.org/spec/or/v1p2/scope/roster-core.readonly"
DEMOGRAPHICS = "https://purl.imsglobal.org/spec/or/v1p2/scope/roster-demographics.readonly"
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


# The same for the 17 that need the full scope, and for demographics.
OTHER_OPERATIONS = """
/classes/{classSourcedId}/students                                      getStudentsForClass            users
/classes/{classSourcedId}/teachers                                      getTeachersForClass            users
/courses/{courseSourcedId}/classes                                      getClassesForCourse            classes
/schools/{schoolSourcedId}/classes                                      getClassesForSchool            classes
/schools/{schoolSourcedId}/classes/{classSourcedId}/enrollments         getEnrollmentsForClassInSchool enrollments
/schools/{schoolSourcedId}/classes/{classSourcedId}/students            getStudentsForClassInSchool    users
/schools/{schoolSourcedId}/classes/{classSourcedId}/teachers            getTeachersForClassInSchool    users
/schools/{schoolSourcedId}/courses                                      getCoursesForSchool            courses
/schools/{schoolSourcedId}/enrollments                                  getEnrollmentsForSchool        enrollments
/schools/{schoolSourcedId}/students                                     getStudentsForSchool           users
/schools/{schoolSourcedId}/teachers                                     getTeachersForSchool           users
/schools/{schoolSourcedId}/terms                                        getTermsForSchool              academicSessions
/students/{studentSourcedId}/classes                                    getClassesForStudent           classes
/teachers/{teacherSourcedId}/classes                                    getClassesForTeacher           classes
/terms/{termSourcedId}/classes                                          getClassesForTerm              classes
/terms/{termSourcedId}/gradingPeriods                                   getGradingPeriodsForTerm       academicSessions
/users/{userSourcedId}/classes                                          getClassesForUser              classes
/demographics                                                           getAllDemographics             demographics
/demographics/{sourcedId}                                               getDemographics                demographics
"""


def as_the_standard_writes_it(operation: Operation) -> tuple[str, str, str]:
    return f"/{operation.template}", operation.operation_id, operation.envelope


def listed(text: str) -> set[tuple[str, ...]]:
    return {tuple(line.split()) for line in text.strip().splitlines()}


def matches(path: str) -> list[tuple[str, tuple[str, ...]]]:
    return [(operation.operation_id, ids) for operation, ids in match(path)]


@pytest.mark.clause("OneRoster 1.2 Rostering OpenAPI, paths")
def test_table_holds_the_operations_of_the_standard():
    core = [operation for operation in OPERATIONS if CORE in operation.scopes]

    assert {as_the_standard_writes_it(operation) for operation in core} == listed(ROSTER_CORE_OPERATIONS)
    assert {as_the_standard_writes_it(operation) for operation in OPERATIONS} == listed(
        ROSTER_CORE_OPERATIONS + OTHER_OPERATIONS.lstrip()
    )
    assert (len(core), len(OPERATIONS)) == (22, 41)


@pytest.mark.clause("OneRoster 1.2 Rostering OpenAPI, security")
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.operation_id)
def test_scopes_are_those_of_the_standard(operation):
    if operation.collection.name == "demographics":
        assert set(operation.scopes) == {DEMOGRAPHICS}
    else:
        assert set(operation.scopes) == ({ALL} if operation.parents else {CORE, ALL})


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.operation_id)
def test_every_operation_is_found_by_its_path(operation):
    ids = tuple(f"id-{number}" for number in range(operation.template.count("{")))

    assert (operation.operation_id, ids) in matches(operation.path(ids))


@pytest.mark.parametrize(
    ("path", "meanings"),
    [
        pytest.param("users/", [("getAllUsers", ())], id="a trailing slash"),
        pytest.param(
            "classes/a/students",
            [("getClass", ("a/students",)), ("getStudentsForClass", ("a",))],
            id="a record with a slash, or what belongs to one",
        ),
        pytest.param(
            "classes/a/students/",
            [("getClass", ("a/students/",)), ("getClass", ("a/students",)), ("getStudentsForClass", ("a",))],
            id="a trailing slash on what belongs to one",
        ),
        pytest.param(
            "schools/s/classes/c/students",
            [
                ("getSchool", ("s/classes/c/students",)),
                ("getStudentsForSchool", ("s/classes/c",)),
                ("getStudentsForClassInSchool", ("s", "c")),
            ],
            id="a class in a school",
        ),
        pytest.param(
            "schools/a/classes/b/classes/c/students",
            [
                ("getSchool", ("a/classes/b/classes/c/students",)),
                ("getStudentsForSchool", ("a/classes/b/classes/c",)),
                ("getStudentsForClassInSchool", ("a/classes/b", "c")),
                ("getStudentsForClassInSchool", ("a", "b/classes/c")),
            ],
            id="several ways to part two sourcedIds",
        ),
        pytest.param("classes/a//b", [("getClass", ("a//b",))], id="two slashes in the sourcedId"),
        pytest.param("classes//a", [("getClass", ("/a",))], id="a slash at the sourcedId's start"),
        pytest.param("classes//students", [("getClass", ("/students",))], id="no parent"),
        pytest.param(
            "classes/a/",
            [("getClass", ("a/",)), ("getClass", ("a",))],
            id="a sourcedId's last slash, or a trailing one",
        ),
        pytest.param("users/..", [("getUser", ("..",))], id="dots"),
        pytest.param("users/users", [("getUser", ("users",))], id="the collection's own name"),
    ],
)
def test_what_a_path_may_mean(path, meanings):
    assert matches(path) == meanings


@pytest.mark.parametrize("path", ["", "/", "user", "Users", "users2", "/users", "results", "é"])
def test_path_of_no_operation_matches_nothing(path):
    assert matches(path) == []


@pytest.mark.parametrize("sourced_id", ["a b", "a/b", "100%", "ключ", "?#", "a+b"])
def test_path_is_written_as_a_url_has_it(sourced_id):
    (operation,) = (each for each in OPERATIONS if each.operation_id == "getStudentsForClassInSchool")
    path = operation.path(["s", sourced_id])

    assert path == f"schools/s/classes/{quote(sourced_id, safe='')}/students"
    assert (operation.operation_id, ("s", sourced_id)) in matches(unquote(path))


def test_answer_depends_on_what_it_is_looked_up_in():
    depends_on = {
        operation.operation_id: set(operation.depends_on(["a", "b"][: len(operation.parents)]))
        for operation in OPERATIONS
    }

    assert depends_on["getAllTerms"] == {"academicSessions"}
    assert depends_on["getStudentsForClass"] == {"users", "classes", "enrollments"}
    assert depends_on["getStudentsForSchool"] == {"users", "orgs"}
    assert depends_on["getTermsForSchool"] == {"academicSessions", "orgs", "classes"}
    assert depends_on["getEnrollmentsForClassInSchool"] == {"enrollments", "orgs", "classes"}


def test_path_of_many_words_takes_no_time_to_understand():
    began = thread_time()

    found = list(match("schools/" + "a/classes/" * 800 + "b" + "/students" * 800))

    assert len(found) == 802
    assert thread_time() - began < 0.2
