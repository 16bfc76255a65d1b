"""Each protocol's errors in its own words, on every route and on nonsense.

OneRoster 1.2 Rostering OpenAPI, ``imsx_StatusInfo``; RFC 6749 section 5.2; and for the rest a small JSON object, or a
page where a person in a browser reads it.
"""

import sqlite3

import pytest

from bridge.oneroster.discovery import FILE_NAMES
from tests.oneroster.served import Served, refusal

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"]
SHAPED_LIKE_LTIAAS = ["/api/memberships", "/api/memberships/sync", "/api/idtoken"]
ROUTES = [
    "/",
    "/docs",
    "/docs/site.css",
    *(f"/ims/oneroster/rostering/v1p2/discovery/{name}" for name in FILE_NAMES),
    "/ims/oneroster/rostering/v1p2/users",
    "/ims/oneroster/rostering/v1p2/users/some-id",
    "/api/events",
    "/api/runs",
    "/api/runs/<name>",
    "/api/runs/<name>/changes",
    "/api/classes/<path:sourced_id>/sync",
    "/api/sources/<path:source>/sync",
    *SHAPED_LIKE_LTIAAS,
    "/api/launches",
    "/oauth2/token",
    "/lti/contexts/<path:class_sourced_id>/memberships",
    "/lti/login",
    "/lti/launch",
    "/lti/roster",
    "/lti/register",
    "/lti/register/<invitation>",
    "/lti/static/<path:filename>",
    "/.well-known/jwks.json",
    "/healthz",
    "/readyz",
    "/metrics",
]
PAGES = ["/admin/", "/admin/sign-in", "/admin/held/"]
"""Some of the operator's pages: tests/admin goes through all of them."""
NONSENSE = [
    "/admins",
    "/docs/",
    "/docs/nothing.css",
    "/docs/../views.py",
    "/favicon.ico",
    "/ims",
    "/ims/",
    "/ims//",
    "/ims/oneroster",
    "/ims/oneroster/rostering/v1p2",
    "/ims/oneroster/rostering/v1p2/",
    "/ims/oneroster/rostering/v1p2//users",
    "/ims/oneroster/rostering/v1p1/users",
    "/ims/oneroster/gradebook/v1p2/results",
    "/ims/oneroster/rostering/v1p2/demographics",
    "/ims/oneroster/rostering/v1p2/%00",
    "/ims/oneroster/rostering/v1p2/%FF/%FE",
    "/ims/oneroster/rostering/v1p2/users/%FF",
    "/ims/oneroster/rostering/v1p2/..%2F..%2Fhealthz",
    "/ims/oneroster/rostering/v1p2/<script>alert(1)</script>",
    "/ims/" + "x" * 5000,
    "/oauth2",
    "/oauth2/token/",
    "/lti",
    "/lti/login/",
    "/.well-known",
    "/healthz/",
    "/%E2%80%AE",
    "/%FF",
]


@pytest.fixture(scope="module")
def http(tmp_path_factory):
    served = Served(tmp_path_factory.mktemp("shapes"))
    yield served.app.test_client()
    served.close()


@pytest.fixture(scope="module")
def broken(tmp_path_factory):
    """Both files lose every table while the application runs."""
    served = Served(tmp_path_factory.mktemp("broken"))
    for path in (served.settings.storage.mirror, served.settings.storage.registry):
        connection = sqlite3.connect(path)
        connection.execute("PRAGMA foreign_keys = OFF")
        names = [
            name
            for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
            if not name.startswith("sqlite_") and name != "migrations"
        ]
        for name in names:
            connection.execute(f'DROP TABLE "{name}"')
        connection.close()
    yield served.app.test_client()
    served.close()


def check(answer, path, method):
    """The shape that the path's protocol has for this status."""
    body = answer.get_data(as_text=True)
    for leak in ("Traceback", "werkzeug", "sqlite", 'File "', "<script>"):
        assert leak not in body
    if answer.status_code < 400 or method == "HEAD":
        return
    if path == "/ims" or path.startswith("/ims/"):
        refusal(answer)
    elif path == "/oauth2/token":
        assert answer.get_json().keys() == {"error", "error_description"}
        assert answer.get_json()["error"].replace("_", "").isalpha()
        assert answer.headers["Cache-Control"] == "no-store"
    elif answer.mimetype == "text/html":
        assert path.startswith(("/lti/", "/admin"))
    elif path == "/readyz" and answer.status_code == 503:
        assert answer.get_json() == {"status": "unavailable"}
    elif path in SHAPED_LIKE_LTIAAS and answer.status_code == 401:
        assert answer.get_json().keys() == {"error", "detail", "status", "details"}
    else:
        assert answer.get_json().keys() == {"error", "detail"}


def test_routes_listed_here_are_all_there_are(http):
    rules = {rule.rule.replace("<path:path>", "users") for rule in http.application.url_map.iter_rules()}

    assert rules == {route for route in ROUTES if not route.endswith("some-id")}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("path", ROUTES + PAGES)
def test_refusal_on_a_route_has_its_protocol_s_shape(http, path, method):
    answer = http.open(path, method=method)

    assert answer.status_code < 500
    check(answer, path, method)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("path", ROUTES + PAGES)
def test_failure_on_a_route_has_its_protocol_s_shape(broken, path, method):
    check(broken.open(path, method=method), path, method)


@pytest.mark.parametrize("path", [route for route in ROUTES if route.startswith(("/ims", "/.well-known", "/readyz"))])
def test_failure_is_a_server_s_error(broken, path):
    assert broken.get(path, headers={"Authorization": "Bearer x"}).status_code in (500, 503)


def test_failure_at_the_token_endpoint_is_a_server_s_error(broken):
    answer = broken.post("/oauth2/token", data={"grant_type": "client_credentials"}, auth=("a", "b"))

    assert (answer.status_code, answer.get_json()["error"]) == (500, "server_error")
    check(answer, "/oauth2/token", "POST")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("path", NONSENSE, ids=lambda path: path[:60])
def test_nonsense_is_refused_in_the_shape_of_the_protocol_it_lies_under(http, path, method):
    answer = http.open(path, method=method)

    assert answer.status_code in (400, 401, 404, 405)
    check(answer, path, method)


@pytest.mark.parametrize(
    ("path", "method", "allow"),
    [
        ("/ims/oneroster/rostering/v1p2/users", "DELETE", "GET, HEAD"),
        ("/oauth2/token", "GET", "POST"),
        ("/lti/launch", "GET", "OPTIONS, POST"),
        ("/healthz", "POST", "GET, HEAD, OPTIONS"),
    ],
)
@pytest.mark.clause("RFC 9110 section 15.5.6")
def test_refused_method_comes_with_those_that_are_allowed(http, path, method, allow):
    answer = http.open(path, method=method)

    assert (answer.status_code, answer.headers["Allow"]) == (405, allow)


def test_message_for_a_person_in_a_browser_is_a_page(http):
    answer = http.get("/lti/login")

    assert (answer.status_code, answer.mimetype) == (400, "text/html")
    assert "script" not in answer.get_data(as_text=True)
