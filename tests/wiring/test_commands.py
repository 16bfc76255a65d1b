"""What an operator does about reconciling from the command line."""

import getpass
import json
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner

from bridge import cli
from bridge.deciding import held_run
from bridge.errors import InvalidRequest
from bridge.mirror.runs import Outcome, Runs
from tests.wiring.world import outcomes, runs


@pytest.fixture
def clock():
    """The commands have the real one."""
    return lambda: datetime.now(UTC)


@pytest.fixture
def bridge(wiring, settings):
    """Runs a command, and reads what it reports if it is asked for JSON."""
    environment = {
        "BRIDGE_STORAGE_DIRECTORY": str(settings.storage.directory),
        "BRIDGE_OUTGOING_ALLOWED_HOSTS": ",".join(settings.outgoing.allowed_hosts),
    }

    def run(*arguments, fails=0, answers=None):
        result = CliRunner().invoke(cli.cli, [str(each) for each in arguments], env=environment, input=answers)
        assert result.exit_code == fails, result.output
        return json.loads(result.stdout) if "--json" in arguments else result.stdout

    return run


@pytest.fixture
def held(wiring, lms, add_platform, add_context):
    """Makes a context of 40 of whom 11 are to go."""
    platform = add_platform()

    def held(name="2"):
        members = [{"user_id": f"{name}-{number}", "roles": ["Learner"]} for number in range(40)]
        context = add_context(name, *members, platform=platform)
        wiring.sync(context)
        lms.members[name] = members[:29]
        run = wiring.sync(context)
        assert run.outcome is Outcome.HELD
        return run

    return held


@pytest.fixture
def active(wiring):
    """Counts the records of a collection that have not ended."""

    def active(collection):
        rows = wiring.mirror.db.execute(f"SELECT count(*) FROM \"{collection}\" WHERE status = 'active'")
        return rows.fetchone()[0]

    return active


def test_approval_applies_what_was_held_and_names_who_gave_it(bridge, held, active):
    run = held()

    report = bridge("approve", run.id, "--json")

    assert (report["outcome"], report["removed"], active("enrollments")) == ("applied", 11, 29)
    (decision,) = bridge("runs", "show", run.id, "--json")["decisions"]
    assert (decision["kind"], decision["made_by"], decision["led_to"]) == ("approved", getpass.getuser(), report["id"])
    assert f"{getpass.getuser()} approved, which led to run {report['id']}" in bridge("runs", "show", run.id)
    assert f"{getpass.getuser()} approved run {run.id}" in bridge("runs", "show", report["id"])


def test_approval_lets_nobody_go_who_was_not_in_the_held_set(bridge, held, lms, active):
    run = held()
    lms.members["2"].pop()

    report = bridge("approve", run.id, "--json", fails=3)

    assert (report["outcome"], report["removed"], active("enrollments")) == ("held", 12, 40)


def test_rest_can_be_approved_alone(bridge, held, lms, active):
    run = held()
    lms.members["2"].append({"user_id": "new", "roles": ["Learner"]})

    report = bridge("approve", run.id, "--except-removals", "--json", fails=3)

    assert (report["outcome"], active("enrollments")) == ("held", 41)
    assert [each["id"] for each in bridge("runs", "--held", "--json")] == [report["id"]]


def test_all_of_a_tenant_can_be_approved_together(bridge, held, active):
    for name in ("2", "3", "4"):
        held(name)

    reports = bridge("approve", "--all", "--platform", "school", "--json")

    assert [report["outcome"] for report in reports] == ["applied"] * 3
    assert active("enrollments") == 3 * 29
    assert bridge("approve", "--all", "--platform", "school") == "No plan of school waits.\n"


@pytest.mark.parametrize("arguments", [[], ["--all"], ["--platform", "school"], ["1", "--all", "--platform", "school"]])
def test_what_is_to_be_approved_must_be_clear(bridge, arguments):
    bridge("approve", *arguments, fails=2)


def test_rejected_plan_waits_no_more(bridge, held, active):
    run = held()

    assert "is rejected" in bridge("reject", run.id)

    assert bridge("runs", "--held", "--json") == []
    assert [each["kind"] for each in bridge("runs", "show", run.id, "--json")["decisions"]] == ["rejected"]
    assert active("enrollments") == 40


@pytest.mark.parametrize("command", ["approve", "reject"])
def test_rejected_plan_is_decided_about_once(bridge, held, wiring, command):
    run = held()
    bridge("reject", run.id)

    bridge(command, run.id, fails=1)

    runs = Runs(wiring.mirror, wiring.clock)
    assert runs.latest(1)[0].id == run.id  # nothing was read
    with pytest.raises(InvalidRequest, match=f"run {run.id} waits no more: it was rejected"):
        held_run(runs, run.id)


