"""What the registry holds for a while: logins, tokens, inbox items and leases."""

import dataclasses
from datetime import timedelta

import pytest

from bridge.registry.logins import MOST_OF_ONE_PLATFORM, Login
from bridge.storage import write

MINUTE = timedelta(minutes=1)


@pytest.fixture
def login(add_platform):
    return Login(
        platform_id=add_platform().id,
        nonce="nonce",
        browser_hash=b"browser",
        target_link_uri="https://bridge.example.org/",
        deployment_id=None,
    )


def test_login_is_good_for_one_answer(registry, other_registry, login):
    registry.logins.add(b"state", login, MINUTE)

    assert other_registry.logins.consume(b"state") == login
    assert registry.logins.consume(b"state") is None


def test_login_expires(registry, clock, login):
    registry.logins.add(b"state", login, MINUTE)
    clock.turn(minutes=1)

    assert registry.logins.consume(b"state") is None


def test_expired_logins_are_forgotten(registry, clock, login):
    registry.logins.add(b"old", login, MINUTE)
    clock.turn(minutes=2)
    registry.logins.add(b"new", login, MINUTE)

    assert registry.db.execute("SELECT state_hash FROM logins").fetchall() == [(b"new",)]


def test_oldest_login_gives_way_when_a_platform_has_too_many(registry, clock, login, add_platform):
    other = dataclasses.replace(login, platform_id=add_platform(client_id="another").id)
    registry.logins.add(b"other", other, MINUTE)
    with write(registry.db):
        for number in range(MOST_OF_ONE_PLATFORM + 1):
            registry.logins.add(b"state %d" % number, login, MINUTE + timedelta(milliseconds=number))

    assert registry.logins.consume(b"state 0") is None
    assert registry.logins.consume(b"state 1") == login
    assert registry.logins.consume(b"other") == other


def test_expired_tokens_are_forgotten(registry, clock):
    client, _ = registry.clients.add("Library", scopes={"roster"})
    registry.tokens.add(b"old", client.client_id, {"roster"}, MINUTE)
    clock.turn(minutes=2)
    registry.tokens.add(b"new", client.client_id, {"roster"}, MINUTE)

    assert registry.db.execute("SELECT hash FROM tokens").fetchall() == [(b"new",)]


def test_inbox_hands_out_in_order_and_once(registry, other_registry):
    for number in range(3):
        registry.inbox.put("sync", {"context": str(number)})

    taken = [*registry.inbox.take(limit=2), *other_registry.inbox.take()]

    assert [item.payload["context"] for item in taken] == ["0", "1", "2"]
    assert registry.inbox.take() == []


def test_request_that_waits_is_not_put_twice(registry):
    for _ in range(30):
        registry.inbox.put("sync", {"context": "2"})

    assert registry.inbox.waiting() == 1


def test_request_that_was_taken_may_be_put_again(registry):
    registry.inbox.put("sync", {"context": "2"})
    registry.inbox.take()
    registry.inbox.put("sync", {"context": "2"})

    assert registry.inbox.waiting() == 1


def test_request_that_was_taken_and_not_done_is_handed_out_again(registry):
    registry.inbox.put("sync", {"context": "1"})
    registry.inbox.put("sync", {"context": "2"})
    first, _ = registry.inbox.take()
    registry.inbox.put("sync", {"context": "2"})
    registry.inbox.done([first])

    registry.inbox.reopen()

    assert [item.payload["context"] for item in registry.inbox.take()] == ["2"]


def test_lease_has_one_holder(registry, other_registry):
    lease = registry.leases.acquire("scheduler", "one", MINUTE)

    assert lease is not None
    assert other_registry.leases.acquire("scheduler", "two", MINUTE) is None
    assert other_registry.leases.held("scheduler") == lease


def test_leases_of_other_names_are_apart(registry):
    registry.leases.acquire("scheduler", "one", MINUTE)

    assert registry.leases.acquire("another", "two", MINUTE) is not None


def test_lease_that_ended_goes_to_the_next_with_a_higher_fence(registry, clock):
    first = registry.leases.acquire("scheduler", "one", MINUTE)
    clock.turn(minutes=1)

    second = registry.leases.acquire("scheduler", "two", MINUTE)

    assert second.fence > first.fence
    assert registry.leases.renew(first, MINUTE) is None
    assert registry.leases.held("scheduler") == second


def test_renewed_lease_lasts_longer_under_the_same_fence(registry, clock):
    lease = registry.leases.acquire("scheduler", "one", MINUTE)
    clock.turn(seconds=50)

    renewed = registry.leases.renew(lease, MINUTE)
    clock.turn(seconds=50)

    assert registry.leases.held("scheduler") == renewed
    assert renewed.fence == lease.fence


def test_lease_that_ended_cannot_be_renewed_even_if_nobody_took_it(registry, clock):
    lease = registry.leases.acquire("scheduler", "one", MINUTE)
    clock.turn(minutes=1)

    assert registry.leases.renew(lease, MINUTE) is None


def test_released_lease_is_free_at_once_and_its_fence_still_grows(registry):
    first = registry.leases.acquire("scheduler", "one", MINUTE)
    registry.leases.release(first)

    second = registry.leases.acquire("scheduler", "two", MINUTE)
    registry.leases.release(first)

    assert second.fence > first.fence
    assert registry.leases.held("scheduler") == second


def test_login_can_be_looked_at_without_being_used(registry, login):
    framed = dataclasses.replace(login, storage_target="_parent")
    registry.logins.add(b"state", framed, MINUTE)

    assert [registry.logins.find(b"state") for _ in range(2)] == [framed, framed]
    assert registry.logins.consume(b"state") == framed
    assert registry.logins.find(b"state") is None


def test_inbox_holds_what_is_asked_for_until_it_is_done(registry):
    payload = {"tenant": "school", "context": '["ü"]'}
    registry.inbox.put("launch", payload)
    assert registry.inbox.holds(payload)
    assert not registry.inbox.holds({**payload, "tenant": "other"})

    items = registry.inbox.take()
    assert registry.inbox.holds(payload)
    registry.inbox.done(items)
    assert not registry.inbox.holds(payload)


def test_lease_that_was_let_go_is_free_even_if_the_clock_is_put_back(registry, clock):
    registry.leases.release(registry.leases.acquire("context 1", "one", timedelta(minutes=15)))
    clock.turn(minutes=-30)

    assert registry.leases.acquire("context 1", "two", timedelta(minutes=15)) is not None
