"""``bridge feeders``, and handing a platform's launches on."""

import json

import pytest
from click.testing import CliRunner

from bridge.cli import cli
from bridge.errors import InvalidRequest, SourceRefused, UnknownObject
from bridge.settings import load_settings
from bridge.wiring import Wiring

LMS = "https://lms.example.org"


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "bridge.toml"
    path.write_text(
        f'[storage]\ndirectory = "{tmp_path / "var"}"\n\n[outgoing]\nallowed_hosts = ["127.0.0.1"]\n', encoding="utf-8"
    )
    return path


@pytest.fixture
def run(config):
    def run(*arguments):
        result = CliRunner().invoke(cli, ["--config", str(config), *arguments])
        if result.exception is not None:
            raise result.exception
        return result.stdout

    return run


@pytest.fixture
def bridge(run):
    """Runs a command and gives what it reports as JSON."""
    return lambda *arguments: json.loads(run(*arguments, "--json"))


@pytest.fixture
def registry(config):
    wiring = Wiring(load_settings(config))
    yield wiring.registry
    wiring.close()


@pytest.fixture
def platform(bridge):
    urls = [f"--auth-login-url={LMS}/auth", f"--token-url={LMS}/token", f"--jwks-url={LMS}/jwks"]
    return bridge("platforms", "add", f"--issuer={LMS}", "--client-id=bridge-1", *urls, "--tenant=school")


def test_tool_is_registered_with_a_key_that_is_shown_once(bridge, run, registry):
    added = bridge("feeders", "add", "quiz")

    assert registry.tool_keys.find(added["apiKey"]).tool == added["tool"]
    assert added["apiKey"] not in run("feeders", "list", "--json")


def test_key_is_changed_for_another(bridge, registry):
    old = bridge("feeders", "add", "quiz")
    new = bridge("feeders", "new-key", "quiz")
    [first, _] = bridge("feeders", "list")[0]["keys"]

    bridge("feeders", "revoke-key", "quiz", str(first["id"]))

    assert registry.tool_keys.find(old["apiKey"]) is None
    assert registry.tool_keys.find(new["apiKey"]) is not None


def test_tool_of_the_other_kind_is_given_a_key(bridge, registry):
    tool = bridge("tools", "add", "reader", "--jwks-url=https://reader.example.org/jwks")

    added = bridge("feeders", "new-key", tool["client_id"])

    assert registry.tool_keys.find(added["apiKey"]).tool == tool["client_id"]


@pytest.mark.parametrize("name", ["nobody", ""])
def test_unknown_tool(bridge, name):
    with pytest.raises(UnknownObject):
        bridge("feeders", "new-key", name)


def test_name_of_two_tools_means_neither(bridge):
    for _ in range(2):
        bridge("feeders", "add", "quiz")

    with pytest.raises(InvalidRequest, match="client ids"):
        bridge("feeders", "new-key", "quiz")


class TestBind:
    @pytest.fixture(autouse=True)
    def tool(self, bridge):
        return bridge("feeders", "add", "quiz")

    def bind(self, bridge, *more, client_id="quiz-1"):
        return bridge("feeders", "bind", "quiz", f"--issuer={LMS}", f"--client-id={client_id}", *more)

    def test_key_set_is_that_of_the_bridge_s_own_registration(self, bridge, platform):
        assert self.bind(bridge, "--tenant=school")["jwks_url"] == f"{LMS}/jwks"

    def test_tenant_is_that_of_a_registration_with_the_same_client_id(self, bridge, platform):
        assert self.bind(bridge, client_id="bridge-1")["tenant"] == "school"

    def test_tenant_has_to_be_said_where_an_issuer_may_have_many(self, bridge, platform):
        with pytest.raises(InvalidRequest, match="school"):
            self.bind(bridge)

    def test_key_set_has_to_be_said_of_a_platform_that_is_not_registered(self, bridge):
        with pytest.raises(InvalidRequest, match="--jwks-url"):
            self.bind(bridge, "--tenant=school")

    def test_key_set_that_anybody_on_the_way_could_change_is_refused(self, bridge):
        with pytest.raises(SourceRefused):
            self.bind(bridge, "--tenant=school", "--jwks-url=http://lms.example.org/jwks")

    def test_what_is_bound_is_listed_and_unbound(self, bridge):
        self.bind(bridge, "--tenant=school", f"--jwks-url={LMS}/jwks")
        assert bridge("feeders", "list")[0]["audiences"][0]["client_id"] == "quiz-1"

        bridge("feeders", "unbind", "quiz", f"--issuer={LMS}", "--client-id=quiz-1")

        assert bridge("feeders", "list")[0]["audiences"] == []


class TestHandingOn:
    def test_platform_is_set_to_hand_on_and_set_back(self, bridge, registry, platform):
        tool = bridge("feeders", "add", "quiz")["tool"]
        bridge("feeders", "application", "quiz", "https://quiz.example.org/start")

        bridge("platforms", "set", "school", "--application=quiz")
        assert registry.applications.of_platform(platform["id"]).tool == tool

        bridge("platforms", "set", "school", "--no-application")
        assert registry.applications.of_platform(platform["id"]) is None

    def test_tool_without_an_application_is_refused(self, bridge, platform):
        bridge("feeders", "add", "quiz")

        with pytest.raises(UnknownObject, match="application"):
            bridge("platforms", "set", "school", "--application=quiz")

    def test_nothing_to_set_is_a_wrong_command_line(self, run, platform):
        with pytest.raises(SystemExit) as end:
            run("platforms", "set", "school")
        assert end.value.code == 2


def test_contexts_are_none_before_a_launch_is_handed_in(bridge):
    assert bridge("feeders", "contexts") == []


def test_service_keys_are_revoked_though_there_are_none(bridge):
    bridge("feeders", "add", "quiz")

    assert bridge("feeders", "revoke-service-keys", "quiz")["revoked"] == 0
