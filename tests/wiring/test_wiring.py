"""What runs when, who may run it, and what an operator's settings and options do to it."""

import sqlite3
import threading
from dataclasses import replace

import pytest

from bridge.errors import ConfigError, InvalidRequest
from bridge.mirror.runs import Outcome
from bridge.rounds import sync_all
from bridge.settings import Nrps, Roles, School, Server
from tests.wiring.world import ask, due, outcomes, refresh, runs, take_inbox

SITE_ADMIN = "http://purl.imsglobal.org/vocab/lis/v2/institution/person#Administrator"
TEST_USER = "http://purl.imsglobal.org/vocab/lti/system/person#TestUser"


# -- one at a time


def test_context_that_another_process_is_at_is_left_to_it(wiring, make_wiring, lms, add_context):
    context, other = add_context(), make_wiring()
    found = []
    lms.meanwhile = lambda: found.append(other.sync(context))

    assert wiring.sync(context).outcome is Outcome.APPLIED
    assert found == [None]
    assert outcomes(wiring) == [Outcome.APPLIED]


@pytest.mark.parametrize("members", [pytest.param([], id="fine"), pytest.param(None, id="failing")])
def test_context_is_free_again_when_a_run_has_ended(wiring, make_wiring, lms, add_context, members):
    context = add_context()
    lms.members["2"] = members
    wiring.sync(context)

    assert make_wiring().sync(context) is not None


def test_context_of_a_process_that_died_is_free_after_its_lease(wiring, make_wiring, lms, clock, add_context):
    context, other = add_context(), make_wiring()
    lms.meanwhile = lambda: clock.turn(minutes=16)  # as long as if the process had slept

    run = wiring.sync(context)

    assert (run.outcome, "longer than the lease" in run.message) == (Outcome.UNAVAILABLE, True)
    lms.meanwhile = lambda: None
    assert other.sync(context).outcome is Outcome.APPLIED


def test_process_that_slept_past_its_lease_undoes_nothing(wiring, make_wiring, lms, clock, add_context, served):
    context, other = add_context("2", {"user_id": "27", "roles": ["Learner"]}), make_wiring()

    def overtake():
        lms.meanwhile = lambda: None
        clock.turn(minutes=16)
        old, lms.members["2"] = lms.members["2"], [{"user_id": "28", "roles": ["Learner"]}]
        assert other.sync(context).outcome is Outcome.APPLIED
        lms.members["2"] = old

    lms.meanwhile = overtake

    assert wiring.sync(context).outcome is Outcome.UNAVAILABLE
    assert [each["metadata"]["lti.userId"] for each in served("enrollments")] == ["28"]


def test_several_are_read_and_told_of_in_their_order(wiring, add_context):
    contexts = [add_context(str(number), {"user_id": "27", "roles": ["Learner"]}) for number in range(2, 9)]
    told = []

    sync_all(wiring, contexts, done=lambda context, run: told.append((context, run.outcome)))

    assert told == [(context, Outcome.APPLIED) for context in contexts]


def test_failure_of_the_bridge_itself_in_one_keeps_no_other_from_its_turn(wiring, add_context):
    contexts = [add_context(str(number)) for number in (2, 3, 4)]
    wiring.mirror.db.execute(
        "CREATE TRIGGER broken BEFORE INSERT ON facts WHEN new.context = '[\"2\"]'"
        " BEGIN SELECT RAISE(ABORT, 'broken for the test'); END"
    )
    told = []

    with pytest.raises(Exception, match="broken for the test"):
        sync_all(wiring, contexts, done=lambda context, run: told.append((context.context_id, run.outcome)))

    assert told == [("3", Outcome.APPLIED), ("4", Outcome.APPLIED)]
    assert sorted(outcomes(wiring)) == [Outcome.APPLIED, Outcome.APPLIED, Outcome.BROKEN]


# -- the scheduler's lease


def test_one_of_two_schedulers_works(wiring, make_wiring):
    other = make_wiring()

    assert (wiring.hold_scheduler_lease(), other.hold_scheduler_lease()) == (True, False)
    assert (wiring.hold_scheduler_lease(), other.hold_scheduler_lease()) == (True, False)


