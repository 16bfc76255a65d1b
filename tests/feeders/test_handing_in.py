"""A tool hands in the launches that an LMS has sent it: ``POST /api/launches``."""

import json
from base64 import urlsafe_b64encode
from datetime import timedelta

import pytest
import requests
from joserfc import jwt
from joserfc.jwk import RSAKey

from bridge.clock import utc_now
from bridge.lti.claims import CORE, NRPS
from bridge.registry.feeders import Audience
from bridge.roster.identity import LtiUserId, class_sourced_id, context_key, user_sourced_id
from bridge.settings import Feeders
from tests.feeders.vendor import TIMEOUT, Vendor
from tests.journeys.running_bridge import RunningBridge

CLASS = class_sourced_id("school", context_key("Course-1"))


def claims_of(vendor, lms, user_id="42", **more):
    return {
        "iss": lms.issuer,
        "aud": vendor.client_id,
        "sub": user_id,
        "given_name": "Mira",
        "family_name": "Example",
        CORE + "deployment_id": "1",
        CORE + "roles": ["Learner"],
        CORE + "context": {"id": "Course-1", "title": "Biology"},
        CORE + "resource_link": {"id": "link-1"},
        **more,
    }


def refused(answer, status):
    assert answer.status_code == status, answer.text
    assert answer.json().keys() == {"error", "detail"}
    return answer.json()["detail"]


class TestWithoutAnyRoster:
    """The bridge is not registered at the LMS: it knows what is handed in, and no more."""

    def test_answer_names_what_it_will_be_known_by(self, vendor, lms, student):
        answer = vendor.hand_in(vendor.id_token(lms, student))

        assert answer.status_code == 201
        assert answer.json()["classSourcedId"] == CLASS
        assert answer.json()["userSourcedId"] == user_sourced_id("school", LtiUserId(student))
        assert answer.json()["namesAndRoles"] == {"available": False}
        assert len(answer.json()["ltik"]) == len(answer.json()["serviceKey"]) == 43

    def test_person_becomes_a_user_with_an_enrollment(self, bridge, vendor, lms, student):
        handed = vendor.launched(lms, student)
        bridge.take_inbox()
        consumer = bridge.consumer()

        [user] = consumer.all("users")
        [enrollment] = consumer.all("enrollments")
        [class_] = consumer.all("classes")
        person = lms.roster.member("Course-1", student).person
        assert user["sourcedId"] == handed["userSourcedId"]
        assert (user["givenName"], user["email"]) == (person.given_name, person.email)
        assert user["metadata"]["bridge.source"] == f"feeder:{vendor.tool}"
        assert enrollment["role"] == "student"
        assert enrollment["metadata"]["bridge.signed"] == "true"
        assert class_["sourcedId"] == handed["classSourcedId"]
        assert class_["title"] == lms.roster.course("Course-1").title

    def test_several_people_make_a_class_that_is_read_back(self, bridge, vendor, lms):
        members = lms.roster.members("Course-1")
        for number, member in enumerate(members):
            handed = vendor.launched(lms, member.person.user_id, nonce=f"n-{number}")
        bridge.take_inbox()

        answer = vendor.ask(vendor.with_ltik(handed["ltik"]))

        assert {each["userId"]: each["roles"] for each in answer.json()["members"]} == {
            member.person.user_id: list(member.roles) for member in members
        }
        assert answer.json()["lastSynced"] is None

    def test_claims_alone_are_the_feeder_s_word(self, bridge, vendor, lms):
        answer = vendor.hand_in(claims_of(vendor, lms))
        bridge.take_inbox()

        [user] = bridge.consumer().all("users")
        assert answer.status_code == 201
        assert user["givenName"] == "Mira"
        assert "bridge.signed" not in user["metadata"]

    def test_claims_alone_never_outrank_what_the_platform_has_signed(self, bridge, vendor, lms, student):
        vendor.launched(lms, student)
        vendor.hand_in(claims_of(vendor, lms, student, **{CORE + "roles": ["Instructor"]}))
        bridge.take_inbox()

        consumer = bridge.consumer()
        assert consumer.all("users")[0]["givenName"] == lms.roster.member("Course-1", student).person.given_name
        assert [one["role"] for one in consumer.all("enrollments")] == ["student"]

    def test_claims_alone_name_no_place_to_read_from(self, bridge, vendor, lms):
        vendor.hand_in(claims_of(vendor, lms, **{NRPS: {"context_memberships_url": "http://127.0.0.1:1/"}}))

        assert bridge.wiring.registry.contexts.all() == []

    def test_launch_without_a_context_is_taken_and_makes_nothing_known(self, bridge, vendor, lms):
        claims = claims_of(vendor, lms)
        del claims[CORE + "context"]

        answer = vendor.hand_in(claims)
        bridge.take_inbox()

        assert (answer.status_code, answer.json()["classSourcedId"]) == (201, None)
        assert answer.json()["serviceKey"] is None
        assert bridge.consumer().all("classes") == []

    def test_anonymous_launch_makes_the_class_known(self, bridge, vendor, lms):
        claims = claims_of(vendor, lms)
        del claims["sub"]

        answer = vendor.hand_in(claims)
        bridge.take_inbox()

        assert answer.json()["userSourcedId"] is None
        assert [one["title"] for one in bridge.consumer().all("classes")] == ["Biology"]
        assert bridge.consumer().all("users") == []


