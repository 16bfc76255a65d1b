"""The manners of real LMSs, and the faults that a test may ask of the practice LMS."""

import gzip
import json

import pytest

from bridge.lti.vendors import PROFILES
from bridge.practice.links import LinkForm, next_link
from bridge.practice.manners import Manners
from bridge.practice.people import INSTRUCTOR, LEARNER, TEACHING_ASSISTANT, invent_person
from bridge.practice.rosters import make_roster
from bridge.practice.server import PracticeLms
from bridge.practice.vendor_manners import VENDORS, manners_of


@pytest.fixture
def url(lms):
    return lms.memberships_url("Course-1")


@pytest.fixture
def as_vendor(platform_key, make_tool):
    """Starts an LMS with a vendor's manners and a course of 60; gives it, a tool there, and the memberships URL."""
    started = []

    def start(vendor):
        lms = PracticeLms(
            make_roster(courses=1, members_per_course=60, awkward_every=0), vendor=vendor, key=platform_key
        )
        lms.start()
        started.append(lms)
        return lms, make_tool(lms), lms.memberships_url("Course-1")

    yield start
    for lms in started:
        lms.close()


def ids(members):
    return [member["user_id"] for member in members]


def test_every_vendor_that_the_bridge_knows_has_manners_here():
    assert set(VENDORS) == set(PROFILES)


def test_manners_of_nobody_are_refused():
    with pytest.raises(ValueError, match=r"there are manners of generic, canvas, .* and none of Canvas"):
        manners_of("Canvas")


def test_two_lmss_of_one_vendor_share_no_manners():
    manners_of("brightspace").known_users.add("ada")

    assert manners_of("brightspace").known_users == set()


