"""Logins whose secret the platform's page keeps: LTI Client Side postMessages, LTI Platform Storage 0.1.

What the scripts do in a browser is in ``tests/browser``; here is what the server believes.
"""

import re
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest

FRAMED = {"Sec-Fetch-Dest": "iframe"}


@pytest.fixture(autouse=True)
def platform(add_platform):
    return add_platform()


def data_of(page, element):
    """The ``data-`` attributes of the element with this id."""
    (tag,) = re.findall(rf'<[a-z]+ id="{element}"[^>]*>', page)
    return {name: unescape(value) for name, value in re.findall(r'data-([a-z-]+)="([^"]*)"', tag)}


def field_of(page, name):
    return unescape(re.findall(rf'name="{name}" value="([^"]*)"', page)[0])


class FramedLogin:
    """A login in a frame whose cookies the browser does not keep."""

    def __init__(self, tool, **params):
        tool.browser.headers.update(FRAMED)
        answer = tool.ask_login(**params)
        assert answer.status_code == 200, answer.text
        tool.browser.cookies.clear()
        self.tool = tool
        self.page = answer.text
        self.data = data_of(answer.text, "login")
        self.url = unescape(re.findall(r'id="continue" href="([^"]+)"', answer.text)[0])
        self.again = unescape(re.findall(r'class="button" href="([^"]+)"', answer.text)[0])
        query = {name: values[0] for name, values in parse_qs(urlsplit(self.url).query).items()}
        self.form = {"state": query["state"], "id_token": tool.lms.sign(tool.claims(query["nonce"]))}

    def post(self, origin=..., **more):
        headers = {"Origin": self.tool.url if origin is ... else origin} if origin else {}
        return self.tool.browser.post(
            f"{self.tool.url}/lti/launch", data={**self.form, **more}, headers=headers, timeout=10
        )


def test_login_in_a_frame_is_a_page_that_leads_on(tool):
    login = FramedLogin(tool, lti_storage_target="_parent")

    assert login.data["target"] == "_parent"
    assert login.data["origin"] == "https://lms.example.org"
    assert login.url.startswith("https://lms.example.org/auth?scope=openid")


def test_login_in_a_window_of_its_own_is_a_redirect(tool):
    tool.browser.headers["Sec-Fetch-Dest"] = "document"

    assert tool.ask_login(lti_storage_target="_parent").status_code == 302


def test_login_by_a_browser_that_does_not_say_is_a_page_where_the_platform_has_storage(tool):
    assert tool.ask_login(lti_storage_target="_parent").status_code == 200
    assert tool.ask_login().status_code == 302


def test_origin_is_that_of_the_authorization_endpoint_as_browsers_write_it(tool, add_platform):
    add_platform(client_id="bridge-2", auth_login_url="HTTPS://SSO.example.org:443/auth?x=1")

    assert FramedLogin(tool, client_id="bridge-2").data["origin"] == "https://sso.example.org"


@pytest.mark.parametrize("target", ["", "a b", '"><script>', "x" * 101, "ü"])
def test_target_that_is_no_name_of_a_frame_is_passed_over(tool, target):
    assert FramedLogin(tool, lti_storage_target=target).data["target"] == ""


def test_new_window_gets_the_same_login_request_without_the_frame(tool):
    login = FramedLogin(tool, lti_storage_target="_parent", lti_message_hint='{"a":"b &"}', lti_deployment_id="7")

    where = urlsplit(login.again)
    assert f"{where.scheme}://{where.netloc}{where.path}" == f"{tool.url}/lti/login"
    assert {name: values[0] for name, values in parse_qs(where.query).items()} == {
        "iss": "https://lms.example.org",
        "login_hint": "4",
        "target_link_uri": f"{tool.url}/",
        "client_id": "bridge-1",
        "lti_message_hint": '{"a":"b &"}',
        "lti_deployment_id": "7",
    }


def test_launch_without_cookie_asks_the_platform_and_uses_nothing_up(tool):
    login = FramedLogin(tool, lti_storage_target="lms_storage")

    for _ in range(2):
        page = login.post().text
        assert data_of(page, "answer") == {
            "key": login.data["key"],
            "target": "lms_storage",
            "origin": "https://lms.example.org",
        }
        assert (field_of(page, "state"), field_of(page, "id_token")) == (login.form["state"], login.form["id_token"])


def test_launch_is_good_with_what_storage_kept(tool, registry):
    login = FramedLogin(tool, lti_storage_target="_parent")

    assert login.post(stored=login.data["value"]).status_code == 200
    assert len(registry.contexts.all()) == 1


def test_launch_by_storage_is_good_once(tool, check_of):
    login = FramedLogin(tool, lti_storage_target="_parent")
    login.post(stored=login.data["value"])

    assert check_of(login.post(stored=login.data["value"])) == "state"


@pytest.mark.parametrize("origin", ["https://attacker.example.org", "null", None], ids=["other", "opaque", "none"])
def test_value_that_comes_by_another_page_than_ours_is_not_believed(tool, check_of, registry, origin):
    login = FramedLogin(tool, lti_storage_target="_parent")

    assert check_of(login.post(origin, stored=login.data["value"])) == "cookie"
    assert registry.contexts.all() == []


@pytest.mark.parametrize("stored", ["", "guessed"], ids=["nothing", "another value"])
def test_launch_fails_closed_without_what_was_given(tool, check_of, stored):
    login = FramedLogin(tool, lti_storage_target="_parent")

    assert check_of(login.post(stored=stored)) == "cookie"
    assert check_of(login.post(stored=login.data["value"])) == "state"


def test_value_of_another_login_is_refused(tool, check_of):
    first, second = (FramedLogin(tool, lti_storage_target="_parent") for _ in range(2))

    assert check_of(first.post(stored=second.data["value"])) == "cookie"


def test_logins_in_two_frames_are_kept_apart(tool):
    first, second = (FramedLogin(tool, lti_storage_target="_parent") for _ in range(2))

    assert first.data["key"] != second.data["key"]
    for login in (second, first):
        assert login.post(stored=login.data["value"]).status_code == 200


def test_stolen_cookie_name_does_not_stand_in_for_the_cookie(tool, check_of):
    login = FramedLogin(tool)
    tool.browser.cookies.set(login.data["key"], "guessed")

    assert check_of(login.post(stored=login.data["value"])) == "cookie"


def test_without_frame_and_storage_a_missing_cookie_is_refused_at_once(tool, lms, check_of):
    login = tool.login()
    tool.browser.cookies.clear()

    assert check_of(tool.post(login["state"], lms.sign(tool.claims(login["nonce"])))) == "cookie"


def test_state_alone_is_accepted_where_the_operator_says_so(make_tool, lms, check_of):
    with make_tool(state_only=True) as tool:
        login = tool.login()
        tool.browser.cookies.clear()
        form = (login["state"], lms.sign(tool.claims(login["nonce"])))

        assert tool.post(*form).status_code == 200
        assert check_of(tool.post(*form)) == "state"


def test_wrong_cookie_is_refused_even_then(make_tool, lms, check_of):
    with make_tool(state_only=True) as tool:
        login = tool.login()
        (name,) = tool.browser.cookies.get_dict()
        tool.browser.cookies.clear()
        tool.browser.cookies.set(name, "another's")

        assert check_of(tool.post(login["state"], lms.sign(tool.claims(login["nonce"])))) == "cookie"


def test_secret_of_a_login_is_not_in_the_file(tool, registry_path):
    value = FramedLogin(tool, lti_storage_target="_parent").data["value"].encode()

    assert all(value not in file.read_bytes() for file in registry_path.parent.iterdir())
