"""A tool that was written for LTIAAS, with another base URL: ``/api/memberships`` and ``/api/idtoken``.

The shapes are those of LTIAAS's documentation and of the schemas in its client library for Node (``@ltiaas/sdk``).
"""

import pytest
import requests

from bridge.lti.claims import CORE
from bridge.roster.identity import LtiUserId, user_sourced_id
from tests.feeders.vendor import TIMEOUT


def refused(answer, status):
    """The bridge's own shape of error, and LTIAAS's beside it."""
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert body.keys() == {"error", "detail", "status", "details"}
    assert body["status"] == status
    assert body["details"]["description"] == body["detail"]
    return body


@pytest.fixture
def read(bridge, lms, register):
    """The bridge has read the course."""
    register()
    bridge.take_up(lms)


@pytest.fixture
def handed(read, vendor, lms, student):
    return vendor.launched(lms, student)


class TestHeaders:
    @pytest.mark.parametrize("way", ["ltik", "service key", "older"])
    def test_every_header_reads_the_memberships(self, vendor, lms, handed, way):
        authorization = {
            "ltik": vendor.with_ltik(handed["ltik"]),
            "service key": vendor.with_service_key(handed["serviceKey"]),
            "older": vendor.with_older_header(handed["ltik"]),
        }[way]

        answer = vendor.ask(authorization)

        assert answer.status_code == 200
        assert len(answer.json()["members"]) == len(lms.roster.members("Course-1"))

    @pytest.mark.parametrize(
        "authorization",
        [
            pytest.param(None, id="none"),
            pytest.param("Bearer {key}", id="API key alone"),
            pytest.param("LTIK-AUTH-V2 {key}", id="no ltik"),
            pytest.param("LTIK-AUTH-V2 {key}:", id="empty ltik"),
            pytest.param("LTIK-AUTH-V2 :{ltik}", id="no API key"),
            pytest.param("LTIK-AUTH-V2 {key}:another", id="unknown ltik"),
            pytest.param("LTIK-AUTH-V2 another:{ltik}", id="unknown API key"),
            pytest.param("LTIK-AUTH-V3 {key}:{ltik}", id="unknown scheme"),
            pytest.param("SERVICE-AUTH-V1 {key}:{ltik}", id="ltik for a service key"),
            pytest.param("LTIK-AUTH-V2 {key}:{service}", id="service key for an ltik"),
            pytest.param("LTIK-AUTH-V1 Token={ltik}", id="older without API key"),
            pytest.param("LTIK-AUTH-V1 Token={ltik}, Additional={key}", id="older without Bearer"),
        ],
    )
    def test_anything_else_is_refused(self, bridge, vendor, handed, authorization):
        text = (authorization or "").format(key=vendor.api_key, ltik=handed["ltik"], service=handed["serviceKey"])

        answer = requests.get(
            f"{bridge.url}/api/memberships", headers={"Authorization": text} if authorization else {}, timeout=TIMEOUT
        )

        assert "AUTHORIZATION_HEADER" in refused(answer, 401)["details"]["message"]

    @pytest.mark.parametrize("way", ["ltik", "service key"])
    def test_what_another_tool_was_given_is_good_for_that_tool_alone(self, make_vendor, vendor, handed, way):
        other = make_vendor("other")
        authorization = {
            "ltik": other.with_ltik(handed["ltik"]),
            "service key": other.with_service_key(handed["serviceKey"]),
        }[way]

        refused(other.ask(authorization), 401)

    def test_revoked_service_key_is_refused_and_the_next_launch_brings_another(
        self, bridge, vendor, lms, student, handed
    ):
        bridge.wiring.registry.service_keys.revoke(vendor.tool)

        refused(vendor.ask(vendor.with_service_key(handed["serviceKey"])), 401)
        again = vendor.launched(lms, student, nonce="n-2")
        assert again["serviceKey"] != handed["serviceKey"]
        assert vendor.ask(vendor.with_service_key(again["serviceKey"])).status_code == 200

    def test_service_key_outlives_the_api_key_that_it_was_given_to(self, bridge, vendor, handed):
        keys = bridge.wiring.registry.tool_keys
        vendor.api_key = keys.issue(vendor.tool)
        keys.revoke(vendor.tool, keys.of(vendor.tool)[0].id)

        assert vendor.ask(vendor.with_service_key(handed["serviceKey"])).status_code == 200


