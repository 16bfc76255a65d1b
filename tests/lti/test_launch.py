"""Launches, as a browser carries them between an LMS and the bridge: LTI Core 1.3 and Security Framework 1.0."""

import base64
import json
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from joserfc import jws, jwt
from joserfc.jwk import OctKey
from joserfc.jws import JWSRegistry

from bridge.lti.launch import finish_launch
from bridge.lti.login import begin_login
from bridge.lti.rules import LaunchRules, LearnDeployments
from bridge.registry.registry import Registry
from bridge.roster.identity import LtiUserId, class_sourced_id, context_key, user_sourced_id
from bridge.roster.memberships import Membership
from bridge.transport.policy import OutgoingPolicy

GONE = ...  # changes a claim into none at all
CORE = "https://purl.imsglobal.org/spec/lti/claim/"
ROSTER = "https://api.example.org/memberships"
TENANT = "lms.example.org"
CLASS = class_sourced_id(TENANT, context_key("2"))


@pytest.fixture(autouse=True)
def platform(add_platform):
    return add_platform()


# A good launch


def test_launch_registers_its_context(tool, registry, lms):
    assert tool.launch().status_code == 200

    (context,) = registry.contexts.all()
    assert (context.class_sourced_id, context.label, context.title) == (CLASS, "BIO-1", "Biology")
    assert (context.deployment_id, context.memberships_url) == ("7", f"{lms.url}/memberships/2?a=1")


def test_launch_asks_for_the_roster(tool, registry):
    tool.launch()
    tool.launch()

    assert [(item.kind, item.payload) for item in registry.inbox.take()] == [
        ("launch", {"tenant": TENANT, "context": context_key("2"), "user": "4"})
    ]


def test_page_tells_what_was_recognised(tool):
    page = tool.launch().text

    assert "Biology" in page
    assert CLASS in page
    assert "Course connected" in page


def test_page_holds_nothing_personal(tool):
    page = tool.launch(name="Ada Example", sub="person-4", email="ada@example.org").text

    assert not re.search("Ada|person-4|ada@example.org", page)
    assert user_sourced_id(TENANT, LtiUserId("person-4")) not in page


def test_page_loads_scripts_of_ours_alone_and_is_not_stored(tool):
    answer = tool.launch()

    policy = answer.headers["Content-Security-Policy"]
    (nonce,) = re.findall(r"style-src 'nonce-([^']+)'", policy)
    assert policy.startswith("default-src 'none'")
    assert "script-src 'self';" in policy
    assert f'<style nonce="{nonce}">' in answer.text
    assert re.findall(r"(?:src|href)\s*=\s*\"([^\"]+)", answer.text) == [f"{tool.url}/lti/static/roster.js"]
    assert not re.search(r"\son[a-z]+\s*=|javascript:", answer.text)
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("script", ["storage.js", "login.js", "launch.js", "roster.js", "registered.js"])
def test_scripts_are_served_as_scripts(tool, script):
    answer = tool.browser.get(f"{tool.url}/lti/static/{script}", timeout=10)

    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/javascript")
    assert answer.text.startswith('"use strict";')


def test_page_escapes_what_the_platform_says(tool):
    page = tool.launch(context={"id": "2", "title": "<script>alert(1)</script> A&B"}).text

    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; A&amp;B" in page


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"roles": []}, id="no roles"),
        pytest.param({"roles": ["urn:unknown", "Learner", "Learner"]}, id="unknown and repeated roles"),
        pytest.param({"sub": GONE}, id="anonymous"),
        pytest.param({"context": GONE}, id="no context"),
        pytest.param({"nrps": GONE}, id="no roster service"),
        pytest.param({"nrps": {"context_memberships_url": ROSTER, "scope": []}}, id="roster service without versions"),
        pytest.param({"nrps": {"context_memberships_url": ROSTER, "service_versions": ["1.0"]}}, id="other versions"),
        pytest.param({"aud": ["bridge-1"]}, id="audience as list"),
        pytest.param({"azp": "bridge-1"}, id="authorised party"),
        pytest.param({"unknown": {"claim": 1}}, id="unknown claim"),
        pytest.param({"context": {"id": "2", "title": "half \ud83d"}}, id="half a character"),
        pytest.param({"context": {"id": "2", "type": "CourseSection", "label": None}}, id="careless context"),
        pytest.param({"roles": ["Learner", "Mentor"]}, id="several roles"),
        pytest.param({"roles": ["urn:unknown"]}, id="an unknown role alone"),
        pytest.param({"email": "ada@example.org"}, id="e-mail without names"),
        pytest.param({"name": "Ada Example", "given_name": "Ada", "family_name": "Example"}, id="names without e-mail"),
    ],
)
def test_launch_with_less_or_more_is_good(tool, changes):
    assert tool.launch(**changes).status_code == 200


