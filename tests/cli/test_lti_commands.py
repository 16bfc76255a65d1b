"""The commands about the bridge as a tool: keys, deployments, invitations and waiting registrations, guides."""

import json
import re
from datetime import timedelta

import pytest
from click.testing import CliRunner

from bridge.cli import cli
from bridge.cli.platforms import add as add_command
from bridge.errors import BridgeError
from bridge.lti.guides import GUIDES
from bridge.lti.vendors import PROFILES
from bridge.registry.registrations import NewPlatform
from bridge.registry.registry import Registry

PLATFORM = {
    "issuer": "https://lms.example.org",
    "client_id": "bridge-1",
    "auth_login_url": "https://lms.example.org/auth",
    "token_url": "https://lms.example.org/token",
    "jwks_url": "https://lms.example.org/jwks",
}
WAITING = NewPlatform(**PLATFORM, deployment_id="7", token_audience=None, vendor="generic", product="practice 1.0")


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "bridge.toml"
    directory = json.dumps(str(tmp_path / "var"))
    path.write_text(f'[server]\npublic_url = "https://bridge.example.org"\n[storage]\ndirectory = {directory}\n')
    return path


@pytest.fixture
def run(config):
    """Run a command; gives what it printed, as JSON where it was asked for."""

    def run(*arguments):
        result = CliRunner().invoke(cli, ["--config", str(config), *arguments])
        if isinstance(result.exception, BridgeError):
            raise result.exception
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout) if "--json" in arguments else result.stdout

    return run


@pytest.fixture
def registry(run, tmp_path):
    run("platforms", "list")
    with Registry.open(tmp_path / "var" / "registry.sqlite") as registry:
        yield registry


# keys


def test_keys_are_listed_without_their_secrets(run):
    listed = run("keys", "list", "--json")

    assert [key["place"] for key in listed] == ["current", "next"]
    assert all(set(key) == {"kid", "place", "created", "retired"} for key in listed)


def test_rotation_that_platforms_cannot_follow_yet_is_refused(run):
    with pytest.raises(BridgeError, match="less than 60 minutes"):
        run("keys", "rotate")


def test_rotation_keeps_the_former_key_published(run, registry):
    current, following = registry.keys.published()

    assert run("keys", "rotate", "--force", "--json") == {"kid": following.kid}
    assert [key["place"] for key in run("keys", "list", "--json")] == ["previous", "current", "next"]
    assert [key.kid for key in registry.keys.published()][:2] == [current.kid, following.kid]


def test_key_that_is_withdrawn_is_published_no_more(run, registry):
    current, following = registry.keys.published()

    run("keys", "rotate", "--withdraw")

    assert [key["place"] for key in run("keys", "list", "--json")] == ["withdrawn", "current", "next"]
    published = [key.kid for key in registry.keys.published()]
    assert (published[0], current.kid in published, len(published)) == (following.kid, False, 2)


# deployments


def test_deployments_are_added_listed_and_removed(run, registry):
    platform = registry.platforms.add(**PLATFORM)

    run("deployments", "add", str(platform.id), "7", "8")
    assert [each["deployment_id"] for each in run("deployments", "list", "--json")] == ["7", "8"]
    run("deployments", "remove", str(platform.id), "7")
    assert registry.deployments.of(platform) == {"8"}


@pytest.mark.parametrize(
    "arguments",
    [("list", "--platform", "9"), ("add", "9", "7"), ("remove", "9", "7"), ("remove", "1", "7")],
    ids=" ".join,
)
def test_deployment_or_platform_that_is_not_known_is_said_so(run, registry, arguments):
    registry.platforms.add(**PLATFORM)

    with pytest.raises(BridgeError, match="see 'bridge"):
        run("deployments", *arguments)


# registrations


def test_invitation_is_a_link_with_a_code_that_is_not_stored(run, registry, tmp_path):
    link = run("platforms", "invite", "--tenant", "north", "--json")["url"]

    root, _, code = link.rpartition("/")
    assert root == "https://bridge.example.org/lti/register"
    assert all(code.encode() not in file.read_bytes() for file in (tmp_path / "var").iterdir())
    assert registry.invitations.take(code).tenant == "north"


def test_invitation_for_an_impossible_tenant_is_refused(run):
    with pytest.raises(BridgeError, match="tenant"):
        run("platforms", "invite", "--tenant", "North School")


def test_waiting_registration_is_listed_and_accepted(run, registry):
    number = registry.registrations.add(WAITING)
    assert [one["id"] for one in run("platforms", "pending", "--json")] == [number]

    accepted = run("platforms", "accept", str(number), "--tenant", "north", "--json")

    assert (accepted["issuer"], accepted["tenant"]) == (WAITING.issuer, "north")
    assert registry.deployments.of(registry.platforms.by_id(accepted["id"])) == {"7"}
    assert run("platforms", "pending", "--json") == []


def test_registration_that_is_sent_again_waits_once(registry):
    for _ in range(2):
        number = registry.registrations.add(WAITING)

    assert [one.id for one in registry.registrations.all()] == [number]


def test_waiting_registration_can_be_rejected(run, registry):
    number = registry.registrations.add(WAITING)

    run("platforms", "reject", str(number))

    assert (registry.registrations.all(), registry.platforms.all()) == ([], [])


def test_registration_that_clashes_goes_on_waiting(run, registry):
    registry.platforms.add(**PLATFORM)
    number = registry.registrations.add(WAITING)

    with pytest.raises(BridgeError, match="registered"):
        run("platforms", "accept", str(number))
    assert len(registry.registrations.all()) == 1


def test_expired_invitations_are_forgotten(registry):
    registry.invitations.add(timedelta(seconds=-1))
    registry.invitations.add(timedelta(days=1))

    assert registry.db.execute("SELECT count(*) FROM invitations").fetchone() == (1,)


# guides


@pytest.mark.parametrize("vendor", GUIDES)
def test_guide_names_this_bridges_addresses(run, vendor):
    guide = run("platforms", "guide", vendor)

    for path in ("/lti/login", "/lti/launch", "/.well-known/jwks.json"):
        assert f"https://bridge.example.org{path}" in guide
    assert "$" not in guide


@pytest.mark.parametrize("vendor", GUIDES)
def test_guide_gives_a_command_that_exists_with_everything_it_needs(run, vendor):
    guide = run("platforms", "guide", vendor)
    (command,) = re.findall(r"bridge platforms add .*?(?=\n\S|\n  bridge|\n\n|\Z)", guide, re.DOTALL)
    known = {option: parameter for parameter in add_command.params for option in parameter.opts}

    given = set(re.findall(r"--[a-z-]+", command))

    assert given <= set(known)
    assert {option for option, parameter in known.items() if parameter.required} <= given
    assert vendor == "generic" or f"--vendor {vendor} " in command
    assert vendor in PROFILES
