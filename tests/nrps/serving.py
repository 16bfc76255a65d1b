"""A bridge that serves memberships, over rosters that a test makes, and the LTI tools that read them."""

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey
from werkzeug.test import TestResponse

from bridge import storage
from bridge.app import create_app
from bridge.lti.assertion import ASSERTION_TYPE
from bridge.mirror.documents import Documents
from bridge.mirror.writes import next_changed, stamp
from bridge.nrps.schemas import CONTEXT_MEMBERSHIP_SCOPE, MEMBERSHIP_CONTAINER
from bridge.registry.registry import Registry
from bridge.registry.tools import Tool
from bridge.roster.identity import SourcedId, class_sourced_id
from bridge.roster.ports import Derived
from bridge.settings import Log, Outgoing, Server, Settings, Storage, Tools
from bridge.sync.guards import Guards
from bridge.transport.links import find_link, parse_links
from tests.mirror.rosters_in_memory import PUBLIC_URL, Course, School

TOKEN_URL = f"{PUBLIC_URL}/oauth2/token"


class Serving:
    """The real application, over a mirror that is reconciled here.

    :ivar school: reconciles courses, and holds the clock of all.
    """

    def __init__(
        self,
        directory: Path,
        key: RSAKey,
        *,
        max_page: int = 1000,
        requests_per_second: int = 0,
        guards: Guards = Guards(),  # noqa: B008 - it cannot be changed
    ) -> None:
        self.settings = Settings(
            server=Server(public_url=PUBLIC_URL),
            storage=Storage(directory=directory),
            tools=Tools(max_page=max_page, requests_per_second=requests_per_second),
            outgoing=Outgoing(allowed_hosts=("localhost",)),
            log=Log(level="error", format="json"),
        )
        self.key = key
        self.school = School(self.settings.storage.mirror, guards)
        self.registry = Registry.open(self.settings.storage.registry, self.school.clock)
        self.app = create_app(self.settings, self.school.clock)
        self._numbers = itertools.count()

    def close(self) -> None:
        self.app.extensions["bridge"].close()
        self.registry.close()
        self.school.close()

    def tool(self, **registered: Any) -> "PracticeTool":
        """A tool, registered with its own public key; it is told everything unless something is named."""
        key_set = json.dumps({"keys": [self.key.as_dict(private=False)]})
        usual = {"key_set": key_set, "shares": ["names", "email", "picture", "sourcedid"]}
        return PracticeTool(self, self.registry.tools.add("tool", **{**usual, **registered}))

    def put(self, **records: list[dict[str, Any]]) -> None:
        """Store records of a SIS, by collection, in one write transaction."""
        mirror = self.school.mirror
        with storage.write(mirror.db):
            changed = next_changed(mirror.db)
            documents = Documents(mirror.db, mirror.add_source("sis"), changed)
            for collection, bodies in records.items():
                documents.put([Derived(collection, SourcedId(body["sourcedId"]), body) for body in bodies])
            documents.finish()
            stamp(mirror.db, changed, None, self.school.clock)

    def claims(self, tool: Tool, **other: Any) -> dict[str, Any]:
        """What an assertion says, unless told otherwise; ``None`` leaves a claim out."""
        now = int(self.school.clock().timestamp())
        claims = {
            "iss": tool.client_id,
            "sub": tool.client_id,
            "aud": TOKEN_URL,
            "iat": now,
            "exp": now + 60,
            "jti": f"{tool.client_id} {next(self._numbers)}",
            **other,
        }
        return {name: value for name, value in claims.items() if value is not None}


class PracticeTool:
    """An LTI tool as its own vendor would write it."""

    def __init__(self, serving: Serving, tool: Tool) -> None:
        self.registered = tool
        self._serving = serving
        self._http = serving.app.test_client()
        self._token: str | None = None

    def sign(self, *, key: RSAKey | ECKey | None = None, header: dict[str, Any] | None = None, **claims: Any) -> str:
        key = key or self._serving.key
        header = {"alg": "RS256", "kid": key.kid, **(header or {})}
        header = {name: value for name, value in header.items() if value is not None}
        return jwt.encode(header, self._serving.claims(self.registered, **claims), key, algorithms=[header["alg"]])

    def ask_token(self, assertion: str | None = None, **form: Any) -> TestResponse:
        body = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": assertion or self.sign(),
            "scope": CONTEXT_MEMBERSHIP_SCOPE,
            **form,
        }
        return self._http.post("/oauth2/token", data={name: value for name, value in body.items() if value is not None})

    @property
    def token(self) -> str:
        if self._token is None:
            answer = self.ask_token()
            assert answer.status_code == 200, answer.get_data(as_text=True)
            self._token = answer.get_json()["access_token"]
        return self._token

    def get(
        self, of: Course | str, *, method: str = "GET", headers: dict[str, str] | None = None, **asked: Any
    ) -> TestResponse:
        """Ask for the memberships of a course or class, or at a URL as it stands."""
        url = of if isinstance(of, str) and of.startswith("http") else f"{PUBLIC_URL}{path_of(of)}"
        sent = {"Authorization": f"Bearer {self.token}", "Accept": MEMBERSHIP_CONTAINER, **(headers or {})}
        sent = {name: value for name, value in sent.items() if value is not None}
        return self._http.open(url.removeprefix(PUBLIC_URL), method=method, headers=sent, query_string=asked or None)

    def ids(self, of: Course | str, **asked: Any) -> list[str]:
        """Whom one page lists."""
        return [member["user_id"] for member in members_of(self.get(of, **asked))]

    def pages(self, of: Course | str, **asked: Any) -> Iterator[TestResponse]:
        """Every page, by following ``next``."""
        answer = self.get(of, **asked)
        yield answer
        while (url := link_of(answer, "next")) is not None:
            answer = self.get(url)
            yield answer

    def differences(self, url: str | None) -> dict[str, str | None]:
        """Who is in a differences answer, and with which status."""
        assert url is not None
        return {member["user_id"]: member.get("status") for member in members_of(self.get(url))}


def path_of(of: Course | str) -> str:
    class_ = of if isinstance(of, str) else class_sourced_id(of.source, of.key)
    return f"/lti/contexts/{quote(class_, safe='')}/memberships"


def members_of(answer: TestResponse) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.get_data(as_text=True)
    members: list[dict[str, Any]] = json.loads(answer.get_data())["members"]
    return members


def link_of(answer: TestResponse, rel: str) -> str | None:
    link = find_link(parse_links(answer.headers.getlist("Link"), PUBLIC_URL), rel)
    return link.target if link else None