def test_launch_from_no_course_reads_no_roster(tool, registry):
    page = tool.launch(context=GONE).text

    assert "comes from no course" in page
    assert (registry.contexts.all(), registry.inbox.take()) == ([], [])


def test_launch_without_roster_service_reads_no_roster(tool, registry):
    page = tool.launch(nrps=GONE).text

    assert "did not offer" in page
    assert CLASS in page
    assert (registry.contexts.all(), registry.inbox.take()) == ([], [])


@pytest.mark.parametrize(
    ("changes", "what", "remedy"),
    [
        pytest.param({"context": GONE}, "comes from no course", "from inside a course", id="context"),
        pytest.param({"nrps": GONE}, "did not offer its Names and Role service", "Names and Role", id="roster service"),
        pytest.param({"roles": []}, "did not say what your role is", "administrator", id="roles"),
        pytest.param({"sub": GONE}, "does not say who you are", "Sign in", id="person"),
        pytest.param({}, "did not share names", "let the tool have names", id="names"),
        pytest.param({"name": "Ada Example"}, "did not share e-mail addresses", "let the tool have", id="e-mail"),
    ],
)
def test_page_says_what_is_missing_and_what_to_switch_on(tool, changes, what, remedy):
    page = unescape(tool.launch(**changes).text)

    (missing,) = re.findall(r"<section aria-labelledby=\"missing-title\">.*?</section>", page, re.DOTALL)
    (line,) = [line for line in missing.splitlines() if what in line]
    assert remedy in line


def test_page_of_a_launch_with_everything_says_that_nothing_is_missing(tool):
    page = tool.launch(name="Ada Example", email="ada@example.org").text

    assert "What is missing" not in page


def test_switch_is_named_as_the_vendor_names_it(tool, lms, add_platform):
    lms.client_id = "bridge-2"
    add_platform(client_id="bridge-2", vendor="moodle")

    assert "IMS LTI Names and Role Provisioning" in tool.launch(nrps=GONE).text


def test_next_launch_keeps_the_class(tool, registry):
    tool.launch()
    tool.launch(context={"id": "2", "title": "Biology, advanced"})

    (context,) = registry.contexts.all()
    assert (context.class_sourced_id, context.title, context.label) == (CLASS, "Biology, advanced", "BIO-1")


def test_class_is_the_same_after_the_registration_was_replaced(tool, registry, lms):
    tool.launch()
    registry.platforms.replace(TENANT, client_id="bridge-2")
    lms.client_id = "bridge-2"

    tool.launch(deployment_id="1")

    (context,) = registry.contexts.all()
    assert (context.class_sourced_id, context.deployment_id) == (CLASS, "1")


def test_contexts_of_deployments_are_apart_where_the_platform_is_said_to_need_it(tool, registry, lms, add_platform):
    lms.client_id = "bridge-2"
    add_platform(client_id="bridge-2", options={"contexts_by_deployment": True, "learn_deployments": "any"})

    tool.launch()
    tool.launch(deployment_id="8")

    assert {context.key for context in registry.contexts.all()} == {context_key("2", "7"), context_key("2", "8")}