class TestMembers:
    def test_members_are_those_of_the_course_in_the_present_spelling(self, vendor, lms, handed):
        answer = vendor.ask(vendor.with_ltik(handed["ltik"])).json()

        told = {each["userId"]: each for each in answer["members"]}
        spelling = {"user_id": "userId", "given_name": "givenName", "family_name": "familyName"}
        for member in lms.roster.members("Course-1"):
            said = {spelling.get(name, name): value for name, value in member.to_nrps(lms.manners.style).items()}
            told_of_her = told[member.person.user_id]
            for name in ("userId", "roles", "status", "name", "givenName", "familyName", "email"):
                assert told_of_her.get(name) == (list(said[name]) if name == "roles" else said.get(name))
            assert not {"picture", "lisPersonSourcedid"} & told_of_her.keys()  # not shared with this tool
        assert answer["context"] == {"id": "Course-1", "label": "C001", "title": lms.roster.course("Course-1").title}
        assert answer["lastSynced"].endswith("Z")
        assert "next" not in answer

    def test_older_header_is_answered_in_the_older_spelling(self, vendor, handed):
        older = vendor.ask(vendor.with_older_header(handed["ltik"])).json()["members"]
        present = vendor.ask(vendor.with_ltik(handed["ltik"])).json()["members"]

        assert [
            (each["user_id"], each["given_name"], each["family_name"], each["roles"], each["status"]) for each in older
        ] == [
            (each["userId"], each["givenName"], each["familyName"], each["roles"], each["status"]) for each in present
        ]
        assert not any("userId" in each for each in older)

    @pytest.mark.parametrize(
        ("role", "share"),
        [
            pytest.param("Learner", 11, id="short name"),
            pytest.param("http://purl.imsglobal.org/vocab/lis/v2/membership#Instructor", 1, id="URI"),
            pytest.param("Nonesuch", 0, id="unknown"),
        ],
    )
    def test_role(self, vendor, handed, role, share):
        answer = vendor.ask(vendor.with_ltik(handed["ltik"]), role=role)

        assert (answer.status_code, len(answer.json()["members"])) == (200, share)

    @pytest.mark.parametrize("limit", ["0", "-1", "many", "1.5", ""])
    def test_limit_that_is_no_number_is_refused(self, vendor, handed, limit):
        assert "limit" in refused(vendor.ask(vendor.with_ltik(handed["ltik"]), limit=limit), 400)["detail"]

    @pytest.mark.parametrize("link", ["own", "true"])
    def test_resource_link_of_the_launch(self, vendor, lms, handed, link):
        link = lms.roster.course("Course-1").resource_link_id if link == "own" else link

        answer = vendor.ask(vendor.with_ltik(handed["ltik"]), resourceLinkId=link)

        assert len(answer.json()["members"]) == 12

    def test_resource_link_that_this_tool_was_never_launched_through_is_refused(self, vendor, handed):
        answer = vendor.ask(vendor.with_ltik(handed["ltik"]), resourceLinkId="another")

        assert "resourceLinkId" in refused(answer, 400)["detail"]


