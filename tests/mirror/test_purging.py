"""What a purge drops, and that everything else stays as it is."""

from datetime import timedelta

import pytest

from bridge.mirror import purging
from bridge.mirror.changes import Changes
from bridge.mirror.documents import tallied_kinds
from bridge.mirror.purging import Keep, Purge, Purged
from bridge.mirror.undoing import rehearse_undo
from bridge.roster.identity import LtiUserId, user_sourced_id
from bridge.roster.model import COLLECTIONS
from bridge.roster.ports import Rejected
from bridge.roster.values import values_at

DAY = timedelta(days=1)
NEVER = timedelta(days=10_000)


@pytest.fixture
def purge(school):
    """Purge, keeping everything for ever but what is named."""

    def purge(**kept):
        keep = dict.fromkeys(("tombstones", "facts", "changes", "events", "runs"), NEVER)
        return Purge(school.mirror, Keep(**keep | kept), school.clock)

    return purge


def of_users(school):
    return dict(school.mirror.db.execute("SELECT sourcedId, document FROM users"))


def test_a_record_goes_when_it_has_been_over_for_the_retention_time(school, biology, purge):
    school.reconcile(biology)
    biology.leave("ann")
    school.reconcile(biology)
    school.clock.turn(days=11)

    purged = purge(tombstones=10 * DAY).do()

    assert purged.records == 2
    assert school.user("ann") is None
    assert school.enrollment("ann", biology) is None


def test_a_record_stays_while_it_has_been_over_for_less(school, biology, purge):
    school.reconcile(biology)
    biology.leave("ann")
    school.reconcile(biology)
    school.clock.turn(days=9)

    assert purge(tombstones=10 * DAY).do() == Purged()
    assert school.user("ann")["status"] == "tobedeleted"


def test_active_records_never_go(school, biology, purge):
    school.reconcile(biology)
    held = school.dump()
    school.clock.turn(days=5000)

    assert purge(tombstones=DAY, facts=DAY).do() == Purged()
    assert school.dump(without=["meta"]) == {name: rows for name, rows in held.items() if name != "meta"}


def test_facets_and_tallies_are_those_of_the_records_that_are_left(school, biology, chemistry, purge):
    for course in (biology, chemistry):
        school.reconcile(course)
    biology.leave("ann", "ben")
    school.reconcile(biology)
    school.clock.turn(days=11)

    purge(tombstones=10 * DAY).do()

    facets, tallies = set(), {}
    for collection in COLLECTIONS.values():
        for row in school.mirror.db.query(f'SELECT seq, source, status, sourcedId FROM "{collection.name}"'):
            body = school.document(collection.name, row["sourcedId"])
            facets |= {
                (collection.name, path.name, value, row["seq"])
                for path in collection.facets
                for value in values_at(body, path.name)
            }
            for kind in tallied_kinds(collection, body):
                key = (row["source"], collection.name, row["status"], kind)
                tallies[key] = tallies.get(key, 0) + 1
    assert facets == set(
        school.mirror.db.execute("SELECT collection, path, value, seq FROM facets JOIN facet_fields USING (field)")
    )
    assert tallies == {
        tuple(row[:4]): row[4]
        for row in school.mirror.db.execute(
            "SELECT source, collection, status, kind, count FROM tallies WHERE count <> 0"
        )
    }


def test_no_other_record_moves(school, biology, purge):
    school.reconcile(biology)
    biology.leave("ann")
    school.reconcile(biology)
    school.clock.turn(days=11)
    rows = "SELECT seq, changed, document FROM users WHERE status = 'active' ORDER BY seq"
    before = school.mirror.db.execute(rows).fetchall()

    purge(tombstones=10 * DAY).do()

    assert school.mirror.db.execute(rows).fetchall() == before


