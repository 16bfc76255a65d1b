"""Which operations there are, and what each gives: OneRoster 1.2 Rostering OpenAPI, ``paths``."""

import pytest

from bridge.oneroster.operations import OPERATIONS
from bridge.oneroster.scopes import ROSTER_CORE
from tests.conformance.awkward import records_named
from tests.conformance.world import World, records_of, ref
from tests.mirror.rosters_in_memory import INSTRUCTOR, LEARNER, Course, School

NESTED = [operation for operation in OPERATIONS if operation.parents]


@pytest.mark.clause("MUST: the 22 core operations; MAY: the 17 nested ones and the 2 of demographics")
def test_operations_are_41():
    core = [operation for operation in OPERATIONS if ROSTER_CORE in operation.scopes]
    demographics = [operation for operation in OPERATIONS if operation.collection.name == "demographics"]
    assert (len(OPERATIONS), len(core), len(NESTED), len(demographics)) == (41, 22, 17, 2)
    assert len({operation.operation_id for operation in OPERATIONS}) == 41


@pytest.mark.clause("MUST: certification asks for a record behind every core operation")
def test_first_reconciliation_of_a_course_puts_a_record_behind_every_core_operation(tmp_path):
    world = World(tmp_path, public_url="https://bridge.example.org")
    school = School(world.settings.storage.mirror)
    course = Course("biology", "Biology")
    course.enrol("ann", LEARNER)
    course.enrol("tea", INSTRUCTOR)
    school.reconcile(course)
    consumer = world.consumer(scopes=[ROSTER_CORE])

    for operation in OPERATIONS:
        if ROSTER_CORE in operation.scopes and not operation.single:
            sourced_ids = consumer.ids(operation.template)
            assert sourced_ids, operation.operation_id
            consumer.get(f"{operation.template}/{sourced_ids[0]}")
    school.close()
    world.close()


def fill(world):
    """One school with all that belongs to it, and another with nothing."""
    world.put([(name, body, body["sourcedId"]) for name, body in records_named("s", "text")])
    empty = {"sourcedId": "empty", "status": "active", "name": "Empty", "type": "school", "identifier": "0"}
    world.add("orgs", empty, {**empty, "sourcedId": "district", "type": "district"})


@pytest.fixture(scope="module")
def consumer(tmp_path_factory):
    """Of a bridge that no test changes."""
    world = World(tmp_path_factory.mktemp("small"))
    fill(world)
    yield world.consumer(body_style="strict")
    world.close()


@pytest.fixture
def small(world):
    """One to be changed."""
    fill(world)
    return world


@pytest.mark.clause("MUST: each view shows the records of its kind")
@pytest.mark.parametrize(
    ("path", "sourced_ids"),
    [
        ("orgs", ["s", "empty", "district"]),
        ("schools", ["s", "empty"]),
        ("academicSessions", ["s", "s~period", "s~year"]),
        ("terms", ["s"]),
        ("gradingPeriods", ["s~period"]),
        ("courses", ["s"]),
        ("classes", ["s"]),
        ("users", ["s", "s~teacher"]),
        ("students", ["s"]),
        ("teachers", ["s~teacher"]),
        ("enrollments", ["s", "s~teacher"]),
        ("demographics", ["s"]),
        ("classes/s/students", ["s"]),
        ("classes/s/teachers", ["s~teacher"]),
        ("courses/s/classes", ["s"]),
        ("schools/s/classes", ["s"]),
        ("schools/s/classes/s/enrollments", ["s", "s~teacher"]),
        ("schools/s/classes/s/students", ["s"]),
        ("schools/s/classes/s/teachers", ["s~teacher"]),
        ("schools/s/courses", ["s"]),
        ("schools/s/enrollments", ["s", "s~teacher"]),
        ("schools/s/students", ["s"]),
        ("schools/s/teachers", ["s~teacher"]),
        ("schools/s/terms", ["s"]),
        ("students/s/classes", ["s"]),
        ("teachers/s~teacher/classes", ["s"]),
        ("users/s/classes", ["s"]),
        ("users/s~teacher/classes", ["s"]),
        ("terms/s/classes", ["s"]),
        ("terms/s/gradingPeriods", ["s~period"]),
    ],
)
def test_view_shows(consumer, path, sourced_ids):
    assert consumer.ids(path) == sourced_ids


@pytest.mark.clause("MUST: a known parent with nothing in it is an empty collection")
@pytest.mark.parametrize("rest", ["classes", "courses", "enrollments", "students", "teachers", "terms"])
def test_school_without_anything(consumer, rest):
    assert consumer.ids(f"schools/empty/{rest}") == []


