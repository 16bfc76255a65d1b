"""Moodle 4.5: its recorded answers, replayed over a real socket, from the token to the served page.

Observed of Moodle and relied on here: its token answer is called ``text/html``; roles are short names, ``Learner`` also
for a non-editing teacher; what is missing is blank, with the key kept; names have passed its HTML formatter once; who
has left is simply not there.
"""

import json
from pathlib import Path
from typing import Any

import pytest
import requests
from joserfc import jwt
from joserfc.jwk import KeySet
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from bridge.mirror.runs import Outcome
from bridge.roster.identity import context_key
from bridge.roster.memberships import Context
from tests.journeys.running_bridge import RunningBridge
from tests.roster.oneroster_schema import violations

SAMPLES = Path(__file__).parent.parent / "samples" / "moodle-4.5"
RECORDED_AT = "http://127.0.0.1:8081"
MEMBERSHIPS = "/mod/lti/services.php/CourseSection/2/bindings/2/memberships"
MEDIA_TYPE = "application/vnd.ims.lti-nrps.v2.membershipcontainer+json"

# Everybody in course MIX101, by user id: given name, family name, enrollment role, user roles, e-mail, identifier.
STUDENT, TEACHER = ("student", ["student"]), ("teacher", ["teacher"])
SITE_ADMIN = ("teacher", ["teacher", "ext:administrator"])
MIX101 = {
    "27": ("Person", "013e0e8d", *STUDENT, "mix_stu_nonames@example.edu", "SIS-U-STU_NONAMES"),  # no names
    "26": ("Mononym", "-", *STUDENT, "mix_stu_nolast@example.edu", "SIS-U-STU_NOLAST"),  # no family name
    "33": ("Suspended", "Account", *STUDENT, "mix_stu_suspacct@example.edu", "SIS-U-STU_SUSPACCT"),  # listed as active
    "38": ("Site", "Adminstudent", *SITE_ADMIN, "siteadm2@example.edu", "SIS-U-SITEADM"),  # enrolled as student there
    "34": ("Not", "Confirmed", *STUDENT, "mix_stu_noconf@example.edu", "SIS-U-STU_NOCONF"),
    "7": ("Carl", "Creator", *STUDENT, "mix_ccreator1@example.edu", "SIS-U-CCREATOR1"),  # course creator there
    "3": ("Edith", "Editing", *TEACHER, "mix_eteach1@example.edu", "SIS-U-ETEACH1"),
    "4": ("Edwin", "Editing", *TEACHER, "mix_eteach2@example.edu", "SIS-U-ETEACH2"),
    "25": ("No", "Email", *STUDENT, None, "SIS-U-STU_NOEMAIL"),
    "29": ("Dup", "Mail", *STUDENT, "mix_stu1@example.edu", "SIS-U-STU_DUPMAIL"),  # shares it with 18
    "6": ("Manny", "Manager", *TEACHER, "mix_manager1@example.edu", "SIS-U-MANAGER1"),
    "39": ("Site", "Managerstudent", *TEACHER, "sitemgr@example.edu", "SIS-U-SITEMGR"),
    "11": ("Zoë", "Müller-Lüdenscheidt", *STUDENT, "mix_stu_u3@example.edu", "SIS-U-STU_U3"),
    "15": ("Null", "NULL", *STUDENT, "mix_stu_u7@example.edu", "SIS-U-STU_U7"),
    "10": ("O'Brien", "Niamh &", *STUDENT, "mix_stu_u2@example.edu", "SIS-U-STU_U2"),  # sent as "Niamh &amp; "
    "5": ("Nora", "Nonediting", *STUDENT, "mix_teach1@example.edu", "SIS-U-TEACH1"),  # non-editing teacher there
    "24": ("Noid", "Number", *STUDENT, "mix_stu_noidn@example.edu", None),
    "14": ("José María", "Núñez y Gómez", *STUDENT, "mix_stu_u6@example.edu", "SIS-U-STU_U6"),
    "18": ("Student1", "Plain1", *STUDENT, "mix_stu1@example.edu", "SIS-U-STU1"),
    "19": ("Student2", "Plain2", *STUDENT, "mix_stu2@example.edu", "SIS-U-STU2"),
    "20": ("Student3", "Plain3", *STUDENT, "mix_stu3@example.edu", "SIS-U-STU3"),
    "21": ("Student4", "Plain4", *STUDENT, "mix_stu4@example.edu", "SIS-U-STU4"),
    "22": ("Student5", "Plain5", *STUDENT, "mix_stu5@example.edu", "SIS-U-STU5"),
    "23": ("Student6", "Plain6", *STUDENT, "mix_stu6@example.edu", "SIS-U-STU6"),
    "35": ("No", "Role", *STUDENT, "mix_norole@example.edu", "SIS-U-NOROLE"),  # enrolled without a role there
    "28": ("Mary", "Smith", *STUDENT, "mix_stu_middle@example.edu", "SIS-U-STU_MIDDLE"),
    "17": ('Robert"); DROP TABLE', "Students;--", *STUDENT, "mix_stu_u9@example.edu", "SIS-U-STU_U9"),
    "36": ("Both", "Teacherstudent", *TEACHER, "mix_both@example.edu", "SIS-U-BOTH"),
    "12": ("Emoji😀", "Tester", *STUDENT, "mix_stu_u4@example.edu", "SIS-U-STU_U4"),
    "16": ("Łukasz", "Żółć", *STUDENT, "mix_stu_u8@example.edu", "SIS-U-STU_U8"),
    "13": ("Анна", "Каренина", *STUDENT, "mix_stu_u5@example.edu", "SIS-U-STU_U5"),
    "9": ("محمد", "العربي", *STUDENT, "mix_stu_u1@example.edu", "SIS-U-STU_U1"),
    "8": ("山田", "太郎", *STUDENT, "mix_stu_u0@example.edu", "SIS-U-STU_U0"),
}


