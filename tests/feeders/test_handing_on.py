"""A platform's launches are handed on to an application that has no LTI code: it gets launches and rosters."""

from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from pytest_httpserver import HTTPServer

from bridge.practice.browser import Browser
from tests.feeders.vendor import TIMEOUT


@pytest.fixture(scope="module")
def application():
    """A web application that knows nothing of LTI."""
    with HTTPServer(threaded=True) as server:
        server.expect_request("/start").respond_with_data("Welcome to the quiz")
        yield server


@pytest.fixture
def handed_on(bridge, vendor, register, application):
    """The launches of the bridge's registration go to the vendor's application."""
    platform = register()
    registry = bridge.wiring.registry
    registry.applications.set(vendor.tool, application.url_for("/start?school=3"))
    registry.applications.hand_on(platform.id, vendor.tool)
    return platform


def launch(lms, user_id, more=""):
    """A launch as the browser goes through it, wherever it leads."""
    with Browser() as browser:
        return browser.launch(lms.launch_url("Course-1", user_id) + more)


def ltik_of(response):
    return parse_qs(urlsplit(response.url).query)["ltik"][0]


def test_browser_goes_to_the_registered_address_with_an_ltik(handed_on, application, lms, student):
    response = launch(lms, student)

    assert response.text == "Welcome to the quiz"
    assert response.url == f"{application.url_for('/start?school=3')}&ltik={ltik_of(response)}"
    [way] = response.history
    assert way.status_code == 303
    assert way.headers["Cache-Control"] == "no-store"
    assert way.headers["Referrer-Policy"] == "no-referrer"


def test_application_without_lti_code_gets_the_launch_and_the_roster(handed_on, bridge, vendor, lms, student):
    authorization = vendor.with_ltik(ltik_of(launch(lms, student)))
    bridge.take_inbox()

    launched = vendor.ask(authorization, "idtoken").json()
    roster = vendor.ask(authorization).json()

    assert launched["user"]["id"] == student
    assert launched["services"]["namesAndRoles"] == {"available": True}
    assert len(roster["members"]) == 12
    later = vendor.ask(vendor.with_service_key(launched["services"]["serviceKey"])).json()
    assert later["members"] == roster["members"]


def test_service_key_is_the_same_in_every_launch_of_the_link(handed_on, vendor, lms, student, teacher):
    keys = set()
    for user_id in (student, teacher):
        ltik = ltik_of(launch(lms, user_id))
        keys.add(vendor.ask(vendor.with_ltik(ltik), "idtoken").json()["services"]["serviceKey"])

    assert len(keys) == 1


def test_launch_from_a_class_that_the_tool_may_not_see_stays_here(handed_on, bridge, vendor, lms, student):
    bridge.wiring.registry.tools.set(vendor.tool, sources=["elsewhere"])

    response = launch(lms, student)

    assert response.history == []
    assert response.url == f"{bridge.url}/lti/launch"


def test_launch_that_fails_a_check_goes_nowhere(handed_on, bridge):
    answer = requests.post(
        f"{bridge.url}/lti/launch",
        {"state": "made-up", "id_token": "a.b.c"},
        allow_redirects=False,
        timeout=TIMEOUT,
    )

    assert answer.status_code == 400
    assert "Location" not in answer.headers


def test_nothing_in_a_request_says_where_the_browser_goes(handed_on, application, lms, student):
    response = launch(lms, student, "&redirect=https://evil.example.org&ltik=made-up")

    assert response.url.startswith(application.url_for("/start?school=3&ltik="))
    assert parse_qs(urlsplit(response.url).query).keys() == {"school", "ltik"}


def test_launches_of_other_platforms_are_answered_here(bridge, vendor, lms, register, application):
    register()
    bridge.wiring.registry.applications.set(vendor.tool, application.url_for("/start"))

    assert bridge.launch(lms).status_code == 200


def test_revoked_tool_is_handed_nothing(handed_on, bridge, vendor, lms):
    bridge.wiring.registry.tools.revoke(vendor.tool)

    assert bridge.launch(lms).status_code == 200


def test_platform_that_keeps_its_launches_again(handed_on, bridge, lms):
    bridge.wiring.registry.applications.keep(handed_on.id)

    assert bridge.launch(lms).status_code == 200
