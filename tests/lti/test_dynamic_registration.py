"""An LMS registers itself: LTI Dynamic Registration 1.0, against the practice LMS."""

import re
from datetime import timedelta
from html import unescape

import pytest

from bridge.lti.dynamic_registration import accept
from bridge.lti.rules import SelfRegistration
from bridge.nrps.schemas import CONTEXT_MEMBERSHIP_SCOPE
from bridge.practice.browser import Browser
from bridge.practice.rosters import make_roster
from bridge.practice.server import PracticeLms
from bridge.registry.registrations import MOST, NewPlatform

TOOL = "https://purl.imsglobal.org/spec/lti-tool-configuration"


@pytest.fixture
def practice(key_pairs):
    with PracticeLms(make_roster(courses=1, members_per_course=3, people=3), key=key_pairs[0]) as lms:
        yield lms


@pytest.fixture
def desk(practice):
    return practice.lms.desk


@pytest.fixture
def come(desk):
    """The administrator pastes the bridge's address at the LMS, and the LMS opens it."""

    def come(tool, invitation="", **params):
        url = desk.initiate(f"{tool.url}/lti/register{invitation and '/' + invitation}")
        return tool.browser.get(url, params=params, timeout=10)

    return come


@pytest.fixture
def open_tool(make_tool):
    with make_tool(registration=SelfRegistration.OPEN, tool_name="Rosters of North") as made:
        yield made


def check_in(answer):
    return unescape(answer.text.rpartition("<code>")[2].partition("</code>")[0])


# What comes of it


def test_platform_is_known_afterwards(open_tool, come, practice, registry):
    answer = come(open_tool)

    assert answer.status_code == 200, answer.text
    assert "Registered" in answer.text
    (platform,) = registry.platforms.all()
    (tool,) = practice.lms.tools.all()
    assert (platform.issuer, platform.client_id, platform.tenant) == (practice.issuer, tool.client_id, "127.0.0.1")
    assert (platform.auth_login_url, platform.token_url, platform.jwks_url) == (
        practice.lms.auth_login_url,
        practice.lms.token_url,
        practice.lms.jwks_url,
    )
    assert registry.deployments.of(platform) == {tool.deployment_id}


def test_platform_launches_afterwards(open_tool, come, practice, registry):
    come(open_tool)
    teacher = practice.roster.members("Course-1")[0].person.user_id

    with Browser() as browser:
        answer = browser.launch(practice.launch_url("Course-1", teacher))

    assert answer.status_code == 200, answer.text
    assert len(registry.contexts.all()) == 1


def test_platform_is_told_everything_that_the_specification_asks_for(open_tool, come, desk):
    come(open_tool)

    (document,) = desk.received
    launch_url = f"{open_tool.url}/lti/launch"
    assert document.pop(TOOL) == {
        "domain": open_tool.url.removeprefix("http://"),
        "description": "Mirrors the rosters of courses.",
        "target_link_uri": launch_url,
        "claims": ["iss", "sub", "name", "given_name", "family_name", "middle_name", "email"],
        "messages": [
            {"type": "LtiResourceLinkRequest", "target_link_uri": launch_url, "label": "Rosters of North"},
        ],
        "https://canvas.instructure.com/lti/privacy_level": "public",
    }
    assert document == {
        "application_type": "web",
        "response_types": ["id_token"],
        "grant_types": ["implicit", "client_credentials"],
        "initiate_login_uri": f"{open_tool.url}/lti/login",
        "redirect_uris": [launch_url],
        "client_name": "Rosters of North",
        "jwks_uri": f"{open_tool.url}/.well-known/jwks.json",
        "token_endpoint_auth_method": "private_key_jwt",
        "scope": CONTEXT_MEMBERSHIP_SCOPE,
    }


def test_page_closes_the_platforms_window(open_tool, come):
    answer = come(open_tool)

    assert f'src="{open_tool.url}/lti/static/registered.js"' in answer.text
    assert 'data-at-once="yes"' in answer.text


def test_page_stays_when_the_platform_grants_no_rosters(open_tool, come, desk):
    desk.grants = ()

    answer = come(open_tool)

    assert "did not grant the tool its Names and Role Provisioning" in answer.text
    assert 'data-at-once=""' in answer.text


# What platforms do differently


def test_deployment_that_is_not_told_is_learned_from_a_launch(open_tool, come, practice, desk, registry):
    desk.tells_deployment = False
    come(open_tool)
    (platform,) = registry.platforms.all()
    assert registry.deployments.of(platform) == frozenset()

    with Browser() as browser:
        teacher = practice.roster.members("Course-1")[0].person.user_id
        assert browser.launch(practice.launch_url("Course-1", teacher)).status_code == 200

    assert len(registry.deployments.of(platform)) == 1


