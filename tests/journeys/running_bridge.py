"""The whole bridge over real HTTP, for journeys from an LMS's launch to a OneRoster consumer's page."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import requests

from bridge.app import create_app
from bridge.clock import Clock, utc_now
from bridge.lti.platform import Platform
from bridge.mirror.runs import Run
from bridge.oneroster.scopes import ROSTER_CORE
from bridge.practice.browser import Browser
from bridge.practice.server import PracticeLms, PracticeServer
from bridge.roster.model import COLLECTIONS
from bridge.scheduling import Scheduling
from bridge.settings import Log, Outgoing, Server, Settings, Storage
from bridge.wiring import Wiring

Record = dict[str, Any]


class RunningBridge:
    """The web application in threads of its own; its scheduler's work is done here, when a test says so.

    :param sections: sections of the settings.
    :ivar wiring: the scheduler process's.
    :ivar waits: the seconds that it would have slept between two attempts.
    """

    def __init__(self, directory: Path, clock: Clock = utc_now, **sections: Any) -> None:
        self._server = PracticeServer()
        self.url = self._server.url
        self.settings = Settings(
            server=Server(public_url=self.url),
            storage=Storage(directory=directory),
            outgoing=Outgoing(allowed_hosts=("127.0.0.1", "localhost")),
            log=Log(level="error"),
            **sections,
        )
        self.waits: list[float] = []
        self._clock = clock
        self._open()

    def _open(self) -> None:
        self.wiring = Wiring(self.settings, self._clock, sleep=self.waits.append)
        self._app = create_app(self.settings)
        self._server.app = self._app

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.close()
        self._app.extensions["bridge"].close()
        self.wiring.close()

    def restart(self, directory: Path | None = None) -> None:
        """Stop, and start again at the same address, if told so with the databases of another directory."""
        self.__exit__()
        if directory is not None:
            self.settings = replace(self.settings, storage=Storage(directory=directory))
        self._server = PracticeServer(port=self._server.port)
        self._open()
        self._server.start()

    def register_at(self, lms: PracticeLms, tenant: str, **options: Any) -> Platform:
        """Register the bridge as a tool at an LMS, and the LMS at the bridge."""
        registration = self.register_tool(lms)
        del registration["deployment_id"]  # to be learned from the first launch
        return self.wiring.registry.platforms.add(**registration, tenant=tenant, options=options)

    def register_tool(self, lms: PracticeLms) -> dict[str, str]:
        """The LMS's half of it."""
        return lms.register_tool(
            login_url=f"{self.url}/lti/login",
            redirect_uris=[f"{self.url}/lti/launch"],
            jwks_url=f"{self.url}/.well-known/jwks.json",
            target_link_uri=f"{self.url}/lti/launch",
        )

    def launch(
        self, lms: PracticeLms, context_id: str = "Course-1", *, client_id: str | None = None
    ) -> requests.Response:
        """Launch from a course as its first member, in a browser of her own."""
        member = lms.roster.members(context_id)[0]
        with Browser() as browser:
            return browser.launch(lms.launch_url(context_id, member.person.user_id, client_id=client_id))

    def take_up(self, lms: PracticeLms, *context_ids: str) -> None:
        """Launch from each course, and let the scheduler do what the launches ask for."""
        for context_id in context_ids or ("Course-1",):
            assert self.launch(lms, context_id).status_code == 200
        self.take_inbox()

    def take_inbox(self) -> None:
        """Do what the web has asked for."""
        scheduling = Scheduling(self.wiring)
        with scheduling.workers():
            scheduling.take_inbox()
            scheduling.wait()

    def sync(self, context_id: str = "Course-1", tenant: str | None = None) -> Run:
        """Reconcile one course now."""
        run = self.wiring.sync(self.wiring.registry.contexts.find(context_id, tenant))
        assert run is not None
        return run

    def consumer(self, *tenants: str) -> "Consumer":
        """A OneRoster consumer that may see these tenants, or all if none is named, with a token of its own."""
        client, secret = self.wiring.registry.clients.add("consumer", scopes=[ROSTER_CORE], sources=tenants or None)
        return Consumer(self.url, client.client_id, secret)


class Consumer:
    """A OneRoster consumer as its own vendor would write it."""

    def __init__(self, url: str, client_id: str, secret: str) -> None:
        self._root = f"{url}/ims/oneroster/rostering/v1p2"
        answer = requests.post(
            f"{url}/oauth2/token", {"grant_type": "client_credentials"}, auth=(client_id, secret), timeout=10
        )
        assert answer.status_code == 200, answer.text
        self._headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}

    def get(self, path: str, **params: Any) -> requests.Response:
        """GET a path below the service's root, or a URL as it stands."""
        url = path if path.startswith("http") else f"{self._root}/{path}"
        return requests.get(url, params=params, headers=self._headers, timeout=10)

    def all(self, collection: str, **params: Any) -> list[Record]:
        """Every record of a collection, in one page."""
        answer = self.get(collection, limit=10_000, **params)
        assert answer.status_code == 200, answer.text
        records: list[Record] = answer.json()[collection]
        assert answer.headers["X-Total-Count"] == str(len(records))
        return records

    def by_lti_user(self, collection: str) -> dict[str, Record]:
        """Users, or enrollments of one class, by the LMS's id of the person."""
        records = self.all(collection)
        found = {record["metadata"]["lti.userId"]: record for record in records}
        assert len(found) == len(records)
        return found

    def everything(self) -> dict[str, list[Record]]:
        """All that this consumer can see."""
        return {name: self.all(name) for name in COLLECTIONS if name != "demographics"}

    def walk_by_link(self, collection: str, limit: int) -> Iterator[list[Record]]:
        """Every page, by following ``next``."""
        answer = self.get(collection, limit=limit)
        while True:
            yield answer.json()[collection]
            if "next" not in answer.links:
                return
            answer = self.get(answer.links["next"]["url"])

    def walk_by_offset(self, collection: str, limit: int) -> Iterator[list[Record]]:
        """Every page, by counting, until one is not full."""
        page: list[Record] = []
        offset = 0
        while offset == 0 or len(page) == limit:
            page = self.get(collection, limit=limit, offset=offset).json()[collection]
            offset += limit
            yield page


def without_metadata(everything: Mapping[str, list[Record]], *keys: str) -> dict[str, list[Record]]:
    """The same records without some of their metadata, and without the time of their last change."""
    return {
        name: [
            {field: value for field, value in record.items() if field != "dateLastModified"}
            | {"metadata": {key: value for key, value in record["metadata"].items() if key not in keys}}
            for record in records
        ]
        for name, records in everything.items()
    }
