"""OneRoster consumers and their secrets."""

import re
from datetime import timedelta

import pytest

from bridge.errors import InvalidRequest, UnknownObject
from bridge.roster.privacy import PersonDetail
from bridge.roster.visibility import Visibility

SCOPES = {"roster", "demographics"}


def test_client_is_found_as_it_was_added(registry):
    client, _ = registry.clients.add("Library", scopes=SCOPES, sources={"north", "south"}, body_style="strict")

    assert registry.clients.by_id(client.client_id) == client
    assert registry.clients.all() == [client]
    assert client.sources == {"north", "south"}


def test_client_without_sources_sees_all(registry):
    client, _ = registry.clients.add("Library", scopes=SCOPES)

    assert registry.clients.by_id(client.client_id).sources is None


def test_id_and_secret_read_the_same_percent_encoded_or_not(registry):
    client, secret = registry.clients.add("Library", scopes=SCOPES)

    assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_-]{15,}", client.client_id)
    assert re.fullmatch(r"[A-Za-z0-9_-]{40,}", secret)


def test_secret_is_not_in_the_file(registry, registry_path):
    _, secret = registry.clients.add("Library", scopes=SCOPES)

    assert all(secret.encode() not in file.read_bytes() for file in registry_path.parent.iterdir())


def test_only_the_right_secret_lets_in(registry):
    client, secret = registry.clients.add("Library", scopes=SCOPES)
    other, others_secret = registry.clients.add("Canteen", scopes=SCOPES)

    assert registry.clients.authenticate(client.client_id, secret) == client
    assert registry.clients.authenticate(client.client_id, others_secret) is None
    assert registry.clients.authenticate(client.client_id, "") is None
    assert registry.clients.authenticate("nobody", secret) is None
    assert registry.clients.authenticate("nobody", "") is None
    assert registry.clients.authenticate(other.client_id, others_secret) == other


def test_revoked_client_is_let_in_no_more(registry):
    client, secret = registry.clients.add("Library", scopes=SCOPES)

    registry.clients.revoke(client.client_id)

    assert registry.clients.authenticate(client.client_id, secret) is None
    assert registry.clients.by_id(client.client_id).revoked == "2026-11-20T08:00:00.000Z"
    with pytest.raises(UnknownObject):
        registry.clients.revoke(client.client_id)


def test_renewed_secret_replaces_the_old_one(registry):
    client, old = registry.clients.add("Library", scopes=SCOPES)

    new = registry.clients.renew_secret(client.client_id)

    assert registry.clients.authenticate(client.client_id, old) is None
    assert registry.clients.authenticate(client.client_id, new) == client


@pytest.mark.parametrize(
    ("arguments", "parameter"),
    [
        pytest.param({"scopes": []}, "scopes", id="no scope"),
        pytest.param({"scopes": SCOPES, "sources": []}, "sources", id="no source"),
        pytest.param({"scopes": SCOPES, "body_style": "loose"}, "body_style", id="unknown body style"),
    ],
)
def test_impossible_client_is_refused(registry, arguments, parameter):
    with pytest.raises(InvalidRequest, match=parameter):
        registry.clients.add("Library", **arguments)
    assert registry.clients.all() == []


def test_while_a_secret_is_rotated_both_let_in_until_the_time_is_over(registry, clock):
    client, former = registry.clients.add("Library", scopes=SCOPES)

    new = registry.clients.rotate_secret(client.client_id, timedelta(hours=24))

    assert registry.clients.authenticate(client.client_id, former) is not None
    assert registry.clients.authenticate(client.client_id, new) is not None
    clock.turn(hours=24)
    assert registry.clients.authenticate(client.client_id, former) is None
    assert registry.clients.authenticate(client.client_id, new) is not None


def test_renewing_ends_a_former_secret_too(registry):
    client, former = registry.clients.add("Library", scopes=SCOPES)
    between = registry.clients.rotate_secret(client.client_id, timedelta(hours=24))

    new = registry.clients.renew_secret(client.client_id)

    assert registry.clients.authenticate(client.client_id, former) is None
    assert registry.clients.authenticate(client.client_id, between) is None
    assert registry.clients.authenticate(client.client_id, new) is not None


def test_secret_of_nobody_is_not_rotated(registry):
    with pytest.raises(UnknownObject, match="bridge clients list"):
        registry.clients.rotate_secret("nobody", timedelta(hours=1))


def test_limits_are_kept_and_can_be_changed(registry):
    client, _ = registry.clients.add(
        "Library", scopes=SCOPES, orgs={"o"}, classes={"c"}, privacy=PersonDetail.NAME_ONLY
    )
    assert registry.clients.by_id(client.client_id) == client
    wider = Visibility(frozenset({"north"}), classes=frozenset({"c", "d"}))

    registry.clients.limit(client.client_id, wider)

    assert registry.clients.by_id(client.client_id).visibility == wider