def test_configuration_may_be_for_the_bearer_of_the_token_only(open_tool, come, desk):
    desk.guards_configuration = True

    assert come(open_tool).status_code == 200


def test_configuration_as_moodle_wrote_it_up_to_3_10_is_understood(open_tool, come, desk, registry):
    desk.old_moodle, desk.family = True, "moodle"

    assert come(open_tool).status_code == 200
    assert registry.platforms.all()[0].vendor == "moodle"


def test_unknown_product_has_the_generic_manners(open_tool, come, registry):
    come(open_tool)

    assert registry.platforms.all()[0].vendor == "generic"


@pytest.mark.parametrize(
    ("given", "audience"),
    [
        pytest.param("https://api.example.org/auth/token", "https://api.example.org/auth/token", id="address"),
        pytest.param("canvas.instructure.com", None, id="bare host"),
        pytest.param(None, None, id="absent"),
    ],
)
def test_authorization_server_is_the_audience_of_token_requests_if_it_is_an_address(
    open_tool, come, desk, registry, given, audience
):
    desk.changes["authorization_server"] = given
    come(open_tool)

    assert registry.platforms.all()[0].token_audience == audience


def test_link_is_put_where_the_platform_has_a_place_in_courses(open_tool, come, desk):
    desk.changes["https://purl.imsglobal.org/spec/lti-platform-configuration"] = {
        "product_family_code": "canvas",
        "messages_supported": [
            {"type": "LtiResourceLinkRequest", "placements": ["account_navigation", "course_navigation"]},
            {"type": "LtiDeepLinkingRequest", "placements": ["assignment_selection"]},
        ],
    }
    come(open_tool)

    assert desk.received[0][TOOL]["messages"][0]["placements"] == ["course_navigation"]


def test_scope_that_the_platform_does_not_list_is_not_asked_for(open_tool, come, desk):
    desk.changes["scopes_supported"] = ["openid"]

    assert "did not grant" in come(open_tool).text
    assert desk.received[0]["scope"] == ""


# What is refused


@pytest.mark.parametrize(
    ("changes", "check"),
    [
        pytest.param({"issuer": "https://other.example.org"}, "issuer", id="another's issuer"),
        pytest.param({"issuer": "https://canvas.instructure.com"}, "issuer", id="issuer that schools share"),
        pytest.param({"issuer": None}, "configuration", id="no issuer"),
        pytest.param({"registration_endpoint": None}, "configuration", id="no registration endpoint"),
        pytest.param({"registration_endpoint": "ftp://127.0.0.1/"}, "configuration", id="registration by ftp"),
        pytest.param({"registration_endpoint": "https://10.0.0.1/x"}, "platform", id="registration inside the network"),
        pytest.param({"token_endpoint": "http://10.0.0.1/token"}, "configuration", id="token endpoint by http"),
        pytest.param({"jwks_uri": "javascript:alert(1)"}, "configuration", id="key set that is a script"),
        pytest.param({"authorization_endpoint": "javascript:alert(1)"}, "configuration", id="login that is a script"),
        pytest.param({"authorization_endpoint": 7}, "configuration", id="login that is a number"),
    ],
)
def test_configuration_that_cannot_be_used_registers_nothing(open_tool, come, desk, registry, changes, check):
    desk.changes |= changes

    answer = come(open_tool)

    assert (answer.status_code, check_in(answer)) == (400, check)
    assert registry.platforms.all() == []


@pytest.mark.parametrize("name", ["registration_endpoint", "token_endpoint", "jwks_uri", "authorization_endpoint"])
def test_of_the_hosts_that_the_operator_lists_the_platform_has_its_own_alone(
    open_tool, come, desk, registry, httpserver, name
):
    desk.changes |= {name: httpserver.url_for("/inside").replace("localhost", "127.0.0.1")}

    assert come(open_tool).status_code == 400
    assert httpserver.log == []
    assert registry.platforms.all() == []


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("http://internal.example.org/configuration", id="http"),
        pytest.param("https://169.254.169.254/latest/meta-data", id="metadata service"),
        pytest.param("file:///etc/passwd", id="file"),
        pytest.param("https://[::1", id="no address"),
    ],
)
def test_configuration_is_not_fetched_from_just_anywhere(open_tool, registry, url):
    answer = open_tool.browser.get(f"{open_tool.url}/lti/register", params={"openid_configuration": url}, timeout=10)

    assert (answer.status_code, check_in(answer)) == (400, "platform")


def test_token_is_good_once(open_tool, desk, registry):
    url = desk.initiate(f"{open_tool.url}/lti/register")
    assert open_tool.browser.get(url, timeout=10).status_code == 200

    answer = open_tool.browser.get(url, timeout=10)

    assert (answer.status_code, check_in(answer)) == (400, "platform")
    assert "begin again at the platform" in answer.text
    assert len(registry.platforms.all()) == 1


