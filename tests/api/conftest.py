"""A school whose courses are reconciled into the mirror of a wiring, and clients who ask for events."""

from datetime import timedelta

import pytest
from flask import Flask, request

from bridge.api.events import EventsFeed
from bridge.api.runs import RunsLog
from bridge.api.syncs import SYNCS_PER_SECOND, Syncs
from bridge.auth.bearer import authenticate
from bridge.auth.rate_limit import RateLimit
from bridge.auth.tokens import issue_token
from bridge.oneroster.scopes import ROSTER
from bridge.settings import Outgoing, Server, Settings, Storage
from bridge.wiring import SCHEDULER_LEASE, Wiring
from tests.mirror.conftest import biology, chemistry
from tests.mirror.rosters_in_memory import PUBLIC_URL, School

__all__ = ["biology", "chemistry"]


@pytest.fixture
def school(tmp_path):
    opened = School(tmp_path / "mirror.sqlite")
    yield opened
    opened.close()


@pytest.fixture
def wiring(tmp_path, school):
    """Looks at the school's mirror, by the school's clock."""
    settings = Settings(
        server=Server(public_url=PUBLIC_URL),
        storage=Storage(directory=tmp_path),
        outgoing=Outgoing(allowed_hosts=("127.0.0.1", "localhost")),
    )
    wiring = Wiring(settings, school.clock, sleep=lambda _: None)
    wiring.prepare()
    yield wiring
    wiring.close()


class Reader:
    """A client of the feed."""

    def __init__(self, wiring, http, sources=None, scopes=(ROSTER,)):
        self._http = http
        client, _ = wiring.registry.clients.add("reader", scopes=scopes, sources=sources)
        self.token = issue_token(wiring.registry.tokens, client.client_id, scopes, lifetime=timedelta(days=3650))

    def ask(self, **parameters):
        return self._http.get("/api/events", query_string=parameters, headers={"Authorization": f"Bearer {self.token}"})

    def get(self, **parameters):
        response = self.ask(**parameters)
        assert response.status_code == 200, response.text
        return response.json

    def read_all(self, after=None, limit=7):
        """Every event behind a cursor, page by page, and the last cursor."""
        events = []
        while True:
            page = self.get(limit=limit, **({} if after is None else {"after": after}))
            events += page["events"]
            after = page["next"]
            if not page["more"]:
                return events, after


@pytest.fixture
def http(wiring):
    app = Flask("api")

    def granted():
        return authenticate(request.headers.get("Authorization"), wiring.registry)

    shared = {"seals": lambda: wiring.event_seals}
    beside = {**shared, "authenticate": granted, "mirror": lambda: wiring.mirror_to_read, "clock": wiring.clock}
    for room in (
        EventsFeed(
            authenticate=lambda authorization: authenticate(authorization, wiring.registry),
            outbox=lambda: wiring.outbox,
            **shared,
        ),
        RunsLog(**beside),
        Syncs(
            registry=lambda: wiring.registry,
            public_url=PUBLIC_URL,
            scheduler_runs=lambda: wiring.registry.leases.held(SCHEDULER_LEASE) is not None,
            rate_limit=RateLimit(SYNCS_PER_SECOND, now=lambda: wiring.clock().timestamp()),
            **beside,
        ),
    ):
        app.register_blueprint(room.blueprint())
    return app.test_client()


@pytest.fixture
def caller(wiring, http):
    """Makes what asks as a client: of every source unless some are named."""

    def make(*scopes, sources=None):
        client, _ = wiring.registry.clients.add("caller", scopes=scopes, sources=sources)
        token = issue_token(wiring.registry.tokens, client.client_id, scopes, lifetime=timedelta(days=3650))

        def ask(path, method="GET", **parameters):
            headers = {"Authorization": f"Bearer {token}"}
            return http.open(path, method=method, query_string=parameters, headers=headers)

        ask.client_id = client.client_id
        return ask

    return make


@pytest.fixture
def reader(wiring, http):
    """Makes a client: of every source unless some are named."""
    return lambda **limits: Reader(wiring, http, **limits)
