"""The practice LMS's Names and Role Provisioning Service, over real sockets and with real tokens."""

import pytest
import requests

from bridge.practice.lms_tools import AGS_SCOPE
from bridge.practice.manners import Failure
from bridge.practice.people import (
    INSTITUTION_STUDENT,
    INSTRUCTOR,
    LEARNER,
    MENTOR,
    TEACHING_ASSISTANT,
    Awkward,
    invent_person,
)
from bridge.practice.rosters import make_roster
from bridge.practice.server import PracticeLms

pytestmark = pytest.mark.clause("NRPS 2.0")

NRPS_TYPE = "application/vnd.ims.lti-nrps.v2.membershipcontainer+json"
MESSAGE_TYPE = "https://purl.imsglobal.org/spec/lti/claim/message_type"


@pytest.fixture
def url(lms):
    return lms.memberships_url("Course-1")


def ids(members):
    return [member["user_id"] for member in members]


def enrolled(lms, context_id="Course-1"):
    return [member.person.user_id for member in lms.roster.members(context_id)]


class TestContainer:
    def test_holds_the_context_and_its_members(self, lms, tool, url):
        response = tool.get(url)

        assert response.headers["Content-Type"] == NRPS_TYPE
        assert response.json()["id"] == url
        assert response.json()["context"] == {"id": "Course-1", "label": "C001", "title": "Algebra I"}
        assert ids(response.json()["members"]) == enrolled(lms)

    def test_members_carry_what_is_known_of_them_and_no_more(self, lms, tool, url):
        person = invent_person(605, every=0)
        lms.roster.enroll("Course-1", person, [LEARNER])

        member = tool.get(url).json()["members"][-1]

        assert member == {
            "status": "Active",
            "user_id": person.user_id,
            "roles": [LEARNER],
            "name": person.name,
            "given_name": person.given_name,
            "family_name": person.family_name,
            "email": person.email,
        }

    def test_rlid_adds_the_message_of_the_resource_link(self, lms, tool, url):
        link = lms.roster.course("Course-1").resource_link_id

        members = tool.get(f"{url}?rlid={link}").json()["members"]

        assert ids(members) == enrolled(lms)
        assert {member["message"][0][MESSAGE_TYPE] for member in members} == {"LtiResourceLinkRequest"}

    @pytest.mark.parametrize("of", ["Course-2", "nowhere"])
    def test_rlid_of_another_context_or_of_none_is_refused(self, tool, url, of):
        assert tool.get(f"{url}?rlid=link-of-{of}").status_code == 404

    def test_an_unknown_context_is_not_found(self, lms, tool):
        assert tool.get(lms.memberships_url("course-1")).status_code == 404

    def test_a_context_id_may_hold_any_character(self, lms, tool):
        lms.roster.add_course("Ünit 7?&#%2", label="U", title="Unit")

        response = tool.get(lms.memberships_url("Ünit 7?&#%2"))

        assert response.json()["context"]["id"] == "Ünit 7?&#%2"

    def test_changes_are_seen_at_once(self, lms, tool, url):
        members = tool.get(url).json()["members"]
        stayed, left = members[0]["user_id"], members[1]["user_id"]
        lms.roster.drop("Course-1", left)
        lms.roster.rename(stayed, family_name="Renamed")
        lms.roster.change_roles("Course-1", stayed, [TEACHING_ASSISTANT, INSTRUCTOR])
        lms.roster.retitle("Course-1", "Algebra II")

        container = tool.get(url).json()

        assert left not in ids(container["members"])
        assert container["members"][0]["family_name"] == "Renamed"
        assert container["members"][0]["roles"] == [TEACHING_ASSISTANT, INSTRUCTOR]
        assert container["context"]["title"] == "Algebra II"


