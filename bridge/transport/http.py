"""The one place that builds a ``requests`` session: every request the bridge makes goes through :class:`Http`.

It holds what no caller may forget: connect and read timeouts and a deadline for the whole answer, a cap on its size
after decompression, no redirects, no cookies, no proxies or credentials from the environment, a User-Agent (some
Moodle sites refuse requests without one), and the outgoing policy. It retries nothing (see
:mod:`bridge.transport.retry`) and judges no status but redirects.

Messages name the host and what failed. They hold no query string, which may carry a cursor or an id.
"""

import http.cookiejar
import io
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from urllib3 import HTTPHeaderDict
from urllib3 import exceptions as urllib3_errors

from bridge import __version__
from bridge.errors import AnswerTooLarge, BridgeError, SourceRefused, SourceUnavailable
from bridge.transport.connections import GuardedAdapter
from bridge.transport.policy import OutgoingPolicy

DEFAULT_USER_AGENT = f"oneroster-nrps-bridge/{__version__}"
DEFAULT_MAX_BYTES = 64 * 1024 * 1024  # Moodle 4.5 gives a whole course in one answer: 0.3 kB a member

_CODINGS = "gzip, deflate"
_OTHER_CODINGS = frozenset({"br", "zstd", "dcb", "dcz", "compress", "x-compress"})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_CHUNK = 64 * 1024
_WRAPPERS = (requests.RequestException, urllib3_errors.MaxRetryError, urllib3_errors.SSLError)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a peer answered, read to its end.

    :param url: the URL that was asked.
    :param headers: case-insensitive; ``headers.getlist("Link")`` gives each line of a header sent several times.
    :param body: decompressed.
    """

    status: int
    url: str
    headers: HTTPHeaderDict
    body: bytes

    @property
    def text(self) -> str:
        """The body as UTF-8, with what is not UTF-8 replaced: for looking at, not for parsing."""
        return self.body.decode("utf-8-sig", errors="replace")

    def json(self) -> Any:
        """The body as JSON, whatever its content type says, with or without a byte order mark.

        :raises ValueError: if it is not JSON, or nested beyond reason.
        """
        try:
            return json.loads(self.body.decode("utf-8-sig"))
        except RecursionError:
            raise ValueError("nested too deeply") from None


class Http:
    """Asks other systems.

    One may serve all threads: the session keeps no state between requests, and its connection pools are thread-safe.

    :param connect_timeout: seconds to wait for a connection.
    :param read_timeout: seconds of silence to bear while an answer is read.
    :param answer_within: seconds for a whole answer, from the sent request to its last byte.
    :param max_bytes: the largest answer accepted, decompressed.
    :param ca_bundle: the certificates to trust, if not those that certifi brings: for a school's own authority.
    """

    def __init__(
        self,
        policy: OutgoingPolicy,
        *,
        user_agent: str = DEFAULT_USER_AGENT,
        connect_timeout: float = 5,
        read_timeout: float = 30,
        answer_within: float = 120,
        max_bytes: int = DEFAULT_MAX_BYTES,
        ca_bundle: Path | None = None,
    ) -> None:
        self._policy = policy
        self._user_agent = user_agent
        self._ca_bundle = ca_bundle
        self._timeouts = (connect_timeout, read_timeout)
        self._answer_within = answer_within
        self._max_bytes = max_bytes
        self._session = _Session()
        self._session.trust_env = False
        self._session.verify = str(ca_bundle) if ca_bundle else True
        self._session.cookies.set_policy(http.cookiejar.DefaultCookiePolicy(allowed_domains=[]))
        self._session.headers.update({"User-Agent": user_agent, "Accept-Encoding": _CODINGS})
        adapter = GuardedAdapter(policy, answer_within)
        self._session.mount("https://", adapter)
        self._session.mount("http://", adapter)

    def within(self, seconds: float) -> "Http":
        """Another one, for answers that somebody waits for: each, and each connection, may take so long.

        What is stricter already stays as it is.
        """
        connect_timeout, read_timeout = self._timeouts
        return Http(
            self._policy,
            user_agent=self._user_agent,
            connect_timeout=min(connect_timeout, seconds),
            read_timeout=min(read_timeout, seconds),
            answer_within=min(self._answer_within, seconds),
            max_bytes=self._max_bytes,
            ca_bundle=self._ca_bundle,
        )

    def get(self, url: str, *, headers: Mapping[str, str] | None = None, max_bytes: int | None = None) -> Answer:
        """GET a URL exactly as it is written, and read the answer.

        :param max_bytes: the largest answer accepted here, if not the usual.
        :raises SourceUnavailable: if no whole answer arrives; the same call may succeed later.
        :raises SourceRefused: if the policy forbids the address, the certificate cannot be verified, or the answer is
            a redirect or too large.
        """
        return self._ask(requests.Request("GET", url, headers=headers), max_bytes or self._max_bytes)

    def post_form(
        self,
        url: str,
        fields: Mapping[str, str],
        *,
        headers: Mapping[str, str] | None = None,
        max_bytes: int | None = None,
    ) -> Answer:
        """POST ``application/x-www-form-urlencoded`` fields, and read the answer.

        :raises: as :meth:`get`.
        """
        request = requests.Request("POST", url, headers=headers, data=dict(fields))
        return self._ask(request, max_bytes or self._max_bytes)

    def post_json(
        self, url: str, document: Any, *, headers: Mapping[str, str] | None = None, max_bytes: int | None = None
    ) -> Answer:
        """POST a JSON document, and read the answer.

        :raises: as :meth:`get`.
        """
        return self._ask(requests.Request("POST", url, headers=headers, json=document), max_bytes or self._max_bytes)

    def post(self, url: str, body: bytes, *, headers: Mapping[str, str]) -> Answer:
        """POST a body as it is, and read the answer.

        :param headers: ``Content-Type`` among them.
        :raises: as :meth:`get`.
        """
        return self._ask(requests.Request("POST", url, headers=headers, data=body), self._max_bytes)

    def close(self) -> None:
        """Close the idle connections."""
        self._session.close()

    def _ask(self, request: requests.Request, max_bytes: int) -> Answer:
        url = str(request.url)
        self._policy.check_url(url)
        host = host_of(url)
        try:
            prepared = self._session.prepare_request(request)
            prepared.url = url  # requests would decode some escapes: page links are opaque and go back as they came
            with self._session.send(
                prepared, stream=True, allow_redirects=False, timeout=self._timeouts, verify=self._session.verify
            ) as response:
                if response.status_code in _REDIRECTS:
                    raise SourceRefused(
                        f"{host} answers with a redirect ({response.status_code}), and redirects are not followed:"
                        " register the address that it leads to"
                    )
                if _is_packed_otherwise(response.headers.get("Content-Encoding", "")):
                    raise SourceRefused(f"{host} compresses its answer as was not asked for: it may be {_CODINGS}")
                body = self._read(response, max_bytes, host)
                if response.status_code == 200 and not body and not _is_framed(response):
                    # Cut among its headers, an answer looks like this: it must not pass for one that is empty.
                    raise SourceUnavailable(f"{host}: the connection was cut")
                return Answer(response.status_code, url, response.raw.headers, body)
        except (requests.RequestException, urllib3_errors.HTTPError, OSError) as error:
            cause = _unwrapped(error)
            raise _failure(cause, host) from cause

    def _read(self, response: requests.Response, max_bytes: int, host: str) -> bytes:
        body = io.BytesIO()  # which gives what it holds without a second copy
        for chunk in response.raw.stream(_CHUNK, decode_content=True):
            if body.tell() + len(chunk) > max_bytes:
                hint = ": if that is right, raise outgoing.max_body_bytes" if max_bytes == self._max_bytes else ""
                raise AnswerTooLarge(f"{host} answers with more than {max_bytes} bytes{hint}")
            body.write(chunk)
        return body.getvalue()


class _Session(requests.Session):
    def get_redirect_target(self, resp: requests.Response) -> None:
        """Nothing: asked even when redirects are off, and then requests reads the whole body without a cap."""


def host_of(url: str) -> str:
    """The host of a URL, with its port if it names one: how messages call a peer."""
    return urlsplit(url).netloc.rpartition("@")[2]


def without_query(url: str) -> str:
    """Host and path of a URL, for messages."""
    return host_of(url) + urlsplit(url).path


def _is_packed_otherwise(coding: str) -> bool:
    """Whether a body is compressed as was not asked for: in another way, or several times, as nobody does but a bomb.

    Words that are no coding, such as ``UTF-8``, are said by servers whose body is plain.
    """
    return "," in coding or coding.strip().lower() in _OTHER_CODINGS


def _is_framed(response: requests.Response) -> bool:
    """Whether the headers say where the body ends."""
    return "Content-Length" in response.headers or "Transfer-Encoding" in response.headers


def _unwrapped(error: BaseException) -> BaseException:
    """The error inside the wrappers of requests and urllib3, whose texts quote the URL with its query."""
    while isinstance(error, _WRAPPERS):
        inside = [getattr(error, "reason", None), *error.args]
        inner = next((each for each in inside if isinstance(each, BaseException)), None)
        if inner is None:
            break
        error = inner
    return error


def _failure(error: BaseException, host: str) -> BridgeError:
    match error:
        case ssl.SSLCertVerificationError():
            return SourceRefused(
                f"{host} shows a certificate that cannot be verified ({error.verify_message}): it has to be mended"
                " there, or its authority made known to the bridge"
            )
        case urllib3_errors.LocationParseError() | requests.exceptions.InvalidURL():
            return SourceRefused(f"{host}: the URL cannot be used: check the registered addresses")
        case urllib3_errors.NameResolutionError():
            return SourceUnavailable(f"{host}: the name cannot be resolved")
        case urllib3_errors.ConnectTimeoutError():
            return SourceUnavailable(f"{host}: no connection in time")
        case urllib3_errors.NewConnectionError():
            return SourceUnavailable(f"{host}: no connection")
        case urllib3_errors.ReadTimeoutError() | TimeoutError():
            return SourceUnavailable(f"{host}: no whole answer in time")
        case ssl.SSLError():
            return SourceUnavailable(f"{host}: TLS failed")
        case urllib3_errors.DecodeError():
            return SourceUnavailable(f"{host}: the answer cannot be decompressed")
        case _:
            return SourceUnavailable(f"{host}: the connection was cut")
