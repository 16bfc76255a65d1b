"""Platforms, their tenants and deployments."""

import dataclasses

import pytest

from bridge.errors import InvalidRequest, UnknownObject
from bridge.roster.identity import LtiUserId, class_sourced_id, context_key, user_sourced_id
from bridge.roster.memberships import Context


def test_platform_is_found_as_it_was_added(registry, add_platform):
    added = add_platform(token_audience="https://lms.example.org/aud", vendor="moodle", options={"page_limit": 50})

    assert registry.platforms.by_id(added.id) == added
    assert registry.platforms.of_issuer(added.issuer) == [added]
    assert registry.platforms.all() == [added]


@pytest.mark.parametrize(
    ("issuer", "tenant"),
    [
        pytest.param("https://Moodle.Example.org/lms", "moodle.example.org", id="host"),
        pytest.param("https://lms.example.org:8443", "lms.example.org", id="port left out"),
        pytest.param("http://[::1]:80", "1", id="address"),
        pytest.param("Some LMS, Inc.", "some-lms-inc", id="no url"),
        pytest.param("https://ünïcode.example.org", "n-code.example.org", id="beyond ascii"),
        pytest.param("…", "platform", id="nothing usable"),
    ],
)
def test_tenant_is_named_after_the_issuers_host(add_platform, issuer, tenant):
    assert add_platform(issuer=issuer).tenant == tenant


def test_second_tenant_of_a_host_is_numbered(add_platform):
    names = [add_platform(client_id=client_id).tenant for client_id in ("a", "b", "c")]

    assert names == ["lms.example.org", "lms.example.org-2", "lms.example.org-3"]


def test_platforms_may_share_a_tenant(registry, add_platform):
    first = add_platform(tenant="north-school")
    second = add_platform(tenant="north-school", client_id="bridge-2")

    assert registry.platforms.of_tenant("north-school") == [first, second]


@pytest.mark.parametrize("name", ["", "North", "north school", "-north", "north.", "x" * 65, "nörth", "north\n"])
def test_impossible_tenant_is_refused(registry, add_platform, name):
    with pytest.raises(InvalidRequest, match="tenant"):
        add_platform(tenant=name)
    assert registry.platforms.all() == []


def test_issuer_and_client_id_are_registered_once(registry, add_platform):
    add_platform()

    with pytest.raises(InvalidRequest, match="already"):
        add_platform(tenant="another")
    assert len(registry.platforms.all()) == 1


@pytest.mark.parametrize("url", ["", "lms.example.org/auth", "ftp://lms.example.org/auth", "https:///auth"])
def test_impossible_url_is_refused(add_platform, url):
    with pytest.raises(InvalidRequest, match="jwks_url"):
        add_platform(jwks_url=url)


def test_issuer_is_compared_byte_for_byte(registry, add_platform):
    add_platform()

    assert registry.platforms.of_issuer("https://lms.example.org/") == []
    assert registry.platforms.of_issuer("https://LMS.example.org") == []


def test_new_client_id_keeps_tenant_and_sourced_ids(registry, add_platform):
    old = add_platform()
    key = context_key("2")
    context = registry.contexts.upsert_from_launch(
        old, key, Context(context_id="2"), deployment_id="7", memberships_url="https://lms.example.org/m/2"
    )

    new = registry.platforms.replace(old.tenant, client_id="bridge-2")

    assert (new.client_id, new.tenant) == ("bridge-2", old.tenant)
    assert user_sourced_id(new.tenant, LtiUserId("4")) == user_sourced_id(old.tenant, LtiUserId("4"))
    assert registry.contexts.get(new.tenant, key).class_sourced_id == context.class_sourced_id
    assert context.class_sourced_id == class_sourced_id(new.tenant, key)


def test_new_client_id_forgets_the_old_deployments(registry, add_platform):
    old = add_platform()
    registry.deployments.add(old, ["7"])
    key = context_key("2")
    registry.contexts.upsert_from_launch(
        old, key, Context(context_id="2"), deployment_id="7", memberships_url="https://lms.example.org/m/2"
    )

    new = registry.platforms.replace(old.tenant, client_id="bridge-2")

    assert registry.deployments.of(new) == frozenset()
    assert registry.contexts.get(new.tenant, key).deployment_id is None


def test_replacing_one_of_several_needs_its_name(registry, add_platform):
    add_platform(tenant="north")
    add_platform(tenant="north", client_id="bridge-2")

    with pytest.raises(InvalidRequest, match="bridge-1, bridge-2"):
        registry.platforms.replace("north", client_id="bridge-3")
    registry.platforms.replace("north", client_id="bridge-3", former_client_id="bridge-2")
    assert [each.client_id for each in registry.platforms.of_tenant("north")] == ["bridge-1", "bridge-3"]


def test_replacing_in_an_unknown_tenant_is_refused(registry):
    with pytest.raises(UnknownObject):
        registry.platforms.replace("nowhere", client_id="bridge-2")


def test_update_keeps_tenant_and_deployments(registry, add_platform):
    platform = add_platform()
    registry.deployments.add(platform, ["7"])

    updated = registry.platforms.update(
        dataclasses.replace(platform, tenant="elsewhere", options={"page_limit": 5}, vendor="moodle")
    )

    assert updated == registry.platforms.by_id(platform.id)
    assert (updated.tenant, updated.vendor, updated.options) == (platform.tenant, "moodle", {"page_limit": 5})
    assert registry.deployments.of(updated) == {"7"}


def test_update_to_a_registration_that_exists_is_refused(registry, add_platform):
    add_platform()
    second = add_platform(client_id="bridge-2")

    with pytest.raises(InvalidRequest, match="already"):
        registry.platforms.update(dataclasses.replace(second, client_id="bridge-1"))
    assert registry.platforms.by_id(second.id) == second


def test_removed_platform_takes_its_contexts_and_leaves_its_tenants_name(registry, add_platform):
    platform = add_platform()
    registry.deployments.add(platform, ["7"])
    registry.contexts.add(
        platform, context_key("2"), Context(context_id="2"), memberships_url="https://lms.example.org/m"
    )

    registry.platforms.remove(platform.id)

    assert (registry.platforms.all(), registry.contexts.all()) == ([], [])
    assert add_platform().tenant == "lms.example.org-2"
    with pytest.raises(UnknownObject):
        registry.platforms.remove(platform.id)


def test_deployments_are_known_once_each(registry, add_platform):
    platform = add_platform()

    registry.deployments.add(platform, ["7", "8"])
    registry.deployments.add(platform, ["8"])

    assert registry.deployments.of(platform) == {"7", "8"}
    assert registry.deployments.remove(platform, "8")
    assert not registry.deployments.remove(platform, "8")
    assert registry.deployments.of(platform) == {"7"}
