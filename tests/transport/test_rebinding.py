"""Names that lead inside, by whatever the resolver says: nothing is connected to but the address that was checked.

The resolver and the last step of connecting are doubles of the system's own; everything between is the bridge's.
"""

import socket
from ipaddress import ip_address

import pytest

from bridge.errors import SourceRefused, SourceUnavailable
from bridge.transport.http import Http
from bridge.transport.policy import OutgoingPolicy

PUBLIC, ANOTHER = "8.8.8.8", "9.9.9.9"


class Network:
    """What names resolve to, one answer after the other, and what was connected to."""

    def __init__(self):
        self.answers = {}
        self.asked = []
        self.connected = []

    def resolve(self, host, port, *_args, **_kwargs):
        try:
            addresses = [str(ip_address(host.partition("%")[0]))]
        except ValueError:
            self.asked.append(host)
            answers = self.answers[host]
            addresses = answers.pop(0) if len(answers) > 1 else answers[0]
        families = {4: socket.AF_INET, 6: socket.AF_INET6}
        return [
            (families[ip_address(address.partition("%")[0]).version], socket.SOCK_STREAM, 6, "", (address, port))
            for address in addresses
        ]

    def connect(self, _socket, address):
        self.connected.append(address[0])
        raise ConnectionRefusedError


@pytest.fixture
def network(monkeypatch):
    network = Network()

    class Socket(socket.socket):
        def connect(self, address):
            network.connect(self, address)

    monkeypatch.setattr(socket, "getaddrinfo", network.resolve)
    monkeypatch.setattr(socket, "socket", Socket)
    return network


@pytest.fixture
def http():
    http = Http(OutgoingPolicy(frozenset({"lms.school.example.org:8443"})))
    yield http
    http.close()


@pytest.mark.parametrize(
    "addresses",
    [
        pytest.param(["127.0.0.1"], id="loopback"),
        pytest.param(["10.0.0.7"], id="private"),
        pytest.param(["169.254.169.254"], id="metadata"),
        pytest.param(["::1"], id="loopback-v6"),
        pytest.param(["::"], id="unspecified-v6"),
        pytest.param(["0.0.0.0"], id="unspecified"),
        pytest.param(["::ffff:169.254.169.254"], id="v4-mapped"),
        pytest.param(["64:ff9b::7f00:1"], id="nat64"),
        pytest.param(["2002:a9fe:a9fe::"], id="6to4"),
        pytest.param(["2001:0:7f00:1::1"], id="teredo"),
        pytest.param(["fe80::1%eth0"], id="link-local"),
        pytest.param(["fd00:ec2::254"], id="metadata-v6"),
        pytest.param([PUBLIC, "127.0.0.1"], id="public, then loopback"),
        pytest.param(["127.0.0.1", PUBLIC], id="loopback, then public"),
        pytest.param(["2606:4700::1111", "10.0.0.7"], id="public v6, then private v4"),
        pytest.param([PUBLIC] * 9 + ["192.168.0.1"], id="private behind many"),
    ],
)
def test_name_that_leads_inside_is_refused_and_nothing_is_connected_to(network, http, addresses):
    network.answers["metadata.google.internal"] = [addresses]

    with pytest.raises(SourceRefused, match="not a public address"):
        http.get("https://metadata.google.internal/computeMetadata/v1/")
    assert network.connected == []


def test_address_that_was_checked_is_the_one_that_is_connected_to(network, http):
    """A name that leads inside the second time it is looked up is looked up once."""
    network.answers["rebind.example.org"] = [[PUBLIC], ["127.0.0.1"]]

    with pytest.raises(SourceUnavailable):
        http.get("https://rebind.example.org/")
    assert network.connected == [PUBLIC]
    assert network.asked == ["rebind.example.org"]


def test_each_connection_is_checked_anew(network, http):
    network.answers["rebind.example.org"] = [[PUBLIC], ["127.0.0.1"]]
    with pytest.raises(SourceUnavailable):
        http.get("https://rebind.example.org/")

    with pytest.raises(SourceRefused):
        http.get("https://rebind.example.org/")
    assert network.connected == [PUBLIC]


def test_addresses_are_tried_in_turn_and_no_others(network, http):
    network.answers["lms.example.org"] = [[PUBLIC, ANOTHER]]

    with pytest.raises(SourceUnavailable):
        http.get("https://lms.example.org/")
    assert network.connected == [PUBLIC, ANOTHER]


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("https://lms.school.example.org/", id="another port"),
        pytest.param("https://x.lms.school.example.org:8443/", id="a name below it"),
        pytest.param("https://lms.school.example.org.evil.example:8443/", id="a name that begins like it"),
    ],
)
def test_listed_host_opens_nothing_but_itself(network, http, url):
    for name in ("lms.school.example.org", "x.lms.school.example.org", "lms.school.example.org.evil.example"):
        network.answers[name] = [["10.0.0.7"]]

    with pytest.raises(SourceRefused):
        http.get(url)
    assert network.connected == []


def test_listed_host_may_be_inside(network, http):
    network.answers["lms.school.example.org"] = [["10.0.0.7"]]

    with pytest.raises(SourceUnavailable):
        http.get("https://lms.school.example.org:8443/")
    assert network.connected == ["10.0.0.7"]


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("https://lms.example.org\\@10.0.0.7/", id="backslash"),
        pytest.param("https://lms.example.org#@10.0.0.7/", id="fragment"),
        pytest.param("https://lms.example.org@10.0.0.7/", id="user name"),
        pytest.param("https://10.0.0.7%2f@lms.example.org/", id="escaped slash"),
        pytest.param("https://lms.example.org%00.10.0.0.7/", id="escaped NUL"),
        pytest.param("https://１０.0.0.7/", id="full-width digits"),
        pytest.param("https://127。0。0。1/", id="full-width dots"),
        pytest.param("https://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/", id="circled letters"),
    ],
)
def test_url_that_two_readers_might_understand_differently_leads_nowhere_inside(network, http, url):
    for name in ("localhost", "lms.example.org", "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ", "lms.example.org%00.10.0.0.7"):
        network.answers[name] = [["127.0.0.1"]]

    with pytest.raises((SourceRefused, SourceUnavailable)):
        http.get(url)
    assert network.connected == []
