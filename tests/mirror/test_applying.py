"""Applying: everything or nothing, once, on the roster that was planned for."""

import subprocess
import sys
import threading
from contextlib import contextmanager

import pytest

from bridge.errors import SourceUnavailable
from bridge.mirror.applying import apply
from bridge.mirror.staging import Staging
from tests.mirror.rosters_in_memory import INSTRUCTOR, PRIMARY, Course, School


@contextmanager
def planned(school, course):
    """A plan for a course, staged, and the number of the run that would apply it."""
    run = school.runs.begin(course.source, course.key)
    with Staging(school.mirror, course.snapshot(), school.derivation(course)) as staging:
        list(staging.read())
        yield staging.plan(), run


def test_plan_for_a_course_that_has_moved_meanwhile_is_refused(school, biology):
    school.reconcile(biology)
    other = School(school.path)
    slept = Course("biology", "Biology")
    slept.enrol("ann")

    with planned(school, slept) as (plan, run):
        biology.enrol("dan")
        other.reconcile(biology)
        before = school.dump()
        with pytest.raises(SourceUnavailable, match="another process in the meantime"):
            apply(school.mirror, plan, school.derivation(slept), run, school.clock)

    assert school.dump() == before
    other.close()


def test_plan_for_a_new_course_is_refused_if_it_is_new_no_more(school, biology):
    other = School(school.path)

    with planned(school, Course("biology")) as (plan, run):
        other.reconcile(biology)
        with pytest.raises(SourceUnavailable):
            apply(school.mirror, plan, school.derivation(biology), run, school.clock)

    assert school.count("users", "status = 'active'") == 3
    other.close()


def test_plan_stands_while_other_courses_move(school, biology, chemistry):
    other = School(school.path)

    with planned(school, biology) as (plan, run):
        other.reconcile(chemistry)
        apply(school.mirror, plan, school.derivation(biology), run, school.clock)

    assert school.count("enrollments") == 5
    assert school.count("users") == 4
    other.close()


class Stumbling:
    """A derivation that fails at one member, in the second batch of a large course."""

    def __init__(self, derivation):
        self._derivation = derivation

    def __getattr__(self, name):
        return getattr(self._derivation, name)

    def of_member(self, subject, *others, **options):
        if subject == "s600":
            raise OSError("disk full")
        return self._derivation.of_member(subject, *others, **options)


def test_failure_in_the_middle_leaves_everything_as_it_was(school):
    course = Course("large")
    for number in range(700):
        course.enrol(f"s{number:03}")
    before = school.dump(without=("runs", "run_totals", "attempts", "sources", "sqlite_sequence"))

    with pytest.raises(OSError, match="disk full"):
        school.reconciler.reconcile(course.snapshot(), Stumbling(school.derivation(course)))

    assert school.dump(without=("runs", "run_totals", "attempts", "sources", "sqlite_sequence")) == before
    assert school.reconcile(course).added == 700


def test_everybody_of_a_large_course_is_derived(school):
    course = Course("large")
    for number in range(1203):
        course.enrol(f"s{number:04}")

    school.reconcile(course)

    assert school.count("users", "status = 'active'") == school.count("enrollments", "status = 'active'") == 1203
    assert school.mirror.db.execute("SELECT count(DISTINCT changed) FROM users").fetchone() == (1,)


def test_each_write_has_its_number_and_its_run(school, biology, chemistry):
    runs = [school.reconcile(biology).id, school.reconcile(biology).id, school.reconcile(chemistry).id]

    assert school.mirror.db.execute("SELECT changed, run FROM writes ORDER BY changed").fetchall() == [
        (1, runs[0]),
        (2, runs[2]),
    ]


def test_course_remembers_its_last_run_and_its_last_complete_one(school, biology):
    complete = school.reconcile(biology).id
    biology.complete = False
    latest = school.reconcile(biology).id

    assert school.mirror.db.execute("SELECT run, complete_run FROM contexts").fetchall() == [(latest, complete)]


def test_fact_says_which_run_found_it_gone(school, biology):
    school.reconcile(biology)
    ann = biology.members.pop("ann")
    gone = school.reconcile(biology).id
    assert school.mirror.db.execute("SELECT gone FROM facts WHERE subject = 'ann'").fetchall() == [(gone,)]

    biology.members["ann"] = ann
    back = school.reconcile(biology).id
    assert school.mirror.db.execute("SELECT gone, run FROM facts WHERE subject = 'ann'").fetchall() == [(None, back)]


def test_two_courses_reconciled_at_once_agree_about_whom_they_share(school):
    """Each course says something of her, and both plans are made before either is applied."""
    courses = [Course("one"), Course("two")]
    courses[0].enrol("ann", PRIMARY, given_name="Ann")
    courses[1].enrol("ann", INSTRUCTOR, family_name="Abara", email="ann@example.org")
    ready = threading.Barrier(2, timeout=30)

    def reconcile(course):
        own = School(school.path)
        with planned(own, course) as (plan, run):
            ready.wait()
            apply(own.mirror, plan, own.derivation(course), run, own.clock)
        own.close()

    threads = [threading.Thread(target=reconcile, args=(course,)) for course in courses]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    together = school.user("ann")

    alone = School(school.path.with_name("alone.sqlite"))
    for course in courses:
        alone.reconcile(course)
    assert together == alone.user("ann")
    assert school.count("enrollments", "status = 'active'") == 2
    alone.close()


def test_writers_wait_longer_than_the_longest_plan_takes(school):
    assert school.mirror.db.execute("PRAGMA busy_timeout").fetchone() == (120_000,)


MEMORY = """
import resource, sys
from pathlib import Path
from tests.mirror.rosters_in_memory import School, Course, Snapshot, stated

class Large(Snapshot):
    def __init__(self, course, people):
        super().__init__(course)
        self._people = people

    def __iter__(self):
        return (stated(f"s{number}", given_name="Ann", family_name=f"Abara {number}") for number in range(self._people))

school = School(Path(sys.argv[1]))
for people in (1_000, 10_000):
    course = Course(str(people))
    run = school.reconciler.reconcile(Large(course, people), school.derivation(course))
    print("peak", run.added, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def test_memory_does_not_grow_with_the_roster(tmp_path):
    program = [sys.executable, "-c", MEMORY, tmp_path / "mirror.sqlite"]
    output = subprocess.run(program, capture_output=True, text=True, check=True, timeout=300).stdout

    (few, small), (many, large) = [
        map(int, line.split()[1:]) for line in output.splitlines() if line.startswith("peak ")
    ]
    assert (few, many) == (1_000, 10_000)
    assert large - small < 10 * 1024  # KiB; the facts and documents of 9,000 people take three times as much
