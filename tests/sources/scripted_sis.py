"""A OneRoster provider that says what a test wants, in the manner that the test wants, on a real socket."""

import base64
import json
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from urllib.parse import unquote

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from bridge.oneroster.client import Account, OneRosterClient
from bridge.roster.model import COLLECTIONS
from bridge.transport.client_secret import Auth, ClientSecrets, Credentials
from bridge.transport.http import Http
from bridge.transport.policy import OutgoingPolicy

Record = dict[str, Any]
Answers = Callable[[str, int, int], Response | None]

SECRET = "s3cret-value"


def ref(singular: str, sourced_id: str) -> Record:
    return {"href": f"https://sis.example.org/{singular}/{sourced_id}", "sourcedId": sourced_id, "type": singular}


def org(sourced_id: str = "school", **fields: Any) -> Record:
    return record(sourced_id, **{"name": "North High", "type": "school", "identifier": "n-1", **fields})


def session(sourced_id: str = "term", **fields: Any) -> Record:
    dates = {"startDate": "2026-08-01", "endDate": "2027-02-01", "schoolYear": "2027"}
    return record(sourced_id, title="Autumn", type="term", **dates, **fields)


def course(sourced_id: str = "algebra", **fields: Any) -> Record:
    return record(sourced_id, title="Algebra", courseCode="ALG", org=ref("org", "school"), **fields)


def class_(sourced_id: str, **fields: Any) -> Record:
    about = {
        "course": ref("course", "algebra"),
        "school": ref("org", "school"),
        "terms": [ref("academicSession", "term")],
    }
    return record(sourced_id, title=f"Class {sourced_id}", classType="scheduled", **about, **fields)


def user(sourced_id: str, role: str = "student", **fields: Any) -> Record:
    about = {
        "enabledUser": "true",
        "givenName": "Ada",
        "familyName": f"Number {sourced_id}",
        "roles": [{"roleType": "primary", "role": role, "org": ref("org", "school")}],
    }
    return record(sourced_id, **{**about, **fields})


def enrollment(user_id: str, class_id: str, role: str = "student", **fields: Any) -> Record:
    about = {"user": ref("user", user_id), "class": ref("class", class_id), "school": ref("org", "school")}
    return record(f"{class_id}-{user_id}", role=role, **{**about, **fields})


def record(sourced_id: str, **fields: Any) -> Record:
    return {"sourcedId": sourced_id, "status": "active", "dateLastModified": "2026-11-01T08:00:00.000Z", **fields}


