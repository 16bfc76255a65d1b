"""What belongs to one record is found by indexes, however much the mirror holds."""

import pytest

from bridge.clock import utc_now
from bridge.mirror import enrolled_members
from bridge.mirror.erasing import People
from bridge.mirror.quality import Quality
from bridge.mirror.query_sql import Statement, compile_count, prepare_page
from bridge.oneroster.operations import OPERATIONS
from bridge.roster.identity import SourcedId
from bridge.roster.query import Query
from bridge.roster.visibility import Visibility

SOURCES = {"north": 1, "south": 2}
LISTS = [operation for operation in OPERATIONS if operation.condition(["a", "b"]) is not None and not operation.single]


def compile_page(query, source_ids):
    page = prepare_page(query, source_ids)
    return Statement(page.served, page.bind(query))


def plan_of(school, statement):
    rows = school.mirror.db.execute(f"EXPLAIN QUERY PLAN {statement.sql}", statement.parameters).fetchall()
    return [step.replace("COVERING ", "") for *_, step in rows]


@pytest.mark.parametrize("visibility", [Visibility.of_all(), Visibility.of("north"), Visibility.of("north", "south")],
                         ids=["all", "one-source", "two-sources"])  # fmt: skip
@pytest.mark.parametrize("compiled", [compile_page, compile_count], ids=["page", "count"])
@pytest.mark.parametrize("operation", LISTS, ids=lambda operation: operation.operation_id)
def test_no_table_is_looked_through(school, operation, compiled, visibility):
    query = Query(
        collection=operation.collection, visibility=visibility, limit=100, preset=operation.condition(["a", "b"])
    )

    plan = plan_of(school, compiled(query, SOURCES))

    assert [step for step in plan if step.startswith(("SCAN r", "SCAN f"))] == []
    if operation.parents:  # the others may be found among one source's own
        assert [step for step in plan if step.endswith("_by_source (source=?)")] == []


@pytest.mark.parametrize("statement", [enrolled_members._AT, enrolled_members._PERIOD], ids=["members", "period"])
def test_whom_a_class_has_is_not_looked_for_among_all_enrollments_of_its_source(school, statement):
    asked = {"source": 1, "class": "c", "places": "[1]", "today": "2026-11-21", "begin": "", "end": ""}

    plan = school.mirror.db.execute(f"EXPLAIN QUERY PLAN {statement}", asked).fetchall()

    steps = [step.replace("COVERING ", "") for *_, step in plan]
    assert any(step.startswith("SEARCH e USING INDEX enrollments_by_") for step in steps)
    assert [step for step in steps if "_by_source" in step or step.startswith("SCAN e")] == []


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param(lambda mirror: People(mirror, utc_now).find(SourcedId("x")), id="a person"),
        pytest.param(
            lambda mirror: Quality(mirror, Visibility.of_all()).without_teacher(), id="classes without teacher"
        ),
    ],
)
def test_operators_questions_do_not_look_through_all_enrollments(school, asked):
    db = school.mirror.db.conn
    statements = []
    db.set_trace_callback(statements.append)
    asked(school.mirror)
    db.set_trace_callback(None)

    plans = [step for each in statements for *_, step in db.execute(f"EXPLAIN QUERY PLAN {each}").fetchall()]

    assert any(step.startswith(("SEARCH enrollments USING", "SEARCH e USING")) for step in plans)
    assert [step for step in plans if step.startswith(("SCAN enrollments", "SCAN e"))] == []
