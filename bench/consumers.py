"""OneRoster consumers that read while rosters are reconciled, and notice what is lost, repeated or broken.

Each is a client of its own, with a thread of its own. What it finds wrong is collected, not raised, so that a run tells
all of it.
"""

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import requests

from bridge.roster.references import ROSTERING_PATH

Known = Callable[[str], set[str]]
"""Every sourcedId that a collection holds now, by the mirror's own word."""


@dataclass(slots=True)
class Tally:
    """What one consumer has seen.

    :ivar statuses: answers by status.
    :ivar seconds: how long each answer took.
    :ivar walks: complete walks through a collection.
    :ivar wrong: what must not be, in words.
    """

    statuses: Counter[int] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    records: int = 0
    walks: int = 0
    wrong: list[str] = field(default_factory=list)


class Consumer:
    """One OneRoster client.

    :param limit: how many records it asks for at a time.
    """

    def __init__(self, name: str, url: str, client_id: str, secret: str, limit: int) -> None:
        self.name = name
        self.tally = Tally()
        self._url = url
        self._credentials = (client_id, secret)
        self._limit = limit
        self._session = requests.Session()
        self._session.trust_env = False
        self._token = ""

    def close(self) -> None:
        self._session.close()

    def take_token(self) -> None:
        """Ask for a token, as careless clients do before everything."""
        answer = self._timed(
            "POST", f"{self._url}/oauth2/token", data={"grant_type": "client_credentials"}, auth=self._credentials
        )
        if answer is not None and answer.ok:
            self._token = answer.json()["access_token"]

    def crawl_by_link(self, collection: str, known: Known) -> None:
        """Read a whole collection by following ``next``."""
        before = known(collection)
        self._hold(collection, before, self.walk(f"{ROSTERING_PATH}/{collection}", limit=self._limit))

    def crawl_by_offset(self, collection: str, known: Known) -> None:
        """Read a whole collection by counting offsets up to the total."""
        before = known(collection)
        self._hold(collection, before, self._counted(f"{ROSTERING_PATH}/{collection}"))

    def walk(self, path: str, **parameters: Any) -> Iterator[dict[str, Any]]:
        """The records on all pages, by ``Link``; ends early, and says so, if a page does not come."""
        url, query = f"{self._url}{path}", parameters or None
        while url:
            answer = self.get(url, query)
            if answer is None:
                return
            yield from _records(answer)
            url, query = answer.links.get("next", {}).get("url", ""), None

    def get(self, url: str, query: dict[str, Any] | None = None) -> requests.Response | None:
        """One answer that is 200; ``None``, and a word about it, if there is none."""
        answer = self._timed("GET", url, params=query, headers={"Authorization": f"Bearer {self._token}"})
        if answer is not None and answer.status_code != 200:
            self.tally.wrong.append(f"{self.name}: {answer.status_code} instead of a page")
            return None
        return answer

    def _counted(self, path: str) -> Iterator[dict[str, Any]]:
        offset, total = 0, 1
        while offset < total:
            answer = self.get(f"{self._url}{path}", {"limit": self._limit, "offset": offset})
            if answer is None:
                return
            total = int(answer.headers["X-Total-Count"])
            yield from _records(answer)
            offset += self._limit

    def _hold(self, collection: str, before: set[str], records: Iterator[dict[str, Any]]) -> None:
        """Hold a walk to its promise: once each, and nobody missing who was there when it began."""
        met = Counter(record["sourcedId"] for record in records)
        lost, repeated = before - met.keys(), [one for one, count in met.items() if count > 1]
        if lost:
            self.tally.wrong.append(f"{self.name}: {len(lost)} of {len(before)} {collection} lost")
        if repeated:
            self.tally.wrong.append(f"{self.name}: {len(repeated)} {collection} repeated")
        self.tally.walks += 1
        self.tally.records += met.total()

    def _timed(self, method: str, url: str, **request: Any) -> requests.Response | None:
        started = time.perf_counter()
        try:
            answer = self._session.request(method, url, timeout=60, allow_redirects=False, **request)
        except requests.RequestException as error:
            self.tally.wrong.append(f"{self.name}: {error}")
            return None
        self.tally.seconds.append(time.perf_counter() - started)
        self.tally.statuses[answer.status_code] += 1
        if answer.status_code >= 500:
            self.tally.wrong.append(f"{self.name}: {answer.status_code}")
        return answer


class Poller(Consumer):
    """Keeps a copy by asking for what has changed since the highest ``dateLastModified`` that it has seen.

    :ivar copy: its records, by collection and sourcedId.
    """

    def __init__(self, *about: Any) -> None:
        super().__init__(*about)
        self.copy: dict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
        self._since: dict[str, str] = defaultdict(lambda: "1970-01-01T00:00:00.000Z")

    def poll(self, collection: str) -> None:
        """One poll, over as many pages as it takes."""
        since = f"dateLastModified>'{self._since[collection]}'"
        for record in self.walk(f"{ROSTERING_PATH}/{collection}", limit=self._limit, filter=since):
            self.copy[collection][record["sourcedId"]] = record
            self._since[collection] = max(self._since[collection], record["dateLastModified"])
            self.tally.records += 1
        self.tally.walks += 1

    def compare(self, collection: str) -> None:
        """Hold the copy to what is served now."""
        self.poll(collection)
        served = {record["sourcedId"]: record for record in self.walk(f"{ROSTERING_PATH}/{collection}", limit=10_000)}
        differing = [
            one for one in served.keys() | self.copy[collection] if served.get(one) != self.copy[collection].get(one)
        ]
        if differing:
            self.tally.wrong.append(f"{self.name}: {len(differing)} of {len(served)} {collection} differ from the copy")


class Listener(Consumer):
    """Follows the events feed from its beginning.

    :ivar heard: the records that events told of, by collection and sourcedId.
    """

    def __init__(self, *about: Any) -> None:
        super().__init__(*about)
        self.heard: set[tuple[str, str]] = set()
        self._ids: set[str] = set()
        self._after = ""

    def listen(self) -> None:
        """Read on to the end."""
        more = True
        while more:
            answer = self.get(f"{self._url}/api/events", {"after": self._after} if self._after else {})
            if answer is None:
                return
            told = answer.json()
            for event in told["events"]:
                if event["id"] in self._ids:
                    self.tally.wrong.append(f"{self.name}: an event came twice")
                self._ids.add(event["id"])
                self.heard.add((event["collection"], event["sourcedId"]))
                self.tally.records += 1
            self._after, more = told["next"], told["more"]
        self.tally.walks += 1


def _records(answer: requests.Response) -> list[dict[str, Any]]:
    return next(value for value in answer.json().values() if isinstance(value, list))
