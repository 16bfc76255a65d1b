"""A bridge whose mirror holds what a test puts there, and OneRoster consumers of it.

Documents are written by the mirror's own writer, so they may be of any kind that OneRoster allows, also of kinds that
no LMS has; everything is read through the web application.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from bridge import storage
from bridge.app import create_app
from bridge.clock import to_stamp
from bridge.mirror.documents import Documents
from bridge.oneroster.scopes import ONEROSTER_SCOPES
from bridge.roster.identity import SourcedId
from bridge.roster.model import COLLECTIONS
from bridge.roster.ports import Derived
from bridge.roster.references import ROSTERING_PATH, References
from bridge.settings import Log, OneRoster, Server, Settings, Storage
from bridge.wiring import Wiring

PUBLIC_URL = "https://rosters.example.org/bridge"

Record = dict[str, Any]

_REFERENCES = References(PUBLIC_URL)


def ref(collection: str, sourced_id: str) -> dict[str, str]:
    """A reference to a record of this collection; ``resources`` belong to no service here."""
    if collection == "resources":
        href = f"{PUBLIC_URL}/ims/oneroster/resources/v1p2/resources/{sourced_id}"
        return {"href": href, "sourcedId": sourced_id, "type": "resource"}
    return dict(_REFERENCES.to(COLLECTIONS[collection], SourcedId(sourced_id)))


class World:
    """One bridge in one folder."""

    def __init__(self, directory: Path, *, public_url: str = PUBLIC_URL, **oneroster: Any) -> None:
        self.settings = Settings(
            server=Server(public_url=public_url),
            storage=Storage(directory=directory),
            oneroster=OneRoster(**oneroster),
            log=Log(level="error"),
        )
        self.app: Flask = create_app(self.settings)
        self.wiring: Wiring = self.app.extensions["bridge"]
        self.now = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)

    def close(self) -> None:
        self.wiring.close()

    def put(self, records: Iterable[tuple[str, Record | None, str]], *, source: str = "north") -> str:
        """Write records in one transaction: collection, document, sourcedId; no document retires the record.

        :returns: the stamp of the write.
        """
        db = self.wiring.mirror.db
        with storage.write(db):
            number = self.wiring.mirror.add_source(source)
            changed = db.execute("SELECT coalesce(max(changed), 0) + 1 FROM writes").fetchone()[0]
            documents = Documents(db, number, changed)
            documents.put([Derived(collection, SourcedId(id_), body) for collection, body, id_ in records])
            documents.finish()
            stamp = to_stamp(self.now + timedelta(minutes=changed))
            db.execute("INSERT INTO writes (changed, stamp) VALUES (?, ?)", (changed, stamp))
        return stamp

    def add(self, collection: str, *bodies: Record, source: str = "north") -> str:
        """Write records of one collection."""
        return self.put([(collection, body, body["sourcedId"]) for body in bodies], source=source)

    def retire(self, collection: str, *sourced_ids: str, source: str = "north") -> str:
        return self.put([(collection, None, sourced_id) for sourced_id in sourced_ids], source=source)

    def consumer(
        self,
        *,
        scopes: Iterable[str] = ONEROSTER_SCOPES,
        sources: Iterable[str] | None = None,
        body_style: str | None = None,
    ) -> "Consumer":
        """A registered consumer with a token."""
        client, secret = self.wiring.registry.clients.add(
            "consumer", scopes=scopes, sources=sources, body_style=body_style
        )
        return Consumer(self.app, self.settings.server.public_url, client.client_id, secret)


class Consumer:
    """A OneRoster consumer."""

    def __init__(self, app: Flask, public_url: str, client_id: str, secret: str) -> None:
        self._client = app.test_client()
        self._public_url = public_url
        self.credentials = (client_id, secret)
        self.client_id = client_id
        self.renew_token()

    def renew_token(self) -> None:
        answer = self._client.post("/oauth2/token", data={"grant_type": "client_credentials"}, auth=self.credentials)
        assert answer.status_code == 200, answer.text
        self.headers = {"Authorization": f"Bearer {answer.get_json()['access_token']}"}

    def ask(
        self, path: str, params: Any = None, *, method: str = "GET", headers: Mapping[str, str] | None = None
    ) -> TestResponse:
        """Ask for a path below the service's base, or a URL as a link gives it."""
        root = self._public_url
        path = path.removeprefix(root) if path.startswith(root) else f"{ROSTERING_PATH}/{path}"
        return self._client.open(path, method=method, query_string=params, headers={**self.headers, **(headers or {})})

    def get(self, path: str, **params: Any) -> TestResponse:
        """GET, and expect an answer."""
        answer = self.ask(path, params or None)
        assert answer.status_code == 200, answer.text
        return answer

    def ids(self, path: str, **params: Any) -> list[str]:
        """The sourcedIds on a page."""
        return [record["sourcedId"] for record in records_of(self.get(path, **params))]

    def refused(self, path: str, **params: Any) -> tuple[int, str]:
        """The status and the code minor of a refusal."""
        answer = self.ask(path, params or None)
        return answer.status_code, code_minor(answer)


def records_of(answer: TestResponse) -> list[Record]:
    """The records of a page."""
    (records,) = (value for value in answer.get_json().values() if isinstance(value, list))
    return list(records)


def code_minor(answer: TestResponse) -> str:
    """The code minor of a refusal."""
    body = answer.get_json()
    assert body["imsx_codeMajor"] in ("failure", "unsupported")
    assert body["imsx_severity"] == "error"
    (field,) = body["imsx_CodeMinor"]["imsx_codeMinorField"]
    return str(field["imsx_codeMinorFieldValue"])


def links_of(answer: TestResponse) -> dict[str, str]:
    """The ``Link`` header, read as RFC 8288 has it, as far as this provider writes it."""
    found = {}
    for link in answer.headers["Link"].split(", "):
        url, relation = link.split("; ")
        found[relation.removeprefix('rel="').removesuffix('"')] = url.removeprefix("<").removesuffix(">")
    return found


def total_of(answer: TestResponse) -> int:
    return int(answer.headers["X-Total-Count"])
