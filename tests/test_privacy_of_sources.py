"""No person's name, address or id that is an address is logged when a SIS is read, whatever it answers.

A whole run at the most talkative level: a provider whose people are known by their e-mail addresses, records that
cannot be used, answers that are broken in every way and speak of people in all of them, files whose ids are taken, the
operator's pages, and showing and erasing one of these people.
"""

import json
import re
import sqlite3
from pathlib import Path

import pytest
import requests
from pytest_httpserver import HTTPServer

from bridge.oneroster.scopes import ROSTER, ROSTER_CORE, ROSTER_DEMOGRAPHICS
from bridge.practice.manners import Failure
from bridge.practice.sis_districts import make_district
from bridge.practice.sis_manners import SisManners
from bridge.practice.sis_records import reference
from bridge.practice.sis_server import PracticeSis
from bridge.registry.sources import RegisteredSource
from bridge.transport.client_secret import Credentials
from tests.cli.running import Place, eventually, needs_proc, running
from tests.exchange.csv_sets import SMALL, changed, write_set

pytestmark = needs_proc

EVE = "eve.quillfeather@example.org"
PASSWORD = "correct horse battery staple"
JSON = {"Content-Type": "application/json"}
BROKEN = {
    "error with a body": Failure(500, JSON, json.dumps({"imsx_description": f"no {EVE} here"})),
    "refusal with a body": Failure(403, {"Content-Type": "text/html"}, f"<p>{EVE} may not</p>"),
    "half of an answer": Failure(200, JSON, f'{{"users": [{{"sourcedId": "{EVE}", "givenName": "Evelina'),
    "records that are none": Failure(200, JSON, json.dumps({"users": {EVE: "Quillfeather"}, "orgs": EVE})),
    "record that is a text": Failure(200, JSON, json.dumps({"orgs": [EVE, ["Quillfeather"], {"sourcedId": 7}]})),
    "bytes that are no text": Failure(200, JSON, f'{{"orgs": ["{EVE}\udcff"]}}'.encode(errors="replace").decode()),
    "number without end": Failure(200, JSON, '{"orgs": [{"sourcedId": "' + EVE + '", "x": ' + "9" * 5000 + "}]}"),
    "nested without end": Failure(200, JSON, f'{{"orgs": ["{EVE}", ' + "[" * 100_000 + "]" * 100_000 + "]}"),
    "redirect": Failure(302, {"Location": f"https://sis.example.org/users/{EVE}?name=Quillfeather"}),
    "link elsewhere": Failure(
        200, {**JSON, "Link": f'<https://elsewhere.example.org/?who={EVE}>; rel="next"'}, '{"orgs": []}'
    ),
    "link that is none": Failure(200, {**JSON, "Link": f'<http://[{EVE}>; rel="next"'}, '{"orgs": []}'),
    "total that is none": Failure(200, {**JSON, "X-Total-Count": EVE}, '{"orgs": []}'),
    "content type that is none": Failure(200, {"Content-Type": f"text/{EVE}"}, EVE),
}


def district():
    """A small one, with people who are known by their addresses, and with records that cannot be used."""
    roster = make_district(schools=1, classes_per_school=2, students_per_class=5, students_per_school=10)
    at_school = [{"roleType": "primary", "role": "student", "org": reference("org", "school-1")}]
    named = {"enabledUser": "true", "givenName": "Evelina", "familyName": "Quillfeather", "username": EVE}
    roster.add("users", EVE, roles=at_school, email=EVE, **named)
    roster.enroll(EVE, "school-1-class-1")
    roster.add("demographics", EVE, birthDate="2011-02-03", sex="female")
    roster.add("users", "no.roles@example.org", **named)
    roster.add("users", "odd.roles@example.org", roles=[{"role": EVE, "org": EVE}], **named)
    roster.add("users", "odd.status@example.org", **{**named, "status": EVE, "roles": at_school})
    roster.add("users", "x" * 300 + "@example.org", roles=at_school, **named)
    roster.add("demographics", "odd.birth@example.org", birthDate=EVE, sex=EVE)
    roster.add("enrollments", f"to-nobody-{EVE}", role=EVE, user=reference("user", "ghost@example.org"))
    roster.add("users", "ada@example.org", roles=at_school, **named)
    return roster


class Run:
    """Everything that was written.

    :ivar logs: what processes wrote to standard error, by what they did.
    :ivar pages: what the operator was shown.
    """

    def __init__(self, folder: Path, place: Place) -> None:
        self._folder = folder
        self.place = place
        self.logs: dict[str, str] = {}
        self.metrics = ""
        self.pages = ""

    def command(self, name: str, *arguments: str, codes: tuple[int, ...] = (0, 1, 2, 3)) -> int:
        with running(self._folder, *self.place.arguments, *arguments) as one:
            code, _ = one.end()
            self.logs[name] = self.logs.get(name, "") + one.errors()
        assert code in codes, (name, code, self.logs[name])
        return code

    def order_a_reading(self) -> None:
        """Have the source read by the scheduler, and wait until it was."""
        finished = "SELECT count(*) FROM runs WHERE finished IS NOT NULL"
        (before,) = self.column("mirror.sqlite", finished)
        with self.place.registry() as registry:
            registry.orders.sync(registry.sources.get("district"), "operator", full=True)
        eventually(lambda: self.column("mirror.sqlite", finished) != [before])

    def column(self, file: str, sql: str) -> list[str]:
        with sqlite3.connect(self.place.directory / file) as connection:
            found = [str(value) for (value,) in connection.execute(sql)]
        connection.close()
        return found


