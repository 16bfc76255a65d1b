"""Reading the configuration: docs/configuration.md."""

import re
import subprocess
import sys
import tomllib
from dataclasses import fields
from datetime import date, time
from pathlib import Path

import pytest

from bridge.errors import ConfigError
from bridge.options import variable_name
from bridge.roster.roles import RoleMapping
from bridge.settings import SECTIONS, Settings, load_settings
from bridge.settings_documents import EXAMPLE_FILE, REFERENCE_FILE, render_example, render_reference

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def config(text: str, name: str = "bridge.toml") -> Path:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def problems(text: str = "", **environ: str) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as refusal:
        load_settings(config(text), environ)
    return refusal.value.problems


def test_without_file_and_environment_everything_is_at_its_default():
    assert load_settings(environ={}) == Settings()


def test_the_file_says_what_is_different():
    path = config(
        """
        [server]
        public_url = "https://bridge.example.org/rosters/"
        [storage]
        directory = "/srv/bridge"
        [mapping]
        role_mapping = "ext"
        role_table = "config/roles.toml"
        trust_admin_roles = true
        [calendar]
        year_start = "01-15"
        time_zone = "Europe/Oslo"
        [outgoing]
        connect_timeout = 2
        allowed_hosts = ["lms.example.org", "127.0.0.1:8081", "[::1]:8081"]
        """
    )

    settings = load_settings(path, {})

    assert settings.server.public_url == "https://bridge.example.org/rosters"
    assert settings.storage.mirror == Path("/srv/bridge/mirror.sqlite")
    assert settings.storage.registry == Path("/srv/bridge/registry.sqlite")
    assert settings.mapping.role_mapping is RoleMapping.EXT
    assert settings.mapping.role_table == Path("config/roles.toml")
    assert settings.mapping.trust_admin_roles is True
    assert settings.calendar.year_start == (1, 15)
    assert settings.calendar.time_zone == "Europe/Oslo"
    assert settings.outgoing.connect_timeout == 2.0
    assert settings.outgoing.allowed_hosts == ("lms.example.org", "127.0.0.1:8081", "[::1]:8081")
    assert settings.server.port == 8080


def test_times_and_days_are_read():
    path = config(
        """
        [sync]
        nightly_at = ""
        quiet_hours = ["07:30-09:00", "22:00-01:30"]
        blackouts = ["2026-07-25/2026-08-02", "2026-12-24"]
        """
    )

    sync = load_settings(path, {}).sync

    assert sync.nightly_at is None
    assert sync.quiet_hours == ((time(7, 30), time(9, 0)), (time(22, 0), time(1, 30)))
    assert sync.blackouts == (
        (date(2026, 7, 25), date(2026, 8, 2)),
        (date(2026, 12, 24), date(2026, 12, 24)),
    )
    assert load_settings(environ={"BRIDGE_SYNC_NIGHTLY_AT": "23:15"}).sync.nightly_at == time(23, 15)


def test_the_environment_goes_before_the_file():
    path = config('[server]\nport = 9000\nhost = "::1"\n[outgoing]\nallowed_hosts = ["lms.example.org"]')
    environ = {
        "BRIDGE_SERVER_PORT": "9001",
        "BRIDGE_SERVER_PUBLIC_URL": "https://bridge.example.org",
        "BRIDGE_MAPPING_KEEP_TEST_USERS": "True",
        "BRIDGE_OUTGOING_ALLOWED_HOSTS": "a.example.org, b.example.org:8443",
        "BRIDGE_OUTGOING_READ_TIMEOUT": "7",
        "BRIDGE_CALENDAR_YEAR_START": "09-01",
        "BRIDGE_SCHOOL_NAME": "12",
    }

    settings = load_settings(path, environ)

    assert (settings.server.port, settings.server.host) == (9001, "::1")
    assert settings.server.public_url == "https://bridge.example.org"
    assert settings.mapping.keep_test_users is True
    assert settings.outgoing.allowed_hosts == ("a.example.org", "b.example.org:8443")
    assert settings.outgoing.read_timeout == 7.0
    assert settings.calendar.year_start == (9, 1)
    assert settings.school.name == "12"


