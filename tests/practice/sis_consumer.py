"""A OneRoster consumer as its own vendor would write it: it asks for tokens, and walks by offset."""

import secrets
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

import requests

from bridge.practice.sis_server import PracticeSis
from bridge.practice.sis_signatures import signature

EVERY_SCOPE_1P2 = " ".join(
    f"https://purl.imsglobal.org/spec/or/v1p2/scope/{name}"
    for name in ("roster-core.readonly", "roster.readonly", "roster-demographics.readonly")
)
EVERY_SCOPE_1P1 = EVERY_SCOPE_1P2.replace("v1p2", "v1p1")


class Consumer:
    def __init__(self, sis: PracticeSis) -> None:
        self.registration = sis.register_consumer()
        self.session = requests.Session()
        self.session.trust_env = False

    @property
    def credentials(self) -> tuple[str, str]:
        return self.registration["client_id"], self.registration["client_secret"]

    def ask_token(self, *, auth: tuple[str, str] | None = None, **form: Any) -> requests.Response:
        body = {"grant_type": "client_credentials", "scope": EVERY_SCOPE_1P2} | form
        body = {name: value for name, value in body.items() if value is not None}
        return self.session.post(self.registration["token_url"], data=body, auth=auth, timeout=10)

    def token(self, scope: str = EVERY_SCOPE_1P2) -> str:
        return str(self.ask_token(auth=self.credentials, scope=scope).json()["access_token"])

    def get(self, path: str, *, version: str = "1.2", token: str | None = None, **query: Any) -> requests.Response:
        """A page, or a record.

        :param path: behind the base, or a whole URL.
        """
        base = self.registration["base_url" if version == "1.2" else "base_url_1p1"]
        url = path if path.startswith("http") else f"{base}/{path}"
        if token is None:
            token = self.token(EVERY_SCOPE_1P2 if version == "1.2" else EVERY_SCOPE_1P1)
        headers = {"Authorization": f"Bearer {token}"}
        return self.session.get(url, headers=headers, params=query, timeout=10)

    def rows(self, path: str, *, version: str = "1.2", **query: Any) -> list[dict[str, Any]]:
        """The rows of one page."""
        response = self.get(path, version=version, **query)
        assert response.status_code == 200, response.text
        ((_, rows),) = response.json().items()
        return rows

    def ids(self, path: str, **query: Any) -> list[str]:
        return [row["sourcedId"] for row in self.rows(path, **query)]

    def walk_by_links(self, path: str, **query: Any) -> list[list[str]]:
        """The sourcedIds of every page, as ``next`` leads."""
        pages = []
        response = self.get(path, **query)
        while True:
            assert response.status_code == 200, response.text
            ((_, rows),) = response.json().items()
            pages.append([row["sourcedId"] for row in rows])
            if "next" not in response.links:
                return pages
            response = self.get(response.links["next"]["url"])

    def walk_by_offset(self, path: str, limit: int) -> list[list[str]]:
        """The same by counting what was received, up to an empty page."""
        pages: list[list[str]] = []
        while not pages or pages[-1]:
            pages.append(self.ids(path, limit=limit, offset=sum(map(len, pages))))
        return pages[:-1]

    def signed(self, path: str, *, way: str = "HMAC-SHA1", secret: str | None = None, **changes: str | None) -> Any:
        """A page of OneRoster 1.1, signed."""
        client_id, client_secret = self.credentials
        parameters: Mapping[str, str | None] = {
            "oauth_consumer_key": client_id,
            "oauth_nonce": secrets.token_hex(8),
            "oauth_signature_method": way,
            "oauth_timestamp": str(int(time.time())),
            "oauth_version": "1.0",
        } | changes
        sent = {name: value for name, value in parameters.items() if value is not None}
        url = f"{self.registration['base_url_1p1']}/{path}"
        sent["oauth_signature"] = signature("GET", url, sent.items(), secret or client_secret, way)
        header = ", ".join(f'{name}="{quote(value, safe="")}"' for name, value in sent.items())
        return self.session.get(url, headers={"Authorization": f'OAuth realm="", {header}'}, timeout=10)


def comparing(field: str, predicate: str, value: str) -> str:
    """A filter, encoded for the address."""
    return urlencode({"filter": f"{field}{predicate}'{value}'"})
