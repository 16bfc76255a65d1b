"""The commands: what they report, in text and in JSON, and with which exit code they end."""

import json
import os
import pty
import shutil
import sqlite3
import subprocess
import sys
from datetime import timedelta

import pytest

from bridge.cli.reference import every_command
from bridge.practice.people import invent_person
from bridge.roster.identity import class_sourced_id, context_key
from bridge.wiring import SCHEDULER_LEASE

ONE, TWO = (class_sourced_id("practice", context_key(name)) for name in ("Course-1", "Course-2"))


ALL = [context.command_path.split()[1:] for context in every_command()]

# Help and mistakes.


@pytest.mark.skipif(shutil.which("bash") is None, reason="asks bash")
def test_bash_completes_commands_and_options(bridge, tmp_path):
    installed = tmp_path / "bridge"
    installed.write_text(f"#!{sys.executable}\nfrom bridge.cli import main\nmain()\n")
    installed.chmod(0o755)
    script = tmp_path / "completion.bash"
    script.write_text(bridge.bare("completion", "bash").out)
    asked = f"""
        source {script}
        COMP_WORDS=(bridge platforms ad) COMP_CWORD=2; _bridge_completion {installed}; echo "${{COMPREPLY[@]}}"
    """

    told = subprocess.run(["bash", "-c", asked], capture_output=True, text=True, check=True)

    assert told.stdout.split() == ["add"]


@pytest.mark.parametrize("path", ALL, ids=lambda path: " ".join(("bridge", *path)))
@pytest.mark.parametrize("option", ["--help", "-h"])
def test_every_command_explains_itself_without_any_configuration(bridge, path, option):
    ran = bridge.bare(*path, option)

    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("Usage: ")
    assert not bridge.directory.exists()


def test_version(bridge):
    assert bridge.bare("--version").out.startswith("bridge, version ")


@pytest.mark.parametrize(
    "arguments",
    [
        ("nonsense",),
        ("platforms", "nonsense"),
        ("platforms", "add"),
        ("clients", "add"),
        ("sync",),
        ("sync", "--all", "Course-1"),
        ("approve", "one"),
        ("runs", "show"),
        ("runs", "--limit", "0"),
        ("serve", "--port", "99999"),
        ("demo", "--courses", "0"),
        ("clients", "add", "x", "--body", "loud"),
        ("runs", "--json", "show", "1"),
    ],
    ids=" ".join,
)
def test_wrong_command_line_ends_with_2_and_says_how_it_is_used(bridge, arguments):
    ran = bridge(*arguments)

    assert (ran.code, ran.out) == (2, "")
    assert "Usage: " in ran.err
    assert "Traceback" not in ran.err


def test_every_mistake_of_the_configuration_is_listed_and_ends_with_2(bridge):
    bridge.configure('[server]\nport = "many"\nworkerz = 2\n[calendar]\ntime_zone = "Moon"\n')

    ran = bridge("platforms", "list")

    assert (ran.code, ran.out) == (2, "")
    lines = ran.err.splitlines()
    assert len(lines) == 3
    assert all(line.startswith("bridge: ") for line in lines)
    for name in ("port", "workerz", "time_zone"):
        assert any(name in line for line in lines)


def test_file_that_is_no_database_ends_with_2_and_is_named(bridge):
    bridge.directory.mkdir()
    (bridge.directory / "mirror.sqlite").write_bytes(b"no database" * 1000)

    ran = bridge("runs")

    assert (ran.code, ran.out) == (2, "")
    assert "mirror.sqlite" in ran.err


def test_file_that_is_damaged_ends_with_1_and_no_traceback(bridge):
    assert bridge("clients", "add", "x").code == 0
    with sqlite3.connect(bridge.directory / "registry.sqlite") as connection:
        connection.execute("DROP TABLE clients")
    connection.close()

    ran = bridge("clients", "list")

    assert (ran.code, ran.out) == (1, "")
    assert "bridge doctor" in ran.err
    assert "Traceback" not in ran.err


def test_configuration_is_looked_for_as_documented(bridge, monkeypatch):
    (bridge.config.parent / "config").mkdir()
    (bridge.config.parent / "config" / "bridge.toml").write_text("[server]\nnonsense = 1\n")
    assert "config/bridge.toml" in bridge.bare("runs").err

    monkeypatch.setenv("BRIDGE_CONFIG", str(bridge.config))
    assert bridge.bare("runs").code == 0


# Platforms.