def test_refusal_repeats_nothing_of_what_was_sent(open_tool):
    params = {"openid_configuration": "https://<script>alert(1)</script>/", "registration_token": "secret-token"}
    page = open_tool.browser.get(f"{open_tool.url}/lti/register", params=params, timeout=10).text

    assert "<script>alert" not in page
    assert "secret-token" not in page


def test_address_opened_by_hand_says_what_it_is_for(open_tool):
    answer = open_tool.browser.get(f"{open_tool.url}/lti/register", timeout=10)

    assert (answer.status_code, check_in(answer)) == (400, "configuration")
    assert "let the platform open it" in answer.text


# Who may


def test_invitation_is_good_once(make_tool, come, registry):
    with make_tool() as tool:
        code = registry.invitations.add(timedelta(days=1))

        assert come(tool, code).status_code == 200
        answer = come(tool, code)

    assert (answer.status_code, check_in(answer)) == (403, "invitation")
    assert len(registry.platforms.all()) == 1


def test_by_default_nobody_comes_without_invitation(make_tool, come, desk, registry):
    with make_tool() as tool:
        answer = come(tool)

    assert (answer.status_code, check_in(answer)) == (403, "invitation")
    assert (registry.platforms.all(), desk.received) == ([], [])


@pytest.mark.parametrize("spoil", ["guessed", "expired"])
def test_invitation_that_is_not_one_is_refused(make_tool, come, registry, clock, spoil):
    code = registry.invitations.add(timedelta(days=1))
    if spoil == "expired":
        clock.turn(days=2)
    with make_tool() as tool:
        answer = come(tool, "guessed" if spoil == "guessed" else code)

    assert check_in(answer) == "invitation"


def test_invitation_is_not_used_up_by_a_registration_that_fails(make_tool, come, desk, registry):
    code = registry.invitations.add(timedelta(days=1))
    with make_tool() as tool:
        desk.changes["jwks_uri"] = None
        assert come(tool, code).status_code == 400
        desk.changes.clear()

        assert come(tool, code).status_code == 200


def test_invitation_may_name_the_tenant(make_tool, come, registry):
    code = registry.invitations.add(timedelta(days=1), "north")
    with make_tool() as tool:
        come(tool, code)

    assert registry.platforms.all()[0].tenant == "north"


def test_platform_waits_for_the_operator_where_he_approves(make_tool, come, desk, practice, registry):
    with make_tool(registration=SelfRegistration.APPROVED) as tool:
        answer = come(tool)
        assert registry.platforms.all() == []
        (waiting,) = registry.registrations.all()
        assert re.search(rf"registration\s+number {waiting.id}", answer.text)
        assert 'data-at-once=""' in answer.text

        platform = accept(registry, waiting.platform, None)

        assert platform.issuer == practice.issuer
        with Browser() as browser:
            teacher = practice.roster.members("Course-1")[0].person.user_id
            assert browser.launch(practice.launch_url("Course-1", teacher)).status_code == 200


def test_invitation_spares_the_approval(make_tool, come, registry):
    code = registry.invitations.add(timedelta(days=1))
    with make_tool(registration=SelfRegistration.APPROVED) as tool:
        come(tool, code)

    assert (len(registry.platforms.all()), registry.registrations.all()) == (1, [])


def test_no_more_than_so_many_may_wait(make_tool, come, desk, registry):
    for number in range(MOST):
        registry.registrations.add(
            NewPlatform(
                issuer=f"https://{number}.example.org",
                client_id="bridge",
                deployment_id=None,
                auth_login_url="https://lms.example.org/auth",
                token_url="https://lms.example.org/token",
                token_audience=None,
                jwks_url="https://lms.example.org/jwks",
                vendor="generic",
                product="unknown",
            )
        )
    with make_tool(registration=SelfRegistration.APPROVED) as tool:
        answer = come(tool)

    assert (check_in(answer), desk.received) == ("full", [])


def test_nobody_comes_where_it_is_closed(make_tool, come, registry):
    code = registry.invitations.add(timedelta(days=1))
    with make_tool(registration=SelfRegistration.CLOSED) as tool:
        for invitation in ("", code):
            answer = come(tool, invitation)
            assert (answer.status_code, check_in(answer)) == (403, "closed")


def test_words_of_the_platform_are_fit_to_be_read(make_tool, come, desk, registry):
    desk.family = "Prac\x1b[31mtice\n" + "x" * 500
    with make_tool(registration=SelfRegistration.APPROVED) as tool:
        come(tool)

    product = registry.registrations.all()[0].platform.product
    assert product.isprintable()
    assert len(product) < 100
