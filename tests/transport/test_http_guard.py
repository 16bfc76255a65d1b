"""What the guard keeps out, tried with real sockets: every refused host here would really reach a listener."""

import socket
import ssl
from contextlib import closing

import pytest
from pytest_httpserver import HTTPServer

from bridge.errors import SourceRefused
from bridge.settings import Outgoing, Settings, Storage
from bridge.wiring import Wiring


@pytest.fixture
def inside():
    """A listener on loopback that nobody may reach."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0)
        yield listener


@pytest.mark.parametrize(
    "host",
    [
        pytest.param("127.0.0.1", id="loopback"),
        pytest.param("localhost", id="name-that-resolves-to-loopback"),
        pytest.param("2130706433", id="decimal"),
        pytest.param("0177.0.0.1", id="octal"),
        pytest.param("0x7f.0.0.1", id="hexadecimal"),
        pytest.param("127.1", id="short"),
        pytest.param("[::ffff:127.0.0.1]", id="v4-mapped"),
        pytest.param("[::1]", id="loopback-v6"),
        pytest.param("0.0.0.0", id="unspecified"),
        pytest.param("169.254.169.254", id="metadata"),
    ],
)
def test_host_inside_is_refused_before_connecting(make_http, inside, host):
    port = inside.getsockname()[1]

    with pytest.raises(SourceRefused, match=r"not a public address: .* outgoing\.allowed_hosts"):
        make_http(allowed_hosts=frozenset()).get(f"https://{host}:{port}/latest/meta-data")
    with pytest.raises(BlockingIOError):
        inside.accept()


def test_listing_a_port_opens_no_other(make_http, httpserver, inside):
    http = make_http(allowed_hosts=frozenset({f"localhost:{httpserver.port}"}))
    httpserver.expect_request("/").respond_with_data("ok")

    assert http.get(httpserver.url_for("/")).status == 200
    with pytest.raises(SourceRefused):
        http.get(f"https://localhost:{inside.getsockname()[1]}/")


def test_plain_http_is_refused_for_hosts_not_listed(make_http, httpserver):
    with pytest.raises(SourceRefused, match="plain http is not used"):
        make_http(allowed_hosts=frozenset()).get(httpserver.url_for("/"))
    assert httpserver.log == []


@pytest.fixture
def tls_server(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with HTTPServer(host="127.0.0.1", ssl_context=context) as server:
        server.expect_request("/").respond_with_data("secret")
        yield server


def test_certificate_that_cannot_be_verified_is_refused(make_http, tls_server):
    with pytest.raises(SourceRefused, match=r"127\.0\.0\.1:\d+ shows a certificate that cannot be verified"):
        make_http().get(tls_server.url_for("/"))


def test_certificate_of_a_known_authority_is_accepted(make_http, tls_server, certificate):
    assert make_http(ca_bundle=certificate).get(tls_server.url_for("/")).text == "secret"


def test_setting_names_the_authorities_to_trust(tls_server, certificate, tmp_path):
    outgoing = Outgoing(allowed_hosts=("127.0.0.1",), ca_bundle=certificate)
    with closing(Wiring(Settings(storage=Storage(directory=tmp_path), outgoing=outgoing))) as wiring:
        assert wiring.http.get(tls_server.url_for("/")).text == "secret"


def test_environment_does_not_choose_the_authorities(make_http, tls_server, certificate, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))

    with pytest.raises(SourceRefused):
        make_http().get(tls_server.url_for("/"))
