"""The commands about what was done: changes, undo, purge, backup and restore, webhooks."""

import json

import pytest
from click.testing import CliRunner
from pytest_httpserver import HTTPServer

from bridge.cli import cli
from bridge.clock import utc_now
from bridge.errors import InvalidRequest, UnknownObject
from bridge.registry.registry import Registry
from bridge.roster.identity import LtiUserId, context_key, user_sourced_id
from bridge.roster.memberships import Context
from bridge.settings import Storage
from tests.mirror.conftest import biology
from tests.mirror.rosters_in_memory import INSTRUCTOR, ISSUER, PUBLIC_URL, School

__all__ = ["biology"]

NOBODY = "http://localhost:9"
"""Where nothing listens."""


@pytest.fixture
def files(tmp_path):
    files = Storage(directory=tmp_path / "var")
    files.directory.mkdir()
    return files


@pytest.fixture
def school(files):
    opened = School(files.mirror)
    yield opened
    opened.close()


@pytest.fixture
def registry(files):
    with Registry.open(files.registry) as opened:
        platform = opened.platforms.add(
            issuer=ISSUER,
            client_id="bridge-1",
            auth_login_url=f"{NOBODY}/auth",
            token_url=f"{NOBODY}/token",
            jwks_url=f"{NOBODY}/jwks",
            tenant="north",
        )
        opened.contexts.add(
            platform,
            context_key("biology"),
            Context(context_id="biology", label="biology"),
            memberships_url=f"{NOBODY}/members",
            deployment_id="1",
        )
        yield opened


@pytest.fixture
def bridge(tmp_path, files, registry):
    """Runs a command; gives its exit code and what it wrote, as JSON if that was asked for."""
    config = tmp_path / "bridge.toml"
    config.write_text(
        f'[server]\npublic_url = "{PUBLIC_URL}"\n[storage]\ndirectory = "{files.directory}"\n'
        '[outgoing]\nallowed_hosts = ["localhost"]\n'
    )

    def bridge(*arguments):
        result = CliRunner().invoke(cli, ["--config", str(config), *map(str, arguments)])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.exit_code, json.loads(result.stdout) if "--json" in arguments else result.stdout

    return bridge


@pytest.fixture
def renamed(school, biology):
    """A run that gave Ann another name and another role."""
    school.reconcile(biology)
    biology.enrol("ann", INSTRUCTOR, given_name="Hannah", family_name="Abara")
    return school.reconcile(biology)


ANN = user_sourced_id("north", LtiUserId("ann"))


def test_changes_of_a_record_are_listed_newest_first_without_names(bridge, renamed):
    code, found = bridge("changes", "--record", ANN, "--json")

    assert code == 0
    assert [(change["run"], change["kind"]) for change in found] == [(renamed.id, "changed"), (1, "added")]
    assert {"field": "givenName", "personal": True} in found[0]["differences"]
    assert "Hannah" not in json.dumps(found)
    assert "Abara" not in json.dumps(found)


def test_personal_shows_names(bridge, renamed):
    _, found = bridge("changes", "--record", ANN, "--limit", 1, "--personal", "--json")

    assert {"field": "givenName", "personal": True, "before": "Ann", "after": "Hannah"} in found[0]["differences"]


def test_changes_can_be_asked_for_by_run_and_collection(bridge, renamed):
    _, found = bridge("changes", "--run", renamed.id, "--collection", "enrollments", "--json")

    (change,) = found
    assert {"field": "role", "personal": False, "before": "student", "after": "teacher"} in change["differences"]


@pytest.mark.parametrize(
    ("option", "named"),
    [("--source", "no tenant and no source nowhere: see 'bridge platforms list'"), ("--run", "no run 99: see 'bridge")],
)
def test_changes_of_what_there_is_not_are_refused_and_say_where_to_look(bridge, renamed, option, named):
    with pytest.raises(UnknownObject, match=named):
        bridge("changes", option, {"--source": "nowhere", "--run": 99}[option], "--json")


def test_changes_by_a_source_that_is_forgotten_are_listed_still(bridge, renamed, registry):
    (platform,) = registry.platforms.all()
    registry.platforms.remove(platform.id)

    assert bridge("changes", "--source", "north", "--json")[1]


def test_source_that_nothing_was_read_from_has_no_changes(bridge, registry):
    assert bridge("changes", "--source", "north") == (0, "No such change is in the log.\n")


def test_changes_are_lines_for_people(bridge, renamed):
    _, text = bridge("changes", "--run", renamed.id)

    assert f"run {renamed.id}  north  users {ANN}: changed" in text
    assert "    givenName: changed (--personal shows it)" in text
    assert "    role: student -> teacher" in text


