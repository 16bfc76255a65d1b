"""What no page lets anybody do: get in without an account, post from elsewhere, frame it, or write the mirror."""

import hashlib
import re
import sqlite3

import pytest
import requests

from bridge.admin.app import admin_app
from bridge.app import create_app
from bridge.roster.identity import context_key
from bridge.settings import Server, Settings, Storage
from bridge.wiring import Wiring
from tests.admin.conftest import words

OPEN = {"accounts.sign_in", "static", "bootstrap.static"}


def filled(rule):
    """A path of a rule."""
    values = {"tenant": "school", "key": context_key("Course-1"), "run_id": 1, "platform_id": 1, "registration_id": 1}
    names = {"client_id": "x", "vendor": "canvas", "question": "roles", "filename": "admin.css", "name": "district"}
    return rule.build({name: (values | names)[name] for name in rule.arguments})[1]


@pytest.fixture
def rules(site):
    return list(site.admin.url_map.iter_rules())


def test_every_page_sends_a_stranger_to_sign_in(site, stranger, rules):
    for rule in rules:
        if rule.endpoint in OPEN or "GET" not in rule.methods:
            continue
        answer = stranger.get("/admin" + filled(rule), allow_redirects=False)
        assert (answer.status_code, "/admin/sign-in" in answer.headers["Location"]) == (302, True), rule


def test_every_form_is_refused_without_its_token_even_to_the_operator(site, operator, rules):
    posts = [rule for rule in rules if "POST" in rule.methods]
    assert len(posts) > 10
    for rule in posts:
        answer = operator.session.post(f"{site.url}/admin{filled(rule)}", data={"decision": "approve"})
        assert (answer.status_code, "CSRF" in answer.text) == (400, True), rule


def test_refused_form_says_what_to_do(site, operator):
    answer = operator.session.post(f"{site.url}/admin/setup/", data={"days": "7"})

    assert "Nothing was done." in answer.text
    assert "open the page again" in answer.text


def test_token_of_another_session_is_refused(site, operator, stranger):
    shown = stranger.get("/admin/sign-in").text
    token = re.search(r'name="csrf_token"[^>]* value="([^"]+)"', shown)[1]

    answer = operator.session.post(f"{site.url}/admin/setup/", data={"csrf_token": token, "days": "7"})

    assert answer.status_code == 400


def test_form_with_its_token_is_refused_to_a_stranger(site, stranger):
    shown = stranger.get("/admin/sign-in").text
    token = re.search(r'name="csrf_token"[^>]* value="([^"]+)"', shown)[1]

    answer = stranger.session.post(f"{site.url}/admin/setup/", data={"csrf_token": token, "days": "7"})

    assert answer.url.endswith("/admin/sign-in?next=/")


def test_page_may_not_be_framed_and_runs_nothing_inline(operator):
    answer = operator.get("/admin/")

    policy = dict(part.strip().split(" ", 1) for part in answer.headers["Content-Security-Policy"].split(";"))
    assert policy["frame-ancestors"] == "'none'"
    assert (policy["script-src"], policy["style-src"], policy["default-src"]) == ("'self'", "'self'", "'none'")
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Frame-Options"] == "DENY"


def test_no_page_holds_anything_that_the_policy_forbids(operator, context_path, held):
    for path in ("/admin/", context_path, f"/admin/held/{held.id}", "/admin/setup/", "/admin/clients/new"):
        page = operator.get(path).text
        assert re.findall(r"<style|\sstyle=|\son[a-z]+=|javascript:|<script(?![^>]*\ssrc=)", page) == [], path
        assert re.findall(r'(?:src|href)="(?:https?:)?//', page) == [], path


def test_page_is_not_stored(operator):
    assert operator.get("/admin/").headers["Cache-Control"] == "no-store"


def test_cookie_is_for_these_pages_alone_and_out_of_scripts_reach(site, stranger):
    answer = stranger.get("/admin/sign-in")

    cookie = answer.headers["Set-Cookie"]
    assert "Path=/admin" in cookie
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


