"""A SIS in the mirror: what is read is held, what changes changes, what ends ends, and what is too much waits."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from urllib3 import HTTPHeaderDict
from werkzeug import Response

from bridge.clock import utc_now
from bridge.mirror.decisions import DecisionKind
from bridge.mirror.runs import Mandate, Outcome
from bridge.oneroster.reading import Reading
from bridge.retiring import retire_source
from bridge.roster.model import USERS
from bridge.scheduling import Scheduling
from bridge.sync.reconciler import Approval
from bridge.transport.http import Answer
from bridge.transport.retry import Patience
from bridge.upkeep import undo_run
from tests.sources.reading_bridge import ReadingBridge
from tests.sources.scripted_sis import class_, enrollment, org, ref, user

STUDENTS = [f"s{number:02}" for number in range(40)]
LATER = "2026-11-20T09:30:00.000Z"


@pytest.fixture
def school(sis, bridge):
    """Two classes of one school, read once."""
    sis.has_class("one", STUDENTS)
    sis.has_class("two", STUDENTS[:20])
    bridge.register(sis)
    bridge.sync()
    bridge.later(hours=1)
    return sis


def approve(bridge, run):
    removals = frozenset(bridge.wiring.reconciler().runs.held_removals(run.id))
    mandate = Mandate(kind=DecisionKind.APPROVED, made_by="operator", run=run.id)
    source = bridge.wiring.registry.sources.get("north")
    return bridge.wiring.sync(source, approval=Approval(mandate=mandate, removals=removals))


def test_every_collection_is_read_and_every_sourced_id_kept(school, bridge):
    held = {name: set(records) for name, records in bridge.everything().items()}

    assert held == {name: {each["sourcedId"] for each in records} for name, records in school.data.items()}


def test_references_lead_to_the_bridge(school, bridge):
    found = bridge.records("enrollments")["one-s00"]

    assert found["class"] == {
        "href": "https://bridge.example.org/ims/oneroster/rostering/v1p2/classes/one",
        "sourcedId": "one",
        "type": "class",
    }


def test_second_run_changes_nothing(school, bridge):
    before = bridge.everything()

    run = bridge.sync(full=True)

    assert (run.outcome, run.unchanged, bridge.everything()) == (Outcome.UNCHANGED, 105, before)


def test_provider_that_only_touches_its_dates_changes_nothing(school, bridge):
    for each in STUDENTS:
        school.change("users", each, LATER)

    assert bridge.sync(full=True).outcome is Outcome.UNCHANGED


def test_record_that_is_missing_from_a_full_reading_has_ended(school, bridge):
    school.drop("enrollments", "one-s00")

    run = bridge.sync(full=True)

    assert (run.outcome, run.removed, run.complete) == (Outcome.APPLIED, 1, True)
    assert bridge.records("enrollments", None)["one-s00"]["status"] == "tobedeleted"


def test_record_that_comes_back_is_active_again(school, bridge):
    school.drop("enrollments", "one-s00")
    bridge.sync(full=True)
    school.data["enrollments"].append(enrollment("s00", "one"))

    bridge.sync(full=True)

    assert "one-s00" in bridge.records("enrollments")


def test_demographics_are_read_where_they_are_asked_for_only(sis, bridge):
    sis.has_class("one", ["s00"])
    sis.has("demographics", {"sourcedId": "s00", "status": "active", "sex": "female", "birthdate": "2010-02-03"})
    source = bridge.register(sis)
    bridge.sync()
    assert (bridge.records("demographics"), sis.offsets("demographics")) == ({}, [])

    bridge.wiring.registry.sources.update(
        type(source)(name="north", base_url=source.base_url, credentials=source.credentials, demographics=True)
    )
    bridge.sync()

    assert bridge.records("demographics")["s00"]["birthDate"] == "2010-02-03"


def test_a_password_is_neither_served_nor_kept(sis, bridge):
    credential = {"type": "password", "username": "ada", "password": "hunter2"}
    profile = {"profileId": "https://p.example.org/1", "profileType": "x", "vendorId": "v", "credentials": [credential]}
    sis.has_class("one", [])
    sis.has("users", user("ada", password="hunter2", userProfiles=[profile]))
    bridge.register(sis)

    bridge.sync()

    assert bridge.records("users")["ada"]["userProfiles"][0]["vendorId"] == "v"
    dump = "\n".join(bridge.wiring.mirror.db.conn.iterdump())
    assert "hunter2" not in dump


# -- changes


def test_between_full_readings_only_changes_are_asked_for_with_an_overlap(school, bridge):
    school.asked.clear()

    bridge.sync()

    # The latest change is older than the reading; fifteen minutes are the setting.
    assert school.conditions() == {"dateLastModified>='2026-11-01T07:45:00.000Z'"}
    assert set(school.offsets("users")) == {0}


def test_changes_are_asked_for_from_when_the_reading_began_by_the_providers_clock(sis, bridge):
    """What is saved while pages are read has a later date than what is read after it, and must not hide that."""
    sis.has_class("one", ["s00"])
    sis.change("users", "s00", "2099-01-01T00:00:00.000Z")
    bridge.register(sis)
    began = datetime.now(UTC) - timedelta(seconds=1)  # a Date header has no fractions
    bridge.sync()
    ended = datetime.now(UTC)

    bridge.sync()

    (condition,) = sis.conditions()
    asked_from = datetime.fromisoformat(condition.split("'")[1])
    assert began <= asked_from + timedelta(minutes=15) <= ended


def test_changed_and_new_records_arrive_by_changes(school, bridge):
    school.change("users", "s00", LATER, familyName="Lovelace")
    school.data["users"].append(user("new", dateLastModified=LATER))

    run = bridge.sync()

    assert (run.added, run.changed, run.removed, run.complete) == (1, 1, 0, False)
    assert bridge.records("users")["s00"]["familyName"] == "Lovelace"


def test_tombstone_ends_a_record_and_its_last_words_are_served(school, bridge):
    school.change("enrollments", "one-s00", LATER, status="tobedeleted", endDate="2026-11-19")

    run = bridge.sync()

    assert (run.removed, run.outcome) == (1, Outcome.APPLIED)
    found = bridge.records("enrollments", None)["one-s00"]
    assert (found["status"], found["endDate"]) == ("tobedeleted", "2026-11-19")


def test_tombstone_that_says_nothing_else_ends_a_record_as_it_was(school, bridge):
    school.data["users"] = [
        {"sourcedId": "s00", "status": "inactive", "dateLastModified": LATER},
        *school.data["users"][1:],
    ]
    before = bridge.records("users")["s00"]

    bridge.sync()

    assert bridge.records("users", None)["s00"] == {**before, "status": "tobedeleted"}


def test_tombstone_that_lives_again_is_active(school, bridge):
    school.change("enrollments", "one-s00", LATER, status="tobedeleted")
    bridge.sync()
    school.change("enrollments", "one-s00", "2026-11-20T10:00:00.000Z", status="active")

    bridge.sync()
    school.drop("enrollments", "one-s00")
    bridge.sync(full=True)

    found = bridge.records("enrollments", None)["one-s00"]
    assert found["status"] == "tobedeleted"


def test_tombstones_of_a_first_reading_are_served_as_such(sis, bridge):
    sis.has_class("one", ["s00", "s01"])
    sis.change("enrollments", "one-s00", LATER, status="tobedeleted", metadata={"lti.status": "Inactive"})
    bridge.register(sis)

    run = bridge.sync()

    assert run.outcome is Outcome.APPLIED
    found = bridge.records("enrollments", None)["one-s00"]
    assert (found["status"], found["metadata"]) == ("tobedeleted", {"lti.status": "Inactive"})


def test_what_vanishes_without_a_tombstone_is_found_by_the_full_reading_of_the_week(school, bridge):
    school.drop("enrollments", "one-s00")
    bridge.sync()
    assert "one-s00" in bridge.records("enrollments")

    bridge.later(days=7)
    bridge.sync()

    assert "one-s00" not in bridge.records("enrollments")


def test_provider_that_refuses_the_filter_is_read_in_full(school, bridge):
    school.change("users", "s00", LATER, familyName="Lovelace")
    school.answers = lambda *_: Response(status=400) if "filter" in school.asked[-1] else None

    run = bridge.sync()

    assert (run.outcome, run.changed, run.complete) == (Outcome.APPLIED, 1, True)


def test_provider_that_reads_dates_only_is_asked_by_date(sis, bridge):
    sis.has_class("one", ["s00"])
    bridge.register(sis, changes="date")
    bridge.sync()

    bridge.sync()

    assert sis.conditions() == {"dateLastModified>='2026-11-01'"}


@pytest.mark.parametrize("stated", ["", None, "yesterday"], ids=["blank", "null", "no date"])
def test_provider_without_dates_is_read_in_full_every_time(sis, bridge, stated):
    sis.has_class("one", ["s00"])
    for records in sis.data.values():
        for each in records:
            each["dateLastModified"] = stated
    bridge.register(sis)
    bridge.sync()

    run = bridge.sync()

    assert (run.complete, sis.conditions()) == (True, set())


def test_records_that_are_all_of_the_first_year_are_read_again(sis, bridge):
    sis.has_class("one", STUDENTS)
    for records in sis.data.values():
        for each in records:
            each["dateLastModified"] = "0001-01-01T00:00:00"  # what .NET writes where nothing is known
    bridge.register(sis)
    bridge.sync()
    bridge.later(hours=1)
    sis.asked.clear()

    assert bridge.sync().outcome is Outcome.UNCHANGED
    assert sis.conditions() == {"dateLastModified>='0001-01-01T00:00:00.000Z'"}


@pytest.mark.parametrize("date", ["Fri, 31 Dec 9999 23:59:59 -2359", "Fri, 31 Dec 99999999999999 23:59:59 GMT"])
def test_providers_clock_that_is_beyond_all_years_is_passed_over(date):
    answer = Answer(200, "https://sis.example.org/users", HTTPHeaderDict({"Date": date}), b"[]")
    patience = Patience(sleep=lambda _: None, attempts=1, max_wait=0)
    reading = Reading(
        lambda _: answer,
        "https://sis.example.org",
        limit=1,
        max_records=1,
        max_minutes=1,
        patience=patience,
        clock=utc_now,
    )

    assert (list(reading.pages(USERS)), reading.began) == ([[]], None)


def test_reading_that_misses_its_total_ends_nobody_and_is_no_basis_for_changes(school, bridge):
    school.sends_total = 5
    school.drop("enrollments", "one-s00")

    run = bridge.sync(full=True)
    assert (run.complete, run.removed) == (False, 0)
    bridge.later(days=8)
    bridge.sync()

    assert school.conditions() == set()


def test_failure_in_the_middle_changes_nothing(school, bridge):
    before = bridge.everything()
    school.has("users")
    school.answers = lambda name, *_: Response(status=500) if name == "enrollments" else None

    run = bridge.sync(full=True)

    assert (run.outcome, bridge.everything()) == (Outcome.UNAVAILABLE, before)


# -- what waits for a person


def test_source_that_turns_empty_is_held(school, bridge):
    before = bridge.everything()
    for name in school.data:
        school.has(name)

    run = bridge.sync(full=True)

    assert (run.outcome, bridge.everything()) == (Outcome.HELD, before)
    assert "it would empty the roster" in run.message


def test_collection_that_turns_empty_is_held_however_small(school, bridge):
    school.has("academicSessions")

    assert bridge.sync(full=True).message.startswith("it would empty the roster: all 1 academicSessions")


def test_share_of_one_collection_is_not_hidden_by_the_others(school, bridge):
    """Eleven of forty people among a hundred records."""
    school.drop("users", *STUDENTS[:11])

    message = bridge.sync(full=True).message

    assert message.startswith("it would remove 11 of 40 users (")
    assert "users: 0 added, 11 of 40 removed" in message


def test_tombstones_are_counted_like_those_who_are_missing(school, bridge):
    for each in STUDENTS[:11]:
        school.change("users", each, LATER, status="tobedeleted")

    run = bridge.sync()

    assert run.message.startswith("it would remove 11 of 40 users")
    assert bridge.records("users").keys() == set(STUDENTS)


def test_class_that_stays_and_loses_everybody_is_held(bridge, sis):
    sis.has_class("large", [f"p{number:03}" for number in range(200)])
    sis.has_class("small", [f"p{number:03}" for number in range(12)])
    bridge.register(sis)
    bridge.sync()
    sis.drop("enrollments", *(f"small-p{number:03}" for number in range(12)))

    run = bridge.sync(full=True)

    assert run.message.startswith("of the classes that stay it would leave 1 class without anybody: 12 enrollments")


@pytest.mark.parametrize("how", ["ends", "refilled", "few"])
def test_class_without_anybody_is_not_held_where_that_is_ordinary(bridge, sis, how):
    people = [f"p{number:03}" for number in range(300)]
    size = 3 if how == "few" else 12
    sis.has_class("large", people)
    sis.has_class("small", people[:size])
    bridge.register(sis)
    bridge.sync()
    sis.drop("enrollments", *(f"small-{person}" for person in people[:size]))
    if how == "ends":
        sis.drop("classes", "small")
    if how == "refilled":
        sis.data["enrollments"].append(enrollment("p200", "small"))

    assert bridge.sync(full=True).outcome is Outcome.APPLIED


def test_held_plan_is_applied_when_approved(school, bridge):
    school.drop("users", *STUDENTS[:11])
    held = bridge.sync(full=True)

    run = approve(bridge, held)

    assert (run.outcome, run.removed, len(bridge.records("users"))) == (Outcome.APPLIED, 11, 29)


def test_rest_is_applied_while_removals_wait(sis, tmp_path):
    bridge = ReadingBridge(tmp_path / "rest", apply_rest=True)
    sis.has_class("one", STUDENTS)
    bridge.register(sis)
    bridge.sync()
    for each in STUDENTS[:11]:
        sis.change("users", each, LATER, status="tobedeleted")
    sis.data["users"].append(user("new", dateLastModified=LATER))

    run = bridge.sync()

    assert run.outcome is Outcome.HELD
    assert bridge.records("users").keys() == {*STUDENTS, "new"}
    bridge.close()


def test_run_can_be_undone_and_the_source_is_paused(school, bridge):
    before = bridge.everything()
    school.drop("enrollments", "one-s00")
    school.change("users", "s01", LATER, familyName="Lovelace")
    school.data["users"].append(user("new"))
    run = bridge.sync(full=True)

    report = undo_run(bridge.wiring, run.id, "operator")

    after = bridge.everything()
    assert after["users"].pop("new")["status"] == "tobedeleted"
    assert (after, report.undone.left) == (before, [])
    assert bridge.wiring.registry.sources.get("north").pause is not None


def test_retired_source_ends_every_record(school, bridge):
    retire_source(bridge.wiring, bridge.wiring.registry.sources.get("north"), "operator")

    assert {record["status"] for records in bridge.everything().values() for record in records.values()} == {
        "tobedeleted"
    }
    assert bridge.wiring.registry.sources.all() == []


# -- records that cannot be used


def test_record_that_cannot_be_used_is_quarantined_and_the_others_are_not(school, bridge):
    school.data["users"].append(user("rootless", roles=[]))
    school.data["enrollments"].append({"sourcedId": "loose", "status": "active", "role": "student"})

    run = bridge.sync(full=True)

    assert bridge.quarantined(run) == {
        "users/rootless": "roles is missing",
        "enrollments/loose": "user is missing",
    }


def test_record_without_a_name_makes_nobody_be_missed(school, bridge):
    school.drop("users", "s00")
    school.data["users"].append({"givenName": "Ada", "status": "active"})

    run = bridge.sync(full=True)

    assert (run.removed, run.complete, bridge.quarantined(run)) == (
        0,
        False,
        {None: "a record of users has no sourcedId"},
    )


def test_record_that_cannot_be_used_any_more_stays_as_it_was(school, bridge):
    before = bridge.records("users")["s00"]
    school.change("users", "s00", LATER, roles=[])

    bridge.sync(full=True)

    assert bridge.records("users")["s00"] == before


def test_reference_to_nothing_is_kept(school, bridge):
    school.data["enrollments"].append(enrollment("nobody", "nowhere"))

    bridge.sync(full=True)

    assert bridge.records("enrollments")["nowhere-nobody"]["user"]["sourcedId"] == "nobody"


# -- collisions


@pytest.fixture
def south(school, bridge, make_sis):
    """Another SIS, which has a pupil, a class and an enrollment of the same names, and some of its own."""
    other = make_sis()
    other.has("orgs", org("south-school"))
    other.has("users", user("s00", familyName="Southerner"), user("only-south"))
    about = {"school": ref("org", "south-school"), "course": ref("course", "c"), "terms": [ref("academicSession", "t")]}
    other.has("classes", class_("south-class") | about)
    own = {"school": ref("org", "south-school")}
    other.has("enrollments", enrollment("s00", "south-class", **own), enrollment("only-south", "south-class", **own))
    for each in other.data["users"]:
        each["roles"][0]["org"] = ref("org", "south-school")
    return other


def test_sourced_id_that_is_taken_is_quarantined_and_stolen_from_nobody(south, bridge):
    before = bridge.records("users")["s00"]
    bridge.register(south, "south")

    run = bridge.sync("south")

    assert bridge.records("users")["s00"] == before
    assert run.outcome is Outcome.APPLIED
    reasons = bridge.quarantined(run)
    assert reasons.keys() == {"users/s00", "enrollments/south-class-s00"}
    assert "prefix" in reasons["users/s00"]
    assert "north" not in json.dumps(reasons)


def test_nobody_of_another_source_is_enrolled(south, bridge):
    bridge.register(south, "south")

    bridge.sync("south")

    assert set(bridge.records("enrollments")) & {"south-class-s00", "south-class-only-south"} == {
        "south-class-only-south"
    }


def test_tombstone_of_a_taken_sourced_id_ends_nobody(south, bridge):
    south.change("users", "s00", LATER, status="tobedeleted")
    bridge.register(south, "south")

    bridge.sync("south")

    assert "s00" in bridge.records("users")


def test_prefix_goes_before_every_sourced_id_and_every_reference(south, bridge):
    bridge.register(south, "south", prefix="s-")

    run = bridge.sync("south")

    assert run.quarantined == 0
    found = bridge.records("enrollments")["s-south-class-s00"]
    assert found["user"]["sourcedId"] == "s-s00"
    assert found["user"]["href"].endswith("/users/s-s00")
    assert bridge.records("users")["s-s00"]["roles"][0]["org"]["sourcedId"] == "s-south-school"


def test_class_that_loses_everybody_is_found_behind_a_prefix(bridge, sis):
    sis.has_class("large", [f"p{number:03}" for number in range(200)])
    sis.has_class("small", [f"p{number:03}" for number in range(12)])
    bridge.register(sis, prefix="x-")
    bridge.sync()
    sis.drop("enrollments", *(f"small-p{number:03}" for number in range(12)))

    assert "it would leave 1 class without anybody" in bridge.sync(full=True).message


# -- by itself


def run_scheduler(bridge):
    scheduling = Scheduling(bridge.wiring)
    with scheduling.workers():
        scheduling.refresh()
        scheduling.wait()


def test_scheduler_reads_a_new_source_and_by_night_only_its_changes(sis, bridge):
    sis.has_class("one", ["s00"])
    bridge.register(sis)
    run_scheduler(bridge)
    assert "s00" in bridge.records("users")
    bridge.later(hours=23)
    sis.asked.clear()

    run_scheduler(bridge)

    assert len(sis.conditions()) == 1


def test_paused_source_is_not_read_by_itself(sis, bridge):
    bridge.register(sis)
    bridge.wiring.registry.sources.pause("north", "operator")

    run_scheduler(bridge)

    assert sis.asked == []


def test_source_that_fails_is_left_alone_for_a_while(sis, bridge):
    sis.answers = lambda *_: Response(status=500)
    bridge.register(sis)
    run_scheduler(bridge)
    sis.asked.clear()

    run_scheduler(bridge)

    assert sis.asked == []
