"""A real Chromium, a practice LMS on one site, and the bridge on another: ``127.0.0.1`` and ``localhost``.

Without Chromium these tests are skipped on a developer's machine, and fail where ``CI`` is set.
"""

import json
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Self

import pytest
from _pytest.runner import runtestprotocol
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from joserfc.jwk import RSAKey
from playwright.sync_api import BrowserContext, Playwright, expect, sync_playwright
from werkzeug.serving import make_server

from bridge.admin.app import admin_app
from bridge.app import create_app
from bridge.practice.rosters import make_roster
from bridge.practice.server import PracticeLms
from bridge.scheduling import Scheduling
from bridge.settings import Log, Lti, Outgoing, Server, Settings, Storage
from bridge.wiring import Wiring
from tests.browser.looking import PASSWORD, Operator

SWITCHES = [
    "--no-first-run",
    "--no-sandbox",  # CI runs as root
    "--disable-background-networking",
    "--disable-component-update",
    # Playwright 1.65 now and then loses a frame that Chromium 156 puts into a process of its own.
    "--disable-site-isolation-trials",
]


expect.set_options(timeout=30_000)

HERE = Path(__file__).parent


def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    """Try a test of this folder once more when it fails: Chromium at times loses a frame on a busy machine.

    What fails twice has failed.
    """
    if not item.path.is_relative_to(HERE):
        return None
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    reports = runtestprotocol(item, nextitem=nextitem, log=False)
    if any(report.failed for report in reports):
        reports = runtestprotocol(item, nextitem=nextitem, log=False)
    for report in reports:
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


class Bridge:
    """The whole bridge at ``localhost``, which is another site than the LMS's ``127.0.0.1``; with a scheduler."""

    def __init__(self, directory: Path, tls: tuple[str, str] | None = None, **lti: object) -> None:
        self._server = make_server("127.0.0.1", 0, lambda *_: [], threaded=True, ssl_context=tls)
        self.url = f"{'https' if tls else 'http'}://localhost:{self._server.port}"
        settings = Settings(
            server=Server(public_url=self.url),
            storage=Storage(directory=directory),
            outgoing=Outgoing(allowed_hosts=("127.0.0.1", "localhost")),
            log=Log(level="error"),
            lti=Lti(**lti),
        )
        self.wiring = Wiring(settings)
        self._app = create_app(settings)
        self._server.app = self._app
        self.admin = admin_app(self.wiring)
        self._threads = [
            threading.Thread(target=self._server.serve_forever, args=(0.02,)),
            threading.Thread(target=self._schedule),
        ]
        self._stopping = threading.Event()

    def _schedule(self) -> None:
        wiring = Wiring(self.wiring.settings)
        scheduling = Scheduling(wiring)
        with scheduling.workers():
            while not self._stopping.wait(0.1):
                if wiring.hold_scheduler_lease():
                    scheduling.take_inbox()
        wiring.close()

    def register_at(self, lms: PracticeLms) -> None:
        registration = lms.register_tool(
            login_url=f"{self.url}/lti/login",
            redirect_uris=[f"{self.url}/lti/launch"],
            jwks_url=f"{self.url}/.well-known/jwks.json",
            target_link_uri=f"{self.url}/lti/launch",
        )
        del registration["deployment_id"]
        self.wiring.registry.platforms.add(**registration, tenant="school")

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._server.shutdown()
        for thread in self._threads:
            thread.join()
        self._server.server_close()
        self._app.extensions["bridge"].close()
        self.wiring.close()


@pytest.fixture(scope="session")
def chromium() -> str:
    found = shutil.which("chromium")
    if found is None:
        reason = "no chromium on the PATH: on Debian, apt-get install chromium"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return found


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="module")
def launch_browser(
    chromium: str, playwright: Playwright, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., BrowserContext]]:
    """Start Chromium with third-party cookies blocked, as its users can, and with more settings of theirs."""
    with ExitStack() as stack:

        def launch_browser(**profile: object) -> BrowserContext:
            folder = tmp_path_factory.mktemp("chromium")
            (folder / "Default").mkdir()
            preferences = {"cookie_controls_mode": 1, "block_third_party_cookies": True, **profile}
            (folder / "Default" / "Preferences").write_text(json.dumps({"profile": preferences}), encoding="utf-8")
            browser = playwright.chromium.launch_persistent_context(
                folder, executable_path=chromium, args=SWITCHES, ignore_https_errors=True
            )
            stack.callback(browser.close)
            browser.set_default_timeout(30_000)
            return browser

        yield launch_browser


@pytest.fixture(scope="module")
def usual_browser(launch_browser: Callable[..., BrowserContext]) -> BrowserContext:
    return launch_browser()


@pytest.fixture(scope="module")
def cookieless_browser(launch_browser: Callable[..., BrowserContext]) -> BrowserContext:
    return launch_browser(content_settings={"exceptions": {"cookies": {"*,http://127.0.0.1:*": {"setting": 2}}}})


@pytest.fixture
def browser(usual_browser: BrowserContext) -> Iterator[BrowserContext]:
    """Blocks third-party cookies; over https, sites may still keep partitioned ones."""
    yield from _without_traces(usual_browser)


@pytest.fixture
def strict_browser(cookieless_browser: BrowserContext) -> Iterator[BrowserContext]:
    """Keeps no cookies whatever in the LMS's pages and in what they frame."""
    yield from _without_traces(cookieless_browser)


def _without_traces(browser: BrowserContext) -> Iterator[BrowserContext]:
    yield browser
    for page in browser.pages[1:]:  # the last one would take the browser with it
        page.close()
    browser.clear_cookies()


@pytest.fixture(scope="session")
def platform_key() -> RSAKey:
    return RSAKey.generate_key(2048, auto_kid=True)


@pytest.fixture
def lms(platform_key: RSAKey) -> Iterator[PracticeLms]:
    """One course: a teacher and ten students."""
    with PracticeLms(
        make_roster(courses=1, members_per_course=11, people=11, awkward_every=0), key=platform_key
    ) as lms:
        yield lms


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """For ``localhost``, signed by nobody."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]), False
        )
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path_factory.mktemp("tls")
    (folder / "cert.pem").write_bytes(built.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return str(folder / "cert.pem"), str(folder / "key.pem")


@pytest.fixture
def start_bridge(tmp_path: Path, lms: PracticeLms, certificate: tuple[str, str]) -> Iterator[Callable[..., Bridge]]:
    """The bridge, registered at the LMS, over http or https."""

    @contextmanager
    def start_bridge(*, https: bool = False, **lti: object) -> Iterator[Bridge]:
        with Bridge(tmp_path / "var", certificate if https else None, **lti) as bridge:
            bridge.register_at(lms)
            yield bridge

    return start_bridge


@pytest.fixture
def start(browser: BrowserContext) -> Callable[[Bridge], Operator]:
    """An operator of a bridge, at its first page."""

    def start(bridge: Bridge) -> Operator:
        bridge.wiring.registry.operators.add("ada", PASSWORD)
        operator = Operator(browser, bridge)
        operator.goto("/admin/")
        return operator

    return start