PLATFORM = (
    "platforms",
    "add",
    "--issuer=https://lms.example.org",
    "--client-id=abc",
    "--auth-login-url=https://lms.example.org/auth",
    "--token-url=https://lms.example.org/token",
    "--jwks-url=https://lms.example.org/jwks",
)


def test_platform_is_registered_and_the_addresses_to_enter_there_are_shown(bridge):
    bridge.configure('[server]\npublic_url = "https://bridge.example.org"\n')

    text, shown = bridge(*PLATFORM), bridge(*PLATFORM, "--client-id=def", "--json").json()

    assert text.code == 0
    for address in ("/lti/login", "/lti/launch", "/.well-known/jwks.json"):
        assert f"https://bridge.example.org{address}" in text.out
    assert shown["bridge"] == {
        "login_url": "https://bridge.example.org/lti/login",
        "redirect_url": "https://bridge.example.org/lti/launch",
        "jwks_url": "https://bridge.example.org/.well-known/jwks.json",
    }


def test_platforms_are_listed(bridge):
    assert bridge("platforms", "list", "--json").json() == []
    assert "platforms add --help" in bridge("platforms", "list").out
    bridge(*PLATFORM, "--tenant=north", "--vendor=moodle", "--option=page_limit=50")

    (shown,) = bridge("platforms", "list", "--json").json()
    header, row = (line.split("\t") for line in bridge("platforms", "list").out.splitlines())

    assert shown["tenant"] == "north"
    assert shown["options"] == {"page_limit": 50}
    assert dict(zip(header, row, strict=True)) == {
        "id": "1", "tenant": "north", "issuer": "https://lms.example.org", "client id": "abc", "vendor": "moodle",
        "circuit": "closed", "paused": "",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ("--option=nonsense=1", "nonsense"),
        ("--option=page_limit=lots", "page_limit"),
        ("--option=page_limit", "NAME=VALUE"),
        ("--tenant=No Tenant!", "tenant"),
        ("--token-url=ftp://lms.example.org", "token_url"),
        ("--issuer= ", "issuer"),
    ],
)
def test_platform_with_an_impossible_value_is_refused_by_name(bridge, more, named):
    ran = bridge(*PLATFORM, more)

    assert (ran.code, ran.out) == (1, "")
    assert named in ran.err
    assert bridge("platforms", "list", "--json").json() == []


def test_platform_is_not_registered_twice(bridge):
    bridge(*PLATFORM)

    again = bridge(*PLATFORM)

    assert again.code == 1
    assert "already" in again.err


def test_new_client_id_goes_under_the_old_tenant(bridge):
    bridge(*PLATFORM, "--tenant=north")

    shown = bridge("platforms", "replace", "north", "--client-id=new", "--json").json()

    assert (shown["tenant"], shown["client_id"]) == ("north", "new")
    assert bridge("platforms", "replace", "south", "--client-id=new").code == 1


def test_platform_is_forgotten(bridge):
    bridge(*PLATFORM)

    assert bridge("platforms", "remove", "1", "--json").json() == {"removed": 1, "runs": []}
    assert bridge("platforms", "list", "--json").json() == []
    assert bridge("platforms", "remove", "1").code == 1


# Contexts.


def test_context_is_added_listed_and_removed(bridge):
    bridge(*PLATFORM, "--tenant=north")
    added = bridge(
        *("contexts", "add", "--tenant=north", "--context-id=42", "--label=BIO", "--title=Biology"),
        *("--memberships-url=https://lms.example.org/nrps/42", "--json"),
    ).json()

    (listed,) = bridge("contexts", "list", "--json").json()
    text = bridge("contexts", "list").out

    assert listed == {**added, "due": True, "state": "never read"}
    assert (listed["contextId"], listed["addedBy"], listed["lastRun"]) == ("42", "operator", None)
    assert text.splitlines()[1].split("\t")[:5] == ["north", "42", "BIO", added["classSourcedId"], "never"]
    assert bridge("contexts", "remove", "BIO", "--json").json() == {"removed": added["classSourcedId"]}
    assert "launch the bridge" in bridge("contexts", "list").out


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("--tenant=south", "--memberships-url=https://lms.example.org/m"), "south"),
        (("--tenant=north", "--memberships-url=http://lms.example.org/m"), "https"),
        (("--tenant=north", "--memberships-url=nonsense"), "https"),
        (("--tenant=north", "--client-id=other", "--memberships-url=https://lms.example.org/m"), "registration"),
    ],
    ids=["unknown tenant", "plain http", "no URL", "unknown client id"],
)
def test_context_with_an_impossible_value_is_refused(bridge, arguments, named):
    bridge(*PLATFORM, "--tenant=north")

    ran = bridge("contexts", "add", "--context-id=42", *arguments)

    assert (ran.code, ran.out) == (1, "")
    assert named in ran.err


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (
            ("contexts", "list", "--tenant=nowhere"),
            "no platform belongs to a tenant nowhere: see 'bridge platforms list'",
        ),
        (("approve", "--all", "--platform=nowhere"), "no tenant and no source nowhere: see 'bridge platforms list'"),
        (("deployments", "list", "--platform=99"), "99"),
    ],
    ids=["contexts", "held plans", "deployments"],
)
def test_list_of_what_there_is_not_is_no_empty_list(bridge, arguments, named):
    ran = bridge(*arguments)

    assert (ran.code, named in ran.err, ran.out) == (1, True, "")