def test_launch_is_read_whole(registry, keys, clock, tool, platform):
    rules = LaunchRules(public_url=tool.url, outgoing=OutgoingPolicy(frozenset({"127.0.0.1"})))
    request = {"iss": platform.issuer, "login_hint": "4", "target_link_uri": f"{tool.url}/"}
    begun = begin_login(request, registry, rules)
    query = {name: values[0] for name, values in parse_qs(urlsplit(begun.url).query).items()}
    claims = tool.claims(
        query["nonce"],
        name="Ada Example",
        lis={"person_sourcedid": "$Person.sourcedId"},
        custom={"campus": "north", "section": "$Course.section", "price": "$5"},
    )
    claims |= {"given_name": " ", "family_name": "Example", "email": "ada@example.org"}
    form = {"state": query["state"], "id_token": tool.lms.sign(claims)}

    launch = finish_launch(form, {begun.cookie_name: begun.cookie_value}, registry, keys, rules, clock)

    assert (launch.platform, launch.deployment_id, launch.sub) == (platform, "7", "4")
    assert launch.person == Membership(
        user_id=LtiUserId("4"),
        roles=("Instructor",),
        name="Ada Example",
        family_name="Example",
        email="ada@example.org",
    )
    assert launch.context is not None
    assert launch.context.types == ("CourseSection",)
    assert launch.target_link_uri == f"{tool.url}/"
    assert launch.claims == {
        CORE + "resource_link": {"id": "link-1"},
        CORE + "lis": {"person_sourcedid": "$Person.sourcedId"},
        CORE + "custom": {"campus": "north", "price": "$5"},
    }


# The login


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_login_is_answered_with_the_authorization_request(tool, method):
    hint = '{"cmid":3,"x":"ü +&"}'
    answer = tool.ask_login(method, lti_message_hint=hint, login_hint="a b+c")

    assert answer.status_code == 302
    where = urlsplit(answer.headers["Location"])
    query = {name: values for name, values in parse_qs(where.query).items() if name not in {"state", "nonce"}}
    assert f"{where.scheme}://{where.netloc}{where.path}" == "https://lms.example.org/auth"
    assert query == {
        "scope": ["openid"],
        "response_type": ["id_token"],
        "response_mode": ["form_post"],
        "prompt": ["none"],
        "client_id": ["bridge-1"],
        "redirect_uri": [f"{tool.url}/lti/launch"],
        "login_hint": ["a b+c"],
        "lti_message_hint": [hint],
    }


def test_authorization_endpoint_with_a_query_keeps_it(tool, add_platform, lms):
    add_platform(client_id="bridge-2", auth_login_url="https://lms.example.org/auth?school=3")

    location = tool.ask_login(client_id="bridge-2").headers["Location"]

    assert location.startswith("https://lms.example.org/auth?school=3&scope=openid")


def test_state_and_nonce_are_new_for_every_login(tool):
    logins = [tool.login() for _ in range(2)]

    assert len({login[name] for login in logins for name in ("state", "nonce")}) == 4


def test_state_is_not_in_the_file(tool, registry_path):
    state = tool.login()["state"].encode()

    assert all(state not in file.read_bytes() for file in registry_path.parent.iterdir())


@pytest.mark.parametrize(
    ("changes", "check"),
    [
        pytest.param({"iss": GONE}, "login", id="no issuer"),
        pytest.param({"login_hint": GONE}, "login", id="no login hint"),
        pytest.param({"target_link_uri": GONE}, "login", id="no target"),
        pytest.param({"iss": "https://lms.example.org/"}, "issuer", id="issuer with a slash"),
        pytest.param({"client_id": "bridge-9"}, "client_id", id="unknown client id"),
        pytest.param({"target_link_uri": "https://elsewhere.example.org/"}, "target_link_uri", id="target elsewhere"),
        pytest.param({"target_link_uri": "//127.0.0.1/"}, "target_link_uri", id="target without scheme"),
        pytest.param({"target_link_uri": "http://[::1"}, "target_link_uri", id="target that is no url"),
    ],
)
def test_login_that_lacks_something_is_refused(tool, check_of, changes, check):
    assert check_of(tool.ask_login(**changes)) == check


def test_refusal_does_not_repeat_what_was_sent(tool):
    answer = tool.ask_login(iss="<script>alert(1)</script>")

    assert "<script>" not in answer.text
    assert "Traceback" not in answer.text


def test_login_without_client_id_goes_to_the_only_registration(tool):
    assert tool.login(client_id=GONE)["client_id"] == "bridge-1"


def test_login_without_client_id_goes_by_the_deployment(tool, registry, add_platform):
    registry.deployments.add(add_platform(client_id="bridge-2"), ["8"])

    assert tool.login(client_id=GONE, lti_deployment_id="8")["client_id"] == "bridge-2"