def test_cookie_is_secure_where_the_bridge_is_reached_by_https(tmp_path):
    server = Server(public_url="https://roster.example.org/bridge")
    wiring = Wiring(Settings(server=server, storage=Storage(directory=tmp_path)))
    wiring.prepare()
    cookie = admin_app(wiring).test_client().get("/sign-in").headers["Set-Cookie"]
    wiring.close()

    assert cookie.startswith("__Secure-bridge_admin=")
    assert "Secure;" in cookie
    assert "Path=/bridge/admin" in cookie


def test_services_know_nothing_of_the_session(tmp_path):
    app = create_app(Settings(storage=Storage(directory=tmp_path)))
    answers = [app.test_client().get(path) for path in ("/", "/healthz", "/ims/oneroster/rostering/v1p2/users")]
    inside = app.test_client().get("/admin/sign-in")
    app.extensions["bridge"].close()

    assert [answer.headers.get("Set-Cookie") for answer in answers] == [None] * 3
    assert ["Cookie" in answer.headers.get("Vary", "") for answer in answers] == [False] * 3
    assert inside.status_code == 200


def test_pages_have_their_assets_from_the_bridge(site, stranger):
    page = stranger.get("/admin/sign-in").text

    links = re.findall(r'(?:src|href)="([^"]+\.(?:css|js))"', page)
    assert links
    for link in links:
        assert stranger.get(link).status_code == 200


def test_unknown_page_is_a_page(operator):
    answer = operator.get("/admin/nothing/here")

    assert (answer.status_code, answer.headers["Content-Type"]) == (404, "text/html; charset=utf-8")


def test_failure_is_a_page_that_tells_nothing(site, operator):
    site.wiring.registry.db.execute("DROP TABLE activity")

    answer = operator.get("/admin/activity")

    assert answer.status_code == 500
    assert "sqlite" not in answer.text
    assert answer.headers["X-Request-Id"] in answer.text


def digest(path):
    connection = sqlite3.connect(path)
    lines = "\n".join(connection.iterdump())
    connection.close()
    return hashlib.sha256(lines.encode()).hexdigest()


def test_no_page_and_no_form_writes_the_mirror(site, operator, context_path, held, rules):
    mirror = site.settings.storage.mirror
    before = digest(mirror)

    for rule in rules:
        if "GET" in rule.methods and rule.endpoint not in OPEN:
            operator.get("/admin" + filled(rule))
    operator.post(context_path + "sync", shown_at=context_path)
    operator.post(context_path + "pause", shown_at=context_path, reason="a test")
    operator.post(context_path + "inspect/")
    operator.post("/admin/held/", run=held.id, decision="approve")
    operator.post("/admin/held/", run=held.id, decision="reject")
    operator.post("/admin/platforms/1/pause", shown_at="/admin/platforms/1")

    assert digest(mirror) == before
    assert {order.kind for order in site.wiring.registry.orders.open()} == {"sync", "pause", "approve", "reject"}


def test_signed_in_operator_is_not_asked_again(operator):
    assert operator.get("/admin/sign-in").url.endswith("/admin/")


def test_session_cookie_that_was_forged_is_worth_nothing(site):
    answer = requests.get(f"{site.url}/admin/", cookies={"bridge_admin": "eyJfdXNlcl9pZCI6IjE6MSJ9.x.y"}, timeout=30)

    assert "Sign in" in words(answer)


@pytest.mark.parametrize("query", ["endpoint=x", "_method=x", "_external=1", "_scheme=https", "_anchor=x"])
def test_parameters_are_no_orders_to_whatever_makes_the_links(operator, context_path, query):
    page = operator.get(f"{context_path}?{query}")

    assert page.status_code == 200
    assert f'action="{context_path}sync"' in page.text


@pytest.mark.parametrize("path", ["/admin/runs/", "/admin/held/", "/admin/platforms/"])
def test_number_that_no_row_has_is_not_found(operator, path):
    assert operator.get(path + "9" * 30).status_code == 404