def test_scheduler_that_stops_makes_room_at_once(wiring, make_wiring):
    other = make_wiring()
    wiring.hold_scheduler_lease()

    wiring.release_scheduler_lease()

    assert other.hold_scheduler_lease()


def test_scheduler_that_died_makes_room_after_its_lease(wiring, make_wiring, clock):
    other = make_wiring()
    wiring.hold_scheduler_lease()
    clock.turn(seconds=31)

    assert (other.hold_scheduler_lease(), wiring.hold_scheduler_lease()) == (True, False)


def test_scheduler_that_keeps_its_lease_is_not_replaced(wiring, make_wiring, clock):
    other = make_wiring()
    for _ in range(5):
        assert wiring.hold_scheduler_lease()
        clock.turn(seconds=20)

    assert not other.hold_scheduler_lease()


def test_releasing_what_is_not_held_does_nothing(wiring, make_wiring):
    other = make_wiring()
    wiring.hold_scheduler_lease()

    other.release_scheduler_lease()

    assert not other.hold_scheduler_lease()


def test_what_a_dead_scheduler_had_taken_is_taken_up_again(wiring, make_wiring, clock, add_context):
    context, other = add_context(), make_wiring()
    other.hold_scheduler_lease()
    ask(wiring, context)
    other.registry.inbox.take()  # and then it died
    clock.turn(seconds=31)

    wiring.hold_scheduler_lease()
    take_inbox(wiring)

    assert outcomes(wiring) == [Outcome.APPLIED]


# -- settings, and a platform's options over them


def user_roles(served):
    return [[role["role"] for role in user["roles"]] for user in served("users")]


@pytest.mark.parametrize(
    ("sections", "options", "name", "identifier"),
    [
        pytest.param({}, {}, "school", "school", id="tenant"),
        pytest.param({"school": School(name="Hill", identifier="4711")}, {}, "Hill", "4711", id="configuration"),
        pytest.param(
            {"school": School(name="Hill", identifier="4711")},
            {"school_name": "Sea", "school_identifier": "0815"},
            "Sea",
            "0815",
            id="platform",
        ),
        pytest.param(
            {"school": School(name="Hill")}, {"school_identifier": "0815"}, "Hill", "0815", id="each-by-itself"
        ),
    ],
)
def test_school_is_called_as_set(make_wiring, add_platform, add_context, served, sections, options, name, identifier):
    make_wiring(**sections).sync(add_context(platform=add_platform(**options)))

    (school,) = served("orgs")
    assert (school["name"], school["identifier"]) == (name, identifier)


@pytest.mark.parametrize(
    ("set_for_all", "options", "role"),
    [
        pytest.param("compat", {}, None, id="compat"),
        pytest.param("ext", {}, "ext:mentor", id="ext"),
        pytest.param("compat", {"role_mapping": "ext"}, "ext:mentor", id="platform-ext"),
        pytest.param("ext", {"role_mapping": "compat"}, None, id="platform-compat"),
    ],
)
def test_role_mapping_is_as_set(make_wiring, add_platform, add_context, served, set_for_all, options, role):
    context = add_context("2", {"user_id": "27", "roles": ["Mentor"]}, platform=add_platform(**options))
    mapping = Roles(role_mapping=set_for_all)

    make_wiring(mapping=mapping).sync(context)

    assert [each["role"] for each in served("enrollments")] == ([role] if role else [])


@pytest.mark.parametrize("set_for_all", [True, False])
@pytest.mark.parametrize(
    ("options", "trusted"),
    [
        pytest.param({}, None, id="as-configured"),
        pytest.param({"trust_admin_roles": True}, True, id="platform-trusted"),
        pytest.param({"trust_admin_roles": False}, False, id="platform-not-trusted"),
    ],
)
def test_administrators_are_trusted_as_set(
    make_wiring, add_platform, add_context, served, set_for_all, options, trusted
):
    context = add_context("2", {"user_id": "27", "roles": [SITE_ADMIN]}, platform=add_platform(**options))

    make_wiring(mapping=Roles(trust_admin_roles=set_for_all)).sync(context)

    expected = set_for_all if trusted is None else trusted
    assert user_roles(served) == [["siteAdministrator" if expected else "ext:administrator"]]