def test_login_that_could_be_for_several_is_refused(tool, add_platform, check_of):
    add_platform(client_id="bridge-2")

    assert check_of(tool.ask_login(client_id=GONE)) == "client_id"
    assert check_of(tool.ask_login(client_id=GONE, lti_deployment_id="8")) == "client_id"


def test_cookie_on_https_comes_back_into_frames(make_tool):
    with make_tool("https://bridge.example.org") as tool:
        answer = tool.ask_login(target_link_uri="https://bridge.example.org/")

    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-lti-")
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=None", "Partitioned"} <= set(cookie.split("; "))


def test_cookie_on_loopback_is_one_that_browsers_keep(tool):
    attributes = set(tool.ask_login().headers["Set-Cookie"].split("; "))

    assert {"HttpOnly", "Path=/", "SameSite=Lax"} <= attributes
    assert attributes.isdisjoint({"Secure", "Partitioned"})


# state and nonce


def test_launch_is_good_once(tool, lms, check_of):
    login = tool.login()
    id_token = lms.sign(tool.claims(login["nonce"]))

    assert tool.post(login["state"], id_token).status_code == 200
    assert check_of(tool.post(login["state"], id_token)) == "state"


def test_of_two_simultaneous_answers_one_is_good(tool, lms):
    login = tool.login()
    id_token = lms.sign(tool.claims(login["nonce"]))
    cookies = tool.browser.cookies.get_dict()
    rivals = [tool.other_browser() for _ in range(4)]
    barrier = threading.Barrier(len(rivals))
    statuses = []

    def post(rival):
        with rival.browser:
            rival.browser.cookies.update(cookies)
            barrier.wait(timeout=10)
            statuses.append(rival.post(login["state"], id_token).status_code)

    threads = [threading.Thread(target=post, args=(rival,)) for rival in rivals]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(statuses) == [200, 400, 400, 400]


def test_two_tabs_may_launch_at_once(tool, lms):
    first, second = tool.login(), tool.login()

    for login in (first, second):
        assert tool.post(login["state"], lms.sign(tool.claims(login["nonce"]))).status_code == 200


def test_refused_launch_uses_up_its_login(tool, lms, check_of):
    login = tool.login()
    tool.post(login["state"], lms.sign(tool.claims("other nonce")))

    assert check_of(tool.post(login["state"], lms.sign(tool.claims(login["nonce"])))) == "state"


def test_login_expires(tool, lms, clock, check_of):
    login = tool.login()
    clock.turn(minutes=11)

    assert check_of(tool.post(login["state"], lms.sign(tool.claims(login["nonce"])))) == "state"


@pytest.mark.parametrize("state", ["", "guessed", "ü" * 500])
def test_unknown_state_is_refused(tool, lms, check_of, state):
    login = tool.login()

    assert check_of(tool.post(state, lms.sign(tool.claims(login["nonce"])))) == "state"


def test_state_in_another_browser_is_refused(tool, lms, check_of):
    login = tool.login()
    with tool.other_browser().browser as browser:
        form = {"state": login["state"], "id_token": lms.sign(tool.claims(login["nonce"]))}
        answer = browser.post(f"{tool.url}/lti/launch", data=form, timeout=10)

    assert check_of(answer) == "cookie"


def test_nonce_of_another_login_is_refused(tool, lms, check_of):
    first, second = tool.login(), tool.login()

    assert check_of(tool.post(first["state"], lms.sign(tool.claims(second["nonce"])))) == "nonce"


def test_cookie_is_taken_back_after_the_launch(tool):
    tool.launch()

    assert not tool.browser.cookies.get_dict()


@pytest.mark.parametrize(("error", "shown"), [("login_required", True), ("<b>login</b>", False), ("x" * 500, False)])
def test_refusal_by_the_platform_is_told(tool, check_of, error, shown):
    answer = tool.post(tool.login()["state"], "", error=error, error_description="<i>why</i>")

    assert check_of(answer) == "platform"
    assert (error in answer.text) is shown
    assert "why" not in answer.text


# Each check, broken once


