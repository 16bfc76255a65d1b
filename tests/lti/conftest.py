"""An LMS that signs id_tokens and serves its key set, and the bridge's tool routes, both on real sockets."""

import json
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from html import unescape
from queue import SimpleQueue
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from flask import Flask, Response
from joserfc import jws
from joserfc.jwk import RSAKey
from werkzeug.serving import make_server

from bridge.lti.keyset import PlatformKeys
from bridge.lti.rules import LaunchRules
from bridge.lti.tool import LtiTool
from bridge.lti.views import lti_blueprint
from bridge.mirror.mirror import Mirror
from bridge.registry.registry import Registry
from bridge.roster.roles import RoleMapping, RoleTable
from bridge.transport.http import Http
from bridge.transport.policy import OutgoingPolicy

CORE = "https://purl.imsglobal.org/spec/lti/claim/"
NRPS = "https://purl.imsglobal.org/spec/lti-nrps/claim/namesroleservice"
LOOPBACK = OutgoingPolicy(frozenset({"127.0.0.1"}))
OPENID = ("azp", "name", "given_name", "family_name", "email")
GONE = ...
"""Changes a claim into none at all."""


class TurnedClock:
    """Runs as it should, but elsewhere in time, until it is stopped."""

    def __init__(self):
        self.ahead = timedelta()
        self.stopped_at = None

    def __call__(self):
        return (self.stopped_at or datetime.now(UTC)) + self.ahead

    def stop(self):
        self.stopped_at = datetime.now(UTC)

    def turn(self, **by):
        self.ahead += timedelta(**by)


@contextmanager
def serving(app):
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()


class Slow:
    """A peer held up: ``arrivals`` tells of each request, ``go_on`` lets them be answered."""

    def __init__(self):
        self.arrivals = SimpleQueue()
        self.go_on = threading.Event()


class Lms:
    """The platform's side: keys to sign with, and a key set that says what a test wants it to."""

    issuer = "https://lms.example.org"
    client_id = "bridge-1"

    def __init__(self, keys):
        self.keys = keys
        self.published = [key.as_dict(private=False) for key in keys[:1]]
        self.headers = {}
        self.status = 200
        self.body = None
        self.asked = 0
        self.url = ""
        self._slow = None

    @property
    def jwks_url(self):
        return f"{self.url}/jwks"

    def app(self):
        app = Flask("lms")

        @app.get("/jwks")
        def jwks():
            self.asked += 1
            if self._slow is not None:
                self._slow.arrivals.put(True)
                self._slow.go_on.wait(10)
            body = json.dumps({"keys": self.published}) if self.body is None else self.body
            return Response(body, self.status, self.headers, content_type="text/plain")

        return app

    @contextmanager
    def slow(self):
        """Answer for the key set when the test says so."""
        self._slow = Slow()
        try:
            yield self._slow
        finally:
            self._slow.go_on.set()
            self._slow = None

    def sign(self, claims, key=None, **header):
        """An id_token, by the first key unless told otherwise."""
        key = key or self.keys[0]
        return jws.serialize_compact({"alg": "RS256", "kid": key.kid, **header}, json.dumps(claims), key)


@pytest.fixture(scope="session")
def key_pairs():
    """Slow to make, so once for all tests."""
    return tuple(RSAKey.generate_key(2048, auto_kid=True) for _ in range(2))


@pytest.fixture
def lms(key_pairs):
    lms = Lms(key_pairs)
    with serving(lms.app()) as lms.url:
        yield lms


@pytest.fixture
def clock():
    return TurnedClock()


@pytest.fixture
def http():
    http = Http(LOOPBACK)
    yield http
    http.close()


@pytest.fixture
def make_keys(http, clock):
    return partial(PlatformKeys, http, clock)


@pytest.fixture
def keys(make_keys):
    return make_keys()


@pytest.fixture
def mirror_path(tmp_path):
    return tmp_path / "mirror.sqlite"


@pytest.fixture
def registry_path(tmp_path):
    return tmp_path / "registry.sqlite"


@pytest.fixture
def registry(registry_path, clock):
    with Registry.open(registry_path, clock) as opened:
        yield opened


@pytest.fixture
def add_platform(registry, lms):
    """Register the LMS, with what a test wants otherwise."""

    def add(**changes):
        return registry.platforms.add(
            **{
                "issuer": lms.issuer,
                "client_id": lms.client_id,
                "auth_login_url": f"{lms.issuer}/auth",
                "token_url": f"{lms.issuer}/token",
                "jwks_url": lms.jwks_url,
                **changes,
            }
        )

    return add