class TestPages:
    def test_url_leads_to_the_last_member(self, vendor, handed):
        authorization = vendor.with_ltik(handed["ltik"])
        whole = vendor.ask(authorization).json()["members"]

        page = vendor.ask(authorization, limit=5).json()
        walked = page["members"]
        while "next" in page:
            assert len(page["members"]) == 5
            page = vendor.ask(authorization, url=page["next"]).json()
            walked += page["members"]

        assert walked == whole

    def test_url_makes_every_other_parameter_be_ignored(self, vendor, handed):
        authorization = vendor.with_ltik(handed["ltik"])
        url = vendor.ask(authorization, limit=5, role="Learner").json()["next"]

        plain = vendor.ask(authorization, url=url).json()
        with_others = vendor.ask(
            authorization, url=url, limit="nonsense", role="Instructor", resourceLinkId="another"
        ).json()

        assert with_others["members"] == plain["members"]

    def test_next_is_an_address_that_can_be_asked_itself(self, vendor, handed):
        authorization = vendor.with_ltik(handed["ltik"])
        url = vendor.ask(authorization, limit=5).json()["next"]

        direct = requests.get(url, headers={"Authorization": authorization}, timeout=TIMEOUT)

        assert direct.json()["members"] == vendor.ask(authorization, url=url).json()["members"]

    def test_role_and_limit_hold_on_every_page(self, vendor, handed):
        authorization = vendor.with_service_key(handed["serviceKey"])
        url = vendor.ask(authorization, limit=4, role="Learner").json()["next"]

        page = vendor.ask(authorization, url=url).json()

        assert [len(page["members"]), "next" in page] == [4, True]

    @pytest.mark.parametrize(
        "url",
        [
            pytest.param("https://lms.example.org/members?page=2", id="another host"),
            pytest.param("{root}/api/memberships", id="without a place"),
            pytest.param("{root}/api/memberships?cursor=made-up", id="made up"),
            pytest.param("{root}.example.org/api/memberships?cursor=made-up", id="host that begins like ours"),
            pytest.param("{root}/healthz?cursor=made-up", id="another path"),
            pytest.param("", id="empty"),
        ],
    )
    def test_url_that_the_bridge_has_not_minted_is_refused(self, bridge, vendor, handed, url):
        answer = vendor.ask(vendor.with_ltik(handed["ltik"]), url=url.format(root=bridge.url))

        assert refused(answer, 400)["detail"].startswith("url: ")

    def test_url_of_another_launch_context_is_refused(self, bridge, vendor, lms, handed):
        bridge.take_up(lms, "Course-2")
        somebody = lms.roster.members("Course-2")[0].person.user_id
        elsewhere = vendor.launched(lms, somebody, "Course-2", nonce="n-2")
        url = vendor.ask(vendor.with_ltik(elsewhere["ltik"]), limit=5).json()["next"]

        refused(vendor.ask(vendor.with_ltik(handed["ltik"]), url=url), 400)

    def test_url_is_void_when_the_privacy_level_changes(self, bridge, vendor, handed):
        authorization = vendor.with_ltik(handed["ltik"])
        url = vendor.ask(authorization, limit=5).json()["next"]
        bridge.wiring.registry.tools.set(vendor.tool, shares=["email"])

        refused(vendor.ask(authorization, url=url), 400)


class TestPrivacy:
    """The tool's privacy level holds in everything that it is told."""

    def test_members_without_names_and_addresses(self, make_vendor, lms, read, student):
        vendor = make_vendor("discreet", shares=[])
        handed = vendor.launched(lms, student)

        for authorization in (vendor.with_ltik(handed["ltik"]), vendor.with_older_header(handed["ltik"])):
            for member in vendor.ask(authorization).json()["members"]:
                assert {name.lower().replace("_", "") for name in member} == {"userid", "roles", "status"}

    @pytest.mark.parametrize("raw", [False, True], ids=["in order", "raw"])
    def test_idtoken_without_names_and_addresses(self, make_vendor, lms, read, student, raw):
        vendor = make_vendor("discreet", shares=[])
        handed = vendor.launched(lms, student)

        answer = vendor.ask(vendor.with_ltik(handed["ltik"]), "idtoken", **({"raw": "true"} if raw else {}))

        person = lms.roster.member("Course-1", student).person
        for told in (person.given_name, person.family_name, person.email):
            assert told not in answer.text
        assert CORE + "custom" not in answer.json()
        assert CORE + "lis" not in answer.json()
        assert answer.json()["sub"] == student if raw else answer.json()["launch"]["custom"] == {}

    def test_people_are_told_by_one_id_everywhere(self, make_vendor, lms, read, student):
        vendor = make_vendor("by sourcedId", user_ids="sourcedid")
        handed = vendor.launched(lms, student)
        authorization = vendor.with_ltik(handed["ltik"])
        sourced_id = user_sourced_id("school", LtiUserId(student))

        assert sourced_id in {each["userId"] for each in vendor.ask(authorization).json()["members"]}
        assert vendor.ask(authorization, "idtoken").json()["user"]["id"] == sourced_id
        assert vendor.ask(authorization, "idtoken", raw="true").json()["sub"] == sourced_id

    def test_class_that_the_tool_may_see_no_more(self, bridge, vendor, handed):
        bridge.wiring.registry.tools.set(vendor.tool, sources=["elsewhere"])
        authorization = vendor.with_ltik(handed["ltik"])

        refused(vendor.ask(authorization), 403)
        refused(vendor.ask_for_sync(authorization), 403)
        refused(vendor.ask(authorization, "idtoken"), 403)
        refused(vendor.ask(authorization, "idtoken", raw="true"), 403)