@pytest.mark.parametrize(
    ("changes", "check"),
    [
        pytest.param({"iss": "https://lms.example.org/"}, "iss", id="other issuer"),
        pytest.param({"iss": GONE}, "iss", id="no issuer"),
        pytest.param({"aud": "bridge-9"}, "aud", id="other audience"),
        pytest.param({"aud": GONE}, "aud", id="no audience"),
        pytest.param({"aud": []}, "aud", id="empty audience"),
        pytest.param({"aud": {"bridge-1": 1}}, "aud", id="audience of another type"),
        pytest.param({"aud": ["bridge-1", "stranger"], "azp": "bridge-1"}, "aud", id="a stranger among the audiences"),
        pytest.param({"aud": ["bridge-1", ["x"]], "azp": "bridge-1"}, "aud", id="a list among the audiences"),
        pytest.param({"aud": ["bridge-1", "bridge-1"]}, "azp", id="several audiences and no azp"),
        pytest.param({"azp": "bridge-9"}, "azp", id="other authorised party"),
        pytest.param({"exp": GONE}, "exp", id="no expiry"),
        pytest.param({"exp": "4102444800"}, "exp", id="expiry as text"),
        pytest.param({"exp": True}, "exp", id="expiry as boolean"),
        pytest.param({"exp": float("nan")}, "exp", id="expiry that is no number"),
        pytest.param({"exp": float("inf")}, "exp", id="no end"),
        pytest.param({"exp": 10**400}, "exp", id="expiry beyond all numbers"),
        pytest.param({"exp": 1e12}, "exp", id="expiry after the last year"),
        pytest.param({"iat": float("-inf")}, "iat", id="issued before time began"),
        pytest.param({"iat": -(10**400)}, "iat", id="time of issue beyond all numbers"),
        pytest.param({"iat": GONE}, "iat", id="no time of issue"),
        pytest.param({"iat": "now"}, "iat", id="time of issue as text"),
        pytest.param({"nonce": GONE}, "nonce", id="no nonce"),
        pytest.param({"nonce": "other"}, "nonce", id="other nonce"),
        pytest.param({"nonce": "\ud800"}, "nonce", id="half a character as nonce"),
        pytest.param({"version": GONE}, "version", id="no version"),
        pytest.param({"version": "1.3"}, "version", id="other version"),
        pytest.param({"message_type": GONE}, "message_type", id="no message type"),
        pytest.param({"message_type": "LtiDeepLinkingRequest"}, "message_type", id="other message type"),
        pytest.param({"resource_link": GONE}, "resource_link", id="no resource link"),
        pytest.param({"resource_link": {}}, "resource_link", id="resource link without id"),
        pytest.param({"deployment_id": GONE}, "deployment_id", id="no deployment"),
        pytest.param({"deployment_id": ""}, "deployment_id", id="empty deployment"),
        pytest.param({"deployment_id": "x" * 256}, "deployment_id", id="long deployment"),
        pytest.param({"deployment_id": "ü"}, "deployment_id", id="deployment beyond ascii"),
        pytest.param({"deployment_id": 7}, "deployment_id", id="deployment as number"),
        pytest.param({"target_link_uri": GONE}, "target_link_uri", id="no target"),
        pytest.param({"target_link_uri": "https://elsewhere.example.org/"}, "target_link_uri", id="other target"),
        pytest.param({"roles": GONE}, "roles", id="no roles claim"),
        pytest.param({"roles": "Learner"}, "roles", id="roles as text"),
        pytest.param({"roles": [None]}, "roles", id="role that is no text"),
        pytest.param({"sub": ""}, "sub", id="empty sub"),
        pytest.param({"sub": "x" * 256}, "sub", id="long sub"),
        pytest.param({"sub": "ünï"}, "sub", id="sub beyond ascii"),
        pytest.param({"sub": None}, "sub", id="sub is null"),
        pytest.param({"context": {"title": "Biology"}}, "context", id="context without id"),
        pytest.param({"context": "2"}, "context", id="context as text"),
        pytest.param({"nrps": {}}, "nrps", id="roster service without url"),
        pytest.param({"nrps": {"context_memberships_url": "http://api.example.org/m"}}, "nrps", id="roster by http"),
        pytest.param({"nrps": {"context_memberships_url": "/memberships/2"}}, "nrps", id="relative roster url"),
        pytest.param({"nrps": {"context_memberships_url": f"{ROSTER}\x1b[2J"}}, "nrps", id="escape in roster url"),
        pytest.param({"nrps": {"context_memberships_url": f"{ROSTER}\n"}}, "nrps", id="line break in roster url"),
        pytest.param({"nrps": {"context_memberships_url": "https://a:b@api.example.org/"}}, "nrps", id="user in url"),
    ],
)
def test_launch_that_fails_a_check_is_refused_by_its_name(tool, registry, check_of, changes, check):
    assert check_of(tool.launch(**changes)) == check
    assert (registry.contexts.all(), registry.inbox.take()) == ([], [])