def recording(name: str) -> dict[str, Any]:
    sample: dict[str, Any] = json.loads((SAMPLES / f"{name}.json").read_text(encoding="utf-8"))
    return sample


class Moodle:
    """Answers as recorded. Like the real one it checks the assertion's signature and subject, and nothing else of it.

    :ivar asked: the target of each memberships request.
    """

    def __init__(self, server: HTTPServer, bridge_url: str) -> None:
        self.origin = server.url_for("").rstrip("/")
        self.asked: list[str] = []
        self.pages = {MEMBERSHIPS: self.replay("mix-all")}
        self.token_answer = self.replay("token-ok")
        self._jwks_url = f"{bridge_url}/.well-known/jwks.json"
        server.expect_request("/mod/lti/token.php", method="POST").respond_with_handler(self._token)
        server.expect_request(MEMBERSHIPS, method="GET").respond_with_handler(self._memberships)

    def replay(self, name: str) -> Response:
        """A recorded answer, its addresses led to this server."""
        sample = recording(name)
        body = sample["body_text"].replace(RECORDED_AT.replace("/", r"\/"), self.origin.replace("/", r"\/"))
        response = Response(body, status=sample["status"], content_type=sample["headers"]["Content-Type"])
        if "Link" in sample["headers"]:
            response.headers["Link"] = sample["headers"]["Link"].replace(RECORDED_AT, self.origin)
        return response

    def cut(self, start: int, end: int | None = None, link: str | None = None) -> Response:
        """Members ``start`` to ``end`` of the recorded course: for pages that were not recorded."""
        container = json.loads(recording("mix-all")["body_text"])
        container["members"] = container["members"][start:end]
        response = Response(json.dumps(container), content_type=f"{MEDIA_TYPE}; charset=utf-8")
        if link is not None:
            response.headers["Link"] = f'<{self.origin}{MEMBERSHIPS}{link}>; rel="next"'
        return response

    def _token(self, request: Request) -> Response:
        keys = KeySet.import_key_set(requests.get(self._jwks_url, timeout=5).json())
        claims = jwt.decode(request.form["client_assertion"], keys, algorithms=["RS256"]).claims
        good = claims["sub"] == "tool-2" and request.form["grant_type"] == "client_credentials"
        return self.token_answer if good else Response('{"error": "invalid_client"}', status=400)

    def _memberships(self, request: Request) -> Response:
        self.asked.append(request.environ["REQUEST_URI"])
        if request.headers.get("Authorization") != "Bearer <token>":
            return Response(status=401)
        if request.headers.get("Accept") != MEDIA_TYPE:
            return Response(status=400)
        return self.pages[self.asked[-1]]


