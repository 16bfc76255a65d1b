"""Everything that is held on a person can be shown, and erased for good."""

import json
from contextlib import ExitStack

import pytest

from bridge.backups import BackupFailed, back_up, restore
from bridge.errors import Busy, UnknownObject
from bridge.mirror.runs import Outcome
from bridge.oneroster.paging import Served
from bridge.people import erase_held_again, erase_person, export_person, held_again
from bridge.registry.erased import ErasedList
from bridge.registry.launches import TakenLaunch
from bridge.registry.registry import Registry
from bridge.roster.identity import LtiUserId, PersonKey, user_sourced_id
from bridge.roster.query import Place
from bridge.roster.visibility import Visibility
from bridge.settings import Storage
from bridge.upkeep import undo_run
from tests.wiring.world import ask, runs

ZORA = {
    "user_id": "zora-4711",
    "given_name": "Zora",
    "family_name": "Quillfeather",
    "email": "zora@example.org",
    "picture": "https://lms.example.org/zora.png",
    "roles": ["Learner"],
}
GRACE = {"user_id": "27", "given_name": "Grace", "family_name": "Abara", "roles": ["Learner"]}
HERS = [b"Quillfeather", b"Zora", b"zora@example.org", b"zora-4711", b"zora.png"]
ID = user_sourced_id("school", LtiUserId("zora-4711"))


@pytest.fixture
def course(wiring, lms, add_context):
    """A course in which her name has changed, which has left her out, and to which she has come back."""
    context = add_context("2", ZORA, GRACE)
    wiring.sync(context)
    lms.members["2"] = [ZORA | {"given_name": "Zora Maria"}, GRACE]
    wiring.sync(context)
    lms.members["2"] = [GRACE]
    wiring.sync(context)
    lms.members["2"] = [ZORA, GRACE]
    wiring.sync(context)
    wiring.registry.launch_roles.note("school", context.key, LtiUserId("zora-4711"), ["Instructor"])
    ask(wiring, context, kind="launch", user="zora-4711")
    return context


def bytes_of(directory):
    return b"".join(path.read_bytes() for path in sorted(directory.rglob("*")) if path.is_file())


def user(served):
    return next(record for record in served("users") if record["sourcedId"] == ID)


def test_export_shows_everything_that_is_held(wiring, course):
    shown = export_person(wiring, ID)

    assert [record["collection"] for record in shown["records"]] == ["users", "enrollments"]
    assert {"Zora", "Zora Maria"} <= {
        json.loads(change["before"])["givenName"]
        for change in shown["changes"]
        if change["before"] and change["collection"] == "users"
    }
    assert [fact["subject"] for fact in shown["facts"]] == ["zora-4711"]
    assert {change["change"] for change in shown["formerFacts"]} == {"added", "changed", "removed"}
    assert {event["collection"] for event in shown["events"]} == {"users", "enrollments"}
    assert [role["user_id"] for role in shown["launchRoles"]] == ["zora-4711"]
    assert [json.loads(item["payload"])["user"] for item in shown["inbox"]] == ["zora-4711"]
    assert "Abara" not in json.dumps(shown)


def test_no_file_holds_anything_of_her_afterwards(wiring, settings, course, served):
    assert all(text in bytes_of(settings.storage.directory) for text in HERS)

    erase_person(wiring, ID)

    assert [text for text in HERS if text in bytes_of(settings.storage.directory)] == []
    assert b"Abara" in bytes_of(settings.storage.directory)


def test_walk_that_had_come_to_her_is_forgotten_by_every_process(wiring, make_wiring, settings, course):
    other = make_wiring()
    for asked, name in enumerate(("Quillfeather", "Abara")):
        page = Served(behind=Place(7, name), offset=asked * 10, count=10, limit=10, total=50, more=True)
        other.walks.keep("client", "sorted by name", page)

    erase_person(wiring, ID)

    assert other.walks.find("client", "sorted by name", 10) is None
    other.walks.keep("client", "sorted by name", page)
    assert b"Quillfeather" not in settings.storage.walks.read_bytes()


def test_consumers_are_told_by_a_tombstone_without_a_name(wiring, course, served):
    before = len(wiring.outbox.read(0, Visibility.of_all(), ("users", "enrollments"), 100).events)

    erase_person(wiring, ID)

    tombstone = user(served)
    assert (tombstone["status"], tombstone["givenName"], tombstone["familyName"]) == ("tobedeleted", "Person", "erased")
    (enrollment,) = [record for record in served("enrollments") if record["user"]["sourcedId"] == ID]
    assert enrollment["status"] == "tobedeleted"
    assert "metadata" not in enrollment
    events = wiring.outbox.read(0, Visibility.of_all(), ("users", "enrollments"), 100).events[before:]
    assert [(event.collection, event.kind) for event in events] == [("users", "removed"), ("enrollments", "removed")]