def test_answers_that_had_what_is_dropped_are_not_what_they_were(school, biology, purge):
    school.reconcile(biology)
    biology.leave("ann")
    school.reconcile(biology)
    school.clock.turn(days=11)
    before = school.marks()

    purge(tombstones=10 * DAY).do()

    moved = {key for key, changed in school.marks().items() if changed != before[key]}
    assert moved == {("north", "users"), ("north", "enrollments")}


def test_a_number_is_never_given_twice(school, biology, purge):
    biology.enrol("zoe")
    school.reconcile(biology)
    last = school.row("users", user_sourced_id("north", LtiUserId("zoe")))["seq"]
    biology.leave("zoe")
    school.reconcile(biology)
    school.clock.turn(days=11)
    purge(tombstones=10 * DAY).do()
    biology.enrol("zoe")

    school.reconcile(biology)

    assert school.row("users", user_sourced_id("north", LtiUserId("zoe")))["seq"] > last


def test_a_record_stays_while_another_that_stays_refers_to_it(school, biology, chemistry, purge):
    school.reconcile(biology)
    school.reconcile(chemistry)
    biology.leave("ann")
    school.reconcile(biology)
    school.clock.turn(days=6)
    chemistry.leave("ann")
    school.reconcile(chemistry)
    school.clock.turn(days=6)

    purge(tombstones=10 * DAY).do()

    assert school.enrollment("ann", biology) is None
    assert school.enrollment("ann", chemistry)["status"] == "tobedeleted"
    assert school.user("ann")["status"] == "tobedeleted"


def test_what_was_said_of_people_gone_goes_and_of_others_stays(school, biology, purge):
    school.reconcile(biology)
    biology.leave("ann")
    school.reconcile(biology)
    school.clock.turn(days=11)

    assert purge(facts=10 * DAY).do().facts == 1
    assert [subject for (subject,) in school.mirror.db.execute("SELECT subject FROM facts WHERE kind = 'member'")] == [
        "ben",
        "tea",
    ]


def test_somebody_whose_facts_are_gone_can_come_back(school, biology, purge):
    school.reconcile(biology)
    biology.leave("ann")
    school.reconcile(biology)
    school.clock.turn(days=11)
    purge(facts=10 * DAY, tombstones=10 * DAY).do()
    biology.enrol("ann", given_name="Ann", family_name="Abara")

    school.reconcile(biology)

    assert school.user("ann")["status"] == "active"


def test_an_undoing_after_the_facts_are_gone_says_so(school, biology, purge):
    school.reconcile(biology)
    biology.leave("ann")
    run = school.reconcile(biology)
    school.clock.turn(days=11)
    purge(facts=10 * DAY).do()

    report = rehearse_undo(school.mirror, run, school.derivation(biology), school.clock)

    assert report.restored == []
    assert {left.reason for left in report.left} == {
        "does not follow from what the roster said alone, or that is no longer kept"
    }


def test_the_change_log_goes_from_its_old_end_and_what_is_left_reads_the_same(school, biology, purge):
    school.reconcile(biology)
    school.clock.turn(days=11)
    biology.enrol("ann", given_name="Hannah", family_name="Abara")
    run = school.reconcile(biology)
    before = list(Changes(school.mirror).of_run(run.id))

    assert purge(changes=10 * DAY).do().changes > 0
    assert list(Changes(school.mirror).latest(100)) == before


def test_runs_go_with_whom_they_quarantined_and_the_latest_of_each_context_stays(school, biology, purge):
    biology.also.append(Rejected(3, "odd", "has no readable roles"))
    for _ in range(3):
        school.reconcile(biology)
        school.clock.turn(days=20)

    assert purge(runs=10 * DAY).do().runs == 2
    assert [run.id for run in school.runs.latest()] == [3]


def test_a_count_says_what_a_purge_will_drop_and_drops_nothing(school, biology, purge):
    school.reconcile(biology)
    biology.leave("ann")
    school.reconcile(biology)
    school.clock.turn(days=11)
    held = school.dump()
    asked = purge(tombstones=10 * DAY, facts=10 * DAY, changes=10 * DAY, events=10 * DAY, runs=10 * DAY)

    counted = asked.count()

    assert school.dump() == held
    assert counted == asked.do()
    assert counted.records == 2


