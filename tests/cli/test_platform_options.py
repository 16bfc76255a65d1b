"""``bridge platforms set``, and what ``bridge contexts list`` says of freshness."""

import json

import pytest
from click.testing import CliRunner

from bridge.cli import cli
from bridge.errors import InvalidRequest, UnknownObject
from bridge.roster.identity import context_key
from bridge.roster.memberships import Context
from bridge.settings import load_settings
from bridge.wiring import Wiring


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "bridge.toml"
    path.write_text(f'[storage]\ndirectory = "{tmp_path / "var"}"\n', encoding="utf-8")
    return path


@pytest.fixture
def bridge(config):
    """Runs a command and gives what it reports as JSON."""

    def run(*arguments):
        result = CliRunner().invoke(cli, ["--config", str(config), *arguments, "--json"])
        if result.exception is not None:
            raise result.exception
        return json.loads(result.stdout)

    return run


@pytest.fixture
def add(bridge):
    def add(client_id="bridge-1", **options):
        host = "https://lms.example.org"
        urls = [f"--auth-login-url={host}/auth", f"--token-url={host}/token", f"--jwks-url={host}/jwks"]
        extra = [f"--{name}={value}" for name, value in options.items()]
        return bridge("platforms", "add", f"--issuer={host}", f"--client-id={client_id}", *urls, *extra)

    return add


@pytest.mark.parametrize("name", ["school", "1"], ids=["by-tenant", "by-id"])
def test_options_are_set_and_kept(bridge, add, name):
    add(tenant="school", option="page_limit=50")

    assert bridge("platforms", "set", name, "differences=no")["options"] == {"page_limit": 50, "differences": False}
    assert bridge("platforms", "list")[0]["options"] == {"page_limit": 50, "differences": False}


def test_a_name_alone_goes_back_to_the_vendor(bridge, add):
    add(tenant="school", vendor="brightspace", option="complete_rosters=yes")

    assert bridge("platforms", "set", "school", "complete_rosters=")["options"] == {}


@pytest.mark.parametrize(
    ("option", "says"),
    [
        pytest.param("page_limits=5", "did you mean page_limit", id="no-such-option"),
        pytest.param("page_limit=five", "must be a whole number", id="no-such-value"),
        pytest.param("people_by_deployment=yes", "needs contexts_by_deployment", id="not-alone"),
    ],
)
def test_what_cannot_be_set_is_refused_and_nothing_changes(bridge, add, option, says):
    add(tenant="school", option="differences=no")

    with pytest.raises(InvalidRequest, match=says):
        bridge("platforms", "set", "school", option)
    assert bridge("platforms", "list")[0]["options"] == {"differences": False}


def test_of_several_registrations_one_must_be_named_by_its_id(bridge, add):
    add(tenant="school")
    add("bridge-2", tenant="school")

    with pytest.raises(InvalidRequest, match="several registrations, name one of the ids 1, 2"):
        bridge("platforms", "set", "school", "differences=no")
    bridge("platforms", "set", "2", "differences=no")

    assert [one["options"] for one in bridge("platforms", "list")] == [{}, {"differences": False}]


@pytest.mark.parametrize("name", ["nowhere", "9"])
def test_a_platform_that_is_not_there_is_refused(bridge, add, name):
    add(tenant="school")

    with pytest.raises(UnknownObject, match="see 'bridge platforms list'"):
        bridge("platforms", "set", name, "differences=no")


def test_a_context_that_was_never_read_says_so(bridge, add, config):
    add(tenant="school")
    wiring = Wiring(load_settings(config, environ={}))
    wiring.prepare()
    wiring.registry.contexts.add(
        wiring.registry.platforms.by_id(1),
        context_key("2"),
        Context(context_id="2"),
        memberships_url="https://lms.example.org/members",
    )
    wiring.close()

    (shown,) = bridge("contexts", "list")

    assert (shown["lastFullPull"], shown["members"]) == (None, None)
