"""What the practice SIS serves: the operations of OneRoster 1.2 and 1.1, their parameters and their refusals."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from bridge.practice.sis_districts import make_district
from bridge.practice.sis_server import PracticeSis
from tests.conformance import documents
from tests.practice.sis_consumer import EVERY_SCOPE_1P2, Consumer

OPERATIONS = [
    ("orgs", "getAllOrgs"), ("orgs/district", "getOrg"),
    ("schools", "getAllSchools"), ("schools/school-1", "getSchool"),
    ("academicSessions", "getAllAcademicSessions"), ("academicSessions/year-2027", "getAcademicSession"),
    ("terms", "getAllTerms"), ("terms/year-2027-term-1", "getTerm"),
    ("gradingPeriods", "getAllGradingPeriods"), ("gradingPeriods/year-2027-period-1", "getGradingPeriod"),
    ("courses", "getAllCourses"), ("courses/school-1-course-1", "getCourse"),
    ("classes", "getAllClasses"), ("classes/school-1-class-1", "getClass"),
    ("users", "getAllUsers"), ("users/{user}", "getUser"),
    ("students", "getAllStudents"), ("students/{user}", "getStudent"), ("teachers", "getAllTeachers"),
    ("teachers/{teacher}", "getTeacher"), ("enrollments", "getAllEnrollments"),
    ("enrollments/{enrollment}", "getEnrollment"),
    ("demographics", "getAllDemographics"), ("demographics/{user}", "getDemographics"),
    ("classes/school-1-class-1/students", "getStudentsForClass"),
    ("classes/school-1-class-1/teachers", "getTeachersForClass"),
    ("courses/school-1-course-1/classes", "getClassesForCourse"),
    ("schools/school-1/classes", "getClassesForSchool"),
    ("schools/school-1/classes/school-1-class-1/enrollments", "getEnrollmentsForClassInSchool"),
    ("schools/school-1/classes/school-1-class-1/students", "getStudentsForClassInSchool"),
    ("schools/school-1/classes/school-1-class-1/teachers", "getTeachersForClassInSchool"),
    ("schools/school-1/courses", "getCoursesForSchool"), ("schools/school-1/enrollments", "getEnrollmentsForSchool"),
    ("schools/school-1/students", "getStudentsForSchool"), ("schools/school-1/teachers", "getTeachersForSchool"),
    ("schools/school-1/terms", "getTermsForSchool"), ("students/{user}/classes", "getClassesForStudent"),
    ("teachers/{teacher}/classes", "getClassesForTeacher"), ("users/{user}/classes", "getClassesForUser"),
    ("terms/year-2027-term-1/classes", "getClassesForTerm"),
    ("terms/year-2027-term-1/gradingPeriods", "getGradingPeriodsForTerm"),
]  # fmt: skip


@pytest.fixture
def names(consumer):
    """A student of the first class, its teacher, and the student's enrollment."""
    (teacher,) = consumer.ids("classes/school-1-class-1/teachers")
    user = consumer.ids("classes/school-1-class-1/students")[0]
    return {"user": user, "teacher": teacher, "enrollment": f"school-1-class-1.{user}.student"}


def test_every_operation_is_there():
    assert len({operation for _, operation in OPERATIONS}) == 41


@pytest.mark.clause("OneRoster 1.2 rostering service: every operation's 200")
@pytest.mark.parametrize(("path", "operation"), OPERATIONS, ids=[operation for _, operation in OPERATIONS])
def test_answers_as_the_documents_of_the_service_say(consumer, names, path, operation):
    response = consumer.get(path.format(**names), **({"limit": 500} if operation.startswith("getAll") else {}))

    assert response.status_code == 200, response.text
    ((_, body),) = response.json().items()
    assert body
    assert documents.violations(documents.own(), operation, 200, response.json()) == []
    if documents.OFFICIAL.is_file():
        assert documents.violations(documents.official(), operation, 200, response.json()) == []


