"""A bridge whose mirror was filled by hand, for tests of what a OneRoster consumer gets.

The records go in through the mirror's own write function; everything else is the real application.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from bridge import storage
from bridge.app import create_app
from bridge.mirror.documents import Documents
from bridge.mirror.mirror import Mirror
from bridge.oneroster.scopes import ROSTER, ROSTER_CORE
from bridge.registry.registry import Registry
from bridge.roster.identity import SourcedId
from bridge.roster.model import ACADEMIC_SESSIONS, CLASSES, COURSES, ENROLLMENTS, ORGS, USERS, Collection
from bridge.roster.ports import Derived
from bridge.roster.references import ROSTERING_PATH, References
from bridge.settings import Log, OneRoster, Server, Settings, Storage

PUBLIC_URL = "https://bridge.example.org"
TO = References(PUBLIC_URL)

Record = dict[str, Any]

AWKWARD_IDS = {
    "slash": "a/students",
    "two dots": "..",
    "dot between slashes": "a/./b",
    "two slashes": "a//b",
    "slash in front": "/a",
    "slash at the end": "a/",
    "blank": "a b",
    "percent and hex": "a%2Fb",
    "plus": "a+b",
    "question mark and hash": "a?b#c",
    "semicolon and comma": "a;b,c",
    "angle brackets and quotes": "<a>\"'",
    "backslash": "a\\b",
    "other scripts": "класс-日本-é",
    "outside the basic plane": "a\U0001f393b",
    "255 characters": "x" * 255,
}
"""sourcedIds that real systems hold, by what is awkward about them."""


class Served:
    """One bridge, on files in a folder, with the records that a test gives it.

    :ivar settings: as they were given to the application.
    """

    def __init__(
        self, directory: Path, *, public_url: str = PUBLIC_URL, max_limit: int = 10_000, body: str = "counters"
    ) -> None:
        self.settings = Settings(
            server=Server(public_url=public_url),
            storage=Storage(directory=directory),
            oneroster=OneRoster(max_limit=max_limit, body=body),
            log=Log(level="error", format="json"),
        )
        self.app: Flask = create_app(self.settings)
        self.registry = Registry.open(self.settings.storage.registry)
        self._mirror = Mirror.open(self.settings.storage.mirror)

    def close(self) -> None:
        self._mirror.close()
        self.registry.close()
        self.app.extensions["bridge"].close()

    def put(self, collection: Collection, *records: Record, source: str = "north") -> None:
        """Store these records, in this order, in one write transaction: the first is at 08:00:00.001, and so on."""
        db = self._mirror.db
        with storage.write(db):
            number = self._mirror.add_source(source)
            (changed,) = db.execute("SELECT coalesce(max(changed), 0) + 1 FROM writes").fetchone()
            documents = Documents(db, number, changed)
            documents.put([Derived(collection.name, SourcedId(record["sourcedId"]), record) for record in records])
            documents.finish()
            stamp = f"2026-11-20T08:00:00.{changed:03d}Z"
            db.execute("INSERT INTO writes (changed, stamp) VALUES (?, ?)", (changed, stamp))

    def consumer(
        self, *sources: str, scopes: Iterable[str] = (ROSTER_CORE, ROSTER), body: str | None = None
    ) -> "Consumer":
        """A consumer that may see these sources, or all if none is named, with a token of its own."""
        client, secret = self.registry.clients.add("consumer", scopes=scopes, sources=sources or None, body_style=body)
        return Consumer(self.app.test_client(), client.client_id, secret)


class Consumer:
    """A OneRoster consumer.

    :ivar headers: what it sends with every request.
    """

    def __init__(self, http: FlaskClient, client_id: str, secret: str) -> None:
        self.http = http
        self.client_id = client_id
        answer = http.post("/oauth2/token", data={"grant_type": "client_credentials"}, auth=(client_id, secret))
        self.headers = {"Authorization": f"Bearer {answer.get_json()['access_token']}"}

    def get(self, path: str, query: str = "", **parameters: object) -> TestResponse:
        """GET a path below the service's root.

        :param query: a query string as it goes on the wire; or name the parameters.
        """
        target = path if path.startswith("/ims/") else f"{ROSTERING_PATH}/{path}"
        if query:
            return self.http.get(f"{target}?{query}", headers=self.headers)
        return self.http.get(target, query_string=parameters, headers=self.headers)

    def ids(self, path: str, **parameters: object) -> list[str]:
        """The sourcedIds of one page, in order."""
        answer = self.get(path, **parameters)
        assert answer.status_code == 200, answer.get_data(as_text=True)
        (records,) = (value for value in answer.get_json().values() if isinstance(value, list))
        return [record["sourcedId"] for record in records]


def _record(sourced_id: str, status: str, **fields: Any) -> Record:
    return {"sourcedId": sourced_id, "status": status, **fields}


def user(sourced_id: str, role: str = "student", *, status: str = "active", **fields: Any) -> Record:
    """A user with one role at the school."""
    body = {
        "enabledUser": "true",
        "givenName": "Ada",
        "familyName": "Abara",
        "roles": [{"roleType": "primary", "role": role, "org": TO.to(ORGS, SourcedId("school"))}],
    }
    return _record(sourced_id, status, **{**body, **fields})


def org(sourced_id: str, type_: str = "school", **fields: Any) -> Record:
    return _record(sourced_id, "active", name="Abbey School", type=type_, identifier="1", **fields)


def session(sourced_id: str, type_: str = "term", **fields: Any) -> Record:
    body = {"title": "Autumn", "startDate": "2026-08-01", "endDate": "2027-01-01", "schoolYear": "2027"}
    return _record(sourced_id, "active", **body, type=type_, **fields)


def course(sourced_id: str, **fields: Any) -> Record:
    return _record(sourced_id, "active", title="Algebra", courseCode="ALG", **fields)


def class_(sourced_id: str, **fields: Any) -> Record:
    body = {
        "title": "Algebra 1",
        "classType": "scheduled",
        "course": TO.to(COURSES, SourcedId("course")),
        "school": TO.to(ORGS, SourcedId("school")),
        "terms": [TO.to(ACADEMIC_SESSIONS, SourcedId("term"))],
    }
    return _record(sourced_id, "active", **{**body, **fields})


def enrollment(
    sourced_id: str, role: str = "student", *, status: str = "active", who: str = "ada", where: str = "class"
) -> Record:
    return _record(
        sourced_id,
        status,
        **{
            "user": TO.to(USERS, SourcedId(who)),
            "class": TO.to(CLASSES, SourcedId(where)),
            "school": TO.to(ORGS, SourcedId("school")),
            "role": role,
        },
    )


COLLECTION_BUILDERS = {
    ORGS: org,
    ACADEMIC_SESSIONS: session,
    COURSES: course,
    CLASSES: class_,
    USERS: user,
    ENROLLMENTS: enrollment,
}


def refusal(answer: TestResponse) -> tuple[int, str, str]:
    """Status, code minor and description of an error answer, whose body is exactly ``imsx_StatusInfo``."""
    assert answer.mimetype == "application/json"
    body = answer.get_json()
    assert body.keys() == {"imsx_codeMajor", "imsx_severity", "imsx_description", "imsx_CodeMinor"}
    assert body["imsx_codeMajor"] in ("failure", "unsupported")
    assert body["imsx_severity"] == "error"
    assert body["imsx_CodeMinor"].keys() == {"imsx_codeMinorField"}
    (minor,) = body["imsx_CodeMinor"]["imsx_codeMinorField"]
    assert minor.keys() == {"imsx_codeMinorFieldName", "imsx_codeMinorFieldValue"}
    assert minor["imsx_codeMinorFieldName"] == "TargetEndSystem"
    return answer.status_code, minor["imsx_codeMinorFieldValue"], body["imsx_description"]
