"""OneRoster providers in the registry."""

import dataclasses

import pytest

from bridge.errors import InvalidRequest, UnknownObject
from bridge.oneroster.source import Changes
from bridge.registry.sources import RegisteredSource
from bridge.roster.records import WHOLE_SOURCE
from bridge.transport.client_secret import Auth, Credentials

CREDENTIALS = Credentials(
    client_id="bridge", secret="s3cret", token_url="https://sis.example.org/token", scopes=("a", "b")
)
SOURCE = RegisteredSource(
    name="north",
    base_url="https://sis.example.org/ims/oneroster/rostering/v1p2/",
    credentials=CREDENTIALS,
    prefix="n-",
    demographics=True,
    changes=Changes.DATE,
    page_limit=500,
    freshness_hours=12,
)
PLATFORM = {
    "issuer": "https://lms.example.org",
    "client_id": "bridge-1",
    "auth_login_url": "https://lms.example.org/auth",
    "token_url": "https://lms.example.org/token",
    "jwks_url": "https://lms.example.org/jwks",
}


def test_source_comes_back_as_it_was_added(registry):
    added = registry.sources.add(SOURCE)

    assert registry.sources.get("north") == added
    assert added == dataclasses.replace(SOURCE, base_url=SOURCE.base_url.rstrip("/"), created=added.created)


def test_name_is_given_once(registry):
    registry.sources.add(SOURCE)

    with pytest.raises(InvalidRequest, match="already"):
        registry.sources.add(SOURCE)


def test_source_and_tenant_of_a_platform_share_no_name(registry):
    registry.sources.add(SOURCE)
    registry.platforms.add(**PLATFORM, tenant="lms")

    with pytest.raises(InvalidRequest, match="tenant of a platform"):
        registry.sources.add(dataclasses.replace(SOURCE, name="lms"))
    with pytest.raises(InvalidRequest, match="is a source"):
        registry.platforms.add(**{**PLATFORM, "client_id": "bridge-2"}, tenant="north")


@pytest.mark.parametrize(
    ("changes", "parameter"),
    [
        ({"name": "North High"}, "name"),
        ({"base_url": "sis.example.org"}, "base_url"),
        ({"base_url": "https://sis.example.org/v1p2?x=1"}, "base_url"),
        ({"version": "1.0"}, "version"),
        ({"prefix": "a/b"}, "prefix"),
        ({"page_limit": 0}, "page_limit"),
        ({"credentials": dataclasses.replace(CREDENTIALS, token_url="")}, "token_url"),
        ({"credentials": dataclasses.replace(CREDENTIALS, secret=" ")}, "secret"),
        ({"credentials": dataclasses.replace(CREDENTIALS, auth=Auth.OAUTH1_SHA256)}, "token_url"),
    ],
    ids=[
        "name",
        "no URL",
        "query",
        "version",
        "prefix",
        "page limit",
        "no token URL",
        "no secret",
        "signed with token",
    ],
)
def test_impossible_value_is_named(registry, changes, parameter):
    with pytest.raises(InvalidRequest) as refusal:
        registry.sources.add(dataclasses.replace(SOURCE, **changes))

    assert refusal.value.parameter == parameter


def test_update_leaves_name_and_prefix(registry):
    source = registry.sources.add(SOURCE)

    registry.sources.update(dataclasses.replace(source, prefix="other-", page_limit=None))

    assert (registry.sources.get("north").prefix, registry.sources.get("north").page_limit) == ("n-", None)


def test_removed_source_is_unknown_and_may_come_back(registry):
    registry.sources.add(SOURCE)
    registry.sources.remove("north")

    with pytest.raises(UnknownObject):
        registry.sources.get("north")
    registry.sources.add(SOURCE)


def test_pause_has_an_end(registry):
    registry.sources.add(SOURCE)
    assert registry.sources.pause("north", "operator", "moving")
    assert not registry.sources.pause("north", "somebody else")

    pause = registry.sources.get("north").pause
    assert pause is not None
    assert (pause.paused_by, pause.reason) == ("operator", "moving")
    assert registry.sources.resume("north")
    assert registry.sources.get("north").pause is None


def test_sources_stand_among_the_rosters(registry):
    source = registry.sources.add(SOURCE)

    assert registry.rosters.all() == [source]
    assert registry.rosters.find("north") == registry.rosters.get("north", WHOLE_SOURCE) == source


def test_secret_is_in_no_representation(registry):
    assert "s3cret" not in repr(registry.sources.add(SOURCE))
