"""``bridge sources``, and the other commands where they meet sources."""

import json

import pytest
from click.testing import CliRunner
from werkzeug import Response

from bridge.cli import cli
from bridge.errors import BridgeError
from tests.sources.scripted_sis import SECRET


class CommandLine:
    def __init__(self, folder, sis):
        self._config = folder / "bridge.toml"
        self._config.write_text(
            f'[server]\npublic_url = "https://bridge.example.org"\n[storage]\ndirectory = "{folder / "var"}"\n'
            '[outgoing]\nallowed_hosts = ["127.0.0.1", "localhost"]\n[log]\nlevel = "error"\n'
        )
        self._sis = sis
        self.output = ""

    def __call__(self, *arguments, given=None, expect=0):
        result = CliRunner().invoke(cli, ["--config", str(self._config), *arguments], input=given)
        self.output += result.output
        if isinstance(result.exception, BridgeError):
            raise result.exception
        assert result.exit_code == expect, result.output
        return json.loads(result.stdout) if "--json" in arguments else result.stdout

    def add(self, *more):
        return self(
            "sources", "add", "north", "--base-url", self._sis.base_url, "--token-url", f"{self._sis.origin}/token",
            "--client-id", "bridge", "--client-secret-file", "-", "--json", *more, given=f"{SECRET}\n",
        )  # fmt: skip


@pytest.fixture
def bridge(tmp_path, sis):
    sis.has_class("one", [f"s{number:02}" for number in range(20)])
    return CommandLine(tmp_path, sis)


def test_source_is_added_checked_read_and_listed(bridge):
    added = bridge.add("--demographics", "--prefix", "n-")
    assert added["scopes"] == [
        "https://purl.imsglobal.org/spec/or/v1p2/scope/roster-core.readonly",
        "https://purl.imsglobal.org/spec/or/v1p2/scope/roster.readonly",
        "https://purl.imsglobal.org/spec/or/v1p2/scope/roster-demographics.readonly",
    ]

    assert bridge("sources", "check", "north", "--json") == {"checked": "north"}
    (run,) = bridge("sync", "north", "--json")
    (listed,) = bridge("sources", "list", "--json")

    assert (run["source"], run["outcome"], run["added"]) == ("north", "applied", 44)
    assert (listed["records"], listed["lastOutcome"], listed["state"]) == (44, "applied", "fresh")
    assert SECRET not in bridge.output


def test_scopes_of_1p1_are_asked_for_there(bridge, sis):
    bridge.add("--version", "1.1")
    bridge("sources", "check", "north")

    assert all("/v1p1/" in scope for scope in sis.forms[0]["scope"].split())


def test_source_is_shown_without_its_secret(bridge):
    bridge.add()

    assert "clientId: bridge" in bridge("sources", "show", "north")
    assert SECRET not in bridge.output


def test_what_is_set_changes_and_the_rest_stays(bridge):
    before = bridge.add("--page-limit", "50")

    after = bridge("sources", "set", "north", "--changes", "date", "--page-limit", "0", "--json")

    assert after == {**before, "changes": "date", "pageLimit": None}


@pytest.mark.parametrize(
    ("name", "said"),
    [("north", "there is a source north already"), ("No Name", "must be 1 to 64 of a-z")],
    ids=["a name that is taken", "a name that cannot be used"],
)
def test_no_secret_is_asked_for_in_vain(bridge, name, said):
    bridge.add()

    with pytest.raises(BridgeError, match=said):
        bridge(
            *("sources", "add", name, "--base-url", "http://127.0.0.1:9/v1p2"),
            *("--token-url", "http://127.0.0.1:9/token", "--client-id", "b"),
            given=f"{SECRET}\n",
        )

    assert "Client secret" not in bridge.output


def test_new_secret_is_used(bridge, sis):
    bridge.add()
    bridge("sources", "set", "north", "--auth", "form")
    bridge("sources", "rotate-secret", "north", "--client-secret-file", "-", given="another\n")

    bridge("sources", "check", "north")

    assert sis.forms[0]["client_secret"] == "another"


def test_paused_source_is_shown_so_and_resumed(bridge):
    bridge.add()
    bridge("sources", "pause", "north", "--reason", "moving")
    (listed,) = bridge("sources", "list", "--json")

    assert (listed["state"], listed["paused"]["reason"]) == ("paused", "moving")
    assert bridge("sources", "resume", "north", "--json") == {"resumed": "north", "wasPaused": True}


def test_preview_changes_nothing(bridge):
    bridge.add()

    (planned,) = bridge("sync", "north", "--dry-run", "--json")

    assert (planned["source"], planned["added"]) == ("north", 44)
    assert bridge("sources", "list", "--json")[0]["records"] is None


def test_held_source_is_approved_and_undone_by_the_numbers_of_its_runs(bridge, sis):
    bridge.add()
    bridge("sync", "--all")
    sis.drop("users", *(f"s{number:02}" for number in range(15)))
    (held,) = bridge("sync", "north", "--full", "--json", expect=3)

    approved = bridge("approve", str(held["id"]), "--json")
    undone = bridge("undo", str(approved["id"]), "--json")

    assert (held["outcome"], approved["removed"], undone["source"], len(undone["restored"])) == (
        "held", 15, "north", 15,
    )  # fmt: skip


def test_removed_source_leaves_its_records_unless_it_is_retired(bridge):
    bridge.add()
    bridge("sync", "north")

    removed = bridge("sources", "remove", "north", "--retire", "--yes", "--json")

    assert removed["removed"] == "north"
    assert bridge("runs", "show", str(removed["run"]), "--json")["removed"] == 44
    assert bridge("sources", "list", "--json") == []


def test_doctor_says_what_is_wrong_with_a_source(bridge, sis):
    bridge.add()
    sis.token_answers = [Response('{"error": "invalid_client"}', status=401)]

    checks = bridge("doctor", "--json", expect=1)

    (problem,) = (each["problem"] for each in checks if each["check"] == "source north")
    assert "check the client id and the secret" in problem


def test_address_that_the_outgoing_policy_forbids_is_refused_when_it_is_registered(bridge):
    with pytest.raises(BridgeError, match="plain http is not used"):
        bridge(
            "sources", "add", "south", "--base-url", "http://sis.example.org/v1p2", "--token-url",
            "https://sis.example.org/token", "--client-id", "b", "--client-secret-file", "-", given="x",
        )  # fmt: skip


def test_consumer_and_webhook_can_be_limited_to_a_source(bridge):
    bridge.add()

    bridge("clients", "add", "library", "--source", "north", "--json")
    bridge("webhooks", "add", "library", "http://127.0.0.1:9/hook", "--source", "north", "--json")

    assert bridge("clients", "list", "--json")[0]["sources"] == ["north"]
    with pytest.raises(BridgeError, match="no source south"):
        bridge("clients", "add", "library", "--source", "south")