class TestAccess:
    def test_without_a_token_one_is_asked_for(self, tool, url):
        response = requests.get(url, headers={"Accept": NRPS_TYPE}, timeout=10)

        assert (response.status_code, response.headers["WWW-Authenticate"]) == (401, 'Bearer realm="practice"')

    @pytest.mark.parametrize("authorization", ["Bearer wrong", "Bearer", "Basic dTpw", "bearer {token}"])
    def test_a_bad_token_is_refused(self, tool, url, authorization):
        response = tool.get(url, Authorization=authorization.format(token=tool.token()))

        assert response.status_code == 401
        assert 'error="invalid_token"' in response.headers["WWW-Authenticate"]

    def test_expired_tokens_are_refused(self, lms, tool, url):
        token = tool.token()
        assert tool.get(url, token=token).status_code == 200

        lms.expire_tokens()

        assert tool.get(url, token=token).status_code == 401

    def test_a_token_for_other_services_is_refused(self, tool, url):
        response = tool.get(url, token=tool.token(AGS_SCOPE))

        assert response.status_code == 403
        assert 'error="insufficient_scope"' in response.headers["WWW-Authenticate"]

    @pytest.mark.parametrize("accept", ["application/json", "*/*", f"{NRPS_TYPE}, application/json;q=0.5"])
    def test_only_the_one_media_type_is_served(self, tool, url, accept):
        assert tool.get(url, Accept=accept).status_code == 406

    def test_only_reading_is_allowed(self, tool, url):
        assert tool.session.post(url, timeout=10).status_code == 405


class TestPaging:
    @pytest.mark.parametrize(
        ("limit", "sizes"), [(7, [7, 7, 7, 7, 2]), (15, [15, 15]), (29, [29, 1]), (30, [30]), (999999, [30])]
    )
    def test_a_walk_meets_everybody_once(self, lms, tool, url, limit, sizes):
        pages = tool.walk(f"{url}?limit={limit}")

        assert [len(page) for page in pages] == sizes
        assert [user_id for page in pages for user_id in ids(page)] == enrolled(lms)

    def test_page_size_is_the_platforms_when_none_is_asked_for(self, lms, tool, url):
        lms.manners.page_size = 12

        assert [len(page) for page in tool.walk(url)] == [12, 12, 6]

    def test_the_next_link_is_quoted_and_absolute(self, tool, url):
        link = tool.get(f"{url}?limit=5").headers["Link"]

        assert link.startswith(f"<{url}?cursor=")
        assert link.endswith('>; rel="next"')

    def test_comings_and_goings_neither_lose_nor_repeat_those_who_stay(self, lms, tool, url):
        before = enrolled(lms)
        first = tool.get(f"{url}?limit=10")
        lms.roster.drop("Course-1", before[3])
        lms.roster.drop("Course-1", before[9])
        newcomer = invent_person(777)
        lms.roster.enroll("Course-1", newcomer)

        rest = [user_id for page in tool.walk(first.links["next"]["url"]) for user_id in ids(page)]

        assert rest == [*before[10:], newcomer.user_id]

    def test_filters_last_for_the_whole_walk(self, lms, tool, url):
        link = lms.roster.course("Course-1").resource_link_id

        pages = tool.walk(f"{url}?limit=4&role=Learner&rlid={link}")

        assert len(pages) > 2
        assert all(LEARNER in member["roles"] and "message" in member for page in pages for member in page)

    @pytest.mark.parametrize(
        "spoil",
        [
            str.lower,
            lambda link: link.replace("cursor=", "cursor=x"),
            lambda link: link + "&limit=5",
            lambda link: link + "&role=Learner",
            lambda link: link.replace("Course-1", "Course-2"),
        ],
        ids=["lower-cased", "tampered", "limit added", "role added", "other context"],
    )
    def test_a_next_link_that_was_touched_is_refused(self, tool, url, spoil):
        link = tool.get(f"{url}?limit=5").links["next"]["url"]

        assert tool.get(spoil(link)).status_code in (400, 404)

    @pytest.mark.parametrize(
        "query", ["limit=0", "limit=-1", "limit=abc", "limit=", "limit=٣", "page=2", "role=a&role=b"]
    )
    def test_a_parameter_that_cannot_be_read_is_refused(self, tool, url, query):
        assert tool.get(f"{url}?{query}").status_code == 400

    def test_an_empty_course_is_an_empty_page(self, lms, tool):
        lms.roster.add_course("Empty", label="E", title="Empty")

        assert tool.walk(lms.memberships_url("Empty")) == [[]]