def test_what_goes_is_found_among_what_stays_however_little_a_transaction_looks_at(
    school, biology, chemistry, purge, monkeypatch
):
    monkeypatch.setattr(purging, "_BATCH", 1)
    for number in range(5):
        biology.enrol(f"extra-{number}")
        chemistry.enrol(f"extra-{number}")
    for _ in range(2):
        school.reconcile(biology)
        school.reconcile(chemistry)
    leavers = {f"extra-{number}" for number in range(5)}
    biology.leave(*leavers)
    school.reconcile(biology, approved=leavers)
    school.clock.turn(days=20)
    chemistry.leave("extra-1", "extra-3")
    school.reconcile(chemistry, approved={"extra-1", "extra-3"})
    asked = purge(tombstones=10 * DAY, facts=10 * DAY, changes=10 * DAY, events=10 * DAY, runs=10 * DAY)

    counted = asked.count()

    assert counted == asked.do()
    assert counted.records == 5
    assert counted.runs == 4
    assert [run.id for run in school.runs.latest()] == [6, 5]


@pytest.mark.parametrize("collection", COLLECTIONS.values(), ids=lambda each: each.name)
def test_tombstones_are_not_looked_for_among_what_goes_on(school, collection):
    between = {"write": 9, "after": 0, "upto": 9}

    plan = school.mirror.db.execute(f"EXPLAIN QUERY PLAN {purging._tombstones(collection)}", between).fetchall()

    steps = [step.replace("COVERING ", "") for *_, step in plan if step.startswith(("SCAN r", "SEARCH r"))]
    assert steps == [f"SEARCH r USING INDEX {collection.name}_by_status (<expr>=? AND seq>? AND seq<?)"]


def test_of_a_run_only_its_own_context_is_looked_at(school):
    between = {"run": 9, "after": 0, "upto": 9, "before": "2026-11-20T08:00:00.000Z"}

    plan = school.mirror.db.execute(f"EXPLAIN QUERY PLAN {purging._RUNS}", between).fetchall()

    steps = [step for *_, step in plan if step.startswith(("SCAN", "SEARCH"))]
    assert {step.replace("COVERING ", "").partition(" USING ")[2] for step in steps} == {
        "INTEGER PRIMARY KEY (rowid>? AND rowid<?)",
        "INDEX runs_by_context (source=? AND context=? AND id>?)",
        "PRIMARY KEY (source=? AND context=?)",
    }


def test_a_clock_that_was_ahead_keeps_nothing_from_going(school, biology, chemistry, purge):
    school.clock.turn(days=3650)
    school.reconcile(chemistry)
    school.clock.turn(days=-3650)
    for leaver in ("ann", "ben"):
        school.reconcile(biology)
        biology.leave(leaver)
    school.reconcile(biology)
    school.clock.turn(days=11)
    school.reconcile(biology)

    purged = purge(facts=10 * DAY, runs=10 * DAY).do()

    assert (purged.facts, purged.runs) == (2, 3)
    assert sorted(run.id for run in school.runs.latest()) == [1, 5]


def test_a_large_purge_gives_way_between_transactions(school, biology, purge):
    for number in range(600):
        biology.enrol(f"extra-{number}")
    school.reconcile(biology)
    biology.leave(*(f"extra-{number}" for number in range(600)))
    school.reconcile(biology, approved={f"extra-{number}" for number in range(600)})
    school.clock.turn(days=11)
    between = []
    keep = Keep(tombstones=10 * DAY, facts=NEVER, changes=NEVER, events=NEVER, runs=NEVER)

    purged = Purge(school.mirror, keep, school.clock, between=lambda: between.append(school.count("users"))).do()

    assert purged.records == 1200
    assert between
    assert school.count("users") == 3