def test_removing_an_unknown_context_says_where_to_look(bridge):
    assert "bridge contexts list" in bridge("contexts", "remove", "nothing").err


# Clients.


def test_client_is_registered_with_a_secret_that_is_never_shown_again(bridge):
    added = bridge("clients", "add", "Library", "--json").json()

    (listed,) = bridge("clients", "list", "--json").json()

    assert added.keys() == {"client_id", "client_secret", "token_url"}
    assert added["token_url"] == "http://127.0.0.1:8080/oauth2/token"
    assert (listed["client_id"], listed["name"], listed["sources"]) == (added["client_id"], "Library", None)
    assert added["client_secret"] not in json.dumps(listed) + bridge("clients", "list").out
    with bridge.registry() as registry:
        assert registry.clients.authenticate(added["client_id"], added["client_secret"]) is not None


def test_client_is_limited_to_what_is_named(bridge):
    bridge(*PLATFORM, "--tenant=north")
    bridge("clients", "add", "Library", "--scope=core", "--source=north", "--body=strict")

    (listed,) = bridge("clients", "list", "--json").json()

    assert listed["sources"] == ["north"]
    assert listed["body_style"] == "strict"
    assert [scope.rpartition("/")[2] for scope in listed["scopes"]] == ["roster-core.readonly"]


def test_client_of_an_unknown_tenant_is_refused(bridge):
    ran = bridge("clients", "add", "Library", "--source=nowhere")

    assert ran.code == 1
    assert "nowhere" in ran.err


def test_new_secret_ends_the_old_one(bridge):
    old = bridge("clients", "add", "Library", "--json").json()
    new = bridge("clients", "renew-secret", old["client_id"], "--json").json()

    with bridge.registry() as registry:
        assert registry.clients.authenticate(old["client_id"], old["client_secret"]) is None
        assert registry.clients.authenticate(old["client_id"], new["client_secret"]) is not None


def test_revoked_client_is_let_in_no_more(bridge):
    client = bridge("clients", "add", "Library", "--json").json()

    assert bridge("clients", "revoke", client["client_id"], "--json").json() == {"revoked": client["client_id"]}
    assert bridge("clients", "list", "--json").json()[0]["revoked"] is not None
    assert bridge("clients", "revoke", client["client_id"]).code == 1
    assert bridge("clients", "renew-secret", "nobody").code == 1


# Reconciling.


def test_sync_of_everything_reports_each_context(registered):
    runs = registered("sync", "--all", "--json").json()

    assert [run["outcome"] for run in runs] == ["applied", "applied"]
    assert [run["added"] for run in runs] == [12, 12]


@pytest.mark.parametrize("selector", ["Course-1", "C001", ONE], ids=["context id", "label", "class sourcedId"])
def test_sync_takes_a_context_by_any_of_its_names(registered, selector):
    ran = registered("sync", selector)

    assert ran.code == 0
    assert ran.out.startswith("practice C001: applied (run 1): 12 added")


def test_context_that_is_named_twice_is_reconciled_once(registered):
    assert len(registered("sync", "Course-1", "C001", "--json").json()) == 1


def test_sync_that_finds_nothing_new_says_so(registered):
    registered("sync", "--all")

    ran = registered("sync", "--all")

    assert (ran.code, ran.out) == (0, "2 rosters: nothing has changed\n")
    assert "unchanged" in registered("sync", "Course-1").out


def test_sync_of_everything_leaves_out_what_is_paused_and_says_so(registered):
    registered("contexts", "pause", "Course-1")

    everything = registered("sync", "--all", "--json")
    named = registered("sync", "Course-1", "--json")

    assert [run["context"] for run in everything.json()] == [context_key("Course-2")]
    assert everything.err == "1 roster paused and left out: name one to read it all the same\n"
    assert [run["context"] for run in named.json()] == [context_key("Course-1")]


