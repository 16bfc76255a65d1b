"""Two bridges that differ in nothing but what one client may not see.

Both have the same registry, the same epoch and the same visible records, written at the same moments. In the first,
invisible records are written between them, before and after; what hidden fields hold is not the same in both, nor is
where hidden references lead.
"""

import copy
import json
import re
import shutil
import tempfile
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from werkzeug.test import TestResponse

from bridge import storage
from bridge.api.scopes import RUNS_READ, SYNC
from bridge.clock import from_unix_ms, to_stamp
from bridge.csv_export import export_csv
from bridge.mirror.documents import Documents
from bridge.mirror.outcomes import Outcome
from bridge.mirror.runs import Runs, finish
from bridge.oneroster.operations import OPERATIONS, Operation
from bridge.oneroster.scopes import ONEROSTER_SCOPES
from bridge.registry.sources import RegisteredSource
from bridge.roster.identity import SourcedId
from bridge.roster.model import COLLECTIONS, Collection, Shape
from bridge.roster.ports import Derived
from bridge.roster.privacy import PersonDetail, hidden_fields
from bridge.roster.records import WHOLE_SOURCE
from bridge.roster.references import ROSTERING_PATH
from bridge.transport.client_secret import Credentials
from tests.conformance.world import Record, World, ref

COUNT = 3
"""Records of each class, visible and invisible."""

_BEGINNING = 1_795_000_000_000


@dataclass(frozen=True)
class Limit:
    """What the client of a pair of worlds is limited to."""

    sources: frozenset[str] | None = None
    orgs: frozenset[str] = frozenset()
    classes: frozenset[str] = frozenset()
    privacy: PersonDetail = PersonDetail.PUBLIC

    @property
    def tells_runs(self) -> bool:
        """Whether it leaves the client any use of what tells of whole sources."""
        return not self.orgs and not self.classes and self.privacy is PersonDetail.PUBLIC


LIMITS = {
    "a source": Limit(sources=frozenset({"north"})),
    "a class": Limit(classes=frozenset({"class-v0", "class-v1", "class-v2"})),
    "an org": Limit(orgs=frozenset({"org-v0"})),
    "a class of a source": Limit(
        sources=frozenset({"north"}), classes=frozenset({"class-v0", "class-v1", "class-v2", "class-i0"})
    ),
    "names": Limit(sources=frozenset({"north"}), privacy=PersonDetail.NAME_ONLY),
    "e-mails": Limit(sources=frozenset({"north"}), privacy=PersonDetail.EMAIL_ONLY),
    "roles in a class": Limit(classes=frozenset({"class-v0", "class-v1", "class-v2"}), privacy=PersonDetail.ANONYMOUS),
}


def ids(kind: str, side: str) -> list[str]:
    return [f"{kind}-{side}{number}" for number in range(COUNT)]


@dataclass(frozen=True)
class Written:
    """One record, and where it belongs."""

    collection: str
    body: Record
    visible: bool


@st.composite
def rosters(draw: st.DrawFn, limit: Limit) -> list[Written]:
    """Visible and invisible records in any order.

    Visible ones may refer to invisible ones wherever that does not make these visible; invisible ones may refer to any
    where that does not make themselves visible.
    """
    cross = bool(limit.orgs or limit.classes)  # sources do not refer to each other

    def one(kind: str, side: str, *, mixed: bool = False) -> str:
        known = ids(kind, "v") + ids(kind, "i") if mixed and cross else ids(kind, side)
        return draw(st.sampled_from(known))

    def text() -> str:
        return draw(st.sampled_from(("Abara", "abara", "Zoë", "a,b", "O'Neil", "")))

    def status() -> str:
        return draw(st.sampled_from(("active", "active", "tobedeleted")))

    written = []
    for side in "vi":
        for number in range(COUNT):
            sees_more = side == "i"
            school = "org-v0" if limit.orgs and side == "v" else one("org", side)
            mixed_org = one("org", side, mixed=True)
            bodies: list[tuple[str, str, dict[str, Any]]] = [
                (
                    "orgs",
                    f"org-{side}{number}",
                    {
                        "name": text(),
                        "type": draw(st.sampled_from(("school", "district"))),
                        "identifier": "1",
                        **(
                            {"parent": ref("orgs", "org-v0" if side == "v" and number else one("org", side))}
                            if number
                            else {}
                        ),
                        "children": [ref("orgs", one("org", side, mixed=not sees_more))],
                    },
                ),
                (
                    "academicSessions",
                    f"session-{side}{number}",
                    {
                        "title": text(),
                        "startDate": "2026-08-01",
                        "endDate": "2027-07-31",
                        "type": draw(st.sampled_from(("term", "gradingPeriod", "schoolYear"))),
                        **({"parent": ref("academicSessions", f"session-{side}0")} if number else {}),
                        "children": [ref("academicSessions", one("session", side, mixed=not sees_more))],
                        "schoolYear": "2027",
                    },
                ),
                (
                    "courses",
                    f"course-{side}{number}",
                    {
                        "title": text(),
                        "schoolYear": ref("academicSessions", one("session", side)),
                        "courseCode": text(),
                        "org": ref("orgs", school if limit.orgs or sees_more else mixed_org),
                    },
                ),
                (
                    "classes",
                    f"class-{side}{number}",
                    {
                        "title": text(),
                        "classType": "scheduled",
                        "course": ref("courses", f"course-{side}{number}"),
                        "school": ref("orgs", school),
                        "terms": [ref("academicSessions", f"session-{side}{number}")],
                    },
                ),
                (
                    "users",
                    f"user-{side}{number}",
                    {
                        "username": text(),
                        "userIds": [{"type": "LTI", "identifier": text()}],
                        "enabledUser": "true",
                        "givenName": text(),
                        "familyName": text(),
                        "roles": [
                            {
                                "roleType": "primary",
                                "role": draw(st.sampled_from(("student", "teacher"))),
                                "org": ref("orgs", org),
                            }
                            for org in (school, one("org", side, mixed=not sees_more))
                        ],
                        "primaryOrg": ref("orgs", one("org", side, mixed=not sees_more)),
                        "email": f"{text()}@example.org",
                        "agents": [ref("users", one("user", side, mixed=True))],
                        "metadata": {"lti.userId": text()},
                    },
                ),
                (
                    "enrollments",
                    f"enrollment-{side}{number}",
                    {
                        "user": ref("users", f"user-{side}{number}" if side == "v" else one("user", side, mixed=True)),
                        "class": ref("classes", f"class-{side}{number}"),
                        "school": ref("orgs", one("org", side, mixed=not sees_more)),
                        "role": draw(st.sampled_from(("student", "teacher"))),
                        "metadata": {"lti.roles": text()},
                    },
                ),
                ("demographics", f"user-{side}{number}", {"birthDate": "2012-03-04", "sex": "female"}),
            ]
            written += [
                Written(collection, {"sourcedId": id_, "status": status(), **body}, side == "v")
                for collection, id_, body in bodies
            ]
    return draw(st.permutations(written))


