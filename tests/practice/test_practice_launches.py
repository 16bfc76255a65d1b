"""A launch through the practice LMS, with a real browser's moves and a tool on a socket of its own."""

import json
import time

import pytest
import requests
from joserfc import jwt
from joserfc.jwk import KeySet

from bridge.practice.people import INSTRUCTOR, LEARNER, Awkward

pytestmark = pytest.mark.clause("LTI Core 1.3 sections 4 and 5; 1EdTech Security Framework 1.0 section 5.1")

CLAIM = "https://purl.imsglobal.org/spec/lti/claim/"


@pytest.fixture
def registration(lms, launched_tool):
    return launched_tool.register(lms)


@pytest.fixture
def someone(lms):
    """The first learner of Course-1 who has nothing awkward about her."""
    members = lms.roster.members("Course-1")
    return next(member for member in members[1:] if member.person.awkward is None)


@pytest.fixture
def launch(lms, browser, launched_tool, registration, someone):
    """Launch somebody into Course-1, and tell what reached the tool's redirect URI."""

    def launch(user_id=someone.person.user_id):
        response = browser.launch(lms.launch_url("Course-1", user_id))
        assert response.text == "launched"
        return launched_tool.launches[-1]

    return launch


def claims_of(registration, launched):
    keys = KeySet.import_key_set(requests.get(registration["jwks_url"], timeout=10).json())
    token = jwt.decode(launched["id_token"], keys, algorithms=["RS256"])
    assert token.header["kid"] in {key.kid for key in keys}
    return token.claims


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_login_initiation_says_everything_a_tool_needs(lms, launch, launched_tool, registration, someone, method):
    lms.manners.login_method = method

    launch()

    (login,) = launched_tool.logins
    assert json.loads(login.pop("lti_message_hint"))["context_id"] == "Course-1"
    assert login == {
        "iss": lms.issuer,
        "login_hint": someone.person.user_id,
        "target_link_uri": f"{launched_tool.server.url}/launch",
        "client_id": registration["client_id"],
        "lti_deployment_id": registration["deployment_id"],
    }


def test_the_browser_brings_state_and_cookie_back_untouched(launch):
    launched = launch()

    assert (launched["state"], launched["cookie"]) == ("Stäte & <more>", "crumb")


def test_the_id_token_carries_every_claim_of_a_good_platform(lms, launch, launched_tool, registration, someone):
    claims = claims_of(registration, launch())

    person = someone.person
    assert abs(claims.pop("iat") - time.time()) < 10
    assert 0 < claims.pop("exp") - time.time() < 600
    assert claims.pop(f"{CLAIM}tool_platform")["product_family_code"] == "practice"
    assert claims.pop(f"{CLAIM}launch_presentation")["return_url"].startswith(lms.issuer)
    assert claims.pop(f"{CLAIM}resource_link")["id"] == lms.roster.course("Course-1").resource_link_id
    assert claims.pop(f"{CLAIM}lis")["course_section_sourcedid"] == "SECTION-Course-1"
    assert claims.pop(f"{CLAIM}custom") == {"resource_link": "link-of-Course-1"}
    optional = {"middle_name": person.middle_name, "picture": person.picture}
    assert claims == {
        "iss": lms.issuer,
        "aud": registration["client_id"],
        "azp": registration["client_id"],
        "sub": person.user_id,
        "nonce": "Nonce-1",
        "name": person.name,
        "given_name": person.given_name,
        "family_name": person.family_name,
        "email": person.email,
        **{name: value for name, value in optional.items() if value is not None},
        f"{CLAIM}message_type": "LtiResourceLinkRequest",
        f"{CLAIM}version": "1.3.0",
        f"{CLAIM}deployment_id": registration["deployment_id"],
        f"{CLAIM}target_link_uri": f"{launched_tool.server.url}/launch",
        f"{CLAIM}roles": [LEARNER],
        f"{CLAIM}context": {
            "id": "Course-1",
            "label": "C001",
            "title": "Algebra I",
            "type": ["http://purl.imsglobal.org/vocab/lis/v2/course#CourseSection"],
        },
        "https://purl.imsglobal.org/spec/lti-nrps/claim/namesroleservice": {
            "context_memberships_url": lms.memberships_url("Course-1"),
            "service_versions": ["2.0"],
        },
    }


def test_the_teacher_is_launched_as_one(lms, launch, registration):
    teacher = lms.roster.members("Course-1")[0].person.user_id

    assert claims_of(registration, launch(teacher))[f"{CLAIM}roles"] == [INSTRUCTOR]


def test_somebody_without_roles_is_launched_with_none(lms, launch, registration, someone):
    lms.roster.change_roles("Course-1", someone.person.user_id, None)

    assert claims_of(registration, launch())[f"{CLAIM}roles"] == []