@pytest.mark.parametrize(
    ("url", "check"),
    [
        pytest.param("{lms}/anywhere", None, id="where the platform is"),
        pytest.param("http://127.0.0.1:9/", "nrps", id="another port"),
        pytest.param("https://127.0.0.1:{port}/", "nrps", id="another scheme"),
    ],
)
def test_listed_host_is_asked_only_where_the_platform_is_registered(tool, lms, check_of, url, check):
    port = lms.url.rpartition(":")[2]
    answer = tool.launch(nrps={"context_memberships_url": url.format(lms=lms.url, port=port)})

    if check is None:
        assert answer.status_code == 200
    else:
        assert check_of(answer) == check


@pytest.mark.parametrize(
    ("exp", "iat", "check"),
    [
        pytest.param(-59, -60, None, id="expired 59 seconds ago"),
        pytest.param(-61, -120, "exp", id="expired 61 seconds ago"),
        pytest.param(120, 59, None, id="59 seconds from the future"),
        pytest.param(120, 61, "iat", id="61 seconds from the future"),
        pytest.param(60, -959, None, id="old"),
        pytest.param(60, -961, "iat", id="too old"),
    ],
)
def test_clocks_may_differ_by_a_minute(tool, clock, check_of, exp, iat, check):
    clock.stop()
    now = clock().timestamp()

    answer = tool.launch(exp=now + exp, iat=now + iat)

    assert (None if answer.status_code == 200 else check_of(answer)) == check


def test_audience_may_hold_another_client_id_of_ours(tool, add_platform):
    add_platform(client_id="bridge-2")

    assert tool.launch(aud=["bridge-1", "bridge-2"], azp="bridge-1").status_code == 200


# Several registrations under one issuer


@pytest.fixture
def second(add_platform, lms, registry):
    """Another registration at the same issuer, with a tenant and a key set of its own."""
    return add_platform(client_id="bridge-2", tenant="second", jwks_url=f"{lms.jwks_url}?second")


def test_registrations_of_one_issuer_launch_each_for_itself(tool, lms, registry, second):
    for client_id in ("bridge-1", "bridge-2"):
        lms.client_id = client_id
        assert tool.launch().status_code == 200

    assert [(context.tenant, context.platform_id) for context in registry.contexts.all()] == [
        (TENANT, 1),
        ("second", second.id),
    ]


def test_token_for_another_registration_than_the_login_is_refused(tool, lms, second, check_of):
    login = tool.login()

    assert check_of(tool.post(login["state"], lms.sign(tool.claims(login["nonce"], aud="bridge-2")))) == "aud"


def test_key_of_another_registration_than_the_login_is_refused(tool, lms, key_pairs, check_of, add_platform, serve):
    with serve(_key_set_of(key_pairs[1])) as elsewhere:
        add_platform(client_id="bridge-2", jwks_url=f"{elsewhere}/jwks", token_url=f"{lms.url}/token")
        lms.client_id = "bridge-2"
        login = tool.login()
        token = lms.sign(tool.claims(login["nonce"]), key_pairs[1])
        assert tool.post(login["state"], token).status_code == 200

        lms.client_id = "bridge-1"
        login = tool.login()
        token = lms.sign(tool.claims(login["nonce"]), key_pairs[1])
        assert check_of(tool.post(login["state"], token)) == "key"


def _key_set_of(key):
    app = Flask("key_set")
    app.add_url_rule("/jwks", view_func=lambda: {"keys": [key.as_dict(private=False)]})
    return app


def test_deployments_are_known_for_each_registration(tool, lms, registry, platform, second, check_of):
    registry.deployments.add(platform, ["7"])
    registry.deployments.add(second, ["8"])
    lms.client_id = "bridge-2"

    assert check_of(tool.launch(deployment_id="7")) == "deployment_id"
    assert tool.launch(deployment_id="8").status_code == 200


# Signatures


