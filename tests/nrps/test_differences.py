"""NRPS 2.0 section "Membership differences": asked for between full pulls, over real sockets."""

import json

import pytest
from click.testing import CliRunner

from bridge.cli import cli
from bridge.errors import SourceRefused
from bridge.mirror.decisions import DecisionKind
from bridge.mirror.runs import Mandate, Outcome, Runs
from bridge.practice.manners import RESTING, Failure
from bridge.practice.people import INSTRUCTOR, LEARNER
from bridge.roster.ports import Listed
from bridge.sync.reconciler import Approval
from tests.vendors.whole_way import COURSE, TEACHER, course_of, person

pytestmark = pytest.mark.clause('NRPS 2.0 "Membership differences"')


@pytest.fixture
def bridge(beside):
    """A course of twelve, read once in full, at an LMS that offers differences."""
    started = beside("generic", course_of(f"s{number:02}" for number in range(11)))
    started.manners.differences = True
    started.launch()
    assert started.sync().complete
    return started


def is_since(bridge):
    """Whether the last run asked for what had changed, and not for everybody."""
    return not bridge.wiring.mirror.db.execute("SELECT complete FROM runs ORDER BY id DESC").fetchone()[0]


def test_newcomers_and_changes_arrive_and_nobody_else_is_touched(bridge):
    bridge.roster.enroll(COURSE, person("new"), [LEARNER])
    bridge.roster.change_roles(COURSE, "s03", [INSTRUCTOR])

    run = bridge.sync()

    assert (run.added, run.changed, run.removed, run.unchanged, run.complete) == (1, 1, 0, 0, False)
    assert bridge.roles()["new"] == "student"
    assert bridge.roles()["s03"] == "teacher"
    assert len(bridge.roles()) == 13


def test_who_is_named_as_deleted_has_left_and_nobody_else(bridge):
    bridge.roster.drop(COURSE, "s05")

    run = bridge.sync()

    assert (run.outcome, run.removed) == (Outcome.APPLIED, 1)
    assert {user for user, one in bridge.enrollments().items() if one["status"] == "tobedeleted"} == {"s05"}


def test_who_comes_back_has_her_enrollment_again(bridge):
    before = bridge.enrollments()["s05"]["sourcedId"]
    bridge.roster.drop(COURSE, "s05")
    bridge.sync()
    bridge.roster.enroll(COURSE, person("s05"), [LEARNER])

    run = bridge.sync()

    assert (run.added, is_since(bridge)) == (1, True)
    assert (bridge.enrollments()["s05"]["status"], bridge.enrollments()["s05"]["sourcedId"]) == ("active", before)


def test_who_left_unnamed_stays_until_the_next_full_pull(bridge):
    bridge.manners.tells_deleted = False
    bridge.roster.drop(COURSE, "s05")

    assert bridge.sync().removed == 0
    assert bridge.enrollments()["s05"]["status"] == "active"

    bridge.clock.turn(days=7)

    run = bridge.sync()
    assert (run.complete, run.removed) == (True, 1)


def test_freshness_of_removals_dates_from_the_last_full_pull(bridge):
    full = bridge.standing().full_pull
    bridge.clock.turn(days=3)
    bridge.sync()
    assert (is_since(bridge), bridge.standing().full_pull) == (True, full)

    bridge.clock.turn(days=4)
    bridge.sync()

    assert (is_since(bridge), bridge.standing().full_pull > full) == (False, True)


def test_the_whole_roster_is_read_when_somebody_asks_for_it(bridge):
    assert bridge.sync(full=True).complete


def test_a_platform_whose_differences_are_not_to_be_trusted_is_read_in_full(bridge):
    bridge.set(differences=False)

    assert bridge.sync().complete
    assert bridge.standing().bookmark is None


def test_differences_in_pages_are_read_to_the_last(bridge):
    for number in range(5):
        bridge.roster.rename(f"s{number:02}", family_name="Renamed")
    bridge.sync(full=True)
    bridge.manners.differences_page = 2
    bridge.sync(full=True)
    for number in range(5):
        bridge.roster.rename(f"s{number:02}", family_name="Renamed again")

    run = bridge.sync()

    assert (run.changed, is_since(bridge)) == (5, True)


def test_changes_made_while_a_full_pull_was_read_are_in_the_differences(bridge):
    # The link of the first page counts: a later page's would not tell of somebody who changed behind that page's back.
    bridge.manners.page_size = 4
    told = []

    def change(members):
        if not told:
            told.append(members)
            bridge.roster.rename(TEACHER, family_name="Renamed")

    snapshot, _ = bridge.wiring.snapshots(bridge.context(), full=True)
    for item in snapshot:
        change(item)
    assert snapshot.bookmark is not None
    changes = snapshot.since(snapshot.bookmark)

    assert [each.subject for listed in changes if isinstance(listed, Listed) for each in listed] == [TEACHER]


def test_a_new_url_is_used_only_when_all_of_its_answer_was_applied(bridge):
    bridge.sync(full=True)
    bridge.manners.differences_page = 1
    bridge.sync(full=True)
    before = bridge.standing().bookmark
    bridge.roster.rename("s01", family_name="Renamed")
    bridge.roster.rename("s02", family_name="Renamed")
    bridge.manners.cut_connection_on_page = 2

    run = bridge.sync()

    assert run.outcome is Outcome.UNAVAILABLE
    assert bridge.standing().bookmark == before

    bridge.manners.cut_connection_on_page = None
    run = bridge.sync()

    assert (run.changed, is_since(bridge)) == (2, True)
    assert bridge.standing().bookmark != before


