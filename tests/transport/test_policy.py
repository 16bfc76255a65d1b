import pytest

from bridge.errors import SourceRefused
from bridge.transport.policy import OutgoingPolicy, is_public


@pytest.mark.parametrize(
    "address",
    [
        pytest.param("127.0.0.1", id="loopback"),
        pytest.param("127.255.255.254", id="far-loopback"),
        pytest.param("0.0.0.0", id="unspecified"),
        pytest.param("10.1.2.3", id="private-10"),
        pytest.param("172.16.0.1", id="private-172"),
        pytest.param("192.168.1.1", id="private-192"),
        pytest.param("169.254.169.254", id="cloud-metadata"),
        pytest.param("100.100.100.200", id="carrier-grade-nat"),
        pytest.param("192.0.0.192", id="oracle-metadata"),
        pytest.param("168.63.129.16", id="azure-wire-server"),
        pytest.param("224.0.0.1", id="multicast"),
        pytest.param("255.255.255.255", id="broadcast"),
        pytest.param("::1", id="loopback-v6"),
        pytest.param("::", id="unspecified-v6"),
        pytest.param("::127.0.0.1", id="v4-compatible"),
        pytest.param("::ffff:127.0.0.1", id="v4-mapped-loopback"),
        pytest.param("::ffff:169.254.169.254", id="v4-mapped-metadata"),
        pytest.param("64:ff9b::a00:1", id="nat64-private"),
        pytest.param("64:ff9b:1::a00:1", id="local-nat64"),
        pytest.param("2002:7f00:1::", id="6to4-loopback"),
        pytest.param("fe80::1", id="link-local-v6"),
        pytest.param("fe80::1%lo", id="link-local-v6-with-zone"),
        pytest.param("fc00::1", id="unique-local-v6"),
        pytest.param("fd00:ec2::254", id="aws-metadata-v6"),
        pytest.param("fec0::1", id="site-local-v6"),
        pytest.param("ff02::1", id="multicast-v6"),
        pytest.param("2001:db8::1", id="documentation-v6"),
    ],
)
def test_address_inside_is_not_public(address):
    assert not is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        pytest.param("8.8.8.8", id="v4"),
        pytest.param("2606:4700::1111", id="v6"),
        pytest.param("::ffff:8.8.8.8", id="v4-mapped"),
        pytest.param("64:ff9b::808:808", id="nat64"),
        pytest.param("2002:808:808::", id="6to4"),
    ],
)
def test_address_of_the_internet_is_public(address):
    assert is_public(address)


@pytest.mark.parametrize(
    ("listed", "host", "port", "allowed"),
    [
        pytest.param("lms.school.example.org", "lms.school.example.org", 8080, True, id="host-means-any-port"),
        pytest.param("lms.school.example.org:8080", "lms.school.example.org", 8080, True, id="host-and-port"),
        pytest.param("lms.school.example.org:8080", "lms.school.example.org", 443, False, id="another-port"),
        pytest.param("LMS.school.example.org", "lms.SCHOOL.example.org.", 80, True, id="case-and-final-dot"),
        pytest.param("example.org", "lms.example.org", 80, False, id="no-subdomains"),
        pytest.param("[::1]", "::1", 80, True, id="v6-any-port"),
        pytest.param("[::1]:8080", "::1", 8080, True, id="v6-and-port"),
        pytest.param("[::1]:8080", "::1", 80, False, id="v6-another-port"),
    ],
)
def test_listed_host_is_allowed(listed, host, port, allowed):
    assert OutgoingPolicy(frozenset({listed})).allows(host, port) is allowed


@pytest.mark.parametrize(
    ("url", "says"),
    [
        pytest.param("http://lms.example.org/", "outgoing.allowed_hosts", id="plain-http"),
        pytest.param("ftp://lms.example.org/", "https://", id="another-scheme"),
        pytest.param("file:///etc/passwd", "https://", id="file"),
        pytest.param("/members", "https://", id="relative"),
        pytest.param("https:///members", "name a host", id="no-host"),
        pytest.param("https://ada:pw@lms.example.org/", "user name", id="credentials"),
        pytest.param("https://lms.example.org\\@evil.example/", "user name", id="backslash"),
        pytest.param("https://lms.example.org:99999/", "cannot be read", id="impossible-port"),
        pytest.param("https://[::1/", "cannot be read", id="broken-brackets"),
        pytest.param("https://lms.example.org/a b", "blanks or control", id="blank"),
        pytest.param("https://lms.example.org/\x1b[2J", "blanks or control", id="escape"),
        pytest.param("ht\ntps://lms.example.org/", "blanks or control", id="line-break"),
        pytest.param("https://lms.example.org/\x85", "blanks or control", id="c1-control"),
    ],
)
def test_url_outside_the_policy_is_refused(url, says):
    with pytest.raises(SourceRefused, match=says):
        OutgoingPolicy().check_url(url)


def test_https_url_passes():
    OutgoingPolicy().check_url("https://lms.example.org/members?limit=2")


def test_http_url_of_a_listed_host_passes():
    OutgoingPolicy(frozenset({"lms.example.org:80"})).check_url("http://lms.example.org/members")
