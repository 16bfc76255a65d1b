"""Bearer tokens at the resources: RFC 6750."""

from datetime import timedelta

import pytest

from bridge.auth.bearer import authenticate, authenticate_tool, require
from bridge.auth.tokens import issue_token
from bridge.errors import Forbidden, Unauthorised
from bridge.nrps.schemas import CONTEXT_MEMBERSHIP_SCOPE
from bridge.oneroster.scopes import ROSTER, ROSTER_CORE, ROSTER_DEMOGRAPHICS
from bridge.registry.registry import Registry
from bridge.roster.visibility import Visibility


@pytest.fixture
def issue(registry):
    """Register a client and issue a token for it; gives both."""

    def issue(scopes=(ROSTER,), **client):
        added, _ = registry.clients.add("Library", scopes=client.pop("allowed", scopes), **client)
        return added, issue_token(registry.tokens, added.client_id, scopes, lifetime=timedelta(hours=1))

    return issue


def test_token_stands_for_its_client(registry, issue):
    client, token = issue(sources={"north"}, body_style="strict")

    grant = authenticate(f"Bearer {token}", registry)

    assert (grant.client_id, grant.scopes, grant.body_style) == (client.client_id, {ROSTER}, "strict")
    assert grant.visibility == Visibility.of("north")


def test_client_without_sources_sees_all(registry, issue):
    _, token = issue()

    assert authenticate(f"Bearer {token}", registry).visibility == Visibility.of_all()


@pytest.mark.parametrize("header", ["Bearer {}", "bearer {}", "BEARER {}", "  Bearer   {}  "])
def test_scheme_is_read_in_any_case(registry, issue, header):
    client, token = issue()

    assert authenticate(header.format(token), registry).client_id == client.client_id


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic YTpi", "{}"])
def test_no_token_is_told_apart(registry, issue, header):
    _, token = issue()

    with pytest.raises(Unauthorised, match="/oauth2/token") as refusal:
        authenticate(header and header.format(token), registry)
    assert not refusal.value.token_sent


def test_token_of_a_client_is_none_of_a_tool_and_the_other_way_round(registry, issue):
    _, of_client = issue()
    tool = registry.tools.add("Tool", jwks_url="https://tool.example.org/jwks")
    scopes = [CONTEXT_MEMBERSHIP_SCOPE]
    of_tool = issue_token(registry.tool_tokens, tool.client_id, scopes, lifetime=timedelta(hours=1))

    for _ in range(2):
        assert authenticate(f"Bearer {of_client}", registry)
        assert authenticate_tool(f"Bearer {of_tool}", registry)
        with pytest.raises(Unauthorised):
            authenticate_tool(f"Bearer {of_client}", registry)
        with pytest.raises(Unauthorised):
            authenticate(f"Bearer {of_tool}", registry)


def unauthorised(registry, token):
    with pytest.raises(Unauthorised) as refusal:
        authenticate(f"Bearer {token}", registry)
    assert token not in str(refusal.value)
    return refusal.value.token_sent


@pytest.mark.parametrize("change", [str.swapcase, lambda token: token + "=", lambda token: f"{token} {token}"])
def test_other_token_is_not_valid(registry, issue, change):
    _, token = issue()

    assert unauthorised(registry, change(token))


def test_token_expires(registry, issue, clock):
    _, token = issue()
    clock.turn(minutes=59)
    assert authenticate(f"Bearer {token}", registry)
    clock.turn(minutes=1)

    assert unauthorised(registry, token)


def test_token_of_a_revoked_client_is_not_valid(registry, issue):
    client, token = issue()
    registry.clients.revoke(client.client_id)

    assert unauthorised(registry, token)


def test_token_of_a_renewed_secret_is_not_valid(registry, issue):
    client, token = issue()
    registry.clients.renew_secret(client.client_id)

    assert unauthorised(registry, token)


def test_token_holds_in_every_process(registry, issue, registry_path, clock):
    client, token = issue()

    with Registry.open(registry_path, clock) as other:
        assert authenticate(f"Bearer {token}", other).client_id == client.client_id


def test_scope_that_the_client_has_lost_counts_no_more(registry, issue):
    _, token = issue((ROSTER, ROSTER_DEMOGRAPHICS), allowed=(ROSTER,))

    assert authenticate(f"Bearer {token}", registry).scopes == {ROSTER}


def test_any_one_of_the_scopes_will_do(registry, issue):
    _, token = issue()

    require(authenticate(f"Bearer {token}", registry), any_of=(ROSTER_CORE, ROSTER))


def test_lack_of_scope_names_those_that_would_do(registry, issue):
    _, token = issue()

    with pytest.raises(Forbidden, match=ROSTER_DEMOGRAPHICS) as refusal:
        require(authenticate(f"Bearer {token}", registry), any_of=(ROSTER_DEMOGRAPHICS,))
    assert refusal.value.scopes == (ROSTER_DEMOGRAPHICS,)


def test_revocation_in_another_process_counts_at_once(registry, issue, registry_path, clock):
    client, token = issue()
    assert authenticate(f"Bearer {token}", registry)

    with Registry.open(registry_path, clock) as other:
        other.clients.revoke(client.client_id)

    assert unauthorised(registry, token)


def test_limits_of_a_client_count_at_once(registry, issue):
    client, token = issue(sources={"north", "south"})
    assert authenticate(f"Bearer {token}", registry).visibility == Visibility.of("north", "south")

    registry.db.execute("UPDATE clients SET sources = '[\"north\"]' WHERE client_id = ?", (client.client_id,))

    assert authenticate(f"Bearer {token}", registry).visibility == Visibility.of("north")
