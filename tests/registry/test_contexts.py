"""Contexts: known by tenant and key, whatever else changes."""

import pytest

from bridge.errors import InvalidRequest, UnknownObject
from bridge.roster.identity import class_sourced_id, context_key
from bridge.roster.memberships import Context

URL = "https://lms.example.org/memberships/2?flag=&a=1"
KEY = context_key("2")


@pytest.fixture
def platform(add_platform):
    return add_platform()


@pytest.fixture
def launch(registry, platform):
    def launch(context_id="2", *, label=None, title=None, url=URL, through=platform, deployment_id="7"):
        return registry.contexts.upsert_from_launch(
            through,
            context_key(context_id),
            Context(context_id=context_id, label=label, title=title),
            deployment_id=deployment_id,
            memberships_url=url,
        )

    return launch


def test_launched_context_is_found_as_it_was_stored(registry, platform, clock, launch):
    context = launch(label="BIO-1", title="Biology")

    assert registry.contexts.get(platform.tenant, KEY) == context
    assert context.memberships_url == URL
    assert context.class_sourced_id == class_sourced_id(platform.tenant, KEY)
    assert (context.added_by, context.last_launch) == ("launch", "2026-11-20T08:00:00.000Z")


def test_next_launch_keeps_key_and_first_stamp(registry, launch, clock):
    first = launch(title="Biology")
    clock.turn(hours=1)

    second = launch(title="Biology, advanced", url="https://lms.example.org/elsewhere")

    assert (second.key, second.created) == (first.key, first.created)
    assert second.last_launch == "2026-11-20T09:00:00.000Z"
    assert (second.title, second.memberships_url) == ("Biology, advanced", "https://lms.example.org/elsewhere")
    assert registry.contexts.all() == [second]


def test_launch_that_does_not_state_a_title_leaves_it(launch):
    launch(label="BIO-1", title="Biology")

    again = launch()

    assert (again.label, again.title) == ("BIO-1", "Biology")


def test_launch_through_another_registration_of_the_tenant_is_the_same_context(
    registry, platform, add_platform, launch
):
    first = launch()
    sibling = add_platform(client_id="bridge-2", tenant=platform.tenant)

    second = launch(through=sibling, deployment_id="1")

    assert second.class_sourced_id == first.class_sourced_id
    assert (second.platform_id, second.deployment_id) == (sibling.id, "1")


def test_operators_context_stays_the_operators_when_launched(registry, platform, launch):
    added = registry.contexts.add(platform, KEY, Context(context_id="2"), memberships_url=URL)

    launched = launch()

    assert (added.added_by, added.last_launch) == ("operator", None)
    assert (launched.added_by, launched.last_launch) == ("operator", "2026-11-20T08:00:00.000Z")


@pytest.mark.parametrize(
    "selector",
    [
        pytest.param("2", id="context id"),
        pytest.param("BIO-1", id="label"),
        pytest.param(KEY, id="key"),
        pytest.param(class_sourced_id("lms.example.org", KEY), id="class sourcedId"),
    ],
)
def test_context_is_found_by_any_of_its_names(registry, launch, selector):
    context = launch(label="BIO-1")
    launch("3", label="BIO-2")

    assert registry.contexts.find(selector) == context


def test_name_of_nothing_is_refused(registry, launch):
    launch(label="BIO-1")

    with pytest.raises(UnknownObject, match="bridge contexts list"):
        registry.contexts.find("bio-1")


def test_name_of_several_is_refused_unless_the_tenant_tells(registry, add_platform, launch):
    first = launch()
    south = add_platform(client_id="bridge-2", tenant="south")
    second = launch(through=south)

    with pytest.raises(InvalidRequest, match=f"{first.class_sourced_id}, {second.class_sourced_id}"):
        registry.contexts.find("2")
    assert registry.contexts.find("2", tenant="south") == second


def test_removed_context_is_gone(registry, platform, launch):
    launch()

    registry.contexts.remove(platform.tenant, KEY)

    assert registry.contexts.all() == []
    with pytest.raises(UnknownObject):
        registry.contexts.get(platform.tenant, KEY)
    with pytest.raises(UnknownObject):
        registry.contexts.remove(platform.tenant, KEY)
