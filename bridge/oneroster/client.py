"""Reading a OneRoster provider, of version 1.2 or 1.1.

The two differ in how a client proves who it is and in what records look like; they are walked in the same way
(:mod:`bridge.oneroster.reading`), and what they say is made the same of later (:mod:`bridge.roster.normalising`).
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from bridge.clock import Clock, utc_now
from bridge.oneroster.reading import DEFAULT_LIMIT, Reading
from bridge.roster.model import ORGS
from bridge.transport.client_secret import ClientSecrets, Credentials
from bridge.transport.http import Answer
from bridge.transport.retry import Patience

DEFAULT_MAX_RECORDS = 20_000_000
DEFAULT_MAX_MINUTES = 240.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Where and how one provider is read.

    :param name: the source's.
    :param base_url: what the collections' names go behind, without a slash at its end.
    """

    name: str
    base_url: str
    credentials: Credentials


class OneRosterClient:
    """Reads providers. Serves all threads.

    :param sleep: waits so many seconds between attempts.
    :param attempts: the most times that one page is asked for while the provider is busy or out of reach.
    :param max_wait: seconds of such waiting that one reading may cost in all.
    :param pace: waits until the provider may be asked once more.
    :param max_records: more than that are refused.
    :param max_minutes: how long one reading may take.
    :param ticks: counts seconds.
    """

    def __init__(
        self,
        secrets: ClientSecrets,
        *,
        sleep: Callable[[float], None] = time.sleep,
        attempts: int = 5,
        max_wait: float = 600,
        pace: Callable[[Account], None] = lambda _: None,
        max_records: int = DEFAULT_MAX_RECORDS,
        max_minutes: float = DEFAULT_MAX_MINUTES,
        ticks: Callable[[], float] = time.monotonic,
        clock: Clock = utc_now,
    ) -> None:
        self._secrets = secrets
        self._pace = pace
        self._max_records = max_records
        self._max_minutes = max_minutes
        self._ticks = ticks
        self._clock = clock
        self._patience = partial(Patience, sleep=sleep, attempts=attempts, max_wait=max_wait)

    def read(self, account: Account, *, limit: int = DEFAULT_LIMIT) -> Reading:
        """A reading of a provider; nothing is asked before its pages are.

        :param limit: how many records to ask for at a time.
        """
        return Reading(
            partial(self._get, account),
            account.base_url,
            limit=limit,
            max_records=self._max_records,
            max_minutes=self._max_minutes,
            patience=self._patience(),
            clock=self._clock,
            ticks=self._ticks,
        )

    def check(self, account: Account) -> None:
        """Ask a provider for a token, and for one record.

        :raises bridge.errors.SourceUnavailable: if it does not answer.
        :raises bridge.errors.SourceRefused: if it gives none, with what to check.
        """
        next(self.read(account, limit=1).pages(ORGS))

    def _get(self, account: Account, url: str) -> Answer:
        self._pace(account)
        return self._secrets.get(account.credentials, url)