def test_what_is_not_shared_is_not_in_the_token(lms, launch, registration):
    lms.manners.share_names = lms.manners.share_email = False

    claims = claims_of(registration, launch())

    assert not {"name", "given_name", "family_name", "email", "picture"} & set(claims)
    assert "person_sourcedid" not in claims[f"{CLAIM}lis"]


@pytest.mark.parametrize(
    ("changes", "error", "reason"),
    [
        ({"scope": "openid profile"}, "invalid_scope", "scope"),
        ({"scope": None}, "invalid_scope", "scope"),
        ({"response_type": "code"}, "unsupported_response_type", "response_type"),
        ({"response_mode": "query"}, "invalid_request", "response_mode"),
        ({"response_mode": None}, "invalid_request", "response_mode"),
        ({"prompt": "login"}, "invalid_request", "prompt"),
        ({"login_hint": "somebody else"}, "login_required", "login_hint"),
        ({"login_hint": None}, "invalid_request", "login_hint"),
        ({"lti_message_hint": None}, "invalid_request", "lti_message_hint"),
        ({"lti_message_hint": "{"}, "invalid_request", "lti_message_hint"),
        ({"nonce": None}, "invalid_request", "nonce"),
    ],
    ids=str,
)
def test_a_bad_authentication_request_is_answered_with_an_error(launch, launched_tool, changes, error, reason):
    launched_tool.request_changes = changes

    launched = launch()

    assert (launched["error"], launched["state"]) == (error, "Stäte & <more>")
    assert reason in launched["error_description"]
    assert "id_token" not in launched


@pytest.mark.parametrize("name", ["client_id", "redirect_uri"])
def test_nothing_is_sent_to_an_address_that_is_not_registered(lms, browser, launched_tool, registration, someone, name):
    launched_tool.request_changes = {name: f"{launched_tool.server.url}/launch?"}

    response = browser.launch(lms.launch_url("Course-1", someone.person.user_id))

    assert (response.status_code, name in response.text) == (400, True)
    assert launched_tool.launches == []


@pytest.mark.parametrize(("context", "user"), [("Course-9", "member"), ("Course-1", "stranger")])
def test_only_members_are_launched(lms, browser, registration, someone, context, user):
    user_id = someone.person.user_id if user == "member" else user

    assert browser.launch(lms.launch_url(context, user_id)).status_code == 404


def test_without_a_tool_there_is_nothing_to_launch(lms, browser, someone):
    response = browser.launch(lms.launch_url("Course-1", someone.person.user_id))

    assert (response.status_code, "register one first" in response.text) == (404, True)


def test_one_of_several_tools_can_be_chosen(lms, tool, browser, launched_tool, registration, someone):
    url = lms.launch_url("Course-1", someone.person.user_id, client_id=registration["client_id"])

    assert browser.launch(url).text == "launched"


def test_the_front_page_lists_courses_and_people_escaped(lms, browser):
    person = next(m.person for m in lms.roster.members("Course-1") if m.person.awkward is None)
    lms.roster.drop("Course-1", person.user_id)
    for member in lms.roster.members("Course-1"):
        lms.roster.rename(member.person.user_id, name="<script>alert(1)</script>")
    lms.roster.retitle("Course-1", "C++ <Templates>")

    page = browser.launch(f"{lms.issuer}/").text

    assert "C++ &lt;Templates&gt;" in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script>" not in page
    assert f"/courses/Course-1/launch?user={lms.roster.members('Course-1')[0].person.user_id}" in page


def test_the_discovery_document_agrees_with_the_registration(lms, registration):
    document = requests.get(f"{lms.issuer}/.well-known/openid-configuration", timeout=10).json()

    assert {
        "issuer": document["issuer"],
        "auth_login_url": document["authorization_endpoint"],
        "token_url": document["token_endpoint"],
        "jwks_url": document["jwks_uri"],
    } == {name: registration[name] for name in ("issuer", "auth_login_url", "token_url", "jwks_url")}


def test_the_key_set_holds_no_private_member(registration):
    (key,) = requests.get(registration["jwks_url"], timeout=10).json()["keys"]

    assert set(key) == {"kty", "n", "e", "kid", "use", "alg"}
    assert (key["use"], key["alg"]) == ("sig", "RS256")


def test_every_awkward_person_can_be_launched(lms, launch, registration):
    launched = {}
    for member in lms.roster.members("Course-1"):
        if member.person.awkward is not None:
            launched[member.person.awkward] = claims_of(registration, launch(member.person.user_id))

    assert launched[Awkward.BLANK_NAMES]["given_name"] == ""
    assert "family_name" not in launched[Awkward.MONONYM]
    assert len(launched) >= 2