def test_sync_of_an_unknown_context_says_where_to_look(registered):
    ran = registered("sync", "Course-9")

    assert (ran.code, ran.out) == (1, "")
    assert "bridge contexts list" in ran.err


def test_sync_of_nothing_known_is_nothing(bridge):
    assert bridge("sync", "--all", "--json").json() == []


def test_dry_run_says_what_would_change_and_changes_nothing(registered):
    text = registered("sync", "--all", "--dry-run")
    planned = registered("sync", "Course-1", "--dry-run", "--json").json()

    assert text.code == 0
    assert text.out.splitlines()[0].startswith("practice C001: 12 added")
    assert [(plan["class"], plan["added"], plan["wouldBeHeld"]) for plan in planned] == [(ONE, 12, None)]
    assert registered("runs", "--json").json() == []


def test_context_that_fails_ends_with_3_and_the_others_are_reconciled(registered, lms):
    registered(
        *("contexts", "add", "--tenant=practice", "--context-id=Course-9", "--label=GONE"),
        f"--memberships-url={lms.memberships_url('Course-9')}",
    )

    text = registered("sync", "--all")

    assert text.code == 3
    assert {line.partition(" (")[0] for line in text.out.splitlines()} == {
        "practice C001: applied",
        "practice C002: applied",
        "practice GONE: gone",
    }
    dry = registered("sync", "--all", "--dry-run", "--json")
    assert dry.code == 3
    assert sum("error" in plan for plan in dry.json()) == 1


def test_context_that_another_process_is_at_is_busy_and_ends_with_3(registered):
    with registered.registry() as registry:
        registry.leases.acquire(f"context {ONE}", "somebody else", timedelta(minutes=1))

    ran = registered("sync", "Course-1", "Course-2", "--json")

    assert ran.code == 3
    assert [run["outcome"] for run in ran.json()] == ["busy", "applied"]
    assert "another process" in registered("sync", "Course-1").out


@pytest.fixture
def held(registered, lms):
    """The roster of Course-1 has been read, and then everybody but the teacher left."""
    registered("sync", "Course-1")
    for member in lms.roster.members("Course-1")[1:]:
        lms.roster.drop("Course-1", member.person.user_id)
    return registered


def test_plan_that_removes_too_many_is_held_until_it_is_approved(held):
    dry = held("sync", "Course-1", "--dry-run", "--json").json()
    ran = held("sync", "Course-1", "--json")
    (run,) = ran.json()

    assert ran.code == 3
    assert "11 of 12" in dry[0]["wouldBeHeld"]
    assert run["outcome"] == "held"
    assert f"bridge approve {run['id']}" in run["message"]

    approved = held("approve", str(run["id"]), "--json").json()

    assert (approved["outcome"], approved["removed"]) == ("applied", 11)


def test_approval_of_a_run_that_is_not_held_is_refused(held):
    assert "not held" in held("approve", "1").err
    assert held("approve", "1").code == 1
    assert "bridge runs" in held("approve", "99").err


def test_runs_are_listed_newest_first(registered):
    assert "Nothing" in registered("runs").out
    registered("sync", "Course-1")
    registered("sync", "Course-2")
    registered("sync", "Course-2")

    runs = registered("runs", "--json").json()
    header, *rows = (line.split("\t") for line in registered("runs").out.splitlines())

    assert [run["id"] for run in runs] == [3, 2, 1]
    assert [dict(zip(header, row, strict=True))["outcome"] for row in rows] == ["unchanged", "applied", "applied"]
    assert [run["id"] for run in registered("runs", "--limit", "1", "--json").json()] == [3]


def test_run_is_shown_with_what_it_did_and_whom_it_could_not_use(registered, lms):
    lms.roster.enroll("Course-1", invent_person(500, every=1000), [])
    registered("sync", "Course-1")

    text = registered("runs", "show", "1").out
    shown = registered("runs", "show", "1", "--json").json()

    assert text.startswith("run 1: practice")
    assert "users: " in text
    assert shown["records"]["enrollments"]["added"] >= 12
    assert shown["quarantine"] == []
    assert registered("runs", "show", "99").code == 1


# Doctor.


