"""Launches in a real browser that keeps no third-party cookies, from a course page on another site than the tool's."""

import pytest
from playwright.sync_api import expect

from bridge.practice.lms_frames import STORAGE_FRAME

CONNECTED = "Course connected"
BLOCKED = "This tool needs a window of its own"


@pytest.fixture
def course_page(lms):
    """The course page as its teacher, or as another member."""

    def course_page(member=0):
        user_id = lms.roster.members("Course-1")[member].person.user_id
        return f"{lms.issuer}/courses/Course-1/frame?user={user_id}"

    return course_page


@pytest.fixture
def open_course(course_page):
    """Open the course page, which frames the tool; gives the page and the tool's frame."""

    def open_course(browser, member=0):
        page = browser.new_page()
        page.goto(course_page(member))
        return page, page.frame_locator("iframe[name=tool]")

    return open_course


def heading_of(tool):
    return tool.get_by_role("heading", level=1)


@pytest.mark.parametrize(
    ("target", "announced"),
    [
        pytest.param("_parent", True, id="kept by the course page"),
        pytest.param(STORAGE_FRAME, True, id="kept by a frame beside"),
        pytest.param("_parent", False, id="found by asking, kept by the course page"),
        pytest.param(STORAGE_FRAME, False, id="found by asking, kept by a frame beside"),
    ],
)
def test_launch_succeeds_by_platform_storage(start_bridge, browser, lms, open_course, target, announced):
    lms.lms.storage.target, lms.lms.storage.announced = target, announced
    with start_bridge() as bridge:
        _, tool = open_course(browser)

        expect(heading_of(tool)).to_have_text(CONNECTED)
        assert [cookie for cookie in browser.cookies() if cookie["domain"] == "localhost"] == []
        assert len(bridge.wiring.registry.contexts.all()) == 1


def test_launch_succeeds_by_a_partitioned_cookie_where_there_is_no_storage(start_bridge, browser, lms, open_course):
    lms.lms.storage.target = None
    with start_bridge(https=True):
        page, tool = open_course(browser)

        expect(heading_of(tool)).to_have_text(CONNECTED)
        assert "lti.put_data" not in page.evaluate("window.asked")


def test_launch_succeeds_by_storage_where_no_cookie_of_any_kind_is_kept(start_bridge, strict_browser, open_course):
    with start_bridge(https=True):
        page, tool = open_course(strict_browser)

        expect(heading_of(tool)).to_have_text(CONNECTED)
        assert {"lti.put_data", "lti.get_data"} <= set(page.evaluate("window.asked"))


def test_without_cookies_and_storage_a_new_window_is_offered_and_works(start_bridge, strict_browser, lms, open_course):
    lms.lms.storage.target = None
    with start_bridge(https=True) as bridge:
        page, tool = open_course(strict_browser)
        expect(heading_of(tool)).to_have_text(BLOCKED)
        assert bridge.wiring.registry.contexts.all() == []

        with page.expect_popup() as popup:
            tool.get_by_role("link", name="Open in a new window").click()

        expect(heading_of(popup.value)).to_have_text(CONNECTED)


def test_storage_that_never_answers_is_given_up_within_seconds(start_bridge, strict_browser, lms, open_course):
    lms.lms.storage.target = "no_such_frame"
    with start_bridge(https=True):
        _, tool = open_course(strict_browser)

        expect(heading_of(tool)).to_have_text(BLOCKED)


def test_state_alone_suffices_only_where_the_operator_says_so(start_bridge, browser, lms, open_course):
    lms.lms.storage.target = None
    with start_bridge(state_only=True):
        _, tool = open_course(browser)

        expect(heading_of(tool)).to_have_text(CONNECTED)


def test_two_frames_launch_at_once(start_bridge, browser, open_course):
    with start_bridge():
        opened = [open_course(browser, member) for member in (0, 1)]

        for _, tool in opened:
            expect(heading_of(tool)).to_have_text(CONNECTED)


def test_teacher_has_the_roster_read_from_within_the_frame(start_bridge, browser, lms, open_course):
    with start_bridge():
        _, tool = open_course(browser)
        button = tool.get_by_role("button", name="Read the roster now")
        expect(tool.get_by_text("1 teacher, 10 students")).to_be_visible()
        expect(button).to_be_enabled()
        lms.roster.drop("Course-1", lms.roster.members("Course-1")[5].person.user_id)

        button.click()

        expect(tool.get_by_text("1 teacher, 9 students")).to_be_visible()
        expect(tool.get_by_role("status")).to_have_text("The roster was read, and what had changed was taken over.")
        expect(button).to_be_enabled()


def test_student_sees_the_roster_and_cannot_have_it_read(start_bridge, browser, open_course):
    with start_bridge():
        _, tool = open_course(browser, member=1)

        expect(tool.get_by_text("1 teacher, 10 students")).to_be_visible()
        expect(tool.get_by_role("button")).to_have_count(0)


def test_page_fits_a_phone(start_bridge, browser, open_course):
    with start_bridge():
        page, tool = open_course(browser)
        page.set_viewport_size({"width": 360, "height": 640})
        page.locator("iframe[name=tool]").evaluate("frame => frame.width = 320")
        expect(tool.get_by_text("1 teacher, 10 students")).to_be_visible()

        root = tool.locator("html")
        assert root.evaluate("root => root.scrollWidth <= root.clientWidth")


def test_page_breaks_no_rule_of_its_own_policy(start_bridge, browser, open_course, lms):
    complaints = []
    browser.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    with start_bridge():
        _, tool = open_course(browser)
        expect(tool.get_by_text("1 teacher, 10 students")).to_be_visible()

    assert [text for text in complaints if "Content Security Policy" in text] == []


def test_registration_ends_with_its_frame_closed(start_bridge, browser, lms):
    with start_bridge(registration="open") as bridge:
        page = browser.new_page()
        page.goto(f"{lms.issuer}/tools/register?url={bridge.url}/lti/register")

        expect(page.get_by_role("status")).to_have_text("The tool has finished.")
        assert len(bridge.wiring.registry.platforms.all()) == 2