class TestRoleFilter:
    @pytest.mark.parametrize(
        ("role", "expected"),
        [
            ("Instructor", ["bare instructor", "assistant with principal", "assistant alone"]),
            (INSTRUCTOR, ["bare instructor", "assistant with principal", "assistant alone"]),
            (TEACHING_ASSISTANT, ["assistant with principal", "assistant alone"]),
            ("Learner", ["learner and mentor", "learner"]),
            (MENTOR, ["learner and mentor"]),
            (INSTITUTION_STUDENT, ["student of the institution"]),
            ("Administrator", []),
            ("learner", []),
            ("Student", []),
            ("urn:lti:role:ims/lis/Learner", []),
        ],
    )
    def test_selects(self, lms, tool, role, expected):
        lms.roster.add_course("Roles", label="R", title="Roles")
        people = {
            "bare instructor": [INSTRUCTOR],
            "assistant with principal": [TEACHING_ASSISTANT, INSTRUCTOR],
            "assistant alone": [TEACHING_ASSISTANT],
            "learner and mentor": [LEARNER, MENTOR],
            "learner": [LEARNER],
            "student of the institution": [INSTITUTION_STUDENT],
            "nothing": [],
            "no key": None,
        }
        names = {}
        for number, (name, roles) in enumerate(people.items()):
            person = invent_person(number)
            names[person.user_id] = name
            lms.roster.enroll("Roles", person, roles)

        response = tool.get(f"{lms.memberships_url('Roles')}?role={requests.utils.quote(role, safe='')}")

        assert [names[member["user_id"]] for member in response.json()["members"]] == expected


class TestManners:
    def test_names_may_be_kept_back(self, lms, tool, url):
        lms.manners.share_names = False

        keys = {key for member in tool.get(url).json()["members"] for key in member}

        assert keys == {"status", "user_id", "roles", "email"}

    def test_addresses_may_be_kept_back(self, lms, tool, url):
        assert any("email" in member for member in tool.get(url).json()["members"])

        lms.manners.share_email = False

        assert not any("email" in member for member in tool.get(url).json()["members"])

    def test_roles_may_be_short(self, lms, tool, url):
        lms.manners.short_roles = True

        roles = [member.get("roles") for member in tool.get(url).json()["members"]]

        assert roles[0] == ["Instructor"]
        assert ["Learner"] in roles

    def test_failures_are_used_up_one_by_one(self, lms, tool, url):
        token = tool.token()
        lms.manners.fail_next.append(Failure(503, {"Retry-After": "7"}, "resting"))
        lms.manners.fail_next.append(Failure(403, body="Rate Limit Exceeded"))

        answers = [tool.get(url, token=token) for _ in range(3)]

        assert [answer.status_code for answer in answers] == [503, 403, 200]
        assert (answers[0].headers["Retry-After"], answers[0].text) == ("7", "resting")

    def test_the_connection_is_cut_on_the_page_that_was_named(self, lms, tool, url):
        lms.manners.cut_connection_on_page = 2
        first = tool.get(f"{url}?limit=10")

        assert first.status_code == 200
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            tool.get(first.links["next"]["url"])

        lms.manners.cut_connection_on_page = None
        assert len(tool.walk(first.links["next"]["url"])) == 2


def test_every_kind_of_awkward_member_arrives(platform_key, make_tool):
    roster = make_roster(courses=1, members_per_course=40, people=40, awkward_every=1)
    with PracticeLms(roster, key=platform_key) as lms:
        members = make_tool(lms).get(lms.memberships_url("Course-1")).json()["members"]

    by_id = {member["user_id"]: member for member in members}
    assert len(by_id) == 40
    for index, awkward in enumerate(Awkward):
        person = invent_person(index, every=1)
        assert person.awkward is awkward
        assert by_id[person.user_id].get("name") == person.name