@pytest.mark.clause("MUST: unknownobject if the parent cannot be identified (the text of each nested operation)")
@pytest.mark.parametrize(
    ("path", "named"),
    [
        pytest.param("classes/x/students", "classSourcedId", id="class"),
        pytest.param("courses/x/classes", "courseSourcedId", id="course"),
        pytest.param("schools/x/students", "schoolSourcedId", id="school"),
        pytest.param("schools/district/students", "schoolSourcedId", id="org-that-is-no-school"),
        pytest.param("schools/x/classes/s/students", "schoolSourcedId", id="school-of-class"),
        pytest.param("schools/s/classes/x/students", "classSourcedId", id="class-in-school"),
        pytest.param("schools/empty/classes/s/enrollments", "classSourcedId", id="class-of-another-school"),
        pytest.param("students/s~teacher/classes", "studentSourcedId", id="teacher-as-student"),
        pytest.param("teachers/s/classes", "teacherSourcedId", id="student-as-teacher"),
        pytest.param("terms/s~year/classes", "termSourcedId", id="year-as-term"),
        pytest.param("users/x/classes", "userSourcedId", id="user"),
    ],
)
def test_unknown_parent(consumer, path, named):
    answer = consumer.ask(path)
    assert answer.status_code == 404
    assert answer.get_json()["imsx_description"].startswith(named)
    assert consumer.refused(path) == (404, "unknownobject")


@pytest.mark.clause("SHOULD: a record is found in its own views only")
@pytest.mark.parametrize(
    "path", ["schools/district", "terms/s~year", "gradingPeriods/s", "students/s~teacher", "teachers/s", "users/x"]
)
def test_record_outside_the_view(consumer, path):
    assert consumer.refused(path) == (404, "unknownobject")


@pytest.mark.clause("MUST: students and teachers of a class are those who are enrolled in it now")
def test_who_has_left_a_class_is_in_it_no_more(small):
    small.retire("enrollments", "s")
    consumer = small.consumer()

    assert consumer.ids("classes/s/students") == []
    assert consumer.ids("students/s/classes") == []
    assert consumer.ids("schools/s/students") == ["s"]
    assert consumer.ids("schools/s/classes/s/enrollments") == ["s", "s~teacher"]


@pytest.mark.clause("MUST: nested reads understand the parameters of every collection")
def test_nested_reads_are_filtered_sorted_and_paged(small):
    consumer = small.consumer(body_style="strict")
    school = ref("orgs", "s")
    role = {"roleType": "primary", "role": "student", "org": school}
    names = {f"u{number}": name for number, name in enumerate(["Berg", "Abara", "Cem", "Abel"])}
    for sourced_id, name in names.items():
        person = {"enabledUser": "true", "givenName": "A", "familyName": name, "roles": [role]}
        enrollment = {
            "user": ref("users", sourced_id),
            "class": ref("classes", "s"),
            "school": school,
            "role": "student",
        }
        small.add("users", {"sourcedId": sourced_id, "status": "active", **person})
        small.add("enrollments", {"sourcedId": sourced_id, "status": "active", **enrollment})

    for path in ("classes/s/students", "schools/s/students", "schools/s/classes/s/students"):
        assert consumer.ids(path, filter="familyName~'Ab'", sort="familyName") == ["u1", "u3"]
        assert consumer.ids(path, sort="familyName", orderBy="desc", limit=2, offset=1) == ["u2", "u0"]
        answer = consumer.get(path, filter="familyName~'A'", limit=1, fields="familyName")
        assert (records_of(answer), answer.headers["X-Total-Count"]) == ([{"familyName": "Abara"}], "2")


@pytest.mark.clause("MUST: what belongs to whom is told within what a client may see")
def test_other_sources_add_nothing_to_a_nested_read(small):
    person = {"enabledUser": "true", "givenName": "A", "familyName": "B"}
    role = {"roleType": "primary", "role": "student", "org": ref("orgs", "s")}
    enrollment = {
        "user": ref("users", "other"),
        "class": ref("classes", "s"),
        "school": ref("orgs", "s"),
        "role": "student",
    }
    small.add("users", {"sourcedId": "other", "status": "active", **person, "roles": [role]}, source="south")
    small.add("enrollments", {"sourcedId": "other", "status": "active", **enrollment}, source="south")

    assert small.consumer().ids("classes/s/students") == ["s", "other"]
    assert small.consumer(sources=["north"]).ids("classes/s/students") == ["s"]
    assert small.consumer(sources=["north"]).ids("schools/s/students") == ["s"]
    assert small.consumer(sources=["south"]).refused("classes/s/students") == (404, "unknownobject")


@pytest.mark.clause("MAY: a trailing slash on a collection")
@pytest.mark.parametrize("path", ["orgs/", "classes/s/students/"])
def test_trailing_slash(consumer, path):
    assert consumer.ids(path) == ["s", *(["empty", "district"] if path == "orgs/" else [])]


@pytest.mark.clause("MUST: paths outside the service are none of its operations")
@pytest.mark.parametrize("path", ["nothing", "orgs/s/classes", "results", "categories", "lineItems/s"])
def test_unknown_path(consumer, path):
    assert consumer.refused(path) == (404, "unknownobject")


@pytest.mark.clause("MAY: demographics, where a source has them; else the collection is empty")
def test_demographics_that_nobody_has(world):
    assert world.consumer().ids("demographics") == []