class TwoWorlds:
    """The pair, and a client of both.

    :ivar headers: what the client sends to either.
    """

    def __init__(self, folder: Path, limit: Limit, records: Sequence[Written]) -> None:
        self.limit = limit
        more = World(folder / "more")
        self._register(more)
        epoch = more.wiring.mirror.epoch
        more.close()
        (folder / "less").mkdir()
        shutil.copy(folder / "more" / "registry.sqlite", folder / "less" / "registry.sqlite")
        self.worlds = (World(folder / "more"), World(folder / "less"))
        for number, world in enumerate(self.worlds):
            if number or not limit.sources:
                world.wiring.registry.sources.remove("south")  # nothing of it is seen, nor that it is read
            world.wiring.mirror.db.execute("UPDATE meta SET value = ? WHERE key = 'epoch'", (epoch,))
            for moment, record in enumerate(records):
                if record.visible:
                    self._write(world, moment, record.collection, self._hiding(record, number), "north")
                elif number == 0:
                    source = "south" if limit.sources else "north"
                    self._write(world, moment, record.collection, record.body, source)

    def _register(self, world: World) -> None:
        clients = world.wiring.registry.clients
        limit = self.limit
        client, secret = clients.add(
            "limited",
            scopes=(*ONEROSTER_SCOPES, RUNS_READ, SYNC),
            sources=limit.sources,
            orgs=limit.orgs,
            classes=limit.classes,
            privacy=limit.privacy,
        )
        answer = world.app.test_client().post(
            "/oauth2/token", data={"grant_type": "client_credentials"}, auth=(client.client_id, secret)
        )
        self._client_id = client.client_id
        self.headers = {"Authorization": f"Bearer {answer.get_json()['access_token']}"}
        for source in ("north", "south"):
            credentials = Credentials(client_id="bridge", secret="s3cret", token_url="https://sis.example.org/token")
            base_url = f"https://{source}.example.org/v1p2"
            world.wiring.registry.sources.add(RegisteredSource(name=source, base_url=base_url, credentials=credentials))
        _ = (world.wiring.cursors, world.wiring.event_seals)  # their keys are made on first use

    def _hiding(self, record: Written, world: int) -> Record:
        """The record with something else in the fields that the client is not told."""
        body = copy.deepcopy(record.body)
        for field in hidden_fields(COLLECTIONS[record.collection], self.limit.privacy) & body.keys():
            body[field] = f"{world}" if isinstance(body[field], str) else type(body[field])()
        if world == 0 or not (self.limit.orgs or self.limit.classes):
            return body
        # Where a reference leads that the client is not shown, is not for it to know either.
        for role in body.get("roles", ()):
            if "-i" in role["org"]["sourcedId"]:
                role["role"] = "aide"
        moved: Record = json.loads(re.sub(r"\b(org|session|user)-i(\d)", r"\1-z\2", json.dumps(body)))
        return moved

    @staticmethod
    def _write(world: World, moment: int, collection: str, body: Record, source: str) -> None:
        db, instant = world.wiring.mirror.db, from_unix_ms(_BEGINNING + 1000 * moment)
        run = Runs(world.wiring.mirror, lambda: instant).begin(source, WHOLE_SOURCE)
        with storage.write(db):
            changed = db.execute("SELECT coalesce(max(changed), 0) + 1 FROM writes").fetchone()[0]
            documents = Documents(db, world.wiring.mirror.add_source(source), changed)
            documents.put([Derived(collection, SourcedId(body["sourcedId"]), body)])
            documents.finish()
            stamp = to_stamp(instant)
            db.execute("INSERT INTO writes (changed, stamp, run) VALUES (?, ?, ?)", (changed, stamp, run))
            finish(db, run, Outcome.APPLIED, lambda: instant, message="")

    def close(self) -> None:
        for world in self.worlds:
            world.close()

    def exported(self, number: int) -> tuple[object, ...]:
        """What files for the client hold in one of the worlds, and what is reported of them."""
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "set.zip"
            report = export_csv(self.worlds[number].wiring, out, client_id=self._client_id)
            with zipfile.ZipFile(out) as archive:
                return report, {name: archive.read(name) for name in archive.namelist()}

    def ask(self, path: str, params: Iterable[tuple[str, str]] = ()) -> tuple[TestResponse, TestResponse]:
        """The answers of both worlds."""
        return self.ask_each([path, path], params)

    def ask_each(
        self, paths: Sequence[str], params: Iterable[tuple[str, str]] = ()
    ) -> tuple[TestResponse, TestResponse]:
        """The answers of both worlds, for what has a name of its own in each."""
        more, less = (
            world.app.test_client().get(path, query_string=list(params), headers=self.headers)
            for world, path in zip(self.worlds, paths, strict=True)
        )
        return more, less


