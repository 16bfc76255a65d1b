"""An LMS whose every answer is set by the test, on a real socket."""

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from joserfc.jwk import RSAKey
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from bridge.lti.assertion import sign_assertion
from bridge.lti.platform import Platform
from bridge.nrps.client import NrpsClient
from bridge.transport.http import Http
from bridge.transport.oauth2 import ServiceTokens
from bridge.transport.policy import OutgoingPolicy
from tests.transport.conftest import certificate
from tests.vendors.conftest import beside, lms_key, registry_with_keys

__all__ = ["beside", "certificate", "lms_key", "registry_with_keys"]

NOW = datetime(2026, 11, 20, 21, 0, tzinfo=UTC)
SAMPLES = Path(__file__).parent.parent / "samples" / "moodle-4.5"


class Lms:
    """Answers ``/token`` with ``t1``, ``t2``, …, and everything else as told.

    :ivar asked: the target of every request but those for tokens, byte for byte.
    :ivar headers: and its headers, in the same order.
    :ivar tokens: how many tokens were given.
    """

    def __init__(self, server: HTTPServer) -> None:
        self._script: dict[str, list[Response]] = {}
        self.asked: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.tokens = 0
        self.origin = server.url_for("").rstrip("/")
        self.url = f"{self.origin}/members"
        self.platform = Platform(
            id=1,
            tenant="school",
            issuer="https://lms.example.org",
            client_id="bridge-7",
            auth_login_url="https://lms.example.org/auth",
            token_url=f"{self.origin}/token",
            jwks_url="https://lms.example.org/jwks",
        )
        server.expect_request("/token").respond_with_handler(self._give_token)
        server.expect_request(re.compile(".*")).respond_with_handler(self._answer)

    def says(self, target: str, *responses: Response) -> None:
        """Answer these, one after the other; the last one from then on."""
        self._script[target] = list(responses)

    def _give_token(self, _request: Request) -> Response:
        self.tokens += 1
        return Response(json.dumps({"access_token": f"t{self.tokens}", "expires_in": 3600}))

    def _answer(self, request: Request) -> Response:
        target = request.environ["REQUEST_URI"]
        self.asked.append(target)
        self.headers.append(dict(request.headers))
        script = self._script.get(target, [Response("no such page", status=404)])
        return script.pop(0) if len(script) > 1 else script[0]


@pytest.fixture
def lms(httpserver: HTTPServer) -> Lms:
    return Lms(httpserver)


@pytest.fixture
def waits() -> list[float]:
    """The seconds that the client would have slept."""
    return []


@pytest.fixture(scope="session")
def key() -> RSAKey:
    return RSAKey.generate_key(2048, parameters={"kid": "bridge-1"})


@pytest.fixture
def make_client(key: RSAKey, waits: list[float]) -> Iterator[Callable[..., NrpsClient]]:
    """Builds a client that may speak to this machine."""
    opened: list[Http] = []

    def sign(platform: Platform, deployment_id: str | None) -> str:
        return sign_assertion(platform, key, datetime.now(UTC), deployment_id)

    def make(**options: object) -> NrpsClient:
        http = Http(OutgoingPolicy(frozenset({"localhost", "127.0.0.1"})), ca_bundle=options.pop("ca_bundle", None))
        opened.append(http)
        return NrpsClient(http, ServiceTokens(http, sign), sleep=waits.append, clock=lambda: NOW, **options)

    yield make
    for http in opened:
        http.close()


@pytest.fixture
def client(make_client: Callable[..., NrpsClient]) -> NrpsClient:
    return make_client()


@pytest.fixture
def page() -> Callable[..., Response]:
    """Builds an answer with these members, given by their ids or in full."""

    def make(
        *members: object, following: str | None = None, context: object = "c1", headers: object = (), **options: object
    ) -> Response:
        container = {
            "id": "https://lms.example.org/members",
            "context": {"id": context} if isinstance(context, str) else context,
            "members": [{"user_id": each, "roles": ["Learner"]} if isinstance(each, str) else each for each in members],
        }
        if context is None:
            del container["context"]
        response = Response(json.dumps(container), content_type="application/json", **options)
        for name, value in headers:
            response.headers.add(name, value)
        if following is not None:
            response.headers.add("Link", f'<{following}>; rel="next"')
        return response

    return make


@pytest.fixture
def recorded(lms: Lms) -> Callable[[str], Response]:
    """An answer of a real Moodle 4.5, its links led to the test's server."""

    def read(name: str) -> Response:
        sample = json.loads((SAMPLES / f"{name}.json").read_text())
        response = Response(sample["body_text"], status=sample["status"])
        response.headers["Content-Type"] = sample["headers"]["Content-Type"]
        if "Link" in sample["headers"]:
            response.headers["Link"] = sample["headers"]["Link"].replace("http://127.0.0.1:8081", lms.origin)
        return response

    return read
