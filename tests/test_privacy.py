"""A whole run, errors included, logs no person's name, e-mail address, token, secret, assertion or query string.

At the most talkative level, over real sockets: launches of awkward people, reconciling, reading, and what is refused or
fails on the way.
"""

import json
import re
import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest

from bridge.auth.tokens import issue_token
from bridge.clock import utc_now
from bridge.lti.claims import CORE
from bridge.mirror.mirror import Mirror
from bridge.mirror.runs import Runs
from bridge.nrps.schemas import CONTEXT_MEMBERSHIP_SCOPE
from bridge.oneroster.scopes import ROSTER_CORE
from bridge.practice.browser import Browser
from bridge.practice.manners import Failure
from bridge.practice.rosters import Roster, make_roster
from bridge.practice.server import PracticeLms
from bridge.registry.feeders import Audience
from bridge.roster.references import ROSTERING_PATH
from tests.cli.running import Place, eventually, needs_proc, running
from tests.exchange.csv_sets import SMALL, changed, write_set

pytestmark = needs_proc


class WholeRun:
    """Everything that a bridge does, once, and what it wrote to standard error.

    :ivar imported: what importing files wrote there.
    :ivar secrets: what must not be in it, by what it is.
    """

    def __init__(self, place: Place) -> None:
        self.place = place
        self.secrets: dict[str, str] = {}
        self.written = ""
        self.imported = ""

    def launch(self, lms: PracticeLms, roster: Roster, browser: Browser) -> None:
        """Launch as many people, and as one whose course's roster cannot be read."""
        tool = lms.register_tool(
            login_url=f"{self.place.url}/lti/login",
            redirect_uris=[f"{self.place.url}/lti/launch"],
            jwks_url=f"{self.place.url}/.well-known/jwks.json",
        )
        del tool["deployment_id"]
        with self.place.registry() as registry:
            registry.platforms.add(**tool, tenant="practice")
        for member in roster.members("Course-1")[:25]:
            browser.launch(lms.launch_url("Course-1", member.person.user_id))
        self.wait_for_runs(1)
        lms.manners.fail_next.append(Failure(403, body="made-up-body of somebody@elsewhere.example.org"))
        browser.launch(lms.launch_url("Course-2", roster.members("Course-2")[0].person.user_id))
        self.wait_for_runs(2)

    def wait_for_runs(self, count: int) -> None:
        mirror = Mirror.open(self.place.directory / "mirror.sqlite")
        eventually(lambda: sum(run.finished is not None for run in Runs(mirror, utc_now).latest()) == count)
        mirror.close()

    def serve_tools(self, lms: PracticeLms, roster: Roster, browser: Browser) -> None:
        """Read memberships as a tool and hand in launches, rightly and wrongly."""
        http, url = browser.session, self.place.url
        with self.place.registry() as registry:
            tool = registry.tools.add("quiz", key_set='{"keys":[]}').client_id
            api_key = registry.tool_keys.issue(tool)
            token = issue_token(registry.tool_tokens, tool, [CONTEXT_MEMBERSHIP_SCOPE], lifetime=timedelta(minutes=10))
            registry.feeders.bind(
                Audience(tool=tool, issuer=lms.issuer, client_id="quiz-1", tenant="practice", jwks_url=lms.lms.jwks_url)
            )
        person = next(member.person for member in roster.members("Course-1") if member.person.email)
        claims = {
            "iss": lms.issuer,
            "aud": "quiz-1",
            "sub": person.user_id,
            "name": person.name,
            "email": person.email,
            CORE + "deployment_id": "1",
            CORE + "roles": ["Learner"],
            CORE + "context": {"id": "Course-1"},
        }
        with_key = {"Authorization": f"Bearer {api_key}"}
        handed = http.post(f"{url}/api/launches", json=claims, headers=with_key)
        assert handed.status_code == 201, handed.text
        ltik, service_key = handed.json()["ltik"], handed.json()["serviceKey"]
        self.secrets |= {"tool token": token, "API key": api_key, "ltik": ltik, "service key": service_key}
        for body in (claims | {"iss": "made-up-issuer"}, {"idToken": "eyJmade.up.token"}, [person.email]):
            assert http.post(f"{url}/api/launches", json=body, headers=with_key).status_code >= 400
        class_id = handed.json()["classSourcedId"]
        for scheme, text in (("LTIK", ltik), ("SERVICE", service_key), ("LTIK", "made-up-ltik")):
            headers = {"Authorization": f"{scheme}-AUTH-V2 {api_key}:{text}"}
            if scheme == "SERVICE":
                headers = {"Authorization": f"SERVICE-AUTH-V1 {api_key}:{text}"}
            for path in ("memberships?limit=3", f"memberships?cursor={person.email}", "idtoken", "idtoken?raw=true"):
                http.get(f"{url}/api/{path}", headers=headers)
        for bearer in (token, "made-up-token"):
            for query in ("limit=5", f"role={person.name}", f"cursor={person.email}"):
                page = http.get(
                    f"{url}/lti/contexts/{class_id}/memberships?{query}",
                    headers={"Authorization": f"Bearer {bearer}", "Accept": "*/*"},
                )
                assert page.status_code in ({401} if bearer == "made-up-token" else {200, 400})
        http.get(f"{url}/lti/contexts/{person.email}/memberships", headers={"Authorization": f"Bearer {token}"})

    def import_files(self, folder: Path) -> str:
        """Import a set, once as it is and once with rows that cannot be used; what was written to standard error."""
        written = ""
        rows = changed(SMALL, enrollments=[*SMALL["enrollments"], "e4,,,K,S,s2,,,,", "e5,,,K,S,anna@example.org,,,,"])
        for lines in (SMALL, rows):
            path = write_set(folder / "set.zip", lines)
            with running(
                folder, *self.place.arguments, "import", "csv", str(path), "--source", "files", "--yes"
            ) as one:
                assert one.end()[0] in {0, 3}, one.errors()  # 3: bad rows were left out
                written += one.errors()
        return written

    def read(self, roster: Roster, browser: Browser) -> None:
        """Read as a consumer, rightly and wrongly, and at last from a mirror that is broken."""
        http, url = browser.session, self.place.url
        with self.place.registry() as registry:
            client, secret = registry.clients.add("consumer", scopes=[ROSTER_CORE])
        grant = {"grant_type": "client_credentials"}
        token = http.post(f"{url}/oauth2/token", grant, auth=(client.client_id, secret)).json()["access_token"]
        self.secrets |= {"client secret": secret, "access token": token}
        person = next(member.person for member in roster.members("Course-1") if member.person.email)
        queries = (
            "limit=7&sort=made-up-sort",
            f"filter=email='{person.email}'",
            f"filter=familyName='{person.family_name}' OR",
            f"search={person.name}",
            "cursor=made-up-cursor",
        )
        for bearer in (token, "made-up-token"):
            for query in queries:
                headers = {"Authorization": f"Bearer {bearer}"}
                page = http.get(f"{url}{ROSTERING_PATH}/users?{query}", headers=headers)
                if "next" in page.links:
                    http.get(page.links["next"]["url"], headers=headers)
            http.get(f"{url}{ROSTERING_PATH}/users/{person.email}", headers=headers)
        http.get(f"{url}/{person.email}")
        http.post(f"{url}/oauth2/token", {"client_id": "made-up-client", "client_secret": "made-up-secret"})
        http.get(f"{url}/lti/login?iss=made-up-issuer&login_hint=made-up-hint&target_link_uri={url}")
        http.post(f"{url}/lti/launch", {"state": "made-up-state", "id_token": "eyJmade.up.assertion"})
        with sqlite3.connect(self.place.directory / "mirror.sqlite") as connection:
            connection.execute("ALTER TABLE users RENAME TO gone")
        connection.close()
        broken = http.get(
            f"{url}{ROSTERING_PATH}/users?sort=email&search={person.name}", headers={"Authorization": f"Bearer {token}"}
        )
        assert broken.status_code == 500