def test_the_process_environment_is_read_unless_another_is_given(monkeypatch):
    monkeypatch.setenv("BRIDGE_SERVER_PORT", "9002")

    assert load_settings().server.port == 9002


def test_a_list_can_be_emptied_by_the_environment():
    path = config('[outgoing]\nallowed_hosts = ["lms.example.org"]')

    assert load_settings(path, {"BRIDGE_OUTGOING_ALLOWED_HOSTS": ""}).outgoing.allowed_hosts == ()


def test_the_usual_place_is_looked_at_last():
    config("[server]\nport = 1", "config/bridge.toml")
    config("[server]\nport = 2", "named.toml")
    config("[server]\nport = 3", "given.toml")
    environ = {"BRIDGE_CONFIG": "named.toml"}

    assert load_settings(environ={}).server.port == 1
    assert load_settings(environ=environ).server.port == 2
    assert load_settings(Path("given.toml"), environ).server.port == 3


@pytest.mark.parametrize("environ", [{}, {"BRIDGE_CONFIG": "missing.toml"}], ids=["given", "by the environment"])
def test_a_file_that_is_named_must_be_there(environ):
    path = None if environ else Path("missing.toml")

    with pytest.raises(ConfigError, match=r"missing\.toml: cannot be read: No such file"):
        load_settings(path, environ)


def test_broken_toml_is_refused_with_its_line():
    assert problems("[server]\nport = ,\n") == ("bridge.toml: is not valid TOML: Invalid value (at line 2, column 8)",)


def test_a_file_that_is_no_text_is_refused():
    Path("bridge.toml").write_bytes(b"\xff\xfe")

    with pytest.raises(ConfigError, match=r"bridge\.toml: is not UTF-8 text"):
        load_settings(Path("bridge.toml"), {})


def test_every_problem_is_listed_at_once():
    found = problems(
        """
        sync = 3
        [servr]
        [server]
        port = 0
        prot = 9000
        public_url = "bridge.example.org"
        [outgoing]
        allowed_hosts = ["https://lms.example.org"]
        """,
        BRIDGE_LOG_LEVEL="loud",
        BRIDGE_LOG_FORMT="json",
        BRIDGE_NRPS_PAGE_LIMIT="many",
    )

    assert found == (
        "bridge.toml: [servr]: no such section; did you mean server?",
        "bridge.toml: [server] port: must be a whole number from 1 to 65535",
        "bridge.toml: [server] prot: no such option; did you mean port?",
        'bridge.toml: [server] public_url: must be an http or https address without user name, query and "/ims"',
        "BRIDGE_NRPS_PAGE_LIMIT: must be a whole number from 0 to 100000",
        'bridge.toml: [outgoing] allowed_hosts: must be a list of hosts, each as "host" or "host:port"',
        "bridge.toml: sync: must be a section, [sync], with options below it",
        "BRIDGE_LOG_FORMT: no such option; did you mean BRIDGE_LOG_FORMAT?",
        'BRIDGE_LOG_LEVEL: must be "debug", "info", "warning" or "error"',
    )


def test_problems_of_the_environment_are_listed_beside_a_broken_file():
    assert len(problems("[", BRIDGE_SERVER_PORT="x", BRIDGE_SERVER_HOSTS="x")) == 3


def test_variables_of_others_that_begin_alike_are_let_be():
    assert load_settings(environ={"BRIDGE_TOWER": "London", "BRIDGE_": "", "BRIDGE_SERVERS": "2"}) == Settings()


