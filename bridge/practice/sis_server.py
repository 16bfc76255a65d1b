"""The practice SIS, served: what ``bridge demo`` and most tests want."""

from collections.abc import Sequence

from bridge.clock import Clock, utc_now
from bridge.practice.server import PracticeServer
from bridge.practice.sis import Sis, create_sis
from bridge.practice.sis_clients import EVERY_SCOPE
from bridge.practice.sis_manners import SisManners
from bridge.practice.sis_records import SisRoster
from bridge.practice.sis_vendor_manners import sis_manners_of


class PracticeSis(PracticeServer):
    """A OneRoster provider on a port of 127.0.0.1, in a thread of its own, to be used with ``with``.

    :param roster: what it knows; it may be changed while the SIS runs.
    :param vendor: whose manners it has: see :mod:`bridge.practice.sis_vendor_manners`. Not together with ``manners``.
    :param manners: how it behaves; likewise to be changed.
    :ivar requests: every request for rosters so far, as ``GET /path?query``.
    """

    def __init__(
        self,
        roster: SisRoster,
        *,
        port: int = 0,
        vendor: str = "generic",
        manners: SisManners | None = None,
        clock: Clock = utc_now,
    ) -> None:
        self.roster = roster
        self.manners = manners if manners is not None else sis_manners_of(vendor)
        super().__init__(port=port)
        self.sis = Sis(url=self.url, roster=roster, manners=self.manners, clock=clock)
        self.requests = self.sis.requests
        self.app = create_sis(self.sis)

    @property
    def token_url(self) -> str:
        """The token endpoint."""
        return self.sis.token_url

    def base_url(self, version: str = "1.2") -> str:
        """Where a version's operations are: ``{base_url}/users`` lists the users."""
        return self.sis.base_url(version)

    def register_consumer(self, scopes: Sequence[str] = EVERY_SCOPE) -> dict[str, str]:
        """Register a consumer.

        :param scopes: what it may ask for, of both versions.
        :returns: what its operator writes down: ``url``, ``base_url`` (of 1.2), ``base_url_1p1``, ``token_url``,
            ``client_id`` and ``client_secret``. With OAuth 1.0a the last two are consumer key and secret.
        :raises ValueError: if there is no such scope.
        """
        client = self.sis.clients.register(scopes)
        return {
            "url": self.url,
            "base_url": self.base_url("1.2"),
            "base_url_1p1": self.base_url("1.1"),
            "token_url": self.token_url,
            "client_id": client.client_id,
            "client_secret": client.client_secret,
        }

    def issue_token(self, scopes: Sequence[str] = EVERY_SCOPE) -> str:
        """An access token without the asking, as some vendors hand them out."""
        return self.sis.tokens.issue("nobody", tuple(scopes))

    def expire_tokens(self) -> None:
        """Make every access token that is out worthless: the next request with one is answered 401."""
        self.sis.tokens.expire_all()