@pytest.fixture
def bridge(tmp_path):
    with RunningBridge(tmp_path) as bridge:
        yield bridge


@pytest.fixture
def moodle(httpserver, bridge):
    return Moodle(httpserver, bridge.url)


@pytest.fixture
def register(bridge, moodle):
    """Registers the site under the tenant ``moodle``, with its course MIX101."""

    def register(**options):
        platform = bridge.wiring.registry.platforms.add(
            issuer=moodle.origin,
            client_id="tool-2",
            auth_login_url=f"{moodle.origin}/mod/lti/auth.php",
            token_url=f"{moodle.origin}/mod/lti/token.php",
            jwks_url=f"{moodle.origin}/mod/lti/certs.php",
            vendor="moodle",
            tenant="moodle",
            options=options,
        )
        bridge.wiring.registry.contexts.add(
            platform,
            context_key("2"),
            Context(context_id="2"),
            memberships_url=moodle.origin + MEMBERSHIPS,
            deployment_id="2",
        )

    return register


def people(consumer):
    """Everybody as served, in the form of :data:`MIX101`."""
    users, enrollments = consumer.by_lti_user("users"), consumer.by_lti_user("enrollments")
    assert users.keys() == enrollments.keys()
    return {
        user_id: (
            user["givenName"],
            user["familyName"],
            enrollments[user_id]["role"],
            [role["role"] for role in user["roles"]],
            user.get("email"),
            user.get("identifier"),
        )
        for user_id, user in users.items()
    }


def test_everybody_in_the_recorded_course_is_served(bridge, moodle, register):
    register()

    run = bridge.sync("2")

    assert (run.outcome, run.added, run.quarantined) == (Outcome.APPLIED, 33, 0)
    assert moodle.asked == [MEMBERSHIPS]
    assert people(bridge.consumer()) == MIX101


def test_served_records_are_active_and_valid_and_say_where_they_come_from(bridge, moodle, register):
    register()
    bridge.sync("2")

    for collection, records in bridge.consumer().everything().items():
        assert [violations(collection, record) for record in records] == [[]] * len(records)
        assert {record["status"] for record in records} == {"active"}
    for enrollment in bridge.consumer().all("enrollments"):
        metadata = enrollment["metadata"]
        assert (metadata["lti.status"], metadata["lti.deploymentId"]) == ("Active", "2")


def test_roles_are_kept_as_sent(bridge, moodle, register):
    register()
    bridge.sync("2")
    enrollments = bridge.consumer().by_lti_user("enrollments")

    assert {user_id: enrollments[user_id]["metadata"]["lti.roles"] for user_id in ("38", "3", "5")} == {
        "38": '["Instructor","http://purl.imsglobal.org/vocab/lis/v2/person#Administrator"]',
        "3": '["Instructor"]',
        "5": '["Learner"]',
    }
    assert {each.get("primary") for each in enrollments.values() if each["role"] == "teacher"} == {"false"}


def test_only_supplied_names_are_flagged(bridge, moodle, register):
    register()
    bridge.sync("2")

    flagged = {
        user_id: user["metadata"]["bridge.supplied"].removesuffix("enabledUser,primaryOrg")
        for user_id, user in bridge.consumer().by_lti_user("users").items()
    }
    assert {user_id: flag for user_id, flag in flagged.items() if flag} == {
        "27": "givenName,familyName,",
        "26": "familyName,",
    }