def test_a_run_is_shown_with_its_changes(bridge, renamed):
    _, shown = bridge("runs", "show", renamed.id, "--changes", "--json")
    _, text = bridge("runs", "show", renamed.id, "--changes", "--personal")

    assert {change["collection"] for change in shown["changes"]} == {"users", "enrollments"}
    assert "givenName: Ann -> Hannah" in text


def test_undo_restores_and_pauses_until_resumed(bridge, renamed, school, registry, biology):
    code, done = bridge("undo", renamed.id, "--json")

    assert (code, done["left"], done["paused"]) == (0, [], True)
    assert len(done["restored"]) == 2
    assert school.user("ann")["givenName"] == "Ann"
    assert ("north", biology.key) in registry.pauses.contexts()
    bridge("contexts", "resume", done["class"])
    assert registry.pauses.contexts() == {}


def test_undo_is_recorded_with_who_did_it(bridge, renamed):
    _, done = bridge("undo", renamed.id, "--json")
    _, shown = bridge("runs", "show", done["run"], "--json")

    (decision,) = shown["decisions"]
    assert (decision["kind"], decision["run"]) == ("undone", renamed.id)
    assert decision["made_by"]


def test_undo_rehearsed_changes_nothing(bridge, renamed, school, registry):
    held = school.dump()

    code, done = bridge("undo", renamed.id, "--dry-run", "--json")

    assert (code, done["run"], done["paused"]) == (0, None, False)
    assert len(done["restored"]) == 2
    assert school.dump() == held
    assert registry.pauses.contexts() == {}


def test_undo_of_what_has_changed_since_lists_it_and_pauses_nothing(bridge, renamed, school, biology, registry):
    biology.enrol("ann", INSTRUCTOR, given_name="Johanna", family_name="Abara")
    later = school.reconcile(biology)

    code, done = bridge("undo", renamed.id, "--json")

    assert (code, done["restored"], done["paused"]) == (3, [], False)
    assert f"changed since, by run {later.id}" in {left["reason"] for left in done["left"]}
    assert registry.pauses.contexts() == {}


def test_undo_of_no_run_says_so(bridge, registry):
    with pytest.raises(UnknownObject, match="there is no run 77"):
        bridge("undo", 77)


def test_undo_of_a_run_that_changed_nothing_says_so(bridge, school, biology):
    school.reconcile(biology)
    idle = school.reconcile(biology)

    with pytest.raises(InvalidRequest, match="changed nothing"):
        bridge("undo", idle.id)


def test_purge_tells_what_it_drops(bridge, school, biology):
    school.reconcile(biology)

    assert bridge("purge", "--dry-run", "--json") == (
        0,
        {"records": 0, "facts": 0, "changes": 0, "events": 0, "runs": 0},
    )
    assert bridge("purge")[1].startswith("Dropped: records 0")


def test_backup_and_restore(bridge, school, biology, tmp_path, registry):
    school.reconcile(biology)
    code, made = bridge("backup", tmp_path / "backup.zip", "--json")
    assert code == 0
    for opened in (school.mirror, registry):
        opened.close()
    for path in (tmp_path / "var").iterdir():
        path.unlink()

    code, restored = bridge("restore", tmp_path / "backup.zip", "--json")

    assert (code, restored["formerEpoch"], restored["setAside"]) == (0, made["epoch"], [])
    assert restored["epoch"] != made["epoch"]
    assert len(bridge("runs", "--json")[1]) == 1


def test_webhooks_are_added_tested_listed_and_removed(bridge, registry):
    with HTTPServer() as server:
        server.expect_request("/hook").respond_with_data("")

        _, added = bridge("webhooks", "add", "library", server.url_for("/hook"), "--source", "north", "--json")
        _, tested = bridge("webhooks", "test", "library", "--json")

    assert added["secret"].startswith("whsec_")
    assert tested["accepted"] is True
    _, (listed,) = bridge("webhooks", "list", "--json")
    assert (listed["state"], listed["sources"]) == ("ok", ["north"])
    assert added["secret"] not in json.dumps(listed)
    bridge("webhooks", "remove", "library")
    assert bridge("webhooks", "list", "--json")[1] == []


def test_a_webhook_that_was_given_up_is_a_problem_for_doctor(bridge, registry):
    registry.webhooks.add(
        "library", "https://library.example.org", sources=None, collections=["users"], epoch="", position=0
    )
    registry.webhooks.failed("library", "it answers 500", utc_now())
    registry.webhooks.stop("library")

    code, checks = bridge("doctor", "--json")

    assert code == 1
    (problem,) = [check["problem"] for check in checks if check["check"] == "webhook library"]
    assert "bridge webhooks test library" in problem
