"""Ids of people that are their addresses are on no page of an operator who is shown no personal data."""

import re

import pytest
import structlog

from bridge.mirror.outcomes import Outcome
from bridge.oneroster.scopes import ROSTER, ROSTER_CORE, ROSTER_DEMOGRAPHICS
from bridge.practice.sis_records import SisRoster, reference
from bridge.practice.sis_server import PracticeSis
from bridge.registry.sources import RegisteredSource
from bridge.transport.client_secret import Credentials
from tests.admin.conftest import student, words
from tests.admin.walking import addresses, walk

PEOPLE = [f"{name}.quillfeather@example.org" for name in ("eve", "ida", *(f"student-{n:02d}" for n in range(18)))]
EVE, IDA = PEOPLE[:2]
TELLING = re.compile("quillfeather|evelina|%40|&#64;", re.IGNORECASE)
"""What every id, name and address of a person has in it, and how an at sign may be written besides."""


def profile(who):
    return f"https://profiles.example.org/{who.partition('@')[0]}"


def district():
    """Two classes of people whose every id is an address."""
    roster = SisRoster()
    school = reference("org", "school-1")
    roster.add("orgs", "school-1", name="North School", type="school", identifier="1")
    roster.add(
        "academicSessions", "year", title="Year", startDate="2026-08-01", endDate="2027-07-31", type="schoolYear",
        schoolYear="2027",
    )  # fmt: skip
    roster.add("courses", "course-1", title="Algebra", courseCode="ALG", org=school)
    for class_ in ("class-1", "class-2"):
        roster.add(
            "classes", class_, title="Algebra", classType="scheduled", course=reference("course", "course-1"),
            school=school, terms=[reference("academicSession", "year")], metadata={"taughtBy": IDA},
        )  # fmt: skip
    for who in PEOPLE:
        roster.add(
            "users", who, username=who, userIds=[{"type": "Fed", "identifier": who}], userMasterIdentifier=who,
            enabledUser="true", givenName="Evelina", familyName="Quillfeather", identifier=who,
            roles=[{"roleType": "primary", "role": "student", "org": school, "userProfile": profile(who)}],
            userProfiles=[{"profileId": profile(who), "profileType": "x", "vendorId": who}],
            agents=[reference("user", EVE)], metadata={"who": who},
            **({} if who == EVE else {"email": who}),
        )  # fmt: skip
        roster.add("demographics", who, birthDate="2011-02-03", sex="female")
        roster.enroll(who, "class-1")
    roster.add("users", "odd.quillfeather@example.org", enabledUser="true", givenName="Evelina", roles="none")
    return roster


@pytest.fixture
def sis():
    with PracticeSis(district()) as sis:
        yield sis


@pytest.fixture
def bridge(site, sis, lms, context):
    """The site with people known by their addresses: of a SIS that was read, read again after changes, and whose next
    plan is held, and of an LMS likewise."""
    registry = site.wiring.registry
    given = sis.register_consumer()
    source = registry.sources.add(
        RegisteredSource(
            name="district",
            base_url=sis.base_url("1.2"),
            credentials=Credentials(
                client_id=given["client_id"],
                secret=given["client_secret"],
                token_url=given["token_url"],
                scopes=(ROSTER_CORE, ROSTER, ROSTER_DEMOGRAPHICS),
            ),
            demographics=True,
        )
    )
    registry.clients.add("consumer", scopes=[ROSTER])
    registry.tools.add("quiz", jwks_url="https://tool.example.org/jwks")
    site.wiring.sync(source)
    for who in PEOPLE:
        sis.roster.change("users", who, agents=[reference("user", IDA)], grades=["07"])
    sis.roster.enroll(EVE, "class-2", "teacher")
    site.wiring.sync(source, full=True)
    for who in PEOPLE[2:]:
        sis.roster.leave(who)
    assert site.wiring.sync(source, full=True).outcome is Outcome.HELD
    lms.members["Course-1"] = [student(1, user_id=who, email=who, name="Evelina Quillfeather") for who in PEOPLE]
    lms.members["Course-1"].append(student(1, user_id=EVE, roles=7))
    site.wiring.sync(context)
    lms.members["Course-1"] = lms.members["Course-1"][:2]
    assert site.wiring.sync(context).outcome is Outcome.HELD
    return site


@pytest.fixture
def masked(bridge):
    """The account sees every source and no personal data."""
    bridge.wiring.registry.operators.limit("ada", sources=None, unmasks=False)


def everywhere(site, operator):
    """Every page that there is, walked from the first one and from every route."""
    named = {"tenant": "school", "name": "district"}
    start = [path for _, path in addresses(site.admin, **named)]
    questions = [f"/admin/quality/{one}" for one in ("teachers", "people", "roles", "duplicates", "stale")]
    yield from walk(operator, ["/admin/", *start, *questions])


def test_no_page_shows_an_id_that_is_an_address(bridge, operator, masked, context_path, caplog):
    pages, shown = {}, set()
    with structlog.testing.capture_logs() as logged:
        for page in everywhere(bridge, operator):
            headers = "".join(f"{name}: {value}\n" for each in (*page.answer.history, page.answer)
                              for name, value in each.headers.items() if name != "Set-Cookie")  # fmt: skip
            said = f"{page.path}\n{page.answer.url}\n{headers}{page.answer.text}"
            pages[page.path] = page
            assert TELLING.findall(said) == [], page.path
            shown.add(page.path.split("?")[0].split("/")[2])
        inspected = operator.post(f"{context_path}inspect/")

    assert TELLING.findall(inspected.text) == []
    assert TELLING.findall(repr(logged) + caplog.text) == []
    assert {"contexts", "held", "runs", "quality", "sources"} <= shown
    assert sum(page.answer.text.count("••••") for page in pages.values()) > 100
    assert all(page.answer.status_code in {200, 403, 404, 405} for page in pages.values())


def marks(page):
    return re.findall(r"•••• ([0-9a-f]{10})", page.text)


def test_people_are_told_apart_by_marks_that_stay_the_same(operator, bridge, masked):
    run, held = operator.get("/admin/runs/2"), operator.get("/admin/held/3")
    again = operator.get("/admin/runs/2")

    assert len(set(marks(run))) == len(PEOPLE) + 1
    assert set(marks(held)) & set(marks(run))
    assert marks(again) == marks(run)


@pytest.mark.parametrize("path", ["runs/1", "runs/2", "held/3", "quality/people", "quality/duplicates"])
def test_who_asks_for_it_sees_ids_and_is_recorded(bridge, operator, path):
    page = f"/admin/{path}"
    before = operator.get(page).text

    after = operator.post("/admin/personal", shown_at=page, page=f"/{path}", show="yes").text

    assert "quillfeather@example.org" not in before
    assert "quillfeather@example.org" in after
    assert "looked at personal data of" in words(operator.get("/admin/activity"))


def test_ids_that_the_bridge_made_are_shown(operator, bridge, context):
    assert context.class_sourced_id in words(operator.get("/admin/runs/4"))
    assert not re.search(r"users •••• [0-9a-f]", words(operator.get("/admin/runs/4")))