def test_doctor_finds_what_is_wrong_and_says_what_to_do(registered, lms):
    checks = {check["check"]: check["problem"] for check in registered("doctor", "--json").json()}

    assert checks.keys() == {
        *("configuration", "mirror", "registry", "file modes", "signing keys", "senders", "role table", "scheduler"),
        *("held plans", "contexts", "paused", "erased people", "circuit practice", "platform practice"),
    }
    assert "bridge schedule" in checks.pop("scheduler")
    assert set(checks.values()) == {None}
    assert registered("doctor").code == 1


def test_doctor_reminds_of_what_is_paused_and_calls_it_no_problem(registered):
    assert "ok       paused\n" in registered("doctor").out
    registered("contexts", "pause", "Course-1")

    assert "ok       paused: 1 roster not read until somebody says 'resume'" in registered("doctor").out
    notes = {check["check"]: check["note"] for check in registered("doctor", "--json").json()}
    assert notes["paused"].startswith("1 roster not read")


def test_sync_points_at_every_list_where_a_name_may_be(registered):
    ran = registered("sync", "Nowhere")

    assert ran.code == 1
    assert "no context and no source is called Nowhere" in ran.err
    assert "'bridge contexts list' and 'bridge sources list'" in ran.err


def test_doctor_names_a_database_that_others_can_read(registered):
    registered.directory.chmod(0o755)
    (registered.directory / "mirror.sqlite").chmod(0o644)

    problems = {check["check"]: check["problem"] for check in registered("doctor", "--json").json()}

    assert "mirror.sqlite" in problems["file modes"]
    assert "chmod" in problems["file modes"]


def test_doctor_says_how_the_signing_keys_lie(registered, monkeypatch, tmp_path):
    assert "signing keys: in clear" in registered("doctor").out
    key_file = tmp_path / "passphrase"
    key_file.write_text("correct horse battery staple")
    key_file.chmod(0o600)
    monkeypatch.setenv("BRIDGE_STORAGE_KEY_FILE", str(key_file))

    assert "ok       signing keys: encrypted" in registered("doctor").out


def test_doctor_names_a_passphrase_that_others_can_read(registered, monkeypatch, tmp_path):
    key_file = tmp_path / "passphrase"
    key_file.write_text("correct horse battery staple")
    key_file.chmod(0o644)
    monkeypatch.setenv("BRIDGE_STORAGE_KEY_FILE", str(key_file))

    problems = {check["check"]: check["problem"] for check in registered("doctor", "--json").json()}

    assert "chmod" in problems["signing keys"]


def test_backup_says_what_else_it_needs(registered, monkeypatch, tmp_path):
    key_file = tmp_path / "passphrase"
    key_file.write_text("correct horse battery staple")
    monkeypatch.setenv("BRIDGE_STORAGE_KEY_FILE", str(key_file))

    assert registered("backup", str(tmp_path / "b.zip"), "--json").json()["needs"] == str(key_file)
    assert "passphrase" in registered("backup", str(tmp_path / "c.zip")).out


def test_doctor_is_content_while_a_scheduler_runs(registered):
    with registered.registry() as registry:
        registry.leases.acquire(SCHEDULER_LEASE, "somebody", timedelta(minutes=1))

    ran = registered("doctor")

    assert ran.code == 0
    assert all(line.startswith("ok ") for line in ran.out.splitlines())


def test_doctor_names_a_platform_that_gives_no_token(registered):
    registered("platforms", "replace", "practice", "--client-id=unknown")

    (problem,) = (
        check["problem"] for check in registered("doctor", "--json").json() if check["check"] == "platform practice"
    )

    assert "127.0.0.1" in problem


def test_doctor_names_a_damaged_file(registered):
    registered("sync", "--all")
    path = registered.directory / "mirror.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        (root,) = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'enrollments'").fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    connection.close()
    assert root < pages
    with path.open("r+b") as file:
        file.seek((root - 1) * size)
        file.write(b"\xff" * size)

    ran = registered("doctor")

    assert ran.code == 1
    assert "restore it from a backup" in ran.out
    assert "Traceback" not in ran.err


# How reports are written.


@pytest.fixture
def oddly_named(bridge):
    bridge(*PLATFORM, "--tenant=north")
    bridge(
        *("contexts", "add", "--tenant=north", "--context-id=42", "--memberships-url=https://lms.example.org/m"),
        "--label=[red]\tB[/]\x1b[2J\n日本",
    )
    return bridge


