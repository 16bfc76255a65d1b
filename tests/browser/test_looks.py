"""The operator's pages with what is hard to show: other scripts, very long names, faults; by keyboard and by touch."""

import re

import pytest
from flask import url_for
from playwright.sync_api import expect

from bridge.csv_import import open_import
from bridge.oneroster.scopes import ROSTER, ROSTER_CORE
from bridge.practice.rosters import make_roster
from bridge.practice.server import PracticeLms
from bridge.registry.sources import RegisteredSource
from bridge.roster.identity import context_key
from bridge.roster.memberships import Context
from bridge.transport.client_secret import Credentials
from bridge.upkeep import undo_run
from tests.browser.looking import DESKTOP, PHONE
from tests.exchange.csv_sets import SMALL, changed, write_set

ARABIC = "\u0645\u0642\u062f\u0645\u0629 \u0641\u064a \u0627\u0644\u062c\u0628\u0631"
LONG = "Introduction" + "to" * 90 + "Algebra"


@pytest.fixture
def lms(platform_key):
    roster = make_roster(courses=2, members_per_course=14, people=20, awkward_every=3)
    with PracticeLms(roster, key=platform_key) as lms:
        yield lms


@pytest.fixture
def school(start_bridge, lms, tmp_path):
    """A bridge on whose pages stands all that is hard to show."""
    with start_bridge() as bridge:
        wiring, registry = bridge.wiring, bridge.wiring.registry
        platform = registry.platforms.of_tenant("school")[0]
        contexts = [
            registry.contexts.add(
                platform,
                context_key(f"Course-{number}"),
                Context(context_id=f"Course-{number}", label=title[:40], title=title),
                memberships_url=lms.memberships_url(f"Course-{number}"),
            )
            for number, title in ((1, ARABIC), (2, LONG))
        ]
        for context in contexts:
            wiring.sync(context)
        for member in lms.roster.members("Course-1")[2:]:
            lms.roster.drop("Course-1", member.person.user_id)
        wiring.sync(contexts[0])
        undo_run(wiring, 2, made_by="ada")
        credentials = Credentials(client_id="b", secret="s", token_url=f"{lms.issuer}/nowhere", scopes=(ROSTER,))
        sis = registry.sources.add(
            RegisteredSource(name="district", base_url=f"{lms.issuer}/nothing", credentials=credentials)
        )
        wiring.sync(sis)
        many = [*SMALL["enrollments"], *(f"x{number},,,K,S,s1,student,,," for number in range(30))]
        for lines in (changed(SMALL, enrollments=many), SMALL):
            with open_import(wiring, write_set(tmp_path / "in.zip", lines), source="files") as opened:
                opened.apply(lambda _: None)
        registry.clients.add(LONG, scopes=[ROSTER_CORE])
        registry.tools.add(LONG, jwks_url="https://tool.example.org/" + "jwks" * 60)
        bridge.contexts = contexts
        yield bridge


def path_of(bridge, endpoint, **named):
    with bridge.admin.test_request_context():
        return "/admin" + url_for(endpoint, **named)


def test_every_page_is_fit_to_be_seen_whatever_stands_on_it(school, start):
    operator = start(school)
    operator.sign_in()
    registry, (first, second) = school.wiring.registry, school.contexts
    client, tool = registry.clients.all()[0].client_id, registry.tools.all()[0].client_id
    for context in (first, second):
        operator.goto(path_of(school, "contexts.show", tenant=context.tenant, key=context.key))
        operator.page.get_by_role("button", name="Show personal data").click()
        operator.look(f"looks-context-{context.context_id}", dark=True)
    for name, path in {
        "dashboard": "/admin/",
        "platform": "/admin/platforms/1",
        "sis": "/admin/sources/district/",
        "files": "/admin/sources/files/",
        "held-plans": "/admin/held/",
        "held-plan": "/admin/held/3",
        "held-import": "/admin/held/7",
        "runs": "/admin/runs/",
        "run": "/admin/runs/1",
        "run-undone": "/admin/runs/4",
        "quarantine": "/admin/runs/1/quarantine",
        "client": f"/admin/clients/{client}",
        "client-limits": f"/admin/clients/{client}/limits",
        "tool": f"/admin/tools/{tool}",
        "tool-limits": f"/admin/tools/{tool}/limits",
        "clients": "/admin/clients/",
        "tools": "/admin/tools/",
        "sis-form": "/admin/setup/sis/",
        "activity": "/admin/activity",
        "not-found": "/admin/nowhere",
        "no-run": "/admin/runs/99",
    }.items():
        operator.goto(path)
        operator.look(f"looks-{name}", dark=True)
    assert operator.faults == []


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_keyboard_comes_to_everything_sees_where_it_is_and_is_trapped_nowhere(school, start, size):
    operator = start(school)
    operator.sign_in()
    page = operator.page
    page.set_viewport_size(size)
    context = school.contexts[0]
    for path in ("/admin/", "/admin/held/", path_of(school, "contexts.show", tenant=context.tenant, key=context.key)):
        operator.goto(path)
        stops, marked = [], []
        for _ in range(120):
            page.keyboard.press("Tab")
            at, outline = page.evaluate(
                """() => { const at = document.activeElement; const style = getComputedStyle(at);
                return [at === document.body ? "" : at.outerHTML.slice(0, 200),
                    style.outlineStyle !== "none" || style.boxShadow !== "none"]; }"""
            )
            if not at:
                break
            stops.append(at)
            marked.append(outline)
        assert stops[0].startswith('<a class="skip'), path
        assert all(marked), [stop for stop, seen in zip(stops, marked, strict=True) if not seen]
        everything = page.locator("main :is(a[href], button, input:not([type=hidden]), summary, time)")
        assert len([stop for stop in stops if "skip" not in stop]) >= everything.locator("visible=true").count() > 5


def test_exact_time_is_told_when_it_is_reached_or_tapped(school, start):
    operator = start(school)
    operator.sign_in()
    operator.page.set_viewport_size(PHONE)
    operator.goto("/admin/runs/")
    time = operator.page.locator("time").first

    time.click()

    shown = time.evaluate("each => getComputedStyle(each, '::after').content")
    assert re.search(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", shown)
    expect(time).to_have_attribute("title", re.compile(r"\d{4}-\d\d-\d\d"))


def test_pages_have_landmarks_and_headings_and_say_aloud_how_a_reading_goes(school, start):
    operator = start(school)
    operator.sign_in()
    page, context = operator.page, school.contexts[0]
    operator.goto(path_of(school, "contexts.show", tenant=context.tenant, key=context.key))

    for landmark in ("banner", "navigation", "main", "contentinfo"):
        expect(page.get_by_role(landmark)).to_have_count(1)
    expect(page.get_by_role("heading", level=1)).to_have_count(1)
    expect(page.get_by_role("link", name="Skip to the content")).to_have_count(1)
    expect(page.locator("[data-sentence]")).to_have_attribute("aria-live", "polite")
    expect(page.get_by_role("region", name="Reading")).to_be_visible()
