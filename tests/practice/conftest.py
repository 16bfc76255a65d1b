"""A practice LMS on loopback, and a tool that is registered there."""

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlencode

import pytest
import requests
from flask import Flask, Response, jsonify, redirect, request
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

from bridge.practice.browser import Browser
from bridge.practice.lms_tools import AGS_SCOPE, NRPS_SCOPE
from bridge.practice.rosters import make_roster
from bridge.practice.server import PracticeLms, PracticeServer
from bridge.practice.sis_districts import make_district
from bridge.practice.sis_server import PracticeSis
from tests.practice.sis_consumer import Consumer

NRPS_TYPE = "application/vnd.ims.lti-nrps.v2.membershipcontainer+json"


class Tool:
    """A tool as its own vendor would write it: it has a key, asks for tokens and reads memberships."""

    def __init__(self, lms: PracticeLms, key: RSAKey) -> None:
        self.key = key
        self.jwks = KeySet([key]).as_dict(private=False, alg="RS256", use="sig")
        self.registration = lms.register_tool(
            login_url="https://tool.example.org/login",
            redirect_uris=["https://tool.example.org/launch"],
            jwks=self.jwks,
            scopes=[NRPS_SCOPE, AGS_SCOPE],
        )
        self.session = requests.Session()
        self.session.trust_env = False

    def claims(self, **changes: Any) -> dict[str, Any]:
        """A good assertion's claims, with changes; ``None`` leaves a claim out."""
        now = int(time.time())
        claims = {
            "iss": self.registration["client_id"],
            "sub": self.registration["client_id"],
            "aud": self.registration["token_url"],
            "iat": now,
            "exp": now + 300,
            "jti": str(uuid.uuid4()),
        }
        return {name: value for name, value in (claims | changes).items() if value is not None}

    def assertion(self, **changes: Any) -> str:
        return jwt.encode({"alg": "RS256", "kid": self.key.kid}, self.claims(**changes), self.key)

    def form(self, assertion: str | None = None, **changes: Any) -> dict[str, Any]:
        """A good token request's form, with changes; ``None`` leaves a parameter out."""
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": self.assertion() if assertion is None else assertion,
            "scope": NRPS_SCOPE,
        }
        return {name: value for name, value in (form | changes).items() if value is not None}

    def ask_token(self, form: dict[str, Any]) -> requests.Response:
        return self.session.post(self.registration["token_url"], data=form, timeout=10)

    def token(self, scope: str = NRPS_SCOPE) -> str:
        return str(self.ask_token(self.form(scope=scope)).json()["access_token"])

    def get(self, url: str, *, token: str | None = None, **headers: str) -> requests.Response:
        token = self.token() if token is None else token
        headers = {"Authorization": f"Bearer {token}", "Accept": NRPS_TYPE} | headers
        return self.session.get(url, headers=headers, timeout=10)

    def walk(self, url: str) -> list[list[dict[str, Any]]]:
        """The members of every page."""
        token = self.token()
        pages = []
        while url:
            response = self.get(url, token=token)
            assert response.status_code == 200, response.text
            pages.append(response.json()["members"])
            url = response.links.get("next", {}).get("url", "")
        return pages


@pytest.fixture(scope="session")
def tool_key() -> RSAKey:
    return RSAKey.generate_key(2048, auto_kid=True)


@pytest.fixture(scope="session")
def platform_key() -> RSAKey:
    return RSAKey.generate_key(2048, auto_kid=True)


@pytest.fixture
def lms(platform_key: RSAKey) -> Iterator[PracticeLms]:
    """Three courses of 30, drawn from 60 people."""
    with PracticeLms(make_roster(courses=3, members_per_course=30, people=60), key=platform_key) as lms:
        yield lms


@pytest.fixture
def make_tool(tool_key: RSAKey) -> Iterator[Callable[[PracticeLms], Tool]]:
    with ExitStack() as stack:

        def make_tool(lms: PracticeLms) -> Tool:
            tool = Tool(lms, tool_key)
            stack.callback(tool.session.close)
            return tool

        yield make_tool


@pytest.fixture
def tool(lms: PracticeLms, make_tool: Callable[[PracticeLms], Tool]) -> Tool:
    return make_tool(lms)


class LaunchedTool:
    """A tool with a web server: it answers a login as told by ``request_changes``, and keeps what it is sent."""

    def __init__(self, key: RSAKey) -> None:
        self.logins: list[dict[str, str]] = []
        self.launches: list[dict[str, str]] = []
        self.request_changes: dict[str, str | None] = {}
        self.auth_url = ""
        self.keys = KeySet([key])
        self.keys_served = 0
        self.app = Flask(__name__)
        self.app.add_url_rule("/login", view_func=self._login, methods=["GET", "POST"])
        self.app.add_url_rule("/launch", view_func=self._launch, methods=["POST"])
        self.app.add_url_rule("/jwks", view_func=self._jwks)
        self.server = PracticeServer(self.app)

    def register(self, lms: PracticeLms) -> dict[str, str]:
        registration = lms.register_tool(
            login_url=f"{self.server.url}/login",
            redirect_uris=[f"{self.server.url}/launch"],
            jwks_url=f"{self.server.url}/jwks",
        )
        self.auth_url = registration["auth_login_url"]
        return registration

    def rotate(self) -> None:
        """Publish another key in place of the present one."""
        self.keys = KeySet([RSAKey.generate_key(2048, auto_kid=True)])

    def _login(self) -> Any:
        login = request.values.to_dict()
        self.logins.append(login)
        query = {
            "scope": "openid",
            "response_type": "id_token",
            "response_mode": "form_post",
            "prompt": "none",
            "client_id": login["client_id"],
            "redirect_uri": f"{self.server.url}/launch",
            "login_hint": login["login_hint"],
            "lti_message_hint": login["lti_message_hint"],
            "state": "Stäte & <more>",
            "nonce": "Nonce-1",
        } | self.request_changes
        answer = redirect(
            f"{self.auth_url}?{urlencode({key: value for key, value in query.items() if value is not None})}"
        )
        answer.set_cookie("tool", "crumb", secure=True, httponly=True, samesite="None")
        return answer

    def _launch(self) -> Response:
        self.launches.append(request.form.to_dict() | {"cookie": request.cookies.get("tool", "")})
        return Response("launched", status=200)

    def _jwks(self) -> Response:
        self.keys_served += 1
        return jsonify(self.keys.as_dict(private=False))


@pytest.fixture
def launched_tool(tool_key: RSAKey) -> Iterator[LaunchedTool]:
    tool = LaunchedTool(tool_key)
    with tool.server:
        yield tool


@pytest.fixture
def browser() -> Iterator[Browser]:
    with Browser() as browser:
        yield browser


@pytest.fixture
def sis() -> Iterator[PracticeSis]:
    """Two schools, each with six classes of twenty."""
    with PracticeSis(make_district()) as sis:
        yield sis


@pytest.fixture
def consumer(sis: PracticeSis) -> Iterator[Consumer]:
    consumer = Consumer(sis)
    with consumer.session:
        yield consumer
