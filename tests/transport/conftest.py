"""A peer that says exactly the bytes a test gives it, at the pace that the test gives it."""

import socket
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from joserfc.jwk import RSAKey
from pytest_httpserver import HTTPServer

from bridge.lti.platform import Platform
from bridge.transport.http import Http
from bridge.transport.policy import OutgoingPolicy

Script = Callable[[socket.socket, threading.Event], None]


class RawPeer:
    """Accepts connections on loopback; each is read up to the end of the request's headers, then handed to a script."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._over = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/"
        self.requests: list[bytes] = []
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def close(self) -> None:
        self._over.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()

    def _serve(self) -> None:
        while not self._over.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                request = b""
                while b"\r\n\r\n" not in request and (chunk := connection.recv(4096)):
                    request += chunk
                self.requests.append(request)
                try:
                    self._script(connection, self._over)
                except OSError:
                    continue


@pytest.fixture
def raw_peer() -> Iterator[Callable[[Script], RawPeer]]:
    peers: list[RawPeer] = []

    def start(script: Script) -> RawPeer:
        peers.append(RawPeer(script))
        return peers[-1]

    yield start
    for peer in peers:
        peer.close()


@pytest.fixture
def make_http() -> Iterator[Callable[..., Http]]:
    """Builds an ``Http`` that may speak to this machine, unless told otherwise."""
    made: list[Http] = []

    def make(allowed_hosts: frozenset[str] = frozenset({"127.0.0.1", "localhost"}), **options: object) -> Http:
        made.append(Http(OutgoingPolicy(allowed_hosts), **options))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def http(make_http: Callable[..., Http]) -> Http:
    return make_http()


@pytest.fixture(scope="session")
def key() -> RSAKey:
    return RSAKey.generate_key(2048, parameters={"kid": "bridge-1"})


@pytest.fixture
def make_platform(httpserver: HTTPServer) -> Callable[..., Platform]:
    """Builds a registration whose token endpoint is ``/token`` of the test's server."""

    def make(client_id: str = "bridge-7", **changes: str) -> Platform:
        return Platform(
            id=1,
            tenant="school",
            issuer="https://lms.example.org",
            client_id=client_id,
            auth_login_url="https://lms.example.org/auth",
            token_url=httpserver.url_for("/token"),
            jwks_url="https://lms.example.org/jwks",
            **changes,
        )

    return make


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1 that signs itself, and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "school")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "school.pem"
    path.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return path