@pytest.mark.parametrize(
    ("path", "count"),
    [
        ("orgs", 3),
        ("schools", 2),
        ("academicSessions", 7),
        ("terms", 2),
        ("gradingPeriods", 4),
        ("courses", 12),
        ("classes", 12),
        ("users", 2 * (1 + 4 + 60 + 20)),
        ("students", 120),
        ("teachers", 8),
        ("demographics", 120),
        ("enrollments", 2 * (6 + 1 + 6 * 20)),
        ("classes/school-1-class-4/teachers", 2),
        ("schools/school-1/students", 60),
        ("schools/school-1/classes/school-1-class-1/enrollments", 21),
        ("terms/year-2027-term-1/classes", 8),
        ("terms/year-2027-term-1/gradingPeriods", 2),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_district_is_whole(consumer, path, count):
    response = consumer.get(path, limit=500)

    assert len(next(iter(response.json().values()))) == int(response.headers["X-Total-Count"]) == count


def test_references_are_followed_to_what_they_name(consumer):
    (enrollment,) = consumer.rows("enrollments", limit=1)

    for field, name in (("user", "user"), ("class", "class"), ("school", "org")):
        (record,) = consumer.get(enrollment[field]["href"]).json().values()
        assert (record["sourcedId"], enrollment[field]["type"]) == (enrollment[field]["sourcedId"], name)


def test_an_identifier_with_a_slash_is_one_segment_of_a_path(sis, consumer):
    sis.roster.add("orgs", "a/b", name="A", type="school", identifier="1")
    sis.roster.add("classes", "c/d", title="T", school={"sourcedId": "a/b", "type": "org"}, terms=[])

    href = consumer.rows("schools/a%2Fb/classes")[0]["school"]["href"]

    assert href.endswith("/orgs/a%2Fb")
    assert consumer.get(href).json()["org"]["sourcedId"] == "a/b"
    assert consumer.get("orgs/a/b").status_code == 404


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("orgs/nowhere", 404, "unknownobject"),
        ("nowhere", 404, "unknownobject"),
        ("schools/district", 404, "unknownobject"),
        ("schools/nowhere/classes", 404, "unknownobject"),
        ("schools/school-2/classes/school-1-class-1/students", 404, "unknownobject"),
        ("users?limit=0", 400, "invaliddata"),
        ("users?limit=-1", 400, "invaliddata"),
        ("users?limit=ten", 400, "invaliddata"),
        ("users?offset=1e3", 400, "invaliddata"),
        ("users?offset=1&offset=2", 400, "invaliddata"),
        ("users?orderBy=up", 400, "invaliddata"),
        ("users?page=2", 400, "invaliddata"),
        ("users/x?limit=2", 404, "unknownobject"),
        ("orgs/district?limit=2", 400, "invaliddata"),
        ("users?fields=shoeSize", 400, "invalid_selection_field"),
        ("users?fields=", 400, "invalid_selection_field"),
        ("users?filter=status", 400, "invalid_filter_field"),
        ("users?filter=status%3Dactive", 400, "invalid_filter_field"),
        ("users?filter=shoeSize%3D%2742%27", 400, "invalid_filter_field"),
        ("users?filter=status%3D%27a%27%20and%20status%3D%27b%27", 400, "invalid_filter_field"),
        ("users?filter=dateLastModified%3E%27yesterday%27", 400, "invalid_filter_field"),
    ],
)
def test_a_bad_request_is_refused_with_status_information(consumer, path, status, code):
    response = consumer.get(path)

    assert response.status_code == status
    body = response.json()
    assert (body["imsx_codeMajor"], body["imsx_severity"]) == ("failure", "error")
    assert body["imsx_CodeMinor"]["imsx_codeMinorField"][0]["imsx_codeMinorFieldValue"] == code
    assert documents.violations(documents.own(), "getAllUsers", 400, body) == []


@pytest.mark.parametrize(
    ("scopes", "path", "status"),
    [
        ("roster-core", "users", 200),
        ("roster", "users", 200),
        ("roster", "classes/school-1-class-1/students", 200),
        ("roster-core", "classes/school-1-class-1/students", 403),
        ("roster-core", "demographics", 403),
        ("roster", "demographics", 403),
        ("roster-demographics", "demographics", 200),
        ("roster-demographics", "users", 403),
    ],
)
def test_a_scope_opens_its_operations_and_no_others(consumer, scopes, path, status):
    token = consumer.token(f"https://purl.imsglobal.org/spec/or/v1p2/scope/{scopes}.readonly")

    response = consumer.get(path, token=token)

    assert response.status_code == status
    if status == 403:
        assert 'error="insufficient_scope"' in response.headers["WWW-Authenticate"]
        assert response.json()["imsx_CodeMinor"]["imsx_codeMinorField"][0]["imsx_codeMinorFieldValue"] == "forbidden"