@pytest.mark.parametrize(
    ("form", "lines"),
    [
        (LinkForm.QUOTED, ['<https://a.example/m?c=X>; rel="next"']),
        (LinkForm.UNQUOTED, ["<https://a.example/m?c=X>; rel=next"]),
        (LinkForm.SECOND_LINK, ['<https://a.example/m>; rel="first", <https://a.example/m?c=X>; rel="next"']),
        (LinkForm.SECOND_LINE, ['<https://a.example/m>; rel="first"', '<https://a.example/m?c=X>; rel="next"']),
        (LinkForm.AFTER_A_TITLE, ['<https://a.example/m?c=X>; title="the next page, or; so"; rel="next"']),
        (LinkForm.UPPER_CASE, ["<https://a.example/m?c=X>; REL=NEXT"]),
        (LinkForm.SEVERAL_RELATIONS, ['<https://a.example/m?c=X>; rel="next last"']),
        (LinkForm.RELATIVE, ['</m?c=X>; rel="next"']),
        (LinkForm.PUNCTUATED, ['<https://a.example/m?c=X&at=A;B,C>; rel="next"']),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_links_are_written_in_each_form(form, lines):
    assert next_link(form, "https://a.example/m?c=X") == lines


class TestVendors:
    def test_canvas_puts_fifty_on_a_page_whatever_is_asked_for(self, as_vendor):
        _, tool, url = as_vendor("canvas")

        answer = tool.get(f"{url}?limit=100")

        assert len(answer.json()["members"]) == 50
        assert 'rel="current"' in answer.headers["Link"]
        assert "page=2&per_page=50" in answer.headers["Link"].replace("per_page=50&page=2", "page=2&per_page=50")

    def test_moodle_lists_everybody_at_once(self, as_vendor):
        _, tool, url = as_vendor("moodle")

        answer = tool.get(url)

        assert (len(answer.json()["members"]), "Link" in answer.headers) == (60, False)

    def test_moodle_forgets_the_role_behind_the_first_page(self, as_vendor):
        lms, tool, url = as_vendor("moodle")
        for number in range(900, 903):
            lms.roster.enroll("Course-1", invent_person(number, every=0), [INSTRUCTOR])

        pages = tool.walk(f"{url}?role=Instructor&limit=2")

        assert {role for member in pages[0] for role in member["roles"]} == {"Instructor"}
        assert {role for page in pages[1:] for member in page for role in member["roles"]} >= {"Learner"}

    def test_moodle_calls_a_teacher_who_may_not_edit_a_learner(self, as_vendor):
        lms, tool, url = as_vendor("moodle")
        lms.roster.enroll("Course-1", invent_person(900, every=0), [TEACHING_ASSISTANT])

        (member,) = [each for each in tool.get(url).json()["members"] if each["user_id"] == invent_person(900).user_id]

        assert member["roles"] == ["Learner"]

    def test_sakai_ends_with_an_empty_body(self, as_vendor):
        _, tool, url = as_vendor("sakai")

        answer = tool.get(f"{url}?start=60&limit=20")

        assert (answer.status_code, answer.content) == (200, b"")
        assert "start=60" in tool.get(f"{url}?start=40&limit=20").links["next"]["url"]

    def test_sakai_answers_an_unknown_token_with_403(self, as_vendor):
        _, tool, url = as_vendor("sakai")

        assert tool.get(url, token="unknown").status_code == 403

    def test_blackboard_wants_its_query_back(self, as_vendor):
        _, tool, url = as_vendor("blackboard")

        assert tool.get(url).status_code == 200
        assert tool.get(url.partition("?")[0] + "?limit=5").status_code == 400

    def test_brightspace_lists_only_those_it_has_seen(self, as_vendor):
        lms, tool, url = as_vendor("brightspace")
        lms.manners.audience = None
        somebody = lms.roster.members("Course-1")[4].person.user_id
        lms.manners.known_users = {somebody}

        assert ids(tool.get(url).json()["members"]) == [somebody]

    def test_openedx_tells_neither_names_nor_what_the_course_is_called(self, as_vendor):
        _, tool, url = as_vendor("openedx")

        container = tool.get(url).json()

        assert container["context"] == {"id": "Course-1"}
        assert {key for member in container["members"] for key in member} == {"status", "user_id", "roles"}

    def test_openedx_refuses_large_courses(self, as_vendor):
        lms, tool, url = as_vendor("openedx")
        lms.manners.most_members = 59

        assert tool.get(url).status_code == 403


class TestDifferences:
    @pytest.fixture
    def since(self, lms, tool, url):
        """Asks what has changed since this fixture was made; gives the answer."""
        lms.manners.differences = True
        link = tool.get(url).links["differences"]["url"]
        return lambda: tool.get(link)

    def test_nothing_has_changed_at_first(self, since):
        assert since().json()["members"] == []

    def test_comings_goings_and_changes_are_told_net(self, lms, since):
        members = [member.person.user_id for member in lms.roster.members("Course-1")]
        newcomer, visitor = invent_person(900, every=0), invent_person(901, every=0)
        lms.roster.drop("Course-1", members[1])
        lms.roster.rename(members[2], family_name="Once")
        lms.roster.rename(members[2], family_name="Twice")
        lms.roster.enroll("Course-1", newcomer, [LEARNER])
        lms.roster.enroll("Course-1", visitor, [LEARNER])
        lms.roster.drop("Course-1", visitor.user_id)

        told = {each["user_id"]: each for each in since().json()["members"]}

        assert told[members[1]]["status"] == told[visitor.user_id]["status"] == "Deleted"
        assert told[members[2]]["family_name"] == "Twice"
        assert told[newcomer.user_id]["status"] == "Active"
        assert len(told) == 4

    def test_only_the_first_page_links_to_differences(self, lms, tool, url):
        lms.manners.differences = True
        first = tool.get(f"{url}?limit=10")

        assert "differences" in first.links
        assert "differences" not in tool.get(first.links["next"]["url"]).links

    def test_they_come_in_pages(self, lms, tool, url, since):
        lms.manners.differences_page = 2
        link = tool.get(url).links["differences"]["url"]
        for member in lms.roster.members("Course-1")[:5]:
            lms.roster.rename(member.person.user_id, family_name="Renamed")

        assert [len(page) for page in tool.walk(link)] == [2, 2, 1]

    def test_they_may_be_gone(self, lms, since):
        lms.manners.differences_gone = True

        assert since().status_code == 410


class TestFaults:
    def test_a_page_may_be_empty_and_not_the_last(self, lms, tool, url):
        lms.manners.page_sizes = {2: 0, 3: 1}

        assert [len(page) for page in tool.walk(f"{url}?limit=20")] == [20, 0, 1, 9]

    def test_somebody_may_come_twice(self, lms, tool, url):
        lms.manners.repeat_with = (INSTRUCTOR,)

        first, second = tool.walk(f"{url}?limit=20")

        assert first[-1]["user_id"] == second[0]["user_id"]
        assert second[0]["roles"] == [INSTRUCTOR]

    def test_tokens_may_expire_on_a_page_once(self, lms, tool, url):
        lms.manners.expire_on_page = 2
        token = tool.token()
        following = tool.get(f"{url}?limit=20", token=token).links["next"]["url"]

        assert tool.get(following, token=token).status_code == 401
        assert tool.get(following, token=tool.token()).status_code == 200

    def test_every_second_request_may_be_one_too_many(self, lms, tool, url):
        lms.manners.throttle_every = 2
        token = tool.token()

        assert [tool.get(url, token=token).status_code for _ in range(4)] == [200, 429, 200, 429]

    def test_the_body_may_be_wrapped(self, lms, tool, url):
        lms.manners.compressed = lms.manners.byte_order_mark = True

        with tool.session.get(
            url,
            headers={"Authorization": f"Bearer {tool.token()}", "Accept": Manners().media_type},
            stream=True,
            timeout=10,
        ) as answer:
            body = gzip.decompress(answer.raw.read())

        assert json.loads(body.removeprefix(b"\xef\xbb\xbf"))["members"]
        assert body.startswith(b"\xef\xbb\xbf")

    @pytest.mark.parametrize(
        ("manners", "told"),
        [
            ({"scope_told": "absent"}, {"access_token", "token_type", "expires_in"}),
            ({"expires_in": None}, {"access_token", "token_type", "scope"}),
        ],
        ids=["no-scope", "no-lifetime"],
    )
    def test_token_answers_may_tell_less(self, lms, tool, manners, told):
        for name, value in manners.items():
            setattr(lms.manners, name, value)

        assert set(tool.ask_token(tool.form()).json()) == told

    def test_an_audience_may_be_asked_for(self, lms, tool):
        lms.manners.audience = "https://api.example.org/token"

        assert tool.ask_token(tool.form()).status_code == 400
        assert tool.ask_token(tool.form(tool.assertion(aud="https://api.example.org/token"))).status_code == 200
