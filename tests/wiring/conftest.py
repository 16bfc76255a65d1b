"""A bridge in a temporary folder, and an LMS that says what a test wants."""

import json
from dataclasses import replace

import pytest
from pytest_httpserver import HTTPServer

from bridge.oneroster.query import parse_collection_query
from bridge.roster.identity import context_key
from bridge.roster.memberships import Context
from bridge.roster.model import COLLECTIONS
from bridge.roster.visibility import Visibility
from bridge.settings import Outgoing, Settings, Storage
from bridge.wiring import Wiring
from tests.wiring.world import Lms, TurnedClock


@pytest.fixture(scope="session")
def server():
    with HTTPServer(threaded=True) as server:
        yield server


@pytest.fixture
def lms(server):
    server.clear()
    return Lms(server)


@pytest.fixture
def clock():
    return TurnedClock()


@pytest.fixture
def settings(tmp_path):
    return Settings(storage=Storage(directory=tmp_path / "var"), outgoing=Outgoing(allowed_hosts=("localhost",)))


@pytest.fixture
def make_wiring(settings, clock):
    """Each is a process of its own, as far as the two files can tell."""
    made = []

    def make(**sections):
        wiring = Wiring(replace(settings, **sections), clock, sleep=lambda _: None)
        wiring.prepare()
        made.append(wiring)
        return wiring

    yield make
    for wiring in made:
        wiring.close()


@pytest.fixture
def wiring(make_wiring):
    return make_wiring()


@pytest.fixture
def add_platform(wiring, lms):
    def add(tenant="school", client_id="bridge-1", vendor="generic", **options):
        return wiring.registry.platforms.add(
            issuer="https://lms.example.org",
            client_id=client_id,
            auth_login_url=f"{lms.url}/auth",
            token_url=f"{lms.url}/token",
            jwks_url=f"{lms.url}/jwks",
            tenant=tenant,
            vendor=vendor,
            options=options,
        )

    return add


@pytest.fixture
def add_context(wiring, lms, add_platform):
    """Adds a course with these members; its platform is made if none is given."""

    def add(context_id="2", *members, platform=None):
        platform = platform or next(iter(wiring.registry.platforms.of_tenant("school")), None) or add_platform()
        lms.members[context_id] = list(members) or [{"user_id": "27", "roles": ["Learner"]}]
        return wiring.registry.contexts.add(
            platform,
            context_key(context_id),
            Context(context_id=context_id),
            memberships_url=f"{lms.url}/members?course={context_id}",
        )

    return add


@pytest.fixture
def served(wiring):
    """The records of a collection, as anybody sees who may see everything."""

    def served(collection, wiring=wiring):
        asked = parse_collection_query([], COLLECTIONS[collection], Visibility(None), max_limit=1000)
        return list(json.loads(b"[%b]" % wiring.pages.page(asked.query).documents))

    return served