def plain(answer: TestResponse, *, tag_counts: bool = True) -> tuple[object, ...]:
    """All that an answer says. Cursors are encrypted anew each time: of them the length counts."""
    headers = {name: value for name, value in answer.headers if name != "X-Request-Id"}
    headers["Link"] = re.sub(r"cursor=([\w-]+)", lambda match: f"cursor={len(match[1])}", headers.get("Link", ""))
    if not tag_counts:
        headers["ETag"] = str(len(headers.get("ETag", "")))
    return answer.status_code, headers, answer.data


@st.composite
def requests(draw: st.DrawFn) -> tuple[str, list[tuple[str, str]]]:
    """Any operation about any record, visible or not, with any of the parameters."""
    operation = draw(st.sampled_from(OPERATIONS))
    params = draw(_parameters(operation.collection)) if not operation.single else []
    names = re.findall(r"\{(\w+)\}", operation.template)
    path = operation.path([draw(_id_for(name, operation)) for name in names])
    return f"{ROSTERING_PATH}/{path}", params


def _id_for(parameter: str, operation: Operation) -> st.SearchStrategy[str]:
    kinds = {
        "schoolSourcedId": "org",
        "classSourcedId": "class",
        "courseSourcedId": "course",
        "termSourcedId": "session",
        "studentSourcedId": "user",
        "teacherSourcedId": "user",
        "userSourcedId": "user",
    }
    kind = kinds.get(parameter) or _KINDS[operation.collection.name]
    return st.sampled_from([*ids(kind, "v"), *ids(kind, "i"), "nobody"])


_KINDS = {
    "orgs": "org",
    "academicSessions": "session",
    "courses": "course",
    "classes": "class",
    "users": "user",
    "enrollments": "enrollment",
    "demographics": "user",
}

_VALUES = [
    *(id_ for kind in sorted(set(_KINDS.values())) for side in "vi" for id_ in ids(kind, side)),
    "student",
    "teacher",
    "school",
    "term",
    "active",
    "Abara",
    "a",
    "0",
    "1",
]


def _parameters(collection: Collection) -> st.SearchStrategy[list[tuple[str, str]]]:
    names = [path.name for path in collection.paths] + ["metadata.lti.userId", "password"]
    dates = [path.name for path in collection.paths if path.shape is not Shape.TEXT]
    moments = [to_stamp(from_unix_ms(_BEGINNING + 1000 * moment)) for moment in (0, 10, 20, 40)]

    @st.composite
    def comparison(draw: st.DrawFn) -> str:
        name = draw(st.sampled_from(names))
        predicate = draw(st.sampled_from(("=", "!=", "~", ">", "<=")))
        values = moments if name in dates and predicate != "~" else _VALUES
        return f"{name}{predicate}'{draw(st.sampled_from(values))}'"

    filters = comparison() | st.builds("{} {} {}".format, comparison(), st.sampled_from(("AND", "OR")), comparison())
    return st.fixed_dictionaries(
        {},
        optional={
            "filter": filters,
            "sort": st.sampled_from(names),
            "orderBy": st.sampled_from(("asc", "desc")),
            "search": st.sampled_from(_VALUES),
            "fields": st.lists(st.sampled_from(collection.fields), min_size=1, max_size=3).map(",".join),
            "limit": st.sampled_from(("1", "2", "100")),
            "offset": st.sampled_from(("0", "1", "7")),
        },
    ).map(lambda chosen: list(chosen.items()))
