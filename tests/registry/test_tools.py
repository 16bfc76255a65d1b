"""The registered LTI tools."""

from datetime import timedelta

import pytest

from bridge.errors import InvalidRequest, UnknownObject
from bridge.roster.sharing import Share, UserIds

URL = "https://tool.example.org/jwks"
KEYS = '{"keys": []}'


@pytest.fixture
def tool(registry):
    return registry.tools.add("Reader", jwks_url=URL)


def test_tool_is_found_as_it_was_registered(registry):
    tool = registry.tools.add(
        "Reader", key_set=KEYS, sources=["north"], classes=["c1"], shares=["email"], user_ids="sourcedid"
    )

    assert registry.tools.by_id(tool.client_id) == tool
    assert (tool.sources, tool.classes, tool.user_ids) == ({"north"}, {"c1"}, UserIds.SOURCED_ID)
    assert tool.privacy.shares == {Share.EMAIL}


def test_unless_told_otherwise_it_sees_all_and_is_told_names_and_addresses(tool):
    assert (tool.sources, tool.classes, tool.user_ids) == (None, None, UserIds.LMS)
    assert tool.privacy.shares == {Share.NAMES, Share.EMAIL}


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"jwks_url": URL, "key_set": KEYS},
        {"jwks_url": "tool.example.org"},
        {"jwks_url": URL, "sources": []},
        {"jwks_url": URL, "classes": []},
        {"jwks_url": URL, "shares": ["phone"]},
        {"jwks_url": URL, "user_ids": "email"},
    ],
    ids=["no keys", "two places of keys", "no URL", "no source", "no class", "other share", "other ids"],
)
def test_impossible_values_are_refused(registry, values):
    with pytest.raises(InvalidRequest):
        registry.tools.add("Reader", **values)
    assert registry.tools.all() == []


@pytest.mark.parametrize(
    ("change", "moved"),
    [
        ({"shares": ["names"]}, 1),
        ({"sources": ["north"]}, 1),
        ({"classes": ["c1"]}, 1),
        ({"user_ids": "sourcedid"}, 1),
        ({"name": "Other"}, 0),
        ({"shares": ["names", "email"]}, 0),
    ],
    ids=["privacy", "sources", "classes", "user ids", "name", "the same"],
)
def test_version_moves_with_what_is_seen_and_with_nothing_else(registry, tool, change, moved):
    changed = registry.tools.set(tool.client_id, **change)

    assert changed.version == tool.version + moved
    assert registry.tools.by_id(tool.client_id) == changed


def test_limits_can_be_lifted(registry):
    tool = registry.tools.add("Reader", jwks_url=URL, sources=["north"], classes=["c1"])
    changed = registry.tools.set(tool.client_id, every_source=True, every_class=True)

    assert (changed.sources, changed.classes) == (None, None)


def test_what_is_not_named_stays(registry):
    tool = registry.tools.add("Reader", jwks_url=URL, sources=["north"], shares=["picture"])

    assert registry.tools.set(tool.client_id, name="Other").sources == {"north"}


@pytest.mark.parametrize("end", ["revoke", "rotate_key", "remove"])
def test_tokens_end_at_once(registry, clock, tool, end):
    registry.tool_tokens.add(b"hash", tool.client_id, ["scope"], lifetime=timedelta(days=1))
    getattr(registry.tools, end)(tool.client_id, **({"key_set": KEYS} if end == "rotate_key" else {}))

    assert registry.tool_tokens.find(b"hash") is None


def test_other_keys_take_the_place_of_the_former(registry, tool):
    registry.tools.rotate_key(tool.client_id, key_set=KEYS)

    changed = registry.tools.get(tool.client_id)
    assert (changed.jwks_url, changed.key_set, changed.version) == (None, KEYS, tool.version)


def test_revoked_tool_stays_on_the_list(registry, tool):
    registry.tools.revoke(tool.client_id)

    (listed,) = registry.tools.all()
    assert listed.revoked is not None
    with pytest.raises(UnknownObject):
        registry.tools.revoke(tool.client_id)


def test_removed_tool_is_known_no_more(registry, tool):
    registry.tools.remove(tool.client_id)

    assert registry.tools.all() == []
    for call in (registry.tools.get, registry.tools.remove):
        with pytest.raises(UnknownObject):
            call(tool.client_id)


def test_assertion_is_used_once_while_it_lasts(registry, other_registry, tool):
    assert registry.assertions.use(tool.client_id, "1", "2030-01-01T00:00:00.000Z")
    assert not other_registry.assertions.use(tool.client_id, "1", "2030-01-01T00:00:00.000Z")
    assert other_registry.assertions.use(tool.client_id, "2", "2030-01-01T00:00:00.000Z")


def test_used_assertions_are_forgotten_when_they_have_expired(registry, clock, tool):
    registry.assertions.use(tool.client_id, "1", "2026-01-01T00:00:00.000Z")
    registry.assertions.use(tool.client_id, "2", "2030-01-01T00:00:00.000Z")

    assert registry.db["assertions"].count == 1