@pytest.mark.parametrize(
    ("filter_", "matches"),
    [
        ("role='teacher'", lambda one: one["role"] == "teacher"),
        ("role!='teacher'", lambda one: one["role"] != "teacher"),
        ("primary='true'", lambda one: one.get("primary") == "true"),
        ("primary!='true'", lambda one: one.get("primary") != "true"),
        ("class.sourcedId='school-2-class-3'", lambda one: one["class"]["sourcedId"] == "school-2-class-3"),
        ("sourcedId~'school-2'", lambda one: "school-2" in one["sourcedId"]),
        ("status='active' AND role='teacher'", lambda one: one["role"] == "teacher"),
        ("role='teacher' OR class='school-1-class-1'",
         lambda one: one["role"] == "teacher" or one["class"]["sourcedId"] == "school-1-class-1"),
        ("dateLastModified>='2000-01-01'", lambda one: True),
        ("dateLastModified>'2999-01-01T00:00:00Z'", lambda one: False),
        ("sourcedId='It''s = AND'", lambda one: False),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_a_filter_selects(consumer, filter_, matches):
    everything = consumer.rows("enrollments", limit=500)

    response = consumer.get("enrollments", limit=500, filter=filter_)

    assert response.json()["enrollments"] == [one for one in everything if matches(one)]
    assert response.headers["X-Total-Count"] == str(len(response.json()["enrollments"]))


def test_a_filter_on_roles_looks_into_the_list(consumer):
    assert consumer.ids("users", filter="roles.role='teacher'") == consumer.ids("teachers")


def test_what_changed_since_is_told_with_its_tombstones():
    now = datetime(2026, 11, 20, 12, tzinfo=UTC)
    with PracticeSis(make_district(clock=lambda: now)) as sis:
        consumer = Consumer(sis)
        student, other = consumer.ids("students", limit=2)
        now += timedelta(hours=1)
        sis.roster.rename(student, family_name="Changed")
        sis.roster.leave(other)

        changed = consumer.rows("users", filter="dateLastModified>'2026-11-20T12:00:00.000Z'")

        assert {row["sourcedId"]: row["status"] for row in changed} == {student: "active", other: "tobedeleted"}
        assert {row["dateLastModified"] for row in changed} == {"2026-11-20T13:00:00.000Z"}
        consumer.session.close()


def test_rows_come_by_sourced_id_unless_they_are_sorted(consumer):
    assert consumer.ids("users", limit=500) == sorted(consumer.ids("users", limit=500))
    assert consumer.ids("users", limit=500, orderBy="desc") == sorted(consumer.ids("users", limit=500), reverse=True)
    titles = [row["title"] for row in consumer.rows("courses", sort="title", orderBy="desc")]
    assert titles == sorted(titles, reverse=True)
    assert consumer.ids("courses", sort="shoeSize") == consumer.ids("courses")


def test_selected_fields_alone_come_back(consumer):
    assert all(row.keys() == {"givenName", "email"} for row in consumer.rows("teachers", fields="givenName,email"))
    assert consumer.get("orgs/district", fields="name").json() == {"org": {"name": "Practice district"}}


def test_the_older_version_writes_the_older_user(consumer):
    user, newer = (consumer.rows("teachers", version=version, limit=1)[0] for version in ("1.1", "1.2"))

    assert (user["role"], [org["sourcedId"] for org in user["orgs"]]) == ("teacher", ["school-1"])
    assert user["orgs"][0]["href"].endswith("/ims/oneroster/v1p1/orgs/school-1")
    assert not user.keys() & {"roles", "primaryOrg"}
    assert user["sourcedId"] == newer["sourcedId"]


def test_the_older_version_refuses_in_the_older_words(consumer):
    body = consumer.get("orgs/nowhere", version="1.1").json()

    assert body["statusInfoSet"][0]["imsx_CodeMinor"] == "unknown object"


def test_a_token_of_one_version_does_not_open_the_other(consumer):
    assert consumer.get("orgs", version="1.1", token=consumer.token(EVERY_SCOPE_1P2)).status_code == 403


def test_requests_are_remembered(sis, consumer):
    consumer.get("orgs", limit=2)

    assert sis.requests == ["GET /ims/oneroster/rostering/v1p2/orgs?limit=2"]


def test_only_reading_is_allowed(sis, consumer):
    headers = {"Authorization": f"Bearer {consumer.token()}"}

    assert consumer.session.delete(f"{sis.base_url()}/orgs/district", headers=headers, timeout=10).status_code == 405


def test_the_front_page_says_what_it_is(sis, consumer):
    page = consumer.session.get(sis.url, timeout=10).text

    assert "Practice SIS" in page
    assert re.search("<th>orgs</th><td>3</td>", page)