def test_the_old_url_is_asked_again_where_no_new_one_is_given(bridge):
    bridge.manners.renews_differences = False
    before = bridge.standing().bookmark
    for name in ("Renamed", "Renamed again"):
        bridge.roster.rename("s01", family_name=name)
        assert (bridge.sync().changed, is_since(bridge), bridge.standing().bookmark) == (1, True, before)


def test_differences_that_are_gone_are_given_up_and_everybody_is_read(bridge):
    bridge.roster.drop(COURSE, "s05")
    bridge.manners.differences_gone = True

    run = bridge.sync()

    assert (run.outcome, run.complete, run.removed) == (Outcome.APPLIED, True, 1)


def test_a_platform_that_is_busy_is_asked_for_differences_again_later(bridge):
    bridge.manners.fail_next.extend([RESTING] * 5)

    assert bridge.sync().outcome is Outcome.UNAVAILABLE
    bridge.sync()

    assert is_since(bridge)


def test_differences_of_another_host_are_not_asked_for(bridge):
    snapshot, _ = bridge.wiring.snapshots(bridge.context(), full=True)
    list(snapshot)
    changes = snapshot.since(
        snapshot.bookmark.replace("//127.0.0.1:", "//localhost:").replace("localhost", "127.0.0.1", 1)
    )

    with pytest.raises(SourceRefused, match="another scheme, host or port"):
        list(changes)


def test_differences_of_another_url_or_registration_do_not_count(bridge):
    snapshot, _ = bridge.wiring.snapshots(bridge.context(), full=True)
    list(snapshot)

    assert snapshot.since(snapshot.bookmark) is not None
    assert snapshot.since(snapshot.bookmark.replace("/memberships", "/elsewhere", 1)) is None
    assert snapshot.since(snapshot.bookmark.replace(bridge.platform.client_id, "former")) is None


def approval_of(bridge, held, kind=DecisionKind.APPROVED):
    return Approval(
        mandate=Mandate(kind=kind, made_by="operator", run=held.id),
        removals=frozenset(Runs(bridge.wiring.mirror, bridge.clock).held_removals(held.id)),
    )


def test_many_deleted_at_once_wait_for_a_person_and_are_not_forgotten(bridge):
    for number in range(11):
        bridge.roster.drop(COURSE, f"s{number:02}")

    held = bridge.sync()
    assert (held.outcome, held.removed) == (Outcome.HELD, 11)

    again = bridge.sync()
    assert (again.outcome, again.removed, again.complete) == (Outcome.HELD, 11, True)

    run = bridge.sync(approval=approval_of(bridge, again))
    assert (run.outcome, run.removed) == (Outcome.APPLIED, 11)


def test_approval_reads_in_full_whatever_happened_since_the_plan_was_held(bridge):
    bridge.manners.tells_deleted = False
    for number in range(11):
        bridge.roster.drop(COURSE, f"s{number:02}")
    held = bridge.sync(full=True)
    bridge.manners.fail_next.extend([Failure(503)] * 5)
    assert bridge.sync().outcome is Outcome.UNAVAILABLE

    run = bridge.sync(approval=approval_of(bridge, held))

    assert (run.outcome, run.removed, run.complete) == (Outcome.APPLIED, 11, True)


def test_removals_that_wait_while_the_rest_is_applied_are_not_forgotten(bridge):
    for number in range(10):
        bridge.roster.drop(COURSE, f"s{number:02}")
    bridge.roster.rename("s10", family_name="Renamed")
    held = bridge.sync()

    rest = bridge.sync(approval=approval_of(bridge, held, DecisionKind.APPROVED_REST))
    assert (rest.outcome, rest.records) == (Outcome.HELD, {"users": {"changed": 1}})

    again = bridge.sync()
    assert (again.outcome, again.changed, again.removed) == (Outcome.HELD, 0, 10)


def test_a_preview_of_differences_changes_nothing(bridge):
    bridge.roster.drop(COURSE, "s05")

    preview = bridge.wiring.preview(bridge.context())

    assert (preview.plan.removals, preview.plan.complete) == (1, False)
    assert bridge.enrollments()["s05"]["status"] == "active"


def test_a_context_that_differences_do_not_describe_keeps_its_title(bridge):
    bridge.roster.retitle(COURSE, "Retitled since the launch")
    bridge.sync(full=True)
    bridge.roster.enroll(COURSE, person("new"), [LEARNER])
    bridge.manners.context = "absent"

    run = bridge.sync()

    assert (run.added, is_since(bridge)) == (1, True)
    assert bridge.served("classes")[0]["title"] == "Retitled since the launch"


def test_a_consumer_of_the_command_line_sees_when_removals_were_last_certain(bridge, tmp_path):
    config = tmp_path / "bridge.toml"
    config.write_text(f'[storage]\ndirectory = "{tmp_path}"\n', encoding="utf-8")
    full = bridge.standing().full_pull
    bridge.roster.drop(COURSE, "s05")
    bridge.sync()

    listed = CliRunner().invoke(cli, ["--config", str(config), "contexts", "list", "--json"])

    (shown,) = json.loads(listed.stdout)
    assert (shown["lastFullPull"], shown["members"]) == (full, 11)
    assert shown["lastRun"] > full