class TestBesideARoster:
    """The bridge is registered at the same LMS, under a client id of its own."""

    @pytest.fixture(autouse=True)
    def registered(self, register):
        return register()

    def test_context_is_read_as_after_a_launch_of_our_own(self, bridge, vendor, lms, student):
        handed = vendor.launched(lms, student)
        assert handed["namesAndRoles"] == {"available": True}
        bridge.take_inbox()

        enrollments = bridge.consumer().by_lti_user("enrollments")
        assert enrollments.keys() == {member.person.user_id for member in lms.roster.members("Course-1")}
        assert not any("bridge.source" in one["metadata"] for one in enrollments.values())

    def test_somebody_whom_the_roster_does_not_name_is_not_enrolled(self, bridge, vendor, lms):
        bridge.take_up(lms)
        vendor.hand_in(claims_of(vendor, lms, "stranger"))
        bridge.take_inbox()

        assert "stranger" not in bridge.consumer().by_lti_user("enrollments")
        assert "stranger" not in bridge.consumer().by_lti_user("users")

    def test_first_roster_takes_the_place_of_what_was_fed(self, bridge, vendor, lms):
        vendor.hand_in(claims_of(vendor, lms, "stranger"))
        bridge.take_inbox()
        assert "stranger" in bridge.consumer().by_lti_user("enrollments")

        bridge.take_up(lms)

        stranger = bridge.consumer().by_lti_user("enrollments")["stranger"]
        assert stranger["status"] == "tobedeleted"

    def test_roster_s_names_and_roles_stay_whatever_is_fed(self, bridge, vendor, lms, student):
        bridge.take_up(lms)
        before = bridge.consumer().everything()

        vendor.hand_in(claims_of(vendor, lms, student, **{CORE + "roles": ["Instructor"]}))
        bridge.take_inbox()

        assert bridge.consumer().everything() == before

    def test_known_address_of_a_roster_stays(self, bridge, vendor, lms, student):
        bridge.take_up(lms)
        context = bridge.wiring.registry.contexts.find("Course-1")

        lms.manners.query = "somewhere=else"
        vendor.launched(lms, student)

        again = bridge.wiring.registry.contexts.find("Course-1")
        assert again.memberships_url == context.memberships_url

    def test_hand_in_removes_nobody(self, bridge, vendor, lms, student):
        bridge.take_up(lms)
        vendor.launched(lms, student)
        bridge.take_inbox()

        assert {one["status"] for one in bridge.consumer().all("enrollments")} == {"active"}


class TestTheSameAgain:
    def test_same_id_token_gets_the_same_answer(self, vendor, lms, student):
        token = vendor.id_token(lms, student)

        first, again = vendor.hand_in(token), vendor.hand_in(token)

        assert (first.status_code, again.status_code) == (201, 200)
        assert first.json() == again.json()

    def test_another_launch_of_the_same_link_has_its_own_ltik_and_the_same_service_key(self, vendor, lms, student):
        one, other = (vendor.launched(lms, student, nonce=nonce) for nonce in ("n-1", "n-2"))

        assert one["ltik"] != other["ltik"]
        assert one["serviceKey"] == other["serviceKey"]

    def test_nonce_is_good_for_one_id_token(self, vendor, lms, student, teacher):
        vendor.launched(lms, student, nonce="n-1")

        answer = vendor.hand_in(vendor.id_token(lms, teacher, nonce="n-1"))

        assert "nonce" in refused(answer, 400)

    def test_two_tools_with_one_audience_have_an_answer_each(self, bridge, vendor, lms, student):
        other = Vendor(bridge, "other")
        bridge.wiring.registry.feeders.bind(
            Audience(
                tool=other.tool,
                issuer=lms.issuer,
                client_id=vendor.client_id,
                tenant="school",
                jwks_url=lms.lms.jwks_url,
            )
        )
        token = vendor.id_token(lms, student)

        answers = [vendor.hand_in(token), other.hand_in(token)]

        assert [answer.status_code for answer in answers] == [201, 201]
        assert answers[0].json()["ltik"] != answers[1].json()["ltik"]


