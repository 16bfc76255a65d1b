"""The application answers as Flask does, however often the same is asked for."""

import itertools

import pytest
from flask import Flask, request, session, url_for
from werkzeug.test import Client, EnvironBuilder

from bridge import services
from bridge.services import Services

PATHS = [
    "/",
    "/nothing",
    "/one/a",
    "/one/b",
    "/one/a%2Fb",
    "/one/a/b",
    "/one//a",
    "/one/",
    "/one/%C3%A9",
    "/one/%FF",
    "/one/a%0Ab",
    "/one/a%3Fb",
    "//one/a",
    "/folder",
    "/folder/",
    "/number/1",
    "/number/x",
    "/folder?a=%C3%A9",
    "/folder?a=é&b=//",
    "",
]
METHODS = ["GET", "HEAD", "POST", "PUT", "OPTIONS"]


def with_routes(app):
    app.url_map.merge_slashes = False

    @app.get("/one/<path:sourced_id>")
    def one(sourced_id):
        return f"{sourced_id!r} {url_for('one', sourced_id='x')} {request.url_rule} {request.endpoint}"

    @app.post("/one/<path:sourced_id>")
    def put(sourced_id):
        return f"posted {sourced_id!r}"

    @app.get("/folder/")
    def folder():
        return url_for("folder", _external=True)

    @app.get("/number/<int:number>")
    def number(number):
        return repr(number)

    return app


def told(app, method, path, **more):
    answer = Client(app).open(path, method=method, base_url="https://Rosters.Example.org/bélow", **more)
    return answer.status, sorted(answer.headers), answer.headers.get("Location"), answer.get_data()


@pytest.mark.parametrize("method", METHODS)
def test_every_path_leads_where_it_does_in_flask_also_when_it_is_asked_for_again(method):
    ours = with_routes(Services(__name__))
    flask = Flask(__name__, static_folder=None)
    flask.url_map.converters["path"] = ours.url_map.converters["path"]
    with_routes(flask)

    for path, _ in itertools.product(PATHS, range(3)):
        assert told(ours, method, path) == told(flask, method, path), path


def test_what_is_remembered_of_one_method_is_not_of_another():
    app = with_routes(Services(__name__))

    assert [told(app, method, "/one/a")[0][:3] for method in ("GET", "POST", "PUT", "GET")] == [
        "200",
        "200",
        "405",
        "200",
    ]


def test_values_of_a_route_are_each_requests_own():
    app = Services(__name__)

    @app.get("/one/<path:sourced_id>")
    def one(sourced_id):
        request.view_args["sourced_id"] = "changed"
        return sourced_id

    assert [told(app, "GET", "/one/a")[3] for _ in range(3)] == [b"a"] * 3


def test_no_more_paths_are_remembered_than_may_be(monkeypatch):
    monkeypatch.setattr(services, "_LATELY_ASKED", 3)
    app = with_routes(Services(__name__))

    for path in [f"/one/{number}" for number in range(10)]:
        told(app, "GET", path)

        assert len(app._matched) <= 3
        assert ("GET", path) in app._matched


@pytest.mark.parametrize("path", ["/nothing", f"/one/{'a' * services._OFTEN_ASKED}"], ids=["no route", "long"])
def test_path_that_leads_nowhere_or_is_long_is_not_remembered(path):
    app = with_routes(Services(__name__))

    told(app, "GET", path)

    assert app._matched == {}


def test_an_upgrade_to_another_protocol_is_not_heard():
    app = with_routes(Services(__name__))
    asked = {"Connection": "Upgrade", "Upgrade": "websocket"}

    assert told(app, "GET", "/number/1", headers=asked)[0] == "200 OK"


def test_nobody_has_a_session():
    app = Services(__name__)
    app.secret_key = "nobody needs it"

    @app.get("/")
    def remember():
        session["a"] = "b"
        return ""

    with pytest.raises(RuntimeError, match="session is unavailable"), app.request_context(_environ()):
        remember()
    with app.request_context(_environ()):
        assert "Set-Cookie" not in app.process_response(app.make_response("")).headers
        assert dict(session) == {}


def _environ():
    return EnvironBuilder("/").get_environ()