@pytest.mark.parametrize(
    "line",
    [
        'server.port = "8080"',
        "server.port = 8080.5",
        "server.port = true",
        "server.port = 65536",
        "server.workers = 0",
        "server.host = 127",
        'server.public_url = "https://bridge.example.org/ims"',
        'server.public_url = "https://bridge.example.org/ims/"',
        'server.public_url = "https://bridge.example.org?a=b"',
        'server.public_url = "https://user:secret@bridge.example.org"',
        'server.public_url = "https://bridge.example.org:99999"',
        'server.public_url = "ftp://bridge.example.org"',
        'server.public_url = "https://"',
        "server.public_url = 1",
        'storage.directory = ""',
        "storage.directory = 1",
        "oneroster.max_limit = 0",
        'oneroster.body = "loose"',
        "oneroster.token_lifetime = 1",
        'mapping.role_mapping = "COMPAT"',
        "mapping.role_mapping = 1",
        "mapping.trust_admin_roles = 1",
        'mapping.trust_admin_roles = "true"',
        'calendar.year_start = "02-29"',
        'calendar.year_start = "13-01"',
        'calendar.year_start = "8-1"',
        "calendar.year_start = 2026-08-01",
        'calendar.time_zone = "Europe/Atlantis"',
        'sync.nightly_at = "2:00"',
        'sync.nightly_at = "24:00"',
        "sync.nightly_at = 02:00:00",
        'sync.quiet_hours = "07:30-09:00"',
        'sync.quiet_hours = ["07:30"]',
        'sync.quiet_hours = ["09:00-09:00"]',
        'sync.blackouts = ["2026-07-25/2026-07-20"]',
        'sync.blackouts = ["July"]',
        "guards.removal_share = 1.1",
        "guards.apply_rest = 1",
        'calendar.time_zone = "Europe"',
        'calendar.time_zone = "../etc/passwd"',
        'calendar.time_zone = ""',
        "nrps.page_limit = -1",
        "outgoing.connect_timeout = 0",
        'outgoing.connect_timeout = "5"',
        "outgoing.connect_timeout = nan",
        "outgoing.connect_timeout = inf",
        'outgoing.allowed_hosts = "lms.example.org"',
        "outgoing.allowed_hosts = [1]",
        'outgoing.allowed_hosts = [""]',
        "sync.concurrency = 0",
        "retention.tombstone_days = 0",
        'log.format = "xml"',
        "log.level = []",
    ],
)
def test_a_value_outside_its_range_is_refused_by_name(line):
    section, key, _ = re.split(r"\.| = ", line, maxsplit=2)

    (problem,) = problems(line)

    assert problem.startswith(f"bridge.toml: [{section}] {key}: must be ")
    assert "secret" not in problem


@pytest.mark.parametrize("text", ["yes", "1", "", "[true]"])
def test_a_switch_in_the_environment_is_true_or_false(text):
    assert problems(BRIDGE_MAPPING_KEEP_TEST_USERS=text) == ("BRIDGE_MAPPING_KEEP_TEST_USERS: must be true or false",)


def test_the_example_is_up_to_date():
    assert (ROOT / EXAMPLE_FILE).read_text(encoding="utf-8") == render_example(), "python -m bridge.settings_documents"


def test_the_reference_is_up_to_date():
    assert (ROOT / REFERENCE_FILE).read_text(encoding="utf-8") == render_reference(), (
        "python -m bridge.settings_documents"
    )


def test_the_example_changes_nothing():
    assert load_settings(config(render_example()), {}) == Settings()


def test_the_example_holds_every_option_at_its_default():
    every_option_on = re.sub(r"(?m)^#(?=\w+ = )", "", render_example())

    assert load_settings(config(every_option_on), {}) == Settings()
    assert {(name, key) for name, table in tomllib.loads(every_option_on).items() for key in table} == {
        (name, field.name) for name, section in SECTIONS.items() for field in fields(section)
    }


def test_the_reference_names_every_variable():
    reference = render_reference()

    for name, section in SECTIONS.items():
        for field in fields(section):
            assert f"`{variable_name(name, field.name)}`" in reference


def test_settings_need_no_framework_and_no_storage():
    code = "import sys, bridge.settings; print({'flask', 'sqlite3', 'sqlite_utils', 'requests'} & {*sys.modules})"

    answer = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)

    assert answer.stdout.strip() == "set()"