class TestRefused:
    def test_audience_of_another_tool(self, make_vendor, lms, student):
        one, other = make_vendor("one"), make_vendor("other")

        assert "not bound to" in refused(one.hand_in(other.id_token(lms, student)), 403)

    def test_claims_for_an_audience_of_another_tool(self, make_vendor, lms):
        one, other = make_vendor("one"), make_vendor("other")

        assert "not bound to" in refused(one.hand_in(claims_of(other, lms)), 403)

    def test_key_of_another_platform(self, vendor, lms, student):
        claims = jwt.decode(vendor.id_token(lms, student), lms.lms.key, algorithms=["RS256"]).claims
        foreign = RSAKey.generate_key(2048, parameters={"kid": lms.lms.key.kid})
        token = jwt.encode({"alg": "RS256", "kid": lms.lms.key.kid}, claims, foreign, algorithms=["RS256"])

        assert "signature" in refused(vendor.hand_in(token), 400)

    def test_no_signature_at_all(self, vendor, lms, student):
        head, payload, _ = vendor.id_token(lms, student).split(".")

        assert "signature" in refused(vendor.hand_in(f"{head}.{payload}."), 400)

    def test_id_token_that_expired_long_ago(self, bridge, vendor, lms, student):
        late = timedelta(seconds=bridge.settings.feeders.grace) + timedelta(minutes=10)
        token = _signed_in_the_past(vendor, lms, student, late)

        assert "expired" in refused(vendor.hand_in(token), 400)

    def test_tenant_that_the_tool_may_not_see(self, make_vendor, lms, student):
        vendor = make_vendor(sources=["elsewhere"])

        assert "may not see" in refused(vendor.hand_in(vendor.id_token(lms, student)), 403)

    def test_deployment_that_is_not_bound(self, bridge, vendor, lms, student):
        feeders = bridge.wiring.registry.feeders
        [audience] = feeders.of(vendor.tool)
        feeders.unbind(vendor.tool, audience.issuer, audience.client_id)
        feeders.bind(
            Audience(
                tool=vendor.tool,
                issuer=lms.issuer,
                client_id=vendor.client_id,
                deployment_id="another",
                tenant="school",
                jwks_url=lms.lms.jwks_url,
            )
        )

        assert "deployment" in refused(vendor.hand_in(vendor.id_token(lms, student)), 403)

    @pytest.mark.parametrize(
        "body",
        [
            pytest.param([], id="no object"),
            pytest.param({}, id="nothing in it"),
            pytest.param({"idToken": 5}, id="id_token is a number"),
            pytest.param({"idToken": "a.b.c"}, id="id_token is no JWT"),
            pytest.param({"iss": "https://lms.example.org"}, id="no deployment, no audience"),
        ],
    )
    def test_nonsense(self, vendor, body):
        assert vendor.hand_in(body).status_code in {400, 403}

    @pytest.mark.parametrize(
        "claim", [{"iss": "\ud800"}, {"aud": ["\ud800"]}, {"azp": ["quiz-1"]}, {"azp": {}}], ids=repr
    )
    def test_names_that_are_none(self, vendor, lms, claim):
        header, claims = ({"alg": "RS256", "kid": "k"}, {**claims_of(vendor, lms), **claim})
        parts = [urlsafe_b64encode(json.dumps(part).encode()).decode() for part in (header, claims)]

        assert vendor.hand_in(".".join([*parts, "AA"])).status_code in {400, 403}

    @pytest.mark.parametrize("missing", ["roles", "deployment_id"])
    def test_claims_without_what_a_launch_must_have(self, vendor, lms, missing):
        claims = claims_of(vendor, lms)
        del claims[CORE + missing]

        assert missing.partition("_")[0] in refused(vendor.hand_in(claims), 400)

    @pytest.mark.parametrize("authorization", [None, "nonsense", "LTIK-AUTH-V2 a:b"])
    def test_whoever_sends_no_key_is_told_what_to_send_here(self, bridge, authorization):
        headers = {"Authorization": authorization} if authorization else {}
        answer = requests.post(f"{bridge.url}/api/launches", json={}, headers=headers, timeout=TIMEOUT)

        assert refused(answer, 401) == "send 'Authorization: Bearer {apiKey}'"

    def test_unknown_api_key(self, vendor, lms, student):
        answer = vendor.hand_in(vendor.id_token(lms, student), api_key="no-such-key")

        refused(answer, 401)
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")

    def test_revoked_api_key_while_another_goes_on(self, bridge, vendor, lms, student):
        keys = bridge.wiring.registry.tool_keys
        former, vendor.api_key = vendor.api_key, keys.issue(vendor.tool)
        keys.revoke(vendor.tool, keys.of(vendor.tool)[0].id)
        token = vendor.id_token(lms, student)

        refused(vendor.hand_in(token, api_key=former), 401)
        assert vendor.hand_in(token).status_code == 201

    def test_revoked_tool(self, bridge, vendor, lms, student):
        bridge.wiring.registry.tools.revoke(vendor.tool)

        refused(vendor.hand_in(vendor.id_token(lms, student)), 401)

    def test_body_that_is_too_long(self, bridge, vendor):
        answer = requests.post(
            f"{bridge.url}/api/launches",
            data=b"[" + b" " * 500_000 + b"]",
            headers={"Authorization": f"Bearer {vendor.api_key}"},
            timeout=TIMEOUT,
        )

        assert "longer than" in refused(answer, 400)


