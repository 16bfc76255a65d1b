"""The operator's pages over real HTTP: a bridge whose clock a test can turn, an LMS, and a browser without scripts."""

import html
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from argon2 import PasswordHasher
from flask import url_for
from flask.sessions import SecureCookieSessionInterface
from pytest_httpserver import HTTPServer
from werkzeug.serving import make_server

from bridge.admin.app import Mounted, admin_app
from bridge.around import Around
from bridge.clock import to_stamp
from bridge.mirror.runs import Outcome, Run
from bridge.practice.people import INSTRUCTOR, LEARNER
from bridge.registry.contexts import RegisteredContext
from bridge.roster.identity import context_key
from bridge.roster.memberships import Context
from bridge.scheduling import Scheduling
from bridge.settings import Log, Outgoing, Server, Settings, Storage
from bridge.wiring import Wiring
from tests.wiring.world import Lms, TurnedClock

PASSWORD = "correct horse battery staple"


class Visitor:
    """Somebody with a browser: it keeps cookies, follows redirects, and sends the forms that it was shown."""

    def __init__(self, root: str) -> None:
        self.root = root
        self.session = requests.Session()
        self.session.trust_env = False
        self.page: requests.Response | None = None

    def get(self, path: str, **arguments: Any) -> requests.Response:
        self.page = self.session.get(f"{self.root}{path}", timeout=30, **arguments)
        return self.page

    def post(self, path: str, *, shown_at: str | None = None, **fields: Any) -> requests.Response:
        """Send a form, with the token of the page that shows it."""
        shown = self.get(shown_at if shown_at is not None else path).text
        token = re.search(r'name="csrf_token"[^>]* value="([^"]+)"', shown)
        assert token, "the page shows no form"
        data = {"csrf_token": token[1], **fields}
        self.page = self.session.post(f"{self.root}{path}", data=data, timeout=60)
        return self.page

    def sign_in(self, name: str = "ada", password: str = PASSWORD) -> requests.Response:
        return self.post("/admin/sign-in", operator=name, password=password)

    @property
    def is_in(self) -> bool:
        """Whether the dashboard is shown."""
        return '<h1 class="h3">Dashboard</h1>' in self.get("/admin/").text


def words(answer: requests.Response) -> str:
    """What a page says, without its marks."""
    text = re.sub(r"(?s)<(script|style).*?</\1>|<[^>]+>", " ", answer.text)
    return re.sub(r"\s+", " ", html.unescape(text))


class Site:
    """The pages, served; and the scheduler, which works when it is told to."""

    def __init__(self, directory: Path, clock: TurnedClock, **server: Any) -> None:
        self.clock = clock
        self.settings = Settings(
            server=Server(public_url="http://127.0.0.1:1", **server),
            storage=Storage(directory=directory),
            outgoing=Outgoing(allowed_hosts=("127.0.0.1", "localhost")),
            log=Log(level="error"),
        )
        self.wiring = Wiring(self.settings, clock, sleep=lambda _: None)
        self.wiring.prepare()
        self.admin = admin_app(Wiring(self.settings, clock, sleep=lambda _: None))
        pages = Around(Mounted(_nothing, self.admin, ""), observe=lambda *_: None, secure=False)
        self._server = make_server("127.0.0.1", 0, pages, threaded=True)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.port}"

    def visitor(self) -> Visitor:
        return Visitor(self.url)

    def carry_out(self) -> None:
        """Let a scheduler do what was ordered."""
        scheduling = Scheduling(self.wiring)
        assert self.wiring.hold_scheduler_lease()
        with scheduling.workers():
            scheduling.take_inbox()
            scheduling.wait()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self.wiring.close()


def _nothing(environ: Any, start_response: Any) -> list[bytes]:
    start_response("404 NOT FOUND", [("Content-Type", "text/plain")])
    return [b"elsewhere"]


@pytest.fixture
def clock() -> TurnedClock:
    return TurnedClock()


@pytest.fixture(scope="session")
def password_hash() -> str:
    """Of the password: hashing takes its time on purpose."""
    return PasswordHasher().hash(PASSWORD)


@pytest.fixture
def site(tmp_path: Path, clock: TurnedClock, password_hash: str) -> Iterator[Site]:
    site = Site(tmp_path / "var", clock)
    site.wiring.registry.db.execute(
        "INSERT INTO operators (name, password_hash, created) VALUES ('ada', ?, ?)", (password_hash, to_stamp(clock()))
    )
    yield site
    site.close()


@pytest.fixture
def stranger(site: Site) -> Visitor:
    return site.visitor()


@pytest.fixture
def operator(site: Site) -> Visitor:
    """Signed in already: how that is done is :mod:`test_signing_in`'s business."""
    visitor = site.visitor()
    serializer = SecureCookieSessionInterface().get_signing_serializer(site.admin)
    assert serializer is not None
    now = to_stamp(site.clock())
    session = {"_user_id": "1:1", "_fresh": True, "_permanent": True, "begun": now, "used": now}
    visitor.session.cookies.set("bridge_admin", serializer.dumps(session), domain="127.0.0.1", path="/admin")
    return visitor


@pytest.fixture(scope="session")
def http_server() -> Iterator[HTTPServer]:
    with HTTPServer(threaded=True) as server:
        yield server


@pytest.fixture
def lms(http_server: HTTPServer) -> Lms:
    """One course of a teacher and twelve students."""
    http_server.clear()
    lms = Lms(http_server)
    lms.members["Course-1"] = [student(number) if number else teacher() for number in range(13)]
    return lms


def student(number: int, **more: object) -> dict[str, Any]:
    """As the LMS states her."""
    return {
        "user_id": f"student-{number:02d}",
        "roles": [LEARNER],
        "name": f"Sunniva Testdatter {number}",
        "given_name": "Sunniva",
        "family_name": f"Testdatter {number}",
        "email": f"sunniva.{number}@example.org",
        **more,
    }


def teacher() -> dict[str, Any]:
    return student(0, user_id="teacher-00", roles=[INSTRUCTOR, "urn:example:role:Wizard"], email="teacher@example.org")


@pytest.fixture
def context(site: Site, lms: Lms) -> RegisteredContext:
    """The course, registered; nothing has been read yet."""
    platform = site.wiring.registry.platforms.add(
        issuer="https://lms.example.org",
        client_id="bridge-1",
        auth_login_url=f"{lms.url}/auth",
        token_url=f"{lms.url}/token",
        jwks_url=f"{lms.url}/jwks",
        tenant="school",
    )
    return site.wiring.registry.contexts.add(
        platform,
        context_key("Course-1"),
        Context(context_id="Course-1", label="ALG", title="Algebra I"),
        memberships_url=f"{lms.url}/members?course=Course-1",
    )


@pytest.fixture
def context_path(site: Site, context: RegisteredContext) -> str:
    """Where its page is."""
    with site.admin.test_request_context():
        return "/admin" + url_for("contexts.show", tenant=context.tenant, key=context.key)


@pytest.fixture
def held(site: Site, lms: Lms, context: RegisteredContext) -> Run:
    """A plan that waits: all but two of the students were to go, and one was to become a teacher."""
    site.wiring.sync(context)
    lms.members["Course-1"] = [teacher(), student(1, roles=[INSTRUCTOR]), student(2)]
    run = site.wiring.sync(context)
    assert run is not None
    assert run.outcome is Outcome.HELD
    return run