class TestIdToken:
    def test_launch_in_order(self, vendor, lms, student, handed):
        answer = vendor.ask(vendor.with_ltik(handed["ltik"]), "idtoken").json()

        person = lms.roster.member("Course-1", student).person
        course = lms.roster.course("Course-1")
        assert answer["ltiVersion"] == "1.3.0"
        assert answer["user"]["id"] == student
        assert answer["user"]["roles"] == list(lms.roster.member("Course-1", student).roles)
        assert (answer["user"]["givenName"], answer["user"]["email"]) == (person.given_name, person.email)
        assert answer["platform"] == {
            "id": "school",
            "url": lms.issuer,
            "clientId": vendor.client_id,
            "deploymentId": lms.lms.tools.get(vendor.client_id).deployment_id,
            "name": "Practice LMS",
            "guid": lms.issuer,
            "productFamilyCode": "practice",
            "version": "1.0",
        }
        assert answer["launch"]["type"] == "LtiResourceLinkRequest"
        assert answer["launch"]["context"]["id"] == "Course-1"
        assert answer["launch"]["resourceLink"] == {"id": course.resource_link_id, "title": "The tool"}
        assert answer["launch"]["presentation"]["documentTarget"] == "window"
        assert answer["launch"]["custom"] == {"resource_link": course.resource_link_id}
        assert answer["services"] == {
            "outcomes": {"available": False},
            "deepLinking": {"available": False},
            "assignmentAndGrades": {"available": False},
            "namesAndRoles": {"available": True},
            "serviceKey": handed["serviceKey"],
        }

    def test_raw_one_has_the_platform_s_own_names(self, vendor, student, handed):
        answer = vendor.ask(vendor.with_ltik(handed["ltik"]), "idtoken", raw="true").json()

        assert answer["ltiVersion"] == "1.3.0"
        assert (answer["sub"], answer["aud"], answer["nonce"]) == (student, vendor.client_id, "n-1")
        assert answer[CORE + "context"]["id"] == "Course-1"

    def test_service_key_stands_for_no_launch(self, vendor, handed):
        refused(vendor.ask(vendor.with_service_key(handed["serviceKey"]), "idtoken"), 401)

    def test_nothing_of_it_may_be_stored_on_the_way(self, vendor, handed):
        answer = vendor.ask(vendor.with_ltik(handed["ltik"]), "idtoken")

        assert answer.headers["Cache-Control"] == "private, no-store"


class TestSync:
    def test_sync_is_asked_for_and_seen_by_its_stamp(self, bridge, vendor, lms, student, register):
        register()
        authorization = vendor.with_ltik(vendor.launched(lms, student)["ltik"])

        answer = vendor.ask_for_sync(authorization)
        assert (answer.status_code, answer.json()) == (202, {"lastSynced": None})
        bridge.take_inbox()

        assert vendor.ask(authorization).json()["lastSynced"] is not None

    def test_sync_right_after_another_has_to_wait(self, vendor, handed):
        answer = vendor.ask_for_sync(vendor.with_service_key(handed["serviceKey"]))

        refused(answer, 429)
        assert 1 <= int(answer.headers["Retry-After"]) <= 60

    def test_paused_roster_stays_paused(self, bridge, vendor, lms, student, register):
        platform = register()
        authorization = vendor.with_ltik(vendor.launched(lms, student)["ltik"])
        bridge.wiring.registry.pauses.pause_platform(platform.id, "operator", "holidays")

        assert "paused" in refused(vendor.ask_for_sync(authorization), 429)["detail"]

    def test_context_that_the_bridge_cannot_read(self, vendor, lms, student):
        authorization = vendor.with_ltik(vendor.launched(lms, student)["ltik"])

        assert "launches alone" in refused(vendor.ask_for_sync(authorization), 404)["detail"]


def test_memberships_before_anything_is_known(vendor, lms, student):
    authorization = vendor.with_ltik(vendor.launched(lms, student)["ltik"])

    refused(vendor.ask(authorization), 404)
