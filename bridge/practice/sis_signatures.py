"""Requests that are signed instead of bearing a token: OAuth 1.0a with two legs, as OneRoster 1.1 allows.

RFC 5849 section 3, for requests without a body. HMAC-SHA256 is OneRoster's addition to the RFC's HMAC-SHA1.
"""

import base64
import hmac
import re
from collections.abc import Collection, Iterable
from threading import Lock
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from bridge.clock import Clock
from bridge.practice.sis_clients import SisClient, SisClients

SIGNATURE_SECONDS = 300
"""How old, and how far ahead, ``oauth_timestamp`` may be."""

_DIGESTS = {"HMAC-SHA1": "sha1", "HMAC-SHA256": "sha256"}
_PARAMETER = re.compile(r'\s*([a-z_]+)="([^"]*)"\s*', re.IGNORECASE)


class BadSignature(Exception):
    """A signed request that is not believed."""


def signature(method: str, url: str, parameters: Iterable[tuple[str, str]], secret: str, way: str) -> str:
    """RFC 5849 sections 3.4.1 and 3.4.2: the ``oauth_signature`` of a request without a token secret.

    :param url: as it was requested; its query need not stand in ``parameters``.
    :param parameters: those of the ``Authorization`` header, but for ``realm`` and ``oauth_signature``.
    :param way: ``HMAC-SHA1`` or ``HMAC-SHA256``.
    """
    parts = urlsplit(url)
    port = "" if parts.port in (None, {"http": 80, "https": 443}.get(parts.scheme)) else f":{parts.port}"
    base_url = f"{parts.scheme}://{parts.hostname}{port}{parts.path or '/'}"
    pairs = [*parse_qsl(parts.query, keep_blank_values=True), *parameters]
    normalized = "&".join(f"{name}={value}" for name, value in sorted((_encoded(n), _encoded(v)) for n, v in pairs))
    base = "&".join(_encoded(part) for part in (method.upper(), base_url, normalized))
    mac = hmac.digest(f"{_encoded(secret)}&".encode(), base.encode(), _DIGESTS[way])
    return base64.b64encode(mac).decode()


class Signatures:
    """Verifies signed requests, and takes each only once."""

    def __init__(self, clients: SisClients, clock: Clock) -> None:
        self._clients = clients
        self._clock = clock
        self._lock = Lock()
        self._seen: dict[tuple[str, str, str], float] = {}

    def verify(self, authorization: str, method: str, url: str, ways: Collection[str]) -> SisClient:
        """Who signed a request.

        :param authorization: the header, without the word ``OAuth``.
        :param ways: the signature methods that are taken.
        :raises BadSignature: if anything about it is not as it must be.
        """
        given = [(name, unquote(value)) for name, value in _read(authorization) if name.lower() != "realm"]
        parameters = dict(given)
        if len(parameters) < len(given):
            raise BadSignature("an OAuth parameter is repeated")
        client = self._clients.get(parameters.get("oauth_consumer_key", ""))
        if client is None:
            raise BadSignature("oauth_consumer_key is not that of a registered consumer")
        way = parameters.get("oauth_signature_method", "")
        if way not in ways:
            raise BadSignature(f"oauth_signature_method must be one of {', '.join(sorted(ways))}")
        if parameters.get("oauth_version", "1.0") != "1.0":
            raise BadSignature("oauth_version must be 1.0")
        claimed = parameters.pop("oauth_signature", "")
        right = signature(method, url, parameters.items(), client.client_secret, way)
        if not hmac.compare_digest(claimed.encode(), right.encode()):
            raise BadSignature("oauth_signature does not verify")
        self._check_freshness(
            client.client_id, parameters.get("oauth_timestamp", ""), parameters.get("oauth_nonce", "")
        )
        return client

    def _check_freshness(self, client_id: str, timestamp: str, nonce: str) -> None:
        now = self._clock().timestamp()
        if re.fullmatch("[0-9]{1,12}", timestamp) is None or abs(now - int(timestamp)) > SIGNATURE_SECONDS:
            raise BadSignature(f"oauth_timestamp must be within {SIGNATURE_SECONDS} seconds of now")
        if not nonce:
            raise BadSignature("oauth_nonce is missing")
        with self._lock:
            self._seen = {key: at for key, at in self._seen.items() if at > now - 2 * SIGNATURE_SECONDS}
            if (client_id, timestamp, nonce) in self._seen:
                raise BadSignature("oauth_nonce was used before")
            self._seen[client_id, timestamp, nonce] = now


def _read(authorization: str) -> list[tuple[str, str]]:
    found = [_PARAMETER.fullmatch(part) for part in authorization.split(",")]
    if None in found:
        raise BadSignature("the Authorization header cannot be read")
    return [(one[1], one[2]) for one in found if one is not None]


def _encoded(text: str) -> str:
    return quote(text, safe="-._~")