def test_id_token_may_be_a_little_late(bridge, vendor, lms, student):
    late = timedelta(seconds=bridge.settings.feeders.grace) - timedelta(minutes=1)

    assert vendor.hand_in(_signed_in_the_past(vendor, lms, student, late)).status_code == 201


def test_one_client_id_for_two_institutions_is_told_apart_by_deployment(bridge, vendor, lms, student):
    feeders = bridge.wiring.registry.feeders
    [audience] = feeders.of(vendor.tool)
    deployment_id = lms.lms.tools.get(vendor.client_id).deployment_id
    feeders.bind(
        Audience(
            tool=vendor.tool,
            issuer=audience.issuer,
            client_id=audience.client_id,
            deployment_id=deployment_id,
            tenant="other-school",
            jwks_url=audience.jwks_url,
        )
    )

    handed = vendor.launched(lms, student)

    assert handed["classSourcedId"] == class_sourced_id("other-school", context_key("Course-1"))


def _signed_in_the_past(vendor, lms, user_id, late):
    """An id_token of the LMS's that ended so long ago."""
    key, ended = lms.lms.key, int((utc_now() - late).timestamp())
    claims = jwt.decode(vendor.id_token(lms, user_id), key, algorithms=["RS256"]).claims
    claims |= {"iat": ended - 300, "exp": ended}
    return jwt.encode({"alg": "RS256", "kid": key.kid}, claims, key, algorithms=["RS256"])


@pytest.mark.parametrize("depth", [33, 900, 100_000], ids=["a little", "much", "beyond any reader"])
def test_claims_that_are_nested_too_deeply_are_refused(bridge, vendor, depth):
    answer = requests.post(
        f"{bridge.url}/api/launches",
        data='{"a":' * depth + "1" + "}" * depth,
        headers={"Authorization": f"Bearer {vendor.api_key}", "Content-Type": "application/json"},
        timeout=TIMEOUT,
    )

    assert "body" in refused(answer, 400)


def test_more_launches_than_are_kept_are_refused_for_now(tmp_path, lms):
    with RunningBridge(tmp_path / "small", feeders=Feeders(kept_megabytes=1)) as bridge:
        bridge.register_at(lms, "school")
        vendor = Vendor(bridge, "quiz")
        vendor.install_at(lms)
        audience = Audience(
            tool=vendor.tool,
            issuer=lms.issuer,
            client_id=vendor.client_id,
            tenant="school",
            jwks_url=lms.lms.jwks_url,
        )
        bridge.wiring.registry.feeders.bind(audience)
        claims = claims_of(vendor, lms, custom="x" * 300_000)

        answers = [vendor.hand_in(claims) for _ in range(4)]

        assert [answer.status_code for answer in answers] == [201, 201, 201, 429]
        assert 86_000 < int(answers[-1].headers["Retry-After"]) <= 86_400
