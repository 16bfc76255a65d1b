"""Every option of the bridge, and how they are read.

From the lowest to the highest: the defaults below, one TOML file, the environment. Everything has a default that
works on one machine. All problems of a configuration are found in one reading.

The declarations below are the only ones: ``config/bridge.example.toml`` and ``docs/configuration.md`` are written from
them by :mod:`bridge.settings_documents`. This module knows no framework and no storage.
"""

import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import date, time
from pathlib import Path
from typing import Any, cast

from bridge.errors import ConfigError
from bridge.options import (
    choice,
    choice_of,
    daily_ranges,
    day_ranges,
    did_you_mean,
    flag,
    folder,
    hosts,
    month_and_day,
    number,
    option,
    optional_file,
    origins,
    read_section,
    root_url,
    text,
    time_of_day,
    time_zone,
    variable_name,
    whole,
)
from bridge.roster.roles import RoleMapping

CONFIG_VARIABLE = "BRIDGE_CONFIG"
CONFIG_FILE = Path("config/bridge.toml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Where the bridge is reached."""

    public_url: str = option(
        "http://127.0.0.1:8080",
        root_url(),
        "The address that others know the bridge by: it is written into every link, and registered at LMSs. The"
        " OneRoster service is at /ims below it.",
    )
    host: str = option("127.0.0.1", text(), "The address that the server listens at. Use 0.0.0.0 for every one.")
    port: int = option(8080, whole(1, 65535), "The port that the server listens at.")
    workers: int = option(2, whole(1, 64), "How many processes answer requests: about one for each processor core.")
    threads: int = option(
        32,
        whole(2, 256),
        "How many requests each process has in hand at the same time. One whose body comes slowly holds a place, and"
        " those may hold half of them; they cost little memory and no throughput.",
    )
    proxies: int = option(
        0,
        whole(0, 5),
        "How many reverse proxies of your own stand before the bridge. The address that each of them names in"
        " X-Forwarded-For is then taken for the sender's. Too many, and senders can give themselves any address.",
    )
    requests_per_second: int = option(
        0,
        whole(0, 100_000),
        "How many requests an address may make in a second; more are answered 429. Every worker counts for itself. 0"
        " sets no bound. Behind proxies, set server.proxies first.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """Where the bridge keeps what it knows."""

    directory: Path = option(  # noqa: RUF009 - it makes a dataclass field
        Path("var"),
        folder(),
        "The folder of the two database files, mirror.sqlite and registry.sqlite. If it is not absolute, it is looked"
        " for from the folder in which the bridge is started. It must be on a local disk, not on a network share. A"
        " third file, walks, is a memory that may be deleted while the bridge does not run.",
    )
    key_file: Path | None = option(  # noqa: RUF009 - it makes a dataclass field
        None,
        optional_file(),
        "A file with a passphrase of at least 20 characters, which the bridge's signing keys are encrypted with, and"
        " the secrets of sources and webhooks. Further lines are former passphrases. What is there already is encrypted"
        " at the next start. Without the file, the bridge does not start any more. Empty: all that lies in the database"
        " in clear.",
    )

    @property
    def mirror(self) -> Path:
        """The rosters, and all that is committed with them."""
        return self.directory / "mirror.sqlite"

    @property
    def walks(self) -> Path:
        """Where consumers that count offsets have come to: may be deleted while the bridge does not run."""
        return self.directory / "walks"

    @property
    def former_walks(self) -> Sequence[Path]:
        """Where they had come to, as earlier versions wrote it down: nobody reads it any more."""
        return [self.directory / f"walks.sqlite{suffix}" for suffix in ("", "-wal", "-shm")]

    @property
    def registry(self) -> Path:
        """Platforms, clients, keys and tokens."""
        return self.directory / "registry.sqlite"

    @property
    def counts(self) -> Path:
        """The folder in which each process counts the requests it answers: may be emptied while nothing runs."""
        return self.directory / "metrics"


@dataclass(frozen=True, slots=True, kw_only=True)
class OneRoster:
    """What OneRoster consumers are served."""

    max_limit: int = option(
        10_000,
        whole(1, 100_000),
        "The most records in one page. A consumer that asks for more gets this many, and a link to the next page.",
    )
    body: str = option(
        "counters",
        choice("counters", "strict"),
        "What surrounds the records of a page. With counters, the body holds totalCount and the like too; strict is"
        " the official schema to the letter. A consumer can be registered for either.",
    )
    token_lifetime: int = option(3600, whole(60, 86_400), "Seconds for which an access token is valid.")
    token_requests_per_minute: int = option(
        300,
        whole(0, 100_000),
        "How many access tokens an address may ask for in a minute, and how many a consumer; more are answered 429. All"
        " workers count together. 0 sets no bound.",
    )
    requests_per_second: int = option(
        0,
        whole(0, 100_000),
        "How many requests a consumer may make in a second; more are answered 429. Every worker counts for itself. 0"
        " sets no bound.",
    )
    query_seconds: float = option(
        3.0,
        number(0.1, 60),
        "Seconds that one read of the mirror may take. What takes longer is answered 429, with advice.",
    )
    cors_origins: tuple[str, ...] = option(
        (),
        origins(),
        "Web origins whose pages may read the OneRoster service from a browser. Without any, no page of another site"
        " can.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Roles:
    """How LTI roles become OneRoster roles: see docs/decisions/0001-role-mapping.md."""

    role_mapping: RoleMapping = option(  # noqa: RUF009 - it makes a dataclass field
        RoleMapping.COMPAT,
        choice_of(RoleMapping),
        "Which enrollment roles are given. With compat, the four of OneRoster, and people with other roles are not"
        " enrolled; with ext, extension roles too, such as ext:teachingAssistant.",
    )
    role_table: Path | None = option(  # noqa: RUF009 - it makes a dataclass field
        None,
        optional_file(),
        "A TOML file whose rows go before those of the role table that comes with the bridge. Empty: none.",
    )
    trust_admin_roles: bool = option(
        False,
        flag(),
        "Whether an LMS's word makes somebody an administrator of the school or the system.",
    )
    keep_test_users: bool = option(
        False, flag(), "Whether test users, such as an LMS's student view, are served like people."
    )
    launch_role_days: int = option(
        30,
        whole(1, 365),
        "Days for which the roles of somebody's latest launch count, at LMSs whose rosters tell less than their"
        " launches (Moodle). Shorter makes a demotion take effect sooner.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class School:
    """The school that is supplied for an LMS, because LTI knows none."""

    name: str = option("", text(), "Its name. If empty, the name that the LMS was registered under.")
    identifier: str = option("", text(), "Its official number. If empty, the name that the LMS was registered under.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """The school calendar that is supplied for an LMS, because LTI knows none."""

    year_start: tuple[int, int] = option((8, 1), month_and_day(), "The day on which school years begin.")
    time_zone: str = option("UTC", time_zone(), "The time zone that dates are in.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Nrps:
    """How rosters are read from LMSs."""

    max_members: int = option(
        200_000,
        whole(1, 10_000_000),
        "The largest roster of one context that is accepted. A larger one is refused as a whole, never cut.",
    )
    max_minutes: int = option(
        30,
        whole(1, 1440),
        "Minutes that reading the roster of one context may take. One that takes longer is refused as a whole.",
    )
    page_limit: int = option(
        0,
        whole(0, 100_000),
        "How many members to ask for at a time; 0 leaves it to the LMS, which is best: some lose people between pages."
        " A platform's option page_limit goes before, and so does Moodle's vendor profile, which leaves it to Moodle.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """LTI tools that read rosters here, as at an LMS: see docs/nrps.md."""

    max_page: int = option(
        1_000,
        whole(1, 10_000),
        "The largest page of members. A tool that asks for more, or for no number, gets pages of this size.",
    )
    token_lifetime: int = option(3600, whole(60, 3600), "Seconds for which an access token is valid.")
    requests_per_second: int = option(
        0,
        whole(0, 100_000),
        "How many requests a tool may make in a second; more are answered 429. Every worker counts for itself. 0"
        " sets no bound.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """How rosters are read from OneRoster providers: see docs/sources.md."""

    full_pull_days: int = option(
        7,
        whole(0, 365),
        "Days for which a source is asked only for what has changed; then everything is read again, which alone shows"
        " what has vanished without a tombstone. 0 reads everything every time.",
    )
    overlap_minutes: int = option(
        15,
        whole(0, 10_080),
        "Minutes by which changes are asked for from further back than need be: providers save late, clocks differ.",
    )
    page_limit: int = option(
        1000, whole(25, 100_000), "How many records to ask for at a time. Where that is too much, less is asked for."
    )
    max_records: int = option(
        20_000_000,
        whole(1, 1_000_000_000),
        "The most records of one source that are accepted. More are refused as a whole, never cut.",
    )
    max_minutes: int = option(
        240, whole(1, 1440), "Minutes that reading one source may take. One that takes longer is refused as a whole."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Feeders:
    """Launches that LTI tools hand in: see docs/feeders.md."""

    grace: int = option(
        300,
        whole(0, 3600),
        "Seconds after the end of an id_token for which a tool may still hand it in: it shows what the platform has"
        " said, not who is there.",
    )
    kept_megabytes: int = option(
        1024,
        whole(1, 1_000_000),
        "How much is kept of the launches that one tool has handed in in the last 24 hours. A launch takes some"
        " kilobytes. More are answered 429, until the oldest are forgotten.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Lti:
    """The bridge as a tool inside LMSs: see docs/lti.md."""

    tool_name: str = option("Roster bridge", text(), "What the bridge calls itself when an LMS registers it.")
    registration: str = option(
        "invited",
        choice("closed", "invited", "approved", "open"),
        "Which LMSs may register themselves at /lti/register. With closed, none; with invited, whoever has a link of"
        " bridge platforms invite, once; with approved, anybody, and bridge platforms accept lets each in; with open,"
        " anybody, at once.",
    )
    state_only: bool = option(
        False,
        flag(),
        "Whether a launch is accepted from a browser that has kept neither a cookie nor, with the platform's page,"
        " what the login gave it. Somebody could then be made to launch as somebody else.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """Requests that the bridge makes."""

    connect_timeout: float = option(5.0, number(0.1, 60), "Seconds to wait for a connection.")
    read_timeout: float = option(30.0, number(0.1, 600), "Seconds of silence to bear while an answer is read.")
    total_timeout: float = option(300.0, number(1, 3600), "Seconds for one answer, from the request to its last byte.")
    max_body_bytes: int = option(
        67_108_864, whole(1024, 2_147_483_648), "The largest answer accepted, in bytes after decompression."
    )
    allowed_hosts: tuple[str, ...] = option(
        (),
        hosts(),
        "Hosts that may be asked over plain http, and at private or loopback addresses. All others must have public"
        " addresses and https. Name an LMS of your own network here.",
    )
    ca_bundle: Path | None = option(  # noqa: RUF009 - it makes a dataclass field
        None,
        optional_file(),
        "A PEM file of the certificate authorities to trust, instead of the public ones: for a school's own authority.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Sync:
    """Scheduled reconciliation: when rosters are read, and how gently. Times are in calendar.time_zone."""

    freshness_hours: int = option(
        24,
        whole(1, 8760),
        "Hours within which every context is to be reconciled; then it counts as stale. A platform or a context can"
        " have a target of its own.",
    )
    nightly_at: time | None = option(  # noqa: RUF009 - it makes a dataclass field
        time(2, 0),
        time_of_day(),
        "When nightly reading begins: every roster that would grow stale before the next night. Empty: there is none.",
    )
    nightly_hours: int = option(4, whole(0, 23), "Hours over which nightly reading is spread.")
    quiet_hours: tuple[tuple[time, time], ...] = option(
        (),
        daily_ranges(),
        "Times of day in which the scheduler begins nothing by itself. Launches and people are still served.",
    )
    blackouts: tuple[tuple[date, date], ...] = option(
        (),
        day_ranges(),
        "Days on which nothing is read, by launches neither, unless a person asks for it: for the days in which an LMS"
        " moves to the new school year.",
    )
    full_pull_days: int = option(
        7,
        whole(0, 365),
        "Days for which, by day, an LMS that offers it is asked only for what has changed in a roster; then the whole"
        " roster is read again. By night it is read whole anyway: only that shows for certain who has left. 0 reads it"
        " whole every time.",
    )
    launch_minutes: int = option(
        15,
        whole(0, 1440),
        "Minutes within which a launch does not make a roster be read again: a whole class may launch in one minute.",
    )
    newcomer_minutes: int = option(
        5,
        whole(1, 1440),
        "The least minutes between two readings of one roster that launches ask for: by somebody who is not in it yet,"
        " or because it could not be read.",
    )
    concurrency: int = option(
        8,
        whole(1, 64),
        "How many contexts are read at the same time. One more is kept free for launches and for what people ask for.",
    )
    platform_concurrency: int = option(
        4,
        whole(1, 64),
        "How many of those may be of one platform, so that a slow one does not hold up the others.",
    )
    requests_per_minute: int = option(
        1200,
        whole(1, 1_000_000),
        "The most requests to one platform, on average. Up to ten seconds' worth may come at once.",
    )
    retry_minutes: int = option(
        15,
        whole(1, 1440),
        "Minutes after which a context is tried again whose platform did not answer; doubled with each further failure,"
        " up to the freshness target.",
    )
    circuit_failures: int = option(
        5,
        whole(1, 1000),
        "How many contexts of a platform in a row must fail, having been fine before, until the platform is left alone"
        " for a while and then tried with one.",
    )
    gone_times: int = option(
        3, whole(1, 100), "How many times in a row a platform must say that a context does not exist (404, 410)…"
    )
    gone_days: int = option(
        3,
        whole(0, 365),
        "…and over how many days, until the context counts as gone: it is then read no more, and waits for somebody to"
        " retire it.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Guards:
    """What is held until a person approves it: see docs/operations.md. Shares are from 0 to 1."""

    removal_share: float = option(
        0.10, number(0, 1), "The share of a context's members above which removals are held, if they are also…"
    )
    removal_count: int = option(10, whole(0, 1_000_000), "…more than this many people.")
    source_removal_share: float = option(
        0.10,
        number(0, 1),
        "The share of all members of a tenant above which further removals are held, added up over its contexts.",
    )
    source_window_hours: int = option(24, whole(1, 720), "Hours over which those are added up.")
    hold_emptied: bool = option(True, flag(), "Whether a plan is held that would leave nobody in a context.")
    change_share: float = option(
        0.75,
        number(0, 1),
        "The share of a context's members above which a plan is held that would change who they are: remove them, or"
        " give them another role or status.",
    )
    apply_rest: bool = option(
        False, flag(), "Whether additions and changes are applied while the removals of the same plan wait."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How long things are kept that are over."""

    tombstone_days: int = option(
        90,
        whole(1, 3650),
        "Days for which a record that has ended is still served as tobedeleted. Consumers that ask for changes less"
        " often than this miss deletions.",
    )
    fact_days: int = option(
        90,
        whole(1, 3650),
        "Days for which the words of an LMS about a member who has left are kept. A run can be undone for as long.",
    )
    change_days: int = option(
        90,
        whole(1, 3650),
        "Days for which the change log is kept, with each record as it was. It holds names. A run can be undone for as"
        " long.",
    )
    event_days: int = option(
        30,
        whole(1, 3650),
        "Days for which events can be read from the feed and sent to webhooks. Who comes later has to read everything.",
    )
    run_days: int = option(400, whole(1, 3650), "Days for which the reports of reconciliations are kept.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhooks:
    """Telling subscribers of changes: see docs/events.md."""

    give_up_hours: int = option(
        72, whole(1, 720), "Hours for which a subscriber may fail; then it is told no more until it accepts a test."
    )
    timeout: float = option(10.0, number(0.1, 60), "Seconds that a subscriber may take to answer.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Monitoring:
    """What whoever watches the bridge is told: /metrics and /readyz."""

    token: str = option(
        "",
        text(),
        "Who sends it as a bearer token may read /metrics. Empty: only requests from this machine that no proxy has"
        " passed on.",
    )
    stale_hours: int = option(
        0,
        whole(0, 8760),
        "Hours after which /readyz answers 503 because no roster at all could be read for so long. 0: never.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """What is written to standard error."""

    level: str = option(
        "info", choice("debug", "info", "warning", "error"), "The least severe messages that are written."
    )
    format: str = option(
        "auto",
        choice("json", "console", "auto"),
        "One JSON object per line, or lines for reading; auto is console on a terminal and json elsewhere.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The whole configuration, checked."""

    server: Server = field(default_factory=Server)
    storage: Storage = field(default_factory=Storage)
    oneroster: OneRoster = field(default_factory=OneRoster)
    mapping: Roles = field(default_factory=Roles)
    school: School = field(default_factory=School)
    calendar: Calendar = field(default_factory=Calendar)
    nrps: Nrps = field(default_factory=Nrps)
    tools: Tools = field(default_factory=Tools)
    sources: Sources = field(default_factory=Sources)
    lti: Lti = field(default_factory=Lti)
    feeders: Feeders = field(default_factory=Feeders)
    outgoing: Outgoing = field(default_factory=Outgoing)
    sync: Sync = field(default_factory=Sync)
    guards: Guards = field(default_factory=Guards)
    retention: Retention = field(default_factory=Retention)
    webhooks: Webhooks = field(default_factory=Webhooks)
    monitoring: Monitoring = field(default_factory=Monitoring)
    log: Log = field(default_factory=Log)


SECTIONS: Mapping[str, type[Any]] = {
    section.name: cast(type[Any], section.default_factory) for section in fields(Settings)
}
"""The sections by name, in the order in which they are documented."""


def load_settings(path: Path | None = None, environ: Mapping[str, str] | None = None) -> Settings:
    """Read the configuration.

    :param path: the file; else the one that ``BRIDGE_CONFIG`` names; else ``config/bridge.toml`` if it is there.
    :param environ: the environment, the process's own unless given. ``BRIDGE_SERVER_PORT`` goes before ``port`` of
        ``[server]``, and so on; lists are separated by commas.
    :raises ConfigError: listing every problem of the file and the environment.
    """
    environ = os.environ if environ is None else environ
    named = path or (Path(environ[CONFIG_VARIABLE]) if environ.get(CONFIG_VARIABLE) else None)
    file = named or (CONFIG_FILE if CONFIG_FILE.is_file() else None)
    document, problems = _read(file) if file else ({}, [])
    problems += [
        f"{file}: [{name}]: no such section{did_you_mean(name, SECTIONS)}" for name in document if name not in SECTIONS
    ]
    loaded = {}
    for name, section in SECTIONS.items():
        table = document.get(name, {})
        if not isinstance(table, dict):
            problems.append(f"{file}: {name}: must be a section, [{name}], with options below it")
            table = {}
        prefix = variable_name(name, "")
        variables = {key: value for key, value in environ.items() if key.startswith(prefix)}
        loaded[name], more = read_section(name, section, table, variables, where=str(file))
        problems += more
    if problems:
        raise ConfigError(problems)
    return Settings(**loaded)


def _read(file: Path) -> tuple[dict[str, Any], list[str]]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8")), []
    except OSError as error:
        return {}, [f"{file}: cannot be read: {error.strerror}"]
    except UnicodeDecodeError:
        return {}, [f"{file}: is not UTF-8 text"]
    except tomllib.TOMLDecodeError as error:
        return {}, [f"{file}: is not valid TOML: {error}"]
