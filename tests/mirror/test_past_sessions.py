"""Last year's sessions: when they end. The rule is in docs/decisions/0007-supplied-values.md."""

from datetime import date

import pytest

from bridge.mirror.decisions import DecisionKind
from bridge.mirror.documents import encode
from bridge.mirror.runs import Mandate
from bridge.sync.reconciler import Approval
from bridge.sync.retiring import Nobody, Retired

NEXT_YEAR = date(2027, 9, 1)


@pytest.fixture
def turned(school, biology, chemistry):
    """Two courses of a year that is over."""
    school.reconcile(biology)
    school.reconcile(chemistry)
    school.today = NEXT_YEAR
    return school


def sessions(school):
    rows = school.mirror.db.execute("SELECT title, status FROM academicSessions ORDER BY seq").fetchall()
    return [f"{title} {status}" for title, status in rows]


def retire(school, course):
    approval = Approval(mandate=Mandate(kind=DecisionKind.RETIRED, made_by="operator"), removals=None)
    derivation = Retired(school.derivation(course))
    return school.reconciler.reconcile(Nobody(course.source, course.key), derivation, approval=approval)


def dangling(school):
    """Live classes and courses that refer to a session that has ended."""
    return school.mirror.db.execute(
        "SELECT value FROM facets JOIN facet_fields USING (field)"
        " JOIN (SELECT seq, status, 'classes' AS collection FROM classes"
        "       UNION ALL SELECT seq, status, 'courses' FROM courses) AS r USING (seq, collection)"
        " JOIN academicSessions AS s ON s.sourcedId = value"
        " WHERE path IN ('terms.sourcedId', 'schoolYear.sourcedId') AND r.status = 'active' AND s.status <> 'active'"
    ).fetchall()


def test_sessions_of_last_year_stay_while_a_class_is_still_in_them(turned, biology):
    run = turned.reconcile(biology)

    assert run.records == {"academicSessions": {"added": 3}, "classes": {"changed": 1}, "courses": {"changed": 1}}
    assert sessions(turned) == ["2026-2027 active"] * 3 + ["2027-2028 active"] * 3
    assert dangling(turned) == []


def test_sessions_of_last_year_end_with_the_last_class_that_moves_on(turned, biology, chemistry):
    turned.reconcile(biology)

    run = turned.reconcile(chemistry)

    assert run.records == {"academicSessions": {"removed": 3}, "classes": {"changed": 1}, "courses": {"changed": 1}}
    assert sessions(turned) == ["2026-2027 tobedeleted"] * 3 + ["2027-2028 active"] * 3
    assert dangling(turned) == []
    assert turned.reconcile(chemistry).records == {}


def test_class_that_has_ended_keeps_no_session(turned, biology, chemistry):
    turned.reconcile(biology)

    run = retire(turned, chemistry)

    assert run.records["academicSessions"] == {"removed": 3}
    assert dangling(turned) == []


def test_class_that_comes_back_is_in_this_year(turned, biology, chemistry):
    retire(turned, chemistry)
    turned.reconcile(biology)

    turned.reconcile(chemistry)

    assert sessions(turned) == ["2026-2027 tobedeleted"] * 3 + ["2027-2028 active"] * 3
    assert dangling(turned) == []


def test_year_that_was_ended_by_mistake_comes_back(turned, biology, chemistry):
    for course in (biology, chemistry):
        turned.reconcile(course)
    turned.today = date(2026, 11, 20)

    for course in (biology, chemistry):
        turned.reconcile(course)

    assert sessions(turned) == ["2026-2027 active"] * 3 + ["2027-2028 tobedeleted"] * 3
    assert dangling(turned) == []


def test_sessions_of_another_source_are_another_matter(turned, biology, chemistry):
    biology.source = chemistry.source = "south"
    for course in (biology, chemistry):
        turned.reconcile(course)

    assert sessions(turned) == ["2026-2027 active"] * 3 + ["2027-2028 active"] * 3


def test_session_that_a_source_has_told_of_itself_stays(turned, biology, chemistry):
    told = {"sourcedId": "t1", "status": "active", "title": "Told", "type": "term", "metadata": {"colour": "blue"}}
    turned.mirror.db.execute(
        "INSERT INTO academicSessions (source, sourcedId, changed, document) VALUES (1, 't1', 1, ?)", [encode(told)]
    )

    for course in (biology, chemistry):
        turned.reconcile(course)

    assert "Told active" in sessions(turned)