@pytest.mark.parametrize("command", ["approve", "reject"])
def test_approved_plan_is_decided_about_once(bridge, held, wiring, command):
    run = held()
    led_to = bridge("approve", run.id, "--json")["id"]

    bridge(command, run.id, fails=1)

    with pytest.raises(InvalidRequest, match=f"run {run.id} waits no more: run {led_to} came after it"):
        held_run(Runs(wiring.mirror, wiring.clock), run.id)


def test_held_sync_says_once_that_it_is_held(bridge, held):
    held()

    assert bridge("sync", "2", fails=3).count("held") == 1


def test_roster_of_which_nobody_could_be_used_is_no_success(bridge, wiring, lms, add_context):
    add_context("2", {"roles": ["Learner"]}, {"roles": ["Learner"]})

    assert "2 quarantined" in bridge("sync", "2", fails=3)
    lms.members["2"].append({"user_id": "usable", "roles": ["Learner"]})
    assert "1 added" in bridge("sync", "2")


@pytest.mark.parametrize("command", ["approve", "reject"])
def test_only_what_is_held_can_be_decided_about(bridge, wiring, add_context, command):
    wiring.sync(add_context())

    for run_id in (1, 99):
        bridge(command, run_id, fails=1)


def test_pauses_are_shown_with_who_made_them(bridge, add_context):
    add_context()
    bridge("contexts", "pause", "2", "--reason", "exams")
    bridge("platforms", "pause", "school")

    (context,), (platform,) = bridge("contexts", "list", "--json"), bridge("platforms", "list", "--json")
    assert (context["state"], context["due"]) == ("paused", False)
    assert platform["paused"]["paused_by"] == getpass.getuser()

    assert "is read again" in bridge("contexts", "resume", "2")
    assert "is read again" in bridge("platforms", "resume", "school")
    assert "was not paused" in bridge("platforms", "resume", "school")
    (context,) = bridge("contexts", "list", "--json")
    assert (context["state"], context["due"]) == ("never read", True)


def test_decisions_are_listed_newest_first_with_who_made_them(bridge, held):
    assert bridge("decisions") == "Nobody has decided anything yet.\n"
    run = held()
    bridge("reject", run.id)
    bridge("contexts", "pause", "2")
    bridge("platforms", "pause", "school")

    listed = bridge("decisions", "--json")

    assert [(one["kind"], one["run"], one["about"].split(" ")[0]) for one in listed] == [
        ("paused", None, "platform"),
        ("paused", None, "class"),
        ("rejected", run.id, ""),
    ]
    assert {one["made_by"] for one in listed} == {getpass.getuser()}
    assert f"rejected\t{run.id}" in bridge("decisions")


def test_context_can_have_a_target_of_its_own(bridge, wiring, add_context):
    context = add_context()

    bridge("contexts", "set", "2", "--freshness-hours", 3)
    assert wiring.registry.targets.of(context.tenant, context.key) == 3

    bridge("contexts", "set", "2", "--freshness-hours", 0)
    assert wiring.registry.targets.of(context.tenant, context.key) is None


def test_context_is_retired_only_if_that_is_meant(bridge, wiring, add_context, active):
    wiring.sync(add_context())

    bridge("contexts", "retire", "2", answers="n\n", fails=1)
    assert active("classes") == 1

    report = bridge("contexts", "retire", "2", "--yes", "--json")
    assert (report["removed"], report["decided_by"], active("classes")) == (1, getpass.getuser(), 0)


def test_platform_is_removed_with_its_records_only_if_that_is_meant(bridge, wiring, add_platform, add_context, active):
    platform = add_platform()
    wiring.sync(add_context(platform=platform))

    bridge("platforms", "remove", platform.id, "--retire", answers="n\n", fails=1)
    assert (active("users"), len(wiring.registry.platforms.all())) == (1, 1)

    bridge("platforms", "remove", platform.id, "--retire", "--yes")
    assert (active("users"), wiring.registry.platforms.all()) == (0, [])


def test_doctor_tells_of_plans_that_wait_and_platforms_that_do_not_answer(bridge, wiring, held):
    held()
    (platform,) = wiring.registry.platforms.all()
    for _ in range(5):
        wiring.registry.circuits.failed(platform.id, news=True)

    problems = {each["check"]: each["problem"] for each in bridge("doctor", "--json", fails=1)}

    assert problems["held plans"] == "1 plan waits for somebody's word: see 'bridge runs --held'"
    assert problems["circuit school"].startswith("open, 5 contexts in a row could not be read: it is tried again at 20")
    assert problems["contexts"] is None
    assert bridge("platforms", "list", "--json")[0]["circuit"]["state"] == "open"
    assert outcomes(wiring)[0] is Outcome.HELD
    assert runs(wiring).waiting()