@pytest.fixture
def post_token(tool):
    """Launch with a token that the test makes from good claims."""

    def post_token(make):
        login = tool.login()
        return tool.post(login["state"], make(tool.claims(login["nonce"])))

    return post_token


def segment(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def test_unsigned_token_is_refused(post_token, key_pairs, check_of):
    header = {"alg": "none", "kid": key_pairs[0].kid}

    assert check_of(post_token(lambda claims: f"{segment(header)}.{segment(claims)}.")) == "alg"


def test_token_signed_with_the_public_key_as_secret_is_refused(post_token, key_pairs, check_of):
    public = OctKey.import_key(key_pairs[0].as_pem(private=False).hex())
    header = {"alg": "HS256", "kid": key_pairs[0].kid}

    assert check_of(post_token(lambda claims: jwt.encode(header, claims, public))) == "alg"


def test_other_algorithm_of_the_right_key_is_refused(post_token, key_pairs, check_of):
    header = {"alg": "RS512", "kid": key_pairs[0].kid}

    assert check_of(post_token(lambda claims: jwt.encode(header, claims, key_pairs[0], algorithms=["RS512"]))) == "alg"


def test_token_without_kid_is_refused(post_token, key_pairs, check_of):
    header = {"alg": "RS256"}

    assert check_of(post_token(lambda claims: jwt.encode(header, claims, key_pairs[0]))) == "kid"


def test_token_of_an_unpublished_key_is_refused(post_token, lms, key_pairs, check_of):
    assert check_of(post_token(lambda claims: lms.sign(claims, key_pairs[1]))) == "key"


def test_token_that_claims_anothers_kid_is_refused(post_token, lms, key_pairs, check_of):
    kid = key_pairs[0].kid

    assert check_of(post_token(lambda claims: lms.sign(claims, key_pairs[1], kid=kid))) == "signature"


def test_token_that_brings_its_own_key_is_refused(post_token, lms, key_pairs, check_of):
    own = key_pairs[1].as_dict(private=False)

    assert (
        check_of(post_token(lambda claims: lms.sign(claims, key_pairs[1], kid=key_pairs[0].kid, jwk=own)))
        == "signature"
    )


def test_changed_claims_are_refused(post_token, lms, check_of):
    def tamper(claims):
        header, _, signature = lms.sign(claims).split(".")
        return f"{header}.{segment({**claims, 'sub': '5'})}.{signature}"

    assert check_of(post_token(tamper)) == "signature"


def test_critical_header_is_refused(post_token, lms, check_of):
    def mark(claims):
        _, payload, signature = lms.sign(claims).split(".")
        header = {"alg": "RS256", "kid": lms.keys[0].kid, "crit": ["exp"], "exp": 1}
        return f"{segment(header)}.{payload}.{signature}"

    assert check_of(post_token(mark)) == "crit"


@pytest.mark.parametrize(
    "token",
    ["", "x", "a.b.c", f"{segment([])}.e30.", f"{segment('alg')}.e30.", "W1tb" * 5000 + ".e30.", "ü.ü.ü"],
    ids=["empty", "one letter", "three letters", "list", "text", "deep", "beyond ascii"],
)
def test_what_is_no_token_is_refused(post_token, check_of, token):
    assert check_of(post_token(lambda _: token)) == "id_token"


def test_signature_that_is_cut_off_is_refused(post_token, lms, check_of):
    assert check_of(post_token(lambda claims: lms.sign(claims).rpartition(".")[0])) == "id_token"


def test_signed_text_that_is_no_object_is_refused(tool, lms, check_of, key_pairs):
    login = tool.login()
    token = jws.serialize_compact({"alg": "RS256", "kid": key_pairs[0].kid}, b"[]", key_pairs[0])

    assert check_of(tool.post(login["state"], token)) == "id_token"


def test_huge_message_is_refused(tool, lms, check_of):
    assert check_of(tool.post(tool.login()["state"], "x" * 500_000)) == "size"


def test_login_that_is_too_long_is_refused(tool, check_of):
    assert check_of(tool.ask_login(method="POST", more="x" * 20_000)) == "size"


@pytest.mark.parametrize(
    ("name", "longest"),
    [
        pytest.param("lti_deployment_id", 255, id="deployment"),
        pytest.param("login_hint", 8192, id="login hint"),
        pytest.param("lti_message_hint", 8192, id="message hint"),
    ],
)
def test_login_keeps_nothing_of_any_length(tool, check_of, name, longest):
    assert tool.ask_login(**{name: "x" * longest}).status_code == 302
    assert check_of(tool.ask_login(**{name: "x" * (longest + 1)})) == "login"


def test_target_is_no_longer_than_a_url(tool, check_of):
    target = f"{tool.url}/".ljust(2048, "x")

    assert tool.ask_login(target_link_uri=target).status_code == 302
    assert check_of(tool.ask_login(target_link_uri=f"{target}x")) == "login"


def test_unknown_header_parameters_are_passed_over(post_token, lms):
    assert post_token(lambda claims: lms.sign(claims)).status_code == 200
    assert post_token(lambda claims: _with_extra_header(lms, claims)).status_code == 200


def _with_extra_header(lms, claims):
    loose = JWSRegistry(algorithms=["RS256"], strict_check_header=False)
    loose.max_header_length = 10_000
    header = {"alg": "RS256", "kid": lms.keys[0].kid, "x-vendor": "v" * 2000}
    return jwt.encode(header, claims, lms.keys[0], registry=loose)


def test_second_key_of_one_kid_is_tried_too(tool, lms, key_pairs):
    lms.published = [key.as_dict(private=False, kid=key_pairs[1].kid) for key in key_pairs]
    login = tool.login()

    assert tool.post(login["state"], lms.sign(tool.claims(login["nonce"]), key_pairs[1])).status_code == 200


def test_platform_may_change_its_key(tool, lms, key_pairs, clock):
    assert tool.launch().status_code == 200
    lms.published = [key.as_dict(private=False) for key in key_pairs]
    clock.turn(seconds=31)
    login = tool.login()

    assert tool.post(login["state"], lms.sign(tool.claims(login["nonce"]), key_pairs[1])).status_code == 200


def test_key_set_that_cannot_be_read_refuses_the_launch(tool, lms, check_of):
    lms.status = 500

    assert check_of(tool.launch()) == "key"


# Deployments


def test_first_deployment_is_learned_and_the_next_is_not(tool, registry, platform, check_of):
    assert tool.launch(deployment_id="7").status_code == 200
    assert tool.launch(deployment_id="7").status_code == 200
    assert check_of(tool.launch(deployment_id="8")) == "deployment_id"
    assert registry.deployments.of(platform) == {"7"}


def test_deployment_that_the_operator_added_is_known(tool, registry, platform):
    registry.deployments.add(platform, ["7", "8"])

    assert tool.launch(deployment_id="8").status_code == 200


def test_of_deployments_that_come_at_once_one_is_the_first(registry_path, registry, platform, clock):
    together = threading.Barrier(8)

    def launch(number):
        with Registry.open(registry_path, clock) as own:
            together.wait(10)
            return own.deployments.add_first(platform, str(number))

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(launch, range(8))) == 1
    assert len(registry.deployments.of(platform)) == 1


