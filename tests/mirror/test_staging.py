"""Staging: a snapshot beside the mirror, and the plan that comes of comparing them."""

import json

import pytest

from bridge.errors import SourceUnavailable
from bridge.mirror.staging import Staging
from bridge.roster.plan import ChangeKind, Quarantined
from bridge.roster.ports import FactKind, PageRead, Rejected, Stated
from tests.mirror.rosters_in_memory import INSTRUCTOR, LEARNER, PRIMARY, Course, stated


def plan_of(school, course):
    with Staging(school.mirror, course.snapshot(), school.derivation(course)) as staging:
        told = list(staging.read())
        plan = staging.plan()
        assert told[-1] == len(course.members) + len(course.also)
        return plan


def staged(staging_db, user_id):
    ((raw,),) = staging_db.execute("SELECT raw FROM temp.staged WHERE subject = ?", [user_id]).fetchall()
    return json.loads(raw)


def test_plan_for_a_new_course(school, biology):
    plan = plan_of(school, biology)

    assert (plan.source, plan.context, plan.based_on, plan.held_before) == ("north", biology.key, None, 0)
    assert (plan.complete, plan.rederive, plan.context_changed) == (True, True, True)
    assert (plan.counts[ChangeKind.ADDED], plan.counts[ChangeKind.KEPT], plan.quarantined) == (3, 0, ())


def test_plan_for_a_course_that_has_changed(school, biology):
    run = school.reconcile(biology)
    biology.leave("ann")
    biology.enrol("ben", INSTRUCTOR)
    biology.enrol("dan")

    plan = plan_of(school, biology)

    assert (plan.based_on, plan.held_before, plan.held_after) == (run.id, 3, 3)
    assert (plan.rederive, plan.context_changed) == (False, False)
    assert plan.counts == {
        ChangeKind.ADDED: 1,
        ChangeKind.CHANGED: 1,
        ChangeKind.REMOVED: 1,
        ChangeKind.KEPT: 1,
    }


def test_plan_of_a_mapping_that_has_changed_derives_anew_and_changes_no_fact(school, biology):
    school.reconcile(biology)
    school.mirror.db.execute("UPDATE contexts SET fingerprint = 'of an earlier version'")

    plan = plan_of(school, biology)

    assert (plan.rederive, plan.is_empty, plan.counts[ChangeKind.KEPT]) == (True, True, 3)


def test_planning_writes_nothing(school, biology):
    school.reconcile(biology)
    before = school.dump()
    biology.leave("ann")

    plan_of(school, biology)

    assert school.dump() == before
    assert school.mirror.db.execute("SELECT name FROM temp.sqlite_schema").fetchall() == []


def test_reading_holds_no_lock(school, biology):
    with Staging(school.mirror, biology.snapshot(), school.derivation(biology)) as staging:
        reading = staging.read()
        next(reading)
        other = type(school)(school.path)
        other.reconcile(Course("another"))
        other.close()

    assert school.count("classes") == 1


def test_what_a_failed_reading_staged_is_forgotten(school, biology, chemistry):
    biology.also = [SourceUnavailable("lms.example.org answers 503")]
    with (
        pytest.raises(SourceUnavailable),
        Staging(school.mirror, biology.snapshot(), school.derivation(biology)) as staging,
    ):
        list(staging.read())

    plan = plan_of(school, chemistry)

    assert plan.counts[ChangeKind.ADDED] == len(chemistry.members)


def test_entries_about_one_person_are_merged(school):
    course = Course("biology")
    course.also = [
        stated("ann", LEARNER, given_name="Ann", status="Inactive"),
        stated("ann", INSTRUCTOR, given_name="", family_name="Abara"),
        stated("ann", LEARNER, email="ann@example.org"),
    ]
    with Staging(school.mirror, course.snapshot(), school.derivation(course)) as staging:
        assert list(staging.read()) == [3]
        assert staged(school.mirror.db, "ann") == {
            "user_id": "ann",
            "roles": [LEARNER, INSTRUCTOR],
            "given_name": "Ann",
            "status": "Active",
            "family_name": "Abara",
            "email": "ann@example.org",
        }
        assert staging.plan().counts[ChangeKind.ADDED] == 1


def test_single_entry_stays_byte_for_byte(school):
    raw = b'{ "user_id":"ann",\t"roles":["Learner" ], "name":"\\u00c4nn \xc3\x84" }'
    course = Course("biology")
    course.also = [Stated(FactKind.MEMBER, "ann", raw), Stated(FactKind.MEMBER, "ann", raw)]

    school.reconcile(course)

    ((kept,),) = school.mirror.db.execute("SELECT raw FROM facts WHERE subject = 'ann'").fetchall()
    assert kept.encode() == raw


def test_quarantine_is_told_in_the_order_of_the_answer(school, biology):
    biology.enrol("ben", status="Resting")
    biology.also = [
        Rejected(3, None, "user_id is missing or cannot be read"),
        Stated(FactKind.MEMBER, "eve", b'{"user_id": "eve", "name": "\xff"}'),
    ]

    plan = plan_of(school, biology)

    assert plan.quarantined == (
        Quarantined(1, "ben", "status is none of Active, Inactive and Deleted"),
        Quarantined(3, None, "user_id is missing or cannot be read"),
        Quarantined(4, "eve", "is not UTF-8"),
    )
    assert (plan.complete, plan.counts[ChangeKind.ADDED]) == (False, 2)


def test_many_rejected_are_told_of_as_they_come(school):
    course = Course("biology")
    course.also = [Rejected(number, f"s{number}", "is not UTF-8") for number in range(2_300)]

    with Staging(school.mirror, course.snapshot(), school.derivation(course)) as staging:
        assert list(staging.read()) == [1000, 2000, 2300]


def test_every_page_is_told_of_though_it_says_nothing(school):
    course = Course("biology")
    course.also = [PageRead(), PageRead(), Rejected(0, "s0", "is not UTF-8"), PageRead()]

    with Staging(school.mirror, course.snapshot(), school.derivation(course)) as staging:
        assert list(staging.read()) == [0, 0, 1, 1]


def test_removals_are_named(school, biology):
    school.reconcile(biology)
    biology.leave("ann", "tea")

    with Staging(school.mirror, biology.snapshot(), school.derivation(biology)) as staging:
        list(staging.read())
        staging.plan()
        assert staging.removals() == {"ann", "tea"}


@pytest.mark.parametrize(
    ("roles", "status", "lead"),
    [
        pytest.param([PRIMARY], None, 1, id="primary"),
        pytest.param([INSTRUCTOR], None, 0, id="another-teacher"),
        pytest.param([PRIMARY], "Inactive", 0, id="inactive-primary"),
    ],
)
def test_claims_to_be_primary_are_noted(school, roles, status, lead):
    course = Course("biology")
    course.enrol("one", *roles, **({"status": status} if status else {}))

    school.reconcile(course)

    assert school.mirror.db.execute("SELECT lead FROM facts WHERE kind = 'member'").fetchall() == [(lead,)]