class Tool:
    """The bridge as the LMS's users meet it, each in a browser of their own."""

    def __init__(self, url, lms, clock):
        self.url = url
        self.lms = lms
        self.clock = clock
        self.browser = requests.Session()
        self.browser.trust_env = False

    def ask_login(self, method="GET", **changes):
        """The LMS's login request; the tool's answer, its redirect not followed."""
        params = {
            "iss": self.lms.issuer,
            "login_hint": "4",
            "target_link_uri": f"{self.url}/",
            "client_id": self.lms.client_id,
            **changes,
        }
        params = {name: value for name, value in params.items() if value is not GONE}
        where = {"params": params} if method == "GET" else {"data": params}
        return self.browser.request(method, f"{self.url}/lti/login", allow_redirects=False, timeout=10, **where)

    def login(self, **changes):
        """A login that is redirected; the parameters that the LMS gets."""
        answer = self.ask_login(**changes)
        assert answer.status_code == 302, answer.text
        return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["Location"]).query).items()}

    def claims(self, nonce, /, **changes):
        """The claims of a good launch, changed: names of LTI's own claims stand without their prefix."""
        now = self.clock().timestamp()
        claims = {
            "iss": self.lms.issuer,
            "aud": self.lms.client_id,
            "sub": "4",
            "nonce": nonce,
            "iat": int(now),
            "exp": int(now) + 60,
            CORE + "version": "1.3.0",
            CORE + "message_type": "LtiResourceLinkRequest",
            CORE + "deployment_id": "7",
            CORE + "target_link_uri": f"{self.url}/",
            CORE + "resource_link": {"id": "link-1"},
            CORE + "roles": ["Instructor"],
            CORE + "context": {"id": "2", "label": "BIO-1", "title": "Biology", "type": ["CourseSection"]},
            NRPS: {"context_memberships_url": f"{self.lms.url}/memberships/2?a=1", "service_versions": ["2.0"]},
        }
        for name, value in changes.items():
            full = next((known for known in (name, CORE + name) if known in claims), CORE + name)
            full = {"nrps": NRPS, **{own: own for own in OPENID}}.get(name, full)
            claims[full] = value
        return {name: value for name, value in claims.items() if value is not GONE}

    def post(self, state, id_token, **more):
        """The LMS's answer, brought by the browser."""
        form = {"state": state, "id_token": id_token, **more}
        return self.browser.post(f"{self.url}/lti/launch", data=form, timeout=10)

    def launch(self, **changes):
        """A whole launch, its claims changed."""
        login = self.login()
        return self.post(login["state"], self.lms.sign(self.claims(login["nonce"], **changes)))

    def other_browser(self):
        return Tool(self.url, self.lms, self.clock)


@pytest.fixture
def make_tool(registry_path, mirror_path, keys, http, lms, clock):
    """Serve the bridge's tool routes; ``public_url`` may differ from where they are served."""
    own = threading.local()
    Mirror.open(mirror_path).close()

    def of_this_thread(name, open_):
        if not hasattr(own, name):
            setattr(own, name, open_())
        return getattr(own, name)

    def registry_here():
        return of_this_thread("registry", lambda: Registry.open(registry_path, clock))

    def teaches(platform, roles):
        return RoleTable.default().map_roles(roles, mapping=RoleMapping.COMPAT).enrollment == "teacher"

    @contextmanager
    def make(public_url=None, **rules):
        app = Flask("bridge_under_test")
        with serving(app) as url:
            launch_rules = LaunchRules(public_url=public_url or url, outgoing=LOOPBACK, **rules)
            app.register_blueprint(
                lti_blueprint(
                    LtiTool(
                        registry=registry_here,
                        mirror=lambda: of_this_thread("mirror", lambda: Mirror.open_read_only(mirror_path)),
                        keys=keys,
                        http=http,
                        rules=launch_rules,
                        teaches=teaches,
                        scheduler_runs=lambda: registry_here().leases.held("scheduler") is not None,
                        clock=clock,
                    )
                )
            )
            tool = Tool(url, lms, clock)
            with tool.browser:
                yield tool

    return make


@pytest.fixture
def tool(make_tool):
    with make_tool() as made:
        yield made


@pytest.fixture
def serve():
    return serving


@pytest.fixture
def check_of():
    """The check that a refused launch names on its page."""

    def check_of(answer):
        assert answer.status_code == 400, answer.text
        assert "Launch refused" in answer.text
        return unescape(answer.text.rpartition("<code>")[2].partition("</code>")[0])

    return check_of
