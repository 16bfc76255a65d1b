"""Connections that reach permitted addresses only, and answers that end in time.

The check happens where the connection is made, on the resolved address that is then connected to, so that a name
that resolves differently the second time (DNS rebinding) gains nothing. The deadline sits below the parsing of status
line, headers and body alike: the socket's own timeout only bounds the silence between two bytes, so a peer that
drips could otherwise hold a reader for ever.

:class:`GuardedAdapter` is how :class:`bridge.transport.http.Http` gets at these; nobody else needs them.
"""

import http.client
import io
import socket
import time
from functools import partial
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError
from urllib3.util.connection import create_connection

from bridge.transport.policy import OutgoingPolicy

_MOST_ADDRESSES = 4  # of one host, to be tried: each may cost a whole connect timeout


class GuardedAdapter(HTTPAdapter):
    """Gives a ``requests`` session connections under a policy and a deadline.

    :param answer_within: seconds from the sent request to the last byte of its answer.
    """

    def __init__(self, policy: OutgoingPolicy, answer_within: float) -> None:
        self._guard: dict[str, Any] = {"policy": policy, "answer_within": answer_within}
        super().__init__()

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **pool_kwargs: Any) -> None:
        super().init_poolmanager(connections, maxsize, block, **pool_kwargs)
        self.poolmanager.pool_classes_by_scheme = {
            "http": partial(_PlainPool, **self._guard),
            "https": partial(_SecurePool, **self._guard),
        }


class _Guarded(HTTPConnection):
    def __init__(self, *args: Any, policy: OutgoingPolicy, answer_within: float, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._policy = policy
        # http.client only ever calls it, once a request is sent.
        self.response_class = partial(_TimedResponse, answer_within=answer_within)  # type: ignore[assignment]

    def _new_conn(self) -> socket.socket:
        """Resolve, check every address, connect to the first checked one that answers."""
        addresses = self._resolve()
        for address in addresses:
            self._policy.check_address(self.host, self.port, address)
        failure: OSError | None = None
        for address in addresses[:_MOST_ADDRESSES]:
            try:
                return create_connection((address, self.port), self.timeout, self.source_address, self.socket_options)
            except OSError as error:
                failure = error
        if isinstance(failure, TimeoutError):
            raise ConnectTimeoutError(self, "no connection in time") from failure
        raise NewConnectionError(self, "no connection") from failure

    def _resolve(self) -> list[str]:
        try:
            found = socket.getaddrinfo(self._dns_host, self.port, type=socket.SOCK_STREAM)
        except socket.gaierror as error:
            raise NameResolutionError(self.host, self, error) from error
        except UnicodeError as error:  # a label that is empty or too long
            raise NameResolutionError(self.host, self, socket.gaierror(socket.EAI_NONAME, "not a name")) from error
        return list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))


class _PlainConnection(_Guarded):
    pass


class _SecureConnection(_Guarded, HTTPSConnection):
    pass


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _PlainConnection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


class _TimedResponse(http.client.HTTPResponse):
    """An answer whose bytes, headers included, stop at the deadline."""

    def __init__(self, sock: socket.socket, *args: Any, answer_within: float, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        deadline = time.monotonic() + answer_within
        self.fp = io.BufferedReader(_UntilDeadline(self.fp.detach(), sock, deadline))


class _UntilDeadline(io.RawIOBase):
    def __init__(self, raw: io.RawIOBase, sock: socket.socket, deadline: float) -> None:
        self._raw = raw
        self._sock = sock
        self._deadline = deadline
        self._silence = sock.gettimeout()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the answer takes too long")
        self._sock.settimeout(left if self._silence is None else min(self._silence, left))
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()
