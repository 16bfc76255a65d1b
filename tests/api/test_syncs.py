"""``/api/classes/…/sync`` and ``/api/sources/…/sync``: asking for rosters to be read now."""

import pytest

from bridge.api.scopes import RUNS_READ, SYNC
from bridge.api.syncs import SYNCS_PER_SECOND
from bridge.registry.orders import OrderKind
from bridge.registry.sources import RegisteredSource
from bridge.roster.identity import context_key
from bridge.roster.memberships import Context
from bridge.transport.client_secret import Credentials
from tests.mirror.rosters_in_memory import ISSUER, PUBLIC_URL


@pytest.fixture
def contexts(wiring):
    """Two of the north, one of the south, by context id."""
    found = {}
    for number, (tenant, name) in enumerate((("north", "biology"), ("north", "chemistry"), ("south", "physics"))):
        platform = wiring.registry.platforms.add(
            issuer=ISSUER,
            client_id=f"bridge-{number}",
            auth_login_url=f"{ISSUER}/auth",
            token_url=f"{ISSUER}/token",
            jwks_url=f"{ISSUER}/jwks",
            tenant=tenant,
        )
        found[name] = wiring.registry.contexts.add(
            platform, context_key(name), Context(context_id=name), memberships_url=f"{ISSUER}/{name}"
        )
    return found


def path_of(context):
    return f"/api/classes/{context.class_sourced_id}/sync"


def test_class_is_asked_for_through_the_inbox(wiring, contexts, caller):
    ask, context = caller(SYNC), contexts["biology"]

    response = ask(path_of(context), "POST")

    assert (response.status_code, response.json["state"]) == (202, "waiting")
    assert response.headers["Location"] == f"{PUBLIC_URL}{path_of(context)}"
    (order,) = wiring.registry.orders.open()
    assert (order.kind, order.context, order.by) == (OrderKind.SYNC, context.key, f"client {ask.client_id}")


def test_asking_again_while_it_waits_changes_nothing(wiring, contexts, caller):
    ask = caller(SYNC)
    for _ in range(3):
        assert ask(path_of(contexts["biology"]), "POST").status_code == 202

    assert wiring.registry.inbox.waiting() == 1


def test_it_can_be_looked_at_how_it_goes(wiring, school, biology, contexts, caller):
    ask, context = caller(SYNC, sources=["north"]), contexts["biology"]
    path = path_of(context)
    assert ask(path).json == {
        "class": context.class_sourced_id,
        "state": "idle",
        "scheduler": "not running",
        "lastRun": None,
    }

    ask(path, "POST")
    assert ask(path).json["state"] == "waiting"

    school.clock.turn(seconds=1)
    taken = wiring.registry.inbox.take()
    wiring.hold_scheduler_lease()
    taken += wiring.registry.inbox.take()
    with wiring.holding(context):
        assert (ask(path).json["state"], ask(path).json["scheduler"]) == ("reading", "running")
    school.reconcile(biology)
    wiring.registry.inbox.done(taken)

    state = ask(path).json
    assert (state["state"], state["lastRun"]["outcome"], "number" in state["lastRun"]) == ("idle", "applied", False)


def test_every_class_of_a_source_can_be_asked_for(wiring, contexts, caller):
    ask = caller(SYNC, sources=["north"])

    response = ask("/api/sources/north/sync", "POST")

    assert response.status_code == 202
    assert response.headers["Location"] == f"{PUBLIC_URL}/api/sources/north/sync"
    assert response.json == {
        "source": "north",
        "state": "waiting",
        "scheduler": "not running",
        "classes": 2,
        "waiting": 2,
    }
    assert {order.tenant for order in wiring.registry.orders.open()} == {"north"}
    wiring.registry.inbox.done(wiring.registry.inbox.take())
    assert ask("/api/sources/north/sync").json["state"] == "idle"


@pytest.fixture
def sis(wiring):
    return wiring.registry.sources.add(
        RegisteredSource(
            name="district",
            base_url="https://sis.example.org/ims/oneroster/rostering/v1p2",
            credentials=Credentials(client_id="bridge", secret="s", token_url="https://sis.example.org/token"),
        )
    )


def test_sis_is_asked_for_as_a_whole(wiring, contexts, sis, caller):
    ask = caller(SYNC, sources=["district"])

    response = ask("/api/sources/district/sync", "POST")

    assert response.status_code == 202
    assert response.json == {
        "source": "district",
        "state": "waiting",
        "scheduler": "not running",
        "lastRun": None,
    }
    (order,) = wiring.registry.orders.open()
    assert (order.kind, order.tenant, order.context) == (OrderKind.SYNC, sis.tenant, sis.key)


def test_it_can_be_looked_at_how_a_sis_goes(wiring, sis, caller):
    ask, path = caller(SYNC), "/api/sources/district/sync"

    with wiring.holding(sis):
        assert ask(path).json["state"] == "reading"
    wiring.sync(sis)

    state = ask(path).json
    assert state["state"] == "idle"
    assert (state["lastRun"]["source"], state["lastRun"]["class"]) == ("district", None)


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("what", ["other-source", "no-such"])
def test_other_sources_are_as_unknown_as_what_is_not_there(wiring, contexts, caller, what, method):
    ask = caller(SYNC, sources=["north"])
    class_id = contexts["physics"].class_sourced_id if what == "other-source" else "no-such"
    source = "south" if what == "other-source" else "no-such"

    of_class, of_source = ask(f"/api/classes/{class_id}/sync", method), ask(f"/api/sources/{source}/sync", method)

    assert (of_class.status_code, of_source.status_code) == (404, 404)
    unlimited = caller(SYNC)
    assert of_class.json == unlimited("/api/classes/nothing/sync", method).json
    assert of_source.json == unlimited("/api/sources/nothing/sync", method).json
    assert wiring.registry.inbox.waiting() == 0


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_scope_is_asked_for(wiring, contexts, caller, method):
    response = caller(RUNS_READ)(path_of(contexts["biology"]), method)

    assert (response.status_code, response.json["error"]) == (403, "Forbidden")
    assert wiring.registry.inbox.waiting() == 0


def test_client_that_asks_too_often_is_told_when_to_ask_again(school, contexts, caller):
    ask, other, path = caller(SYNC), caller(SYNC), path_of(contexts["biology"])
    for _ in range(SYNCS_PER_SECOND):
        assert ask(path, "POST").status_code == 202

    refused = ask(path, "POST")

    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "1")
    assert other(path, "POST").status_code == 202
    school.clock.turn(seconds=1)
    assert ask(path, "POST").status_code == 202
