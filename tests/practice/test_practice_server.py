"""The practice server and the practice browser."""

import pytest
import requests
from flask import Flask, Response, redirect, request

from bridge.practice.browser import Browser
from bridge.practice.server import PracticeServer


@pytest.fixture
def app():
    return Flask(__name__)


def test_the_url_is_known_before_the_application_is(app):
    server = PracticeServer()
    app.add_url_rule("/", "start", view_func=lambda: server.url)
    server.app = app

    with server:
        assert requests.get(server.url, timeout=10).text == server.url


def test_without_an_application_there_is_nothing_to_start():
    server = PracticeServer()

    with pytest.raises(ValueError, match="no application"):
        server.start()
    server.close()


def test_closing_twice_does_no_harm_and_gives_the_port_back(app):
    with PracticeServer(app) as server:
        pass
    server.close()

    with pytest.raises(requests.ConnectionError):
        requests.get(server.url, timeout=10)
    with PracticeServer(app, port=server.port) as another:
        assert requests.get(another.url, timeout=10).status_code == 404


def test_a_port_that_is_taken_is_refused(app):
    with PracticeServer(app) as server, pytest.raises(OSError, match="in use"):
        PracticeServer(app, port=server.port)


def test_nothing_is_printed_per_request(app, capfd):
    with PracticeServer(app) as server:
        requests.get(server.url, timeout=10)

    assert capfd.readouterr() == ("", "")


FORM = '<form action="{action}" method="{method}"><input name="a" value="1 &amp; &lt;2"></form>'


@pytest.mark.parametrize("method", ["get", "POST"])
@pytest.mark.parametrize(
    "page",
    [f'<body onload="document.forms[0].submit()">{FORM}', f"{FORM}<script>document.forms[0].submit();</script>"],
    ids=["onload", "script"],
)
def test_the_browser_submits_forms_that_submit_themselves(app, browser, page, method):
    app.add_url_rule("/form", "form", view_func=lambda: page.format(action="end", method=method))
    app.add_url_rule(
        "/end", "end", view_func=lambda: f"{request.method} {request.values['a']}", methods=["GET", "POST"]
    )

    with PracticeServer(app) as server:
        assert browser.launch(f"{server.url}/form").text == f"{method.upper()} 1 & <2"


def test_the_browser_leaves_forms_for_people_alone(app, browser):
    page = FORM.format(action="/elsewhere", method="post")
    app.add_url_rule("/", "start", view_func=lambda: page)

    with PracticeServer(app) as server:
        assert browser.launch(server.url).text == page


def test_the_browser_keeps_secure_cookies_on_loopback(app, browser):
    def give():
        answer = redirect("/show")
        answer.set_cookie("crumb", "kept", secure=True, samesite="None")
        return answer

    app.add_url_rule("/", "start", view_func=give)
    app.add_url_rule("/show", "show", view_func=lambda: request.cookies.get("crumb", "none"))

    with PracticeServer(app) as server, Browser() as another:
        assert browser.launch(server.url).text == "kept"
        assert another.launch(f"{server.url}/show").text == "none"


def test_the_browser_gives_up_on_forms_that_go_round_in_circles(app, browser):
    page = f'<body onload="document.forms[0].submit()">{FORM.format(action="", method="post")}'
    app.add_url_rule("/", "start", view_func=lambda: Response(page), methods=["GET", "POST"])

    with PracticeServer(app) as server, pytest.raises(requests.TooManyRedirects):
        browser.launch(server.url)
