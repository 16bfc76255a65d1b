"""The operator's pages in a real browser, as a person walks them; each is looked at for accessibility faults.

With ``BRIDGE_SCREENSHOTS`` set to a folder, what is seen on the way is kept there: docs/screenshots was made so.
"""

import re
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from bridge.clock import utc_now
from bridge.oneroster.scopes import ROSTER_CORE
from bridge.practice.people import INSTRUCTOR, invent_person
from bridge.practice.rosters import make_roster
from bridge.practice.server import PracticeLms
from bridge.practice.sis_districts import make_district
from bridge.practice.sis_server import PracticeSis
from bridge.roster.identity import context_key
from bridge.roster.memberships import Context
from bridge.wiring import Wiring
from tests.browser.conftest import Bridge
from tests.browser.looking import PASSWORD, Operator


@pytest.fixture
def lms(platform_key):
    """Two courses; the people of one of them are awkward in every way that the practice LMS knows."""
    with PracticeLms(
        make_roster(courses=2, members_per_course=26, people=40, awkward_every=9), key=platform_key
    ) as lms:
        yield lms


def test_operator_walks_every_page(tmp_path, browser, lms, start):
    with Bridge(tmp_path / "var") as bridge:
        operator = start(bridge)
        page = operator.page

        # Signing in.
        operator.look("sign-in")
        operator.sign_in("not the password")
        expect(page.get_by_text("this is not its password")).to_be_visible()
        operator.sign_in()
        expect(page.get_by_role("heading", level=1)).to_have_text("Dashboard")

        # Registering the LMS.
        expect(page.get_by_role("region", name="First steps")).to_be_visible()
        operator.look("first-steps", keep=True)
        page.get_by_role("link", name="Register an LMS or a SIS").click()
        operator.look("setup", keep=True)
        page.get_by_role("link", name="Moodle", exact=True).click()
        page.get_by_role("button", name="Make a registration link").click()
        expect(page.get_by_text(re.compile("/lti/register/[^ ]+"))).to_be_visible()
        operator.look("guide", keep=True)
        page.get_by_role("link", name="Enter here what the LMS shows").click()
        registration = lms.register_tool(
            login_url=f"{bridge.url}/lti/login",
            redirect_uris=[f"{bridge.url}/lti/launch"],
            jwks_url=f"{bridge.url}/.well-known/jwks.json",
            target_link_uri=f"{bridge.url}/lti/launch",
        )
        page.get_by_label("Tenant").fill("school")
        page.get_by_label("Issuer").fill(registration["issuer"])
        page.get_by_label("Client id").fill(registration["client_id"])
        page.get_by_label("Authorization endpoint (OIDC)").fill(registration["auth_login_url"])
        page.get_by_label("Access token endpoint").fill(registration["token_url"])
        page.get_by_label("Key set URL (JWKS)").fill(registration["jwks_url"])
        operator.look("register-platform")
        page.get_by_role("button", name="Register").click()
        expect(page.get_by_text("Registered as tenant school")).to_be_visible()

        # Launching from the LMS, whose roster is then read.
        for number in (1, 2):
            course = browser.new_page()
            teacher = lms.roster.members(f"Course-{number}")[0].person.user_id
            course.goto(f"{lms.issuer}/courses/Course-{number}/frame?user={teacher}")
            tool = course.frame_locator("iframe[name=tool]")
            expect(tool.get_by_role("heading", level=1)).to_have_text("Course connected")
            course.close()
        operator.goto("/admin/")
        page.get_by_role("link", name="school").click()
        page.get_by_role("button", name="Ask it for an access token").click()
        expect(page.get_by_text("gives an access token")).to_be_visible()
        operator.look("platform")

        # A context: reading it now, and seeing how far it comes.
        page.get_by_role("link", name="Algebra I").click()
        page.get_by_role("button", name="Sync now").click()
        expect(page.locator("[data-sentence]")).to_contain_text(re.compile(r"Run \d+: .*Members:"))
        page.get_by_role("link", name="Load the page again").click()
        page.get_by_text("Why", exact=True).first.click()
        expect(page.get_by_text("the lowest rank among the roles that count decides.").first).to_be_visible()
        operator.look("context", keep=True)
        page.get_by_role("button", name="Show personal data").click()
        expect(page.get_by_text("each look is recorded")).to_be_visible()
        operator.look("context-personal")

        # What the LMS really returns.
        page.get_by_role("link", name="Inspect what the LMS returns").click()
        page.get_by_role("button", name="Fetch now").click()
        expect(page.get_by_text("Bearer •••• (masked)")).to_be_visible()
        operator.look("inspector", keep=True)
        page.get_by_label("Show personal data (this is recorded)").check()
        page.get_by_role("button", name="Fetch now").click()
        expect(page.get_by_role("region", name="Body")).to_contain_text("@example.org")

        # A plan that is held, looked at and approved.
        for context in bridge.wiring.registry.contexts.all():
            bridge.wiring.sync(context)
        for member in lms.roster.members("Course-1")[8:]:
            lms.roster.drop("Course-1", member.person.user_id)
        lms.roster.change_roles("Course-1", lms.roster.members("Course-1")[3].person.user_id, [INSTRUCTOR])
        operator.goto("/admin/platforms/1")
        page.get_by_role("link", name="Algebra I").click()
        page.get_by_role("button", name="Sync now").click()
        expect(page.locator("[data-sentence]")).to_contain_text("held for a person to decide")
        operator.goto("/admin/")
        expect(page.get_by_text("1 plan waits for a person: nothing")).to_be_visible()
        page.get_by_text("The same as a table").click()
        operator.look("dashboard with its table")
        page.get_by_role("link", name="Held plans").click()
        operator.look("held-plans")
        page.get_by_role("link", name=re.compile(r"^Run \d")).first.click()
        operator.look("held-plan", keep=True)
        page.get_by_role("button", name="Approve", exact=True).click()
        for _ in range(50):
            if page.get_by_text("ada approved").count():
                break
            page.wait_for_timeout(200)
            page.reload()
        page.get_by_role("link", name="Runs").click()
        operator.look("runs")
        page.get_by_role("table").get_by_role("link").first.click()
        expect(page.get_by_text("ada approved")).to_be_visible()
        operator.look("run", keep=True)

        # A consumer, its new secret, and its end.
        page.get_by_role("link", name="Clients").click()
        page.get_by_role("link", name="Register a client").click()
        page.get_by_label("Name").fill("District SIS")
        page.get_by_label("only these:").check()
        page.get_by_role("button", name="Register").click()
        expect(page.get_by_role("group", name="It may see", exact=True)).to_have_accessible_description(
            re.compile("^Tick at least")
        )
        operator.look("register-client")
        page.get_by_label("all sources, also those that are added later").check()
        page.get_by_role("button", name="Register").click()
        first_secret = page.locator("code.secret").nth(1).inner_text()
        page.get_by_role("link", name="I have copied it").click()
        page.get_by_text("New secret…").click()
        operator.look("client")
        page.get_by_role("button", name="New secret").click()
        expect(page.get_by_text("shown this once")).to_be_visible()
        assert page.locator("code.secret").nth(1).inner_text() != first_secret
        page.get_by_role("link", name="I have copied it").click()
        page.get_by_text("Revoke…").click()
        page.get_by_role("button", name="Revoke").click()
        expect(page.get_by_text("The client is revoked")).to_be_visible()
        page.get_by_role("link", name="Clients").first.click()
        operator.look("clients")

        # An LTI tool.
        page.get_by_role("link", name="Tools").click()
        page.get_by_role("link", name="Register a tool").click()
        page.get_by_label("Name", exact=True).fill("Seating plan")
        page.get_by_label("Key set URL (JWKS)").fill("https://tool.example.org/jwks")
        page.get_by_label("only these:").check()
        page.get_by_role("group", name="The sources that it may see").get_by_label("school").check()
        operator.look("register-tool")
        page.get_by_role("button", name="Register").click()
        expect(page.get_by_text("The tool is registered")).to_be_visible()
        operator.look("tool")

        # Data quality, and what was done.
        page.get_by_role("link", name="Data quality").click()
        operator.look("quality")
        for question in ("Unknown roles", "People without name", "Classes with no", "People in several", "not synced"):
            page.get_by_role("link", name=question).click()
            expect(page.get_by_role("heading", level=1)).to_contain_text(question)
            operator.look("quality-" + question.split()[0].lower())
            page.get_by_role("main").get_by_role("link", name="Data quality").click()
        page.get_by_role("link", name="Activity").click()
        expect(page.get_by_text("looked at personal data of class").first).to_be_visible()
        operator.look("activity")

        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        operator.goto("/admin/activity")
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()

    assert operator.faults == []