@pytest.mark.parametrize(("options", "kept"), [({}, 0), ({"keep_test_users": True}, 1)], ids=["left-out", "kept"])
def test_test_users_are_kept_as_set(wiring, add_platform, add_context, served, options, kept):
    member = {"user_id": "27", "roles": ["Learner", TEST_USER]}
    wiring.sync(add_context("2", member, platform=add_platform(**options)))

    assert len(served("users")) == kept


def test_platforms_role_table_goes_over_the_installations(make_wiring, add_platform, add_context, served, tmp_path):
    both, one = tmp_path / "both.toml", tmp_path / "one.toml"
    both.write_text(
        '[context]\n"Mentor" = { rank = 5, enrollment = "proctor" }\n"Member" = { rank = 6, enrollment = "student" }\n'
    )
    one.write_text('[context]\n"Mentor" = { rank = 5, enrollment = "teacher" }\n')
    members = [{"user_id": "27", "roles": ["Mentor"]}, {"user_id": "28", "roles": ["Member"]}]
    context = add_context("2", *members, platform=add_platform(role_table=str(one)))

    make_wiring(mapping=Roles(role_table=both)).sync(context)

    assert [each["role"] for each in served("enrollments")] == ["teacher", "student"]


@pytest.mark.parametrize(
    ("set_for_all", "vendor", "options", "query"),
    [
        pytest.param(0, "generic", {}, "course=2", id="none"),
        pytest.param(50, "generic", {}, "course=2&limit=50", id="configuration"),
        pytest.param(50, "generic", {"page_limit": 7}, "course=2&limit=7", id="platform"),
        pytest.param(50, "generic", {"page_limit": 0}, "course=2", id="platform-without"),
        pytest.param(50, "moodle", {}, "course=2", id="vendor-without"),
        pytest.param(50, "moodle", {"page_limit": 7}, "course=2&limit=7", id="platform-before-vendor"),
    ],
)
def test_pages_are_asked_for_as_set(make_wiring, add_platform, add_context, lms, set_for_all, vendor, options, query):
    platform = add_platform(vendor=vendor, **options)
    make_wiring(nrps=Nrps(page_limit=set_for_all)).sync(add_context(platform=platform))

    assert lms.asked == [query]


def test_platform_that_shows_only_some_removes_nobody(wiring, lms, add_platform, add_context, served):
    context = add_context(
        "2", *[{"user_id": user, "roles": ["Learner"]} for user in "ab"], platform=add_platform(complete_rosters=False)
    )
    wiring.sync(context)
    lms.members["2"].pop()

    run = wiring.sync(context)

    assert (run.complete, run.removed) == (False, 0)
    assert {each["status"] for each in served("enrollments")} == {"active"}


def test_larger_roster_than_allowed_is_refused_as_a_whole(make_wiring, add_context, served):
    context = add_context("2", *[{"user_id": user, "roles": ["Learner"]} for user in "abc"])

    run = make_wiring(nrps=Nrps(max_members=2)).sync(context)

    assert (run.outcome, served("enrollments")) == (Outcome.REFUSED, [])


def test_changed_option_makes_every_document_anew(wiring, add_platform, add_context, served):
    platform = add_platform()
    context = add_context("2", {"user_id": "27", "roles": ["Mentor"]}, platform=platform)
    wiring.sync(context)
    wiring.registry.platforms.update(replace(platform, options={"role_mapping": "ext"}))

    run = wiring.sync(context)

    assert (run.changed, run.unchanged) == (0, 1)
    assert [each["role"] for each in served("enrollments")] == ["ext:mentor"]


# -- registrations that cannot be used


def test_bad_option_is_refused_when_a_platform_is_registered(add_platform):
    with pytest.raises(InvalidRequest, match="option: role_mapping must be one of compat, ext"):
        add_platform(role_mapping="weird")