@pytest.fixture(scope="module")
def roster():
    return make_roster(courses=2, members_per_course=40, people=60, awkward_every=2)


@pytest.fixture(scope="module")
def whole_run(tmp_path_factory, roster):
    folder = tmp_path_factory.mktemp("whole")
    run = WholeRun(Place(folder, log_level="debug"))
    with (
        running(folder, *run.place.arguments, "serve", "--workers", "1") as serve,
        PracticeLms(roster) as lms,
        Browser() as browser,
    ):
        eventually(run.place.scheduler)
        eventually(run.place.ready)
        run.launch(lms, roster, browser)
        run.serve_tools(lms, roster, browser)
        imported = run.import_files(folder)
        run.read(roster, browser)
        run.written = serve.errors()
        run.imported = imported
    return run


@pytest.fixture(scope="module")
def lines(whole_run):
    """The log, each line as people would read it."""
    return [json.dumps(json.loads(line), ensure_ascii=False) for line in whole_run.written.splitlines()]


def test_the_run_was_whole(whole_run, lines):
    events = {json.loads(line)["event"] for line in lines}

    assert {"launch_handed_in", "fed"} <= events
    assert "reconciled" in whole_run.imported
    assert {"request", "launched", "launch_refused", "reconciled", "unknown_sort_field", "request_failed"} <= events


def test_every_line_is_json(whole_run):
    assert all(isinstance(json.loads(line), dict) for line in whole_run.written.splitlines())


@pytest.mark.parametrize("field", ["name", "given_name", "family_name", "middle_name", "email", "lis_person_sourcedid"])
def test_nobody_is_named(lines, roster, field):
    values = {
        value
        for course in roster.courses()
        for member in roster.members(course.context_id)
        # A shorter one may be part of any word.
        if len((value := getattr(member.person, field) or "").strip()) > 3
    }
    assert values

    assert [
        value for value in values if any(re.search(rf"(?<!\w){re.escape(value)}(?!\w)", line) for line in lines)
    ] == []


def test_no_e_mail_address_of_anybody_is_in_it(lines):
    assert [line for line in lines if re.search(r"[\w.+-]+@[\w-]+\.[\w.]+", line)] == []


def test_nobody_of_imported_files_is_named(whole_run):
    names = ("Lovelace", "Anna", "Berg", "O'Neil", "gerd", "2011-02-03", "@example.org")

    assert [name for name in names if name in whole_run.imported] == []


def test_no_token_and_no_secret_is_in_it(whole_run):
    assert [name for name, secret in whole_run.secrets.items() if secret in whole_run.written] == []
    assert "Bearer " not in whole_run.written


def test_no_assertion_is_in_it(whole_run):
    assert "eyJ" not in whole_run.written


def test_no_query_string_and_nothing_that_a_peer_or_client_made_up_is_in_it(whole_run):
    assert re.findall(r"\?[\w%]+=|made-up-[\w]+", whole_run.written) == []
