"""The start of a day: who is touched, and who is told."""

import json
from datetime import date

import pytest

from bridge import storage
from bridge.mirror.calendar import turn_page
from bridge.mirror.documents import Documents
from bridge.mirror.writes import next_changed, stamp
from bridge.roster.ports import Derived

TODAY = date(2026, 11, 20)


@pytest.fixture
def put(school):
    """Writes a record as a source with dates would have it."""

    def put(collection, sourced_id, *, status="active", **dates):
        with storage.write(school.mirror.db):
            changed = next_changed(school.mirror.db)
            documents = Documents(school.mirror.db, school.mirror.add_source("north"), changed)
            body = {"sourcedId": sourced_id, "status": status, "title": sourced_id, "type": "term", "role": "student"}
            documents.put([Derived(collection, sourced_id, {**body, **dates})])
            documents.finish()
            stamp(school.mirror.db, changed, None, school.clock)

    return put


@pytest.fixture
def turn(school):
    """Begins a day; returns which records it touched."""

    def turn(day):
        before = changes(school)
        touched = turn_page(school.mirror, day, school.clock)
        found = [sourced_id for sourced_id, changed in changes(school).items() if changed != before[sourced_id]]
        assert touched == len(found)
        return sorted(found)

    turn(TODAY)
    return turn


def changes(school):
    rows = school.mirror.db.execute(
        "SELECT sourcedId, changed FROM enrollments UNION ALL SELECT sourcedId, changed FROM academicSessions"
    )
    return dict(rows.fetchall())


@pytest.mark.parametrize(
    ("collection", "begin", "end"),
    [
        pytest.param("enrollments", "beginDate", "endDate", id="enrollments"),
        pytest.param("academicSessions", "startDate", "endDate", id="sessions"),
    ],
)
def test_records_whose_day_has_come_are_touched(put, turn, collection, begin, end):
    put(collection, "begins", **{begin: "2026-11-21", end: "2027-06-30"})
    put(collection, "ends", **{begin: "2026-08-01", end: "2026-11-21"})
    put(collection, "has-begun", **{begin: "2026-11-20", end: "2027-06-30"})
    put(collection, "is-to-begin", **{begin: "2026-11-22", end: "2027-06-30"})
    put(collection, "has-only-an-end", **{end: "2026-11-21"})
    put(collection, "has-no-dates")
    put(collection, "is-over", status="tobedeleted", **{begin: "2026-11-21", end: "2027-06-30"})

    assert turn(date(2026, 11, 21)) == ["begins", "ends", "has-only-an-end"]


def test_day_begins_once(put, turn):
    put("enrollments", "begins", beginDate="2026-11-21")
    turn(date(2026, 11, 21))

    assert turn(date(2026, 11, 21)) == []


def test_days_that_were_missed_are_made_up_for_at_once(put, turn):
    for day in (21, 23, 25, 26):
        put("enrollments", f"begins-{day}", beginDate=f"2026-11-{day}")

    assert turn(date(2026, 11, 25)) == ["begins-21", "begins-23", "begins-25"]


def test_clock_that_goes_back_touches_nothing(put, turn):
    put("enrollments", "begins", beginDate="2026-11-21")
    turn(date(2026, 11, 21))

    assert turn(date(2026, 11, 20)) == []
    assert turn(date(2026, 11, 21)) == []


def test_first_day_of_a_mirror_touches_nothing(school, put):
    put("enrollments", "has-begun", beginDate="2026-11-01")

    assert turn_page(school.mirror, TODAY, school.clock) == 0


def test_touched_records_are_logged_told_of_and_stamped_later_than_all_before(school, put, turn):
    put("enrollments", "begins", beginDate="2026-11-21")
    document = school.document("enrollments", "begins")
    turn(date(2026, 11, 21))

    changed, kind, before = school.mirror.db.execute(
        "SELECT changed, kind, before FROM changes ORDER BY id DESC LIMIT 1"
    ).fetchone()
    told = school.mirror.db.execute("SELECT changed, collection, sourcedId, kind FROM outbox ORDER BY event").fetchall()
    stamps = school.mirror.db.execute("SELECT changed, stamp FROM writes ORDER BY changed").fetchall()
    assert (kind, json.loads(before)) == ("changed", document)
    assert told[-1] == (changed, "enrollments", "begins", "changed")
    assert stamps[-1][0] == changed
    assert stamps[-1][1] > stamps[-2][1]
    assert school.document("enrollments", "begins") == document


def test_day_on_which_nothing_comes_writes_nothing(school, put, turn):
    put("enrollments", "begins", beginDate="2026-12-24")
    writes = school.count("writes")

    turn(date(2026, 11, 21))

    assert school.count("writes") == writes


def test_answers_with_records_whose_day_has_come_are_not_what_they_were(school, put, turn):
    put("enrollments", "begins", beginDate="2026-11-21")
    put("academicSessions", "is-to-begin", startDate="2027-01-01")
    before = school.marks()

    turn(date(2026, 11, 21))

    assert {key for key, changed in school.marks().items() if changed != before[key]} == {("north", "enrollments")}
