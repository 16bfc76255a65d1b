"""Practice servers: any WSGI application on a port of 127.0.0.1, in a thread of its own.

Every answer closes its connection: the development server underneath reads and throws away whatever follows a
request, so it cannot keep one alive.
"""

import socket
from collections.abc import Mapping, Sequence
from threading import Thread
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote, urlencode

from joserfc.jwk import RSAKey
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from bridge.clock import Clock, utc_now
from bridge.practice.lms import Lms, create_lms
from bridge.practice.lms_tools import NRPS_SCOPE
from bridge.practice.lms_walks import memberships_url
from bridge.practice.manners import Manners
from bridge.practice.rosters import Roster
from bridge.practice.vendor_manners import manners_of

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

_HOST = "127.0.0.1"
_POLL_SECONDS = 0.02  # how soon the server notices that it is to stop


class _QuietHandler(WSGIRequestHandler):
    """Does not print a line per request; an application that fails still prints its traceback."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


class PracticeServer:
    """One server, to be used with ``with``.

    The port is taken when the object is made, so that its URL is known before the application is; from then on
    connections queue up, and they are answered from :meth:`start` on.

    :param app: the application; it may be set later, as the attribute, before the start.
    :param port: 0 takes any free port.
    :raises OSError: if the port is taken.
    """

    def __init__(self, app: "WSGIApplication | None" = None, *, port: int = 0) -> None:
        self.app = app
        self._listener = socket.create_server((_HOST, port), backlog=128)
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http://{_HOST}:{self.port}"
        self._server: BaseWSGIServer | None = None
        self._thread: Thread | None = None

    def start(self) -> None:
        """Begin to answer."""
        if self.app is None:
            raise ValueError("there is no application to serve")
        self._server = make_server(
            _HOST, self.port, self.app, threaded=True, request_handler=_QuietHandler, fd=self._listener.fileno()
        )
        self._listener.close()  # the server has a duplicate
        self._thread = Thread(
            target=self._server.serve_forever, args=(_POLL_SECONDS,), name=f"practice-{self.port}", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stop answering and give the port back. Once more does no harm."""
        self._listener.close()
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._thread.join()
            self._server = self._thread = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


class PracticeLms(PracticeServer):
    """The practice LMS, served: what ``bridge demo`` and most tests want.

    :param roster: who is in which course; it may be changed while the LMS runs.
    :param vendor: whose manners it has: see :mod:`bridge.practice.vendor_manners`. Not together with ``manners``.
    :param manners: how it behaves; likewise to be changed.
    :param key: what it signs with; a new one if not given, which takes a tenth of a second.
    """

    def __init__(
        self,
        roster: Roster,
        *,
        port: int = 0,
        vendor: str = "generic",
        manners: Manners | None = None,
        clock: Clock = utc_now,
        key: RSAKey | None = None,
    ) -> None:
        self.roster = roster
        self.manners = manners if manners is not None else manners_of(vendor)
        super().__init__(port=port)
        self.issuer = self.url
        self.lms = Lms(
            issuer=self.issuer,
            roster=roster,
            manners=self.manners,
            clock=clock,
            key=key if key is not None else RSAKey.generate_key(2048, auto_kid=True),
        )
        self.app = create_lms(self.lms)

    def register_tool(
        self,
        *,
        login_url: str,
        redirect_uris: Sequence[str],
        jwks_url: str | None = None,
        jwks: Mapping[str, Any] | None = None,
        target_link_uri: str | None = None,
        scopes: Sequence[str] = (NRPS_SCOPE,),
    ) -> dict[str, str]:
        """Register a tool: see :meth:`~bridge.practice.lms_tools.Tools.register` for what is taken and refused.

        :returns: what the tool's operator writes down: ``issuer``, ``client_id``, ``deployment_id``,
            ``auth_login_url``, ``token_url`` and ``jwks_url``.
        """
        tool = self.lms.tools.register(
            login_url=login_url,
            redirect_uris=redirect_uris,
            jwks_url=jwks_url,
            jwks=jwks,
            target_link_uri=target_link_uri,
            scopes=scopes,
        )
        return {
            "issuer": self.issuer,
            "client_id": tool.client_id,
            "deployment_id": tool.deployment_id,
            "auth_login_url": self.lms.auth_login_url,
            "token_url": self.lms.token_url,
            "jwks_url": self.lms.jwks_url,
        }

    def memberships_url(self, context_id: str) -> str:
        """The ``context_memberships_url`` of a course."""
        return memberships_url(self.issuer, context_id, self.manners.query)

    def launch_url(self, context_id: str, user_id: str, *, client_id: str | None = None) -> str:
        """The address that launches the tool from a course as one of its members.

        :param client_id: which tool, where several are registered.
        """
        query = {"user": user_id} if client_id is None else {"user": user_id, "tool": client_id}
        return f"{self.issuer}/courses/{quote(context_id, safe='')}/launch?{urlencode(query)}"

    def expire_tokens(self) -> None:
        """Make every access token that is out worthless: the next request with one is answered 401."""
        self.lms.tokens.expire_all()