def test_sis_is_registered_and_read_while_the_operator_watches(tmp_path, start):
    district = make_district(schools=1, classes_per_school=2, students_per_class=15, students_per_school=30)
    with PracticeSis(district) as sis, Bridge(tmp_path / "var") as bridge:
        given = sis.register_consumer()
        operator = start(bridge)
        operator.sign_in()
        page = operator.page
        page.get_by_role("link", name="Register an LMS or a SIS").click()
        page.get_by_role("link", name="Register a SIS").click()
        page.get_by_label("Name").fill("district")
        page.get_by_label("Base URL").fill(sis.base_url("1.2"))
        page.get_by_label("Token URL").fill(given["token_url"])
        page.get_by_label("Client id").fill(given["client_id"])
        page.get_by_label("Secret").fill(given["client_secret"])
        page.get_by_role("button", name="Register").click()
        page.get_by_role("button", name="Ask it for one record").click()
        expect(page.get_by_text("It answers, and lets the bridge read")).to_be_visible()
        page.get_by_role("button", name="Sync now").click()
        expect(page.locator("[data-sentence]")).to_contain_text(re.compile(r"Run \d+: .*Records: .* added"))
        operator.look("source")
        operator.goto("/admin/")
        expect(page.get_by_role("row", name=re.compile("district SIS well"))).to_be_visible()
        operator.look("dashboard-sis")
    assert operator.faults == []


