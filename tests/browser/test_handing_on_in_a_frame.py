"""A launch inside a course page is handed on to an application of yet another origin, which then fills the frame."""

import pytest
from playwright.sync_api import expect
from pytest_httpserver import HTTPServer
from werkzeug import Response

WELCOME = "Welcome to the quiz"


@pytest.fixture(scope="module")
def application():
    """A web application that knows nothing of LTI, and goes on to an address without the ltik, as it should."""
    with HTTPServer(threaded=True) as server:
        server.expect_request("/start").respond_with_response(Response(status=303, headers={"Location": "/quiz"}))
        server.expect_request("/quiz").respond_with_data(f"<h1>{WELCOME}</h1>", content_type="text/html")
        yield server


@pytest.mark.parametrize("https", [False, True], ids=["by platform storage", "by a partitioned cookie"])
def test_frame_comes_to_show_the_application(start_bridge, browser, lms, application, https):
    lms.lms.storage.target = None if https else "_parent"
    user_id = lms.roster.members("Course-1")[1].person.user_id
    with start_bridge(https=https) as bridge:
        registry = bridge.wiring.registry
        tool = registry.tools.add("quiz", key_set='{"keys":[]}').client_id
        registry.applications.set(tool, application.url_for("/start"))
        registry.applications.hand_on(registry.platforms.all()[0].id, tool)
        page = browser.new_page()
        page.goto(f"{lms.issuer}/courses/Course-1/frame?user={user_id}")

        expect(page.frame_locator("iframe[name=tool]").get_by_role("heading", level=1)).to_have_text(WELCOME)

    [request] = [request for request, _ in application.log if request.path == "/start"][-1:]
    assert len(request.args["ltik"]) == 43