def test_any_deployment_is_learned_where_that_is_allowed(make_tool, registry, platform):
    with make_tool(learn_deployments=LearnDeployments.ANY) as tool:
        assert tool.launch(deployment_id="7").status_code == 200
        assert tool.launch(deployment_id="8").status_code == 200

    assert registry.deployments.of(platform) == {"7", "8"}


def test_no_deployment_is_learned_where_that_is_forbidden(make_tool, check_of):
    with make_tool(learn_deployments=LearnDeployments.NONE) as tool:
        assert check_of(tool.launch()) == "deployment_id"


def test_deployment_is_not_learned_from_a_refused_launch(tool, registry, platform, check_of):
    check_of(tool.launch(deployment_id="8", roles=GONE))

    assert registry.deployments.of(platform) == frozenset()


def test_deployment_must_be_the_one_that_the_login_named(tool, lms, check_of):
    login = tool.login(lti_deployment_id="8")

    assert check_of(tool.post(login["state"], lms.sign(tool.claims(login["nonce"])))) == "deployment_id"


def test_platform_that_was_removed_meanwhile_refuses_the_launch(tool, registry, platform, lms, check_of):
    login = tool.login()
    registry.platforms.remove(platform.id)

    assert check_of(tool.post(login["state"], lms.sign(tool.claims(login["nonce"])))) == "state"