def test_later_readings_leave_her_out(wiring, settings, course, served):
    erase_person(wiring, ID)

    run = wiring.sync(course, full=True)

    assert run.outcome is Outcome.UNCHANGED
    assert user(served)["status"] == "tobedeleted"
    assert [text for text in HERS if text in bytes_of(settings.storage.directory)] == []


def test_undoing_a_run_does_not_bring_her_back(wiring, settings, course, served):
    removed_her = next(run for run in runs(wiring).latest() if run.removed)
    erase_person(wiring, ID)

    undo_run(wiring, removed_her.id, "operator")

    assert user(served)["status"] == "tobedeleted"
    assert [text for text in HERS if text in bytes_of(settings.storage.directory)] == []


def test_restored_backup_is_made_to_forget_her(make_wiring, wiring, settings, clock, course, tmp_path):
    back_up(settings.storage, tmp_path / "before.zip", clock)
    erase_person(wiring, ID)
    wiring.close()

    restored = restore(settings.storage, tmp_path / "before.zip", clock)

    for path in restored.set_aside:
        path.unlink()
    assert [text for text in HERS if text in bytes_of(settings.storage.directory)] == []
    with Registry.open(settings.storage.registry, clock) as registry:
        assert registry.erased.holds(ID)


def test_restored_backup_is_made_to_forget_a_launch_of_hers(wiring, settings, clock, tmp_path):
    tool = wiring.registry.tools.add("quiz", key_set='{"keys":[]}')
    launch = TakenLaunch(
        tool=tool.client_id, tenant="school", context=None, person=PersonKey("zora-4711"), claims={"sub": "zora-4711"}
    )
    wiring.registry.launches.take(launch)
    back_up(settings.storage, tmp_path / "before.zip", clock)
    erase_person(wiring, ID)
    wiring.close()

    for path in restore(settings.storage, tmp_path / "before.zip", clock).set_aside:
        path.unlink()

    assert b"zora-4711" not in bytes_of(settings.storage.directory)


def test_registry_tells_nobody_who_was_erased(wiring, settings, course):
    erase_person(wiring, ID)

    assert ID.encode() not in settings.storage.registry.read_bytes()


def test_while_her_roster_is_being_read_nothing_is_erased(wiring, make_wiring, course):
    with make_wiring().holding(course), pytest.raises(Busy):
        erase_person(wiring, ID)


def test_erasing_waits_for_other_readings_of_her_source(wiring, make_wiring, lms, course, add_context, served):
    other = add_context("3", GRACE)
    wiring.sync(other)
    asks, reader = [], make_wiring()
    with ExitStack() as reading:
        assert reading.enter_context(reader.holding(other)) is not None

        erase_person(wiring, ID, sleep=lambda _: (asks.append(user(served)["status"]), reading.close()))

    assert asks == ["active"]
    assert user(served)["status"] == "tobedeleted"


def test_nobody_of_that_id_is_told_without_repeating_it(wiring, course):
    with pytest.raises(UnknownObject) as refused:
        export_person(wiring, "zora@example.org")

    assert "zora" not in str(refused.value)


def test_backup_restored_elsewhere_with_the_list_is_made_to_forget_her(wiring, settings, clock, course, tmp_path):
    back_up(settings.storage, tmp_path / "before.zip", clock)
    erase_person(wiring, ID)
    elsewhere = Storage(directory=tmp_path / "elsewhere")

    restore(elsewhere, tmp_path / "before.zip", clock, erased=ErasedList.read(wiring.registry.erased.list().write()))

    assert [text for text in HERS if text in bytes_of(elsewhere.directory)] == []
    with Registry.open(elsewhere.registry, clock) as registry:
        assert registry.erased.holds(ID)


def test_list_of_another_installation_is_not_applied(wiring, settings, clock, course, tmp_path):
    erase_person(wiring, ID)
    back_up(settings.storage, tmp_path / "after.zip", clock)
    other = ErasedList(bytes(32), [(bytes(32), "2026-11-20T08:00:00.000Z")])
    elsewhere = Storage(directory=tmp_path / "elsewhere")

    with pytest.raises(BackupFailed, match="another installation"):
        restore(elsewhere, tmp_path / "after.zip", clock, erased=other)
    assert not elsewhere.mirror.exists()


def test_doctor_finds_who_is_held_again_and_erase_again_mends_it(wiring, settings, clock, course, tmp_path):
    back_up(settings.storage, tmp_path / "before", clock)
    erase_person(wiring, ID)
    assert held_again(wiring) == 0
    wiring.mirror.db.execute("ATTACH ? AS before", (str(tmp_path / "before" / "mirror.sqlite"),))
    wiring.mirror.db.execute("INSERT OR REPLACE INTO facts SELECT * FROM before.facts")
    wiring.mirror.db.execute("DETACH before")

    page = Served(behind=Place(7, "Quillfeather"), offset=0, count=10, limit=10, total=50, more=True)
    wiring.walks.keep("client", "sorted by name", page)

    assert held_again(wiring) == 1
    assert erase_held_again(wiring) == 1
    assert held_again(wiring) == 0
    assert [text for text in HERS if text in bytes_of(settings.storage.directory)] == []