def visit(place: Place, paths: list[str]) -> str:
    """What the operator's pages show with personal data shown, after failing to get in."""
    with requests.Session() as session:
        session.trust_env = False

        def send(path: str, shown_at: str, **fields: str) -> str:
            shown = session.get(f"{place.url}/admin/{shown_at}", timeout=30).text
            token = re.search(r'name="csrf_token"[^>]* value="([^"]+)"', shown)
            assert token
            form = {"csrf_token": token[1], **fields}
            return session.post(f"{place.url}/admin/{path}", data=form, timeout=60).text

        for name, password in ((EVE, "Quillfeather"), ("ada", PASSWORD)):
            send("sign-in", "sign-in", operator=name, password=password)
        shown = [send("personal", "", page=f"/{path}", show="yes") for path in paths]
        assert session.get(f"{place.url}/admin/", timeout=30).url.endswith("/admin/")
        return "".join(shown)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sources")
    run = Run(folder, Place(folder, log_level="debug"))
    manners = SisManners()
    with PracticeSis(district(), manners=manners) as sis, HTTPServer(threaded=True) as receiver:
        receiver.expect_request("/hook").respond_with_data(f"no {EVE}", status=500)
        given = sis.register_consumer()
        with run.place.registry() as registry:
            registry.operators.add("ada", PASSWORD)
            credentials = Credentials(
                client_id=given["client_id"],
                secret=given["client_secret"],
                token_url=given["token_url"],
                scopes=(ROSTER_CORE, ROSTER, ROSTER_DEMOGRAPHICS),
            )
            registry.sources.add(
                RegisteredSource(
                    name="district", base_url=sis.base_url("1.2"), credentials=credentials, demographics=True
                )
            )
        ada = "ada@example.org,,,true,ada,,Ada,Lovelace,,,,,,,,,,,,,,"
        role = "r6,,,ada@example.org,primary,student,,,S,"
        taken = changed(SMALL, users=[*SMALL["users"], ada], roles=[*SMALL["roles"], role])
        run.command("files", "import", "csv", str(write_set(folder / "set.zip", taken)), "--source", "files", "--yes")
        run.command("webhook", "webhooks", "add", "hook", receiver.url_for("/hook"))
        with running(folder, *run.place.arguments, "serve", "--workers", "1") as serve:
            eventually(run.place.scheduler)
            eventually(run.place.ready)
            for name, failure in [*BROKEN.items(), ("reading", None)]:
                manners.fail_next.extend([failure] * 2 if failure else ())  # it is asked again after some of them
                before = len(serve.errors())
                run.order_a_reading()
                run.logs[name] = eventually(lambda before=before: serve.errors()[before:])  # told after it is done
                manners.fail_next.clear()
            runs = [f"runs/{number}" for number in range(1, len(BROKEN) + 3)]
            questions = [f"quality/{one}" for one in ("teachers", "people", "roles", "duplicates", "stale")]
            paths = ["sources/district/", f"sources/{EVE}/", *runs, *questions, f"held/?source={EVE}"]
            run.pages = visit(run.place, paths)
            run.metrics = requests.get(f"{run.place.url}/metrics", timeout=30).text
            run.logs["serving"] = serve.errors()
        run.command("export", "people", "export", EVE, codes=(0,))
        run.command("export of nobody", "people", "export", "nobody@example.org", codes=(1,))
        run.command("erase", "people", "erase", EVE, "--yes", codes=(0,))
        run.command("reading again", "sync", "district", "--full")
        run.column("mirror.sqlite", "SELECT 1 FROM users LIMIT 1")
        with sqlite3.connect(run.place.directory / "mirror.sqlite") as connection:
            connection.execute("ALTER TABLE users RENAME TO gone")
        connection.close()
        run.command("broken mirror", "sync", "district", "--full")
    return run


NAMES = ("Quillfeather", "Evelina", "Lovelace", "2011-02-03")


def told(text: str) -> list[str]:
    return re.findall(r"[\w.+-]+@[\w-]+\.[\w.]+", text) + [name for name in NAMES if name in text]


def test_the_run_was_whole(run):
    reasons = run.column("mirror.sqlite", "SELECT reason FROM quarantine")

    assert len(reasons) >= 5
    assert any("taken by another source" in reason for reason in reasons)
    assert "reconciled" in run.logs["reading"]
    assert all(run.logs[name] for name in BROKEN)
    assert {EVE, "Quillfeather"} <= set(told(run.pages))


@pytest.mark.parametrize("name", [*BROKEN, "files", "reading", "serving", "export", "export of nobody", "erase",
                                  "reading again", "broken mirror", "webhook"])  # fmt: skip
def test_nobody_is_named_in_the_log(run, name):
    assert told(run.logs[name]) == []


def test_nobody_is_named_in_the_metrics(run):
    assert "bridge_" in run.metrics
    assert told(run.metrics) == []


@pytest.mark.parametrize(
    ("file", "sql"),
    [
        ("mirror.sqlite", "SELECT reason FROM quarantine"),
        ("mirror.sqlite", "SELECT message FROM runs"),
        ("registry.sqlite", "SELECT action || subject FROM activity"),
        ("registry.sqlite", "SELECT coalesce(problem, '') FROM webhooks"),
    ],
    ids=["quarantine", "runs", "activity", "webhooks"],
)
def test_nobody_is_named_in_what_operators_are_told_went_wrong(run, file, sql):
    assert [told(text) for text in run.column(file, sql) if told(text)] == []
