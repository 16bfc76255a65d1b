"""Where outgoing requests may go.

The URLs that the bridge fetches come from other people: key sets, token endpoints and membership services are named
in registrations and launches. So, unless the operator lists a host, it is spoken to over https only, and every
address that its name resolves to must be a public one: neither the bridge's own machine, nor its network, nor a
cloud's metadata service can be reached through it.

This module decides; :mod:`bridge.transport.connections` asks it about the very address that is connected to.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit

from bridge.errors import SourceRefused
from bridge.origins import DEFAULT_PORTS, origin_of

# Global by the registries, yet answered from inside a cloud's own network.
_INTERNAL = (
    IPv4Network("192.0.0.0/24"),  # RFC 6890, IETF protocol assignments; Oracle Cloud's metadata service lives here
    IPv4Network("168.63.129.16/32"),  # Azure's wire server
)
_GLOBAL_UNICAST = IPv6Network("2000::/3")  # all that IANA hands out; leaves out ::/96, fec0::/10, ff00::/8
_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052


@dataclass(frozen=True, slots=True)
class OutgoingPolicy:
    """Which hosts may be asked, and how.

    :param allowed_hosts: hosts that may be asked over plain http and at private or loopback addresses, each as
        ``host`` (any port) or ``host:port``; IPv6 addresses in brackets. Case is ignored.
    """

    allowed_hosts: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        object.__setattr__(self, "allowed_hosts", frozenset(host.strip().lower() for host in self.allowed_hosts))

    def allows(self, host: str, port: int) -> bool:
        """Whether the operator has listed the host."""
        name = host.lower().strip("[]").rstrip(".")
        if ":" in name:
            name = f"[{name}]"
        return name in self.allowed_hosts or f"{name}:{port}" in self.allowed_hosts

    def check_url(self, url: str) -> None:
        """Let an absolute https URL pass, and an http one of a listed host.

        :raises SourceRefused: for everything else, also for a URL that carries a user name or password: sent along,
            it would take the place of the access token.
        """
        if not url.isprintable() or " " in url:  # urlsplit would drop some of these, and a terminal obey others
            raise SourceRefused("a URL with blanks or control characters is not used: check the registered addresses")
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:
            raise SourceRefused("a URL that cannot be read was to be fetched: check the registered addresses") from None
        if parts.scheme not in DEFAULT_PORTS or not host:
            raise SourceRefused(
                "an outgoing URL must begin with https:// and name a host: check the registered addresses"
            )
        if parts.username is not None or parts.password is not None:
            raise SourceRefused(f"{host}: a URL with a user name in it is not used: register it without")
        if parts.scheme != "https" and not self.allows(host, port or DEFAULT_PORTS[parts.scheme]):
            raise SourceRefused(
                f"{host}: plain http is not used: register an https address, or add the host to outgoing.allowed_hosts"
            )

    def check_url_of_peer(self, url: str, known: Iterable[str]) -> None:
        """Let a URL pass that a peer names: as :meth:`check_url`, and at a listed host if the peer is known there.

        Else whoever may launch could make the bridge ask whatever else runs at the hosts that the operator has listed.

        :param known: URLs that the operator has registered for the peer.
        :raises SourceRefused: for everything else.
        """
        self.check_url(url)
        scheme, host, port = _origin(url)
        if self.allows(host, port) and (scheme, host, port) not in map(_origin, known):
            raise SourceRefused(
                f"{host} is one of outgoing.allowed_hosts, and none of the platform's registered URLs is at its port"
                f" {port}: only these may be asked there"
            )

    def check_address(self, host: str, port: int, address: str) -> None:
        """Let a connection to ``address`` pass, which is what ``host`` resolves to.

        :raises SourceRefused: if the address is not public and the host is not listed.
        """
        if not is_public(address) and not self.allows(host, port):
            raise SourceRefused(
                f"{host} leads to {address}, which is not a public address:"
                f" if that is meant, add the host to outgoing.allowed_hosts"
            )


def _origin(url: str) -> tuple[str, str, int]:
    """Scheme, host and port; all blank if the URL cannot be read."""
    try:
        return origin_of(url)
    except ValueError:
        return "", "", 0


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public internet, seen through IPv4 addresses wrapped in IPv6.

    >>> is_public("8.8.8.8"), is_public("::ffff:10.0.0.1"), is_public("169.254.169.254")
    (True, False, False)
    """
    ip = _unwrapped(ip_address(address))
    if isinstance(ip, IPv6Address) and ip not in _GLOBAL_UNICAST:
        return False
    return ip.is_global and not ip.is_multicast and not any(ip in network for network in _INTERNAL)


def _unwrapped(ip: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address inside an IPv4-mapped, 6to4 or NAT64 one: that is where the packets end."""
    if isinstance(ip, IPv4Address):
        return ip
    if ip in _NAT64:
        return IPv4Address(int(ip) & 0xFFFF_FFFF)
    return ip.ipv4_mapped or ip.sixtofour or ip