def test_title_of_an_lms_breaks_no_line_and_sends_the_terminal_nothing(oddly_named):
    lines = oddly_named("contexts", "list").out.splitlines()

    assert len(lines) == 2
    assert len(lines[1].split("\t")) == len(lines[0].split("\t"))
    assert "\x1b" not in lines[1]
    assert "日本" in lines[1]


def test_json_holds_any_title_in_ascii(oddly_named):
    ran = oddly_named("contexts", "list", "--json")

    assert ran.out.isascii()
    assert ran.json()[0]["label"] == "[red]\tB[/]\x1b[2J\n日本"


def as_a_process(bridge, *arguments, **options):
    environ = {**os.environ, **options.pop("environ", {})}
    return subprocess.Popen(
        [sys.executable, "-m", "bridge", "--config", str(bridge.config), *arguments], env=environ, **options
    )


def on_a_terminal(bridge, *arguments):
    """Exit code, and what a terminal of 200 columns was sent."""
    ours, theirs = pty.openpty()
    process = as_a_process(
        bridge, *arguments, stdout=theirs, stderr=theirs, environ={"TERM": "xterm", "COLUMNS": "200"}
    )
    os.close(theirs)
    written = b""
    try:
        while chunk := os.read(ours, 4096):
            written += chunk
    except OSError:  # Linux reports the other end's closing so
        pass
    os.close(ours)
    return process.wait(60), written.decode()


def test_table_on_a_terminal_shows_titles_as_they_are(oddly_named):
    code, written = on_a_terminal(oddly_named, "contexts", "list")

    assert code == 0
    assert "[red] B[/] [2J 日本" in written


def test_sync_on_a_terminal_reports_above_its_progress_bar(registered):
    code, written = on_a_terminal(registered, "sync", "--all")

    assert code == 0
    assert "reconciling" in written
    assert "practice C001: applied (run " in written
    assert "practice C002: applied (run " in written


def test_output_that_the_locale_cannot_write_is_escaped(oddly_named):
    process = as_a_process(
        oddly_named, "contexts", "list", stdout=subprocess.PIPE, environ={"PYTHONIOENCODING": "iso-8859-1"}
    )
    written, _ = process.communicate(timeout=60)

    assert process.returncode == 0
    assert rb"\u65e5\u672c" in written


def test_reader_that_goes_away_early_is_no_failure_of_ours(bridge):
    """``bridge platforms list | head -1``."""
    bridge(*PLATFORM)
    reader, writer = os.pipe()
    os.close(reader)

    process = as_a_process(bridge, "platforms", "list", stdout=writer, stderr=subprocess.PIPE)
    os.close(writer)
    _, err = process.communicate(timeout=60)

    assert err == b""
    assert process.returncode in (0, 1)


def test_log_lines_go_to_standard_error_so_that_json_stays_alone(registered):
    registered.configure('[log]\nlevel = "debug"\n')

    ran = registered("sync", "--all", "--json")

    assert len(ran.json()) == 2
    assert "reconciled" in ran.err


def test_what_a_client_sees_is_set_and_listed(bridge):
    client = bridge("clients", "add", "Library", "--privacy=name_only", "--json").json()["client_id"]
    assert bridge("clients", "list", "--json").json()[0]["privacy"] == "name_only"

    changed = bridge("clients", "set", client, "--privacy=anonymous", "--json").json()

    assert changed["privacy"] == "anonymous"
    assert "anonymous" in bridge("clients", "list").out


@pytest.mark.parametrize("option", ["--org", "--class"])
def test_limit_to_a_record_that_is_not_there_is_refused(bridge, option):
    ran = bridge("clients", "add", "Library", option, "nowhere")

    assert ran.code == 1
    assert "nowhere" in ran.err


def test_client_changes_over_to_a_new_secret(bridge):
    old = bridge("clients", "add", "Library", "--json").json()
    new = bridge("clients", "rotate-secret", old["client_id"], "--overlap-hours", "2", "--json").json()

    with bridge.registry() as registry:
        assert registry.clients.authenticate(old["client_id"], old["client_secret"]) is not None
        assert registry.clients.authenticate(old["client_id"], new["client_secret"]) is not None


def test_nobody_is_erased_without_a_word(bridge):
    ran = bridge("people", "erase", "nobody", "--yes")

    assert ran.code == 1
    assert "sourcedId" in ran.err
    assert bridge("people", "export", "nobody").code == 1


def test_nobody_is_asked_about_a_person_who_is_not_held(bridge):
    ran = bridge("people", "erase", "nobody")

    assert (ran.code, "nobody has this sourcedId" in ran.err, "Go on?" in ran.err) == (1, True, False)