class Sis:
    """Pages by ``limit`` and ``offset``, with ``X-Total-Count`` and ``Link``, unless a test says otherwise.

    :ivar data: the records by collection; a test changes them between two readings.
    :ivar asked: path and query of every request but those for tokens.
    :ivar authorizations: the ``Authorization`` of every request, those for tokens included.
    :ivar forms: the fields of every request for a token.
    :ivar clamp: the most records that a page has, whatever is asked for.
    :ivar sends_total: whether ``X-Total-Count`` is sent, and what is added to it.
    :ivar sends_links: whether ``Link`` is sent.
    :ivar answers: answers in the place of the rest where it gives something: called with collection, limit and offset.
    :ivar filters: whether it understands ``filter``.
    """

    def __init__(self, server: HTTPServer) -> None:
        self.origin = server.url_for("").rstrip("/")
        self.base_url = f"{self.origin}/ims/oneroster/rostering/v1p2"
        self.data: dict[str, list[Any]] = {name: [] for name in COLLECTIONS}
        self.asked: list[str] = []
        self.authorizations: list[str] = []
        self.forms: list[dict[str, str]] = []
        self.clamp = 10_000
        self.sends_total: int | None = 0
        self.sends_links = True
        self.filters = True
        self.token_answers: list[Response] = []
        self.answers: Answers = lambda *_: None
        server.expect_request("/token").respond_with_handler(self._give_token)
        server.expect_request(re.compile(".*")).respond_with_handler(self._answer)

    def has(self, collection: str, *records: Any) -> None:
        self.data[collection] = list(records)

    def has_class(self, class_id: str, students: Iterable[str], **fields: Any) -> None:
        """A class with its students, in the one school, beside those that are there."""
        self.data["orgs"] = [org()]
        self.data["academicSessions"] = [session()]
        self.data["courses"] = [course()]
        self.data["classes"].append(class_(class_id, **fields))
        known = {each["sourcedId"] for each in self.data["users"]}
        for student in students:
            if student not in known:
                self.data["users"].append(user(student))
            self.data["enrollments"].append(enrollment(student, class_id))

    def drop(self, collection: str, *sourced_ids: str) -> None:
        """Records vanish, without a tombstone."""
        self.data[collection] = [each for each in self.data[collection] if each["sourcedId"] not in sourced_ids]

    def change(self, collection: str, sourced_id: str, at: str, **fields: Any) -> None:
        """A record changes at a moment."""
        (found,) = (each for each in self.data[collection] if each["sourcedId"] == sourced_id)
        found |= {**fields, "dateLastModified": at}

    def credentials(self, **fields: Any) -> Credentials:
        given = {"client_id": "bridge", "secret": SECRET, "token_url": f"{self.origin}/token", "scopes": ("roster",)}
        return Credentials(**{**given, **fields})

    def account(self, **fields: Any) -> Account:
        return Account(name="north", base_url=self.base_url, credentials=self.credentials(**fields))

    def signed_account(self, auth: Auth) -> Account:
        return self.account(auth=auth, token_url="")

    def _give_token(self, request: Request) -> Response:
        self.authorizations.append(request.headers.get("Authorization", ""))
        self.forms.append(request.form.to_dict())
        if self.token_answers:
            return self.token_answers.pop(0)
        return Response(json.dumps({"access_token": "t", "token_type": "Bearer", "expires_in": 3600}))

    def _answer(self, request: Request) -> Response:
        self.asked.append(request.environ["REQUEST_URI"])
        self.authorizations.append(request.headers.get("Authorization", ""))
        name = request.path.rpartition("/")[2]
        limit, offset = int(request.args.get("limit", 100)), int(request.args.get("offset", 0))
        if (answer := self.answers(name, limit, offset)) is not None:
            return answer
        if name not in self.data:
            return Response("<html>no such page</html>", status=404)
        found = self.data[name]
        if self.filters and "filter" in request.args:
            since = request.args["filter"].partition(">='")[2].rstrip("'")
            found = [each for each in found if each.get("dateLastModified", "") >= since]
        return self.page(name, found, min(limit, self.clamp), offset)

    def page(self, name: str, records: list[Any], limit: int, offset: int, **body: Any) -> Response:
        answer = Response(json.dumps({name: records[offset : offset + limit], **body}))
        if self.sends_total is not None:
            answer.headers["X-Total-Count"] = str(len(records) + self.sends_total)
        if self.sends_links:
            url = f"{self.base_url}/{name}?limit={limit}&offset="
            links = [f'<{url}0>; rel="first"']
            if offset + limit < len(records):
                links.append(f'<{url}{offset + limit}>; rel="next"')
            answer.headers["Link"] = ", ".join(links)
        return answer

    def offsets(self, collection: str) -> list[int]:
        """Where the pages of a collection were asked for, in order."""
        found = [re.search(rf"/{collection}\?.*offset=(\d+)", each) for each in self.asked]
        return [int(each[1]) for each in found if each]

    def limits(self, collection: str) -> list[int]:
        found = [re.search(rf"/{collection}\?.*limit=(\d+)", each) for each in self.asked]
        return [int(each[1]) for each in found if each]

    def conditions(self) -> set[str]:
        """The filters that were asked for."""
        return {unquote(each.partition("filter=")[2]) for each in self.asked if "filter=" in each}


def basic(text: str) -> str:
    return f"Basic {base64.b64encode(text.encode()).decode()}"


def make_client(waits: list[float], *, max_bytes: int = 10_000_000, **options: Any) -> OneRosterClient:
    http = Http(OutgoingPolicy(frozenset({"localhost", "127.0.0.1"})), max_bytes=max_bytes)
    return OneRosterClient(ClientSecrets(http), sleep=waits.append, **options)


def numbered(count: int) -> Iterator[Record]:
    return (user(f"u{number:05}") for number in range(count))