class Days:
    """A clock that is so many days behind."""

    def __init__(self):
        self.behind = 0

    def __call__(self):
        return utc_now() - timedelta(days=self.behind)


def test_dashboard_of_a_school_with_a_month_behind_it(tmp_path, browser, platform_key, start):
    days = Days()
    roster = make_roster(courses=2, members_per_course=14, people=30, awkward_every=0)
    with (
        PracticeLms(roster, key=platform_key, clock=days) as lms,
        Bridge(tmp_path / "var") as bridge,
    ):
        then = Wiring(bridge.wiring.settings, days)
        contexts = [add_context(bridge, lms, number) for number in (1, 2)]
        newcomers = iter(range(100, 200))
        for days.behind in range(28, -1, -2):
            for _ in range(2 + days.behind % 5):
                roster.enroll("Course-1", invent_person(next(newcomers), every=0))
            for member in roster.members("Course-2")[-1 - days.behind % 3 : -1]:
                roster.drop("Course-2", member.person.user_id)
            for context in contexts:
                then.sync(context)
        for member in roster.members("Course-1")[15:]:
            roster.drop("Course-1", member.person.user_id)
        then.sync(contexts[0])
        then.close()
        bridge.wiring.registry.clients.add("District warehouse", scopes=[ROSTER_CORE])
        operator = start(bridge)
        operator.sign_in()

        plot = operator.page.get_by_role("img", name="People and changes by day")
        expect(plot).to_be_visible()
        assert plot.locator("rect").count() == 15
        operator.look("dashboard", keep=True)
    assert operator.faults == []


def add_context(bridge, lms, number):
    """A course of the LMS, without a launch."""
    registry = bridge.wiring.registry
    platform = next(iter(registry.platforms.of_tenant("north-high")), None)
    if platform is None:
        registration = lms.register_tool(
            login_url=f"{bridge.url}/lti/login",
            redirect_uris=[f"{bridge.url}/lti/launch"],
            jwks_url=f"{bridge.url}/.well-known/jwks.json",
        )
        del registration["deployment_id"]
        platform = registry.platforms.add(**registration, tenant="north-high")
    course = lms.roster.course(f"Course-{number}")
    return registry.contexts.add(
        platform,
        context_key(course.context_id),
        Context(context_id=course.context_id, label=course.label, title=course.title),
        memberships_url=lms.memberships_url(course.context_id),
    )


def test_pages_are_walked_with_the_keyboard(start_bridge, browser, start):
    with start_bridge() as bridge:
        operator = start(bridge)
        page = operator.page
        page.get_by_label("Name").focus()
        page.keyboard.type("ada")
        page.keyboard.press("Tab")
        page.keyboard.type(PASSWORD)
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text("Dashboard")

        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
        expect(page.get_by_role("link", name="Skip to the content")).to_be_in_viewport()
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        expect(page.get_by_role("main").get_by_role("link").first).to_be_focused()
        platform = page.get_by_role("link", name="school")
        for _ in range(10):
            if platform.evaluate("each => each === document.activeElement"):
                break
            page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text("school")

        page.get_by_text("Pause…").focus()
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        page.keyboard.type("exam week")
        page.keyboard.press("Enter")
        expect(page.get_by_text("It is paused within a second")).to_be_visible()


def test_pages_work_without_scripts(launch_browser, start_bridge, lms):
    browser = launch_browser(default_content_setting_values={"javascript": 2})
    with start_bridge() as bridge:
        bridge.wiring.registry.operators.add("ada", PASSWORD)
        platform = bridge.wiring.registry.platforms.of_tenant("school")[0]
        bridge.wiring.registry.contexts.add(
            platform,
            context_key("Course-1"),
            Context(context_id="Course-1", title="Algebra I"),
            memberships_url=lms.memberships_url("Course-1"),
        )
        operator = Operator(browser, bridge)
        operator.goto("/admin/platforms/1")
        operator.sign_in()
        page = operator.page
        page.get_by_role("link", name="Algebra I").click()
        page.get_by_role("button", name="Sync now").click()

        for _ in range(100):
            if not page.get_by_role("link", name="See how far it is").count():
                break
            page.get_by_role("link", name="See how far it is").click()
        expect(page.locator("[data-sentence]")).to_contain_text("26 added")