def test_course_is_a_class_with_its_title_as_sent(bridge, moodle, register):
    register()
    bridge.sync("2")

    (class_,) = bridge.consumer().all("classes")
    assert (class_["title"], class_["classCode"]) == ("Mixed roles 101: Ünïcode &", "MIX101")


def test_site_administrator_is_one_where_the_site_is_trusted(bridge, moodle, register):
    register(trust_admin_roles=True)
    bridge.sync("2")

    assert people(bridge.consumer())["38"][3] == ["teacher", "siteAdministrator"]


def test_second_sync_changes_nothing(bridge, moodle, register):
    register()
    bridge.sync("2")
    before = bridge.consumer().everything()

    assert bridge.sync("2").outcome is Outcome.UNCHANGED
    assert bridge.consumer().everything() == before


def test_who_is_no_longer_listed_has_left(bridge, moodle, register):
    register()
    bridge.sync("2")
    moodle.pages[MEMBERSHIPS] = moodle.cut(1)

    bridge.sync("2")

    statuses = {user: each["status"] for user, each in bridge.consumer().by_lti_user("enrollments").items()}
    assert {user for user, status in statuses.items() if status == "tobedeleted"} == {"27"}


def test_recorded_pages_are_followed_exactly_and_give_the_same(bridge, moodle, register):
    register(page_limit=10)
    moodle.pages = {
        f"{MEMBERSHIPS}?limit=10": moodle.replay("mix-limit10"),
        f"{MEMBERSHIPS}?limit=10&from=10": moodle.replay("mix-limit10-from10"),
        f"{MEMBERSHIPS}?limit=10&from=20": moodle.cut(20, 30, link="?limit=10&from=30"),
        f"{MEMBERSHIPS}?limit=10&from=30": moodle.cut(30),
    }

    run = bridge.sync("2")

    assert moodle.asked == list(moodle.pages)
    assert run.added == 33
    assert people(bridge.consumer()) == MIX101


def test_page_past_the_end_is_an_end(bridge, moodle, register):
    register(page_limit=10)
    moodle.pages = {
        f"{MEMBERSHIPS}?limit=10": moodle.replay("mix-limit10"),
        f"{MEMBERSHIPS}?limit=10&from=10": moodle.cut(10, link="?limit=10&from=999"),
        f"{MEMBERSHIPS}?limit=10&from=999": moodle.replay("mix-limit10-from999"),
    }

    bridge.sync("2")

    assert people(bridge.consumer()) == MIX101


def test_people_whom_a_page_repeats_are_served_once(bridge, moodle, register):
    register(page_limit=10)
    moodle.pages = {
        f"{MEMBERSHIPS}?limit=10": moodle.replay("mix-limit10"),
        f"{MEMBERSHIPS}?limit=10&from=10": moodle.cut(5),  # five people moved down while the first page was read
    }

    bridge.sync("2")

    assert people(bridge.consumer()) == MIX101


def test_people_who_are_not_shared_keep_their_ids_and_roles(bridge, moodle, register):
    register()
    moodle.pages[MEMBERSHIPS] = moodle.replay("private-all")

    bridge.sync("2")

    served = people(bridge.consumer())
    assert {user_id: (role, roles, identifier) for user_id, (_, _, role, roles, _, identifier) in served.items()} == {
        user_id: (role, roles, identifier) for user_id, (_, _, role, roles, _, identifier) in MIX101.items()
    }
    assert {(given, email) for given, _, _, _, email, _ in served.values()} == {("Person", None)}


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        pytest.param("token-nrps-disabled", "switch on Names and Role Provisioning", id="service-off"),
        pytest.param("jwks-unknown-kid", "an error that is not OAuth JSON", id="not-json"),
    ],
)
def test_refused_token_ends_the_run_with_what_to_check(bridge, moodle, register, answer, hint):
    register()
    moodle.token_answer = moodle.replay(answer)

    run = bridge.sync("2")

    assert (run.outcome, hint in run.message) == (Outcome.REFUSED, True)
    assert not any(bridge.consumer().everything().values())
