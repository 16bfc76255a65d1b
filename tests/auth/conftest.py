"""The token endpoint on a real socket, over a registry in a temporary file."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
import requests
from flask import Flask
from werkzeug.serving import make_server

from bridge.auth.token_endpoint import token_blueprint
from bridge.auth.tool_assertion import ToolAssertions
from bridge.lti.keyset import PlatformKeys
from bridge.oneroster.scopes import ONEROSTER_SCOPES
from bridge.registry.registry import Registry
from bridge.transport.http import Http
from bridge.transport.policy import OutgoingPolicy


class TurnedClock:
    """Stands still until it is turned."""

    def __init__(self):
        self.now = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)

    def __call__(self):
        return self.now

    def turn(self, **by):
        self.now += timedelta(**by)


@pytest.fixture
def clock():
    return TurnedClock()


@pytest.fixture
def registry_path(tmp_path):
    return tmp_path / "registry.sqlite"


@pytest.fixture
def registry(registry_path, clock):
    with Registry.open(registry_path, clock) as opened:
        yield opened


@pytest.fixture
def consumer(registry):
    """A consumer that may ask for everything, and its secret."""
    return registry.clients.add("Library", scopes=ONEROSTER_SCOPES)


@pytest.fixture
def token_url(registry, registry_path, clock):
    own = threading.local()

    def of_this_thread():
        if not hasattr(own, "registry"):
            own.registry = Registry.open(registry_path, clock)
        return own.registry

    app = Flask(__name__)
    server = make_server("127.0.0.1", 0, app)
    url = f"http://127.0.0.1:{server.port}/oauth2/token"
    http = Http(OutgoingPolicy(frozenset({"127.0.0.1"})))
    assertions = ToolAssertions(
        of_this_thread,
        keys=PlatformKeys(http, clock),
        audiences=frozenset({url, f"http://127.0.0.1:{server.port}"}),
        clock=clock,
    )
    app.register_blueprint(
        token_blueprint(of_this_thread, assertions, lifetime=timedelta(hours=1), tool_lifetime=timedelta(hours=1))
    )
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield url
    server.shutdown()
    thread.join()
    server.server_close()
    http.close()


@pytest.fixture
def session():
    with requests.Session() as opened:
        opened.trust_env = False
        yield opened