def test_reading_that_cannot_even_begin_for_a_fault_of_ours_is_on_record(wiring, add_context):
    context = add_context("2")
    wiring.registry.db.execute("DROP TABLE erased")

    with pytest.raises(sqlite3.OperationalError):
        wiring.sync(context)

    latest = runs(wiring).latest_by_context()[context.tenant, context.key]
    assert (latest.outcome, latest.message) == (Outcome.BROKEN, "the bridge itself failed: OperationalError")


def test_unknown_vendor_is_refused_when_a_platform_is_changed(wiring, add_platform):
    with pytest.raises(InvalidRequest, match="vendor: must be one of "):
        wiring.registry.platforms.update(replace(add_platform(), vendor="moodel"))


def test_bad_option_that_was_stored_ends_the_run_in_words_and_keeps_no_other_from_its_turn(
    wiring, lms, add_platform, add_context
):
    bad = add_context("2", platform=add_platform("north"))
    good = add_context("3", platform=add_platform("south", client_id="bridge-2"))
    wiring.registry.db.execute("""UPDATE platforms SET options = '{"page_limit": "ten"}' WHERE tenant = 'north'""")

    refresh(wiring)

    latest = runs(wiring).latest_by_context()
    refused = latest[bad.tenant, bad.key]
    assert refused.outcome is Outcome.REFUSED
    assert "the registration cannot be used: option: page_limit must be a whole number" in refused.message
    assert latest[good.tenant, good.key].outcome is Outcome.APPLIED
    assert due(wiring) == []


def test_role_table_that_has_gone_ends_the_run_and_names_the_file(wiring, add_platform, add_context, tmp_path):
    table = tmp_path / "roles.toml"
    table.write_text("")
    context = add_context(platform=add_platform(role_table=str(table)))
    table.unlink()

    run = wiring.sync(context)

    assert (run.outcome, f"role table {table}: cannot be read" in run.message) == (Outcome.REFUSED, True)


def test_context_whose_platform_was_removed_meanwhile_ends_the_run(wiring, add_context):
    context = add_context()
    wiring.registry.platforms.remove(context.platform_id)

    run = wiring.sync(context)

    assert (run.outcome, "no platform has the id" in run.message) == (Outcome.REFUSED, True)


def test_preview_changes_and_records_nothing(wiring, add_context, served):
    context = add_context()

    preview = wiring.preview(context)

    assert (preview.plan.held_after, preview.objection) == (1, None)
    assert (served("enrollments"), outcomes(wiring)) == ([], [])


# -- connections


def test_thread_keeps_its_own_connections(wiring):
    def opened():
        return wiring.registry, wiring.mirror, wiring.pages

    here, others = opened(), []
    thread = threading.Thread(target=lambda: others.append(opened()))
    thread.start()
    thread.join()

    assert opened() == here
    assert not set(map(id, here)) & set(map(id, others[0]))


def test_closed_connections_are_opened_anew(wiring, add_context, served):
    context = add_context()
    wiring.close()

    assert wiring.sync(context).outcome is Outcome.APPLIED
    assert len(served("enrollments")) == 1


def test_walks_of_earlier_versions_are_deleted_at_start(settings, make_wiring):
    settings.storage.directory.mkdir()
    for path in settings.storage.former_walks:
        path.touch()

    make_wiring()

    assert {path.name for path in settings.storage.directory.glob("walks*")} == {"walks"}


def test_walks_that_cannot_be_used_are_told_of_at_start(settings, make_wiring):
    settings.storage.walks.mkdir(parents=True)

    with pytest.raises(ConfigError, match="walks: cannot be used"):
        make_wiring()


def test_threads_share_one_memory_of_walks(wiring):
    others = []
    thread = threading.Thread(target=lambda: others.append(wiring.walks))
    thread.start()
    thread.join()

    assert others == [wiring.walks]


def test_new_public_address_moves_every_reference_and_no_date(wiring, make_wiring, add_context, served):
    wiring.sync(add_context())
    (before,) = served("enrollments")

    moved = make_wiring(server=Server(public_url="https://bridge.example.org"))

    (after,) = served("enrollments", moved)
    assert after["class"]["href"] == before["class"]["href"].replace(
        "http://127.0.0.1:8080/", "https://bridge.example.org/"
    )
    assert after["dateLastModified"] == before["dateLastModified"]
