"""What every request must keep to, and what every answer tells browsers."""

import pytest
from werkzeug.test import EnvironBuilder, run_wsgi_app

from bridge.app import create_app
from bridge.incoming import MAX_HEADERS, MAX_PATH, MAX_QUERY, REGISTRATIONS_PER_MINUTE
from bridge.registry.registry import Registry
from bridge.settings import Log, Lti, OneRoster, Server, Settings, Storage
from tests.oneroster.served import Served, refusal


@pytest.fixture
def make_http(tmp_path):
    apps = []

    def make(*, lti=None, oneroster=None, **server):
        settings = Settings(
            server=Server(**{"public_url": "https://rosters.example.org", **server}),
            storage=Storage(directory=tmp_path / "var"),
            oneroster=oneroster or OneRoster(),
            lti=lti or Lti(),
            log=Log(level="error"),
        )
        apps.append(create_app(settings))
        return apps[-1].test_client()

    yield make
    for app in apps:
        app.extensions["bridge"].close()


@pytest.mark.parametrize(
    ("path", "query", "headers", "named"),
    [
        pytest.param("users/" + "x" * MAX_PATH, "", {}, "path", id="path"),
        pytest.param("users", "x=" + "y" * MAX_QUERY, {}, "query string", id="query string"),
        pytest.param("users", "", {"X-Long": "y" * MAX_HEADERS}, "headers", id="headers"),
    ],
)
def test_what_is_too_long_is_refused_and_named(make_http, path, query, headers, named):
    answer = make_http().get(f"/ims/oneroster/rostering/v1p2/{path}?{query}", headers=headers)

    status, minor, description = refusal(answer)
    assert (status, minor) == (400, "invaliddata")
    assert named in description


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/docs",
        "/healthz",
        "/oauth2/token",
        "/nothing",
        "/api/events",
        "/lti/login",
        "/.well-known/jwks.json",
        "/ims/oneroster/rostering/v1p2/users",
        "/docs/site.css",
    ],
)
def test_every_answer_has_the_headers_that_protect(make_http, path):
    headers = make_http().get(path).headers

    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert headers["Referrer-Policy"] in ("no-referrer", "same-origin")
    assert headers["Strict-Transport-Security"] == "max-age=31536000"


@pytest.mark.parametrize("path", ["/", "/docs", "/nothing", "/oauth2/token", "/ims/oneroster/rostering/v1p2/users"])
def test_nothing_but_the_launch_pages_may_be_framed(make_http, path):
    assert "frame-ancestors 'none'" in make_http().get(path).headers["Content-Security-Policy"]


def test_browsers_are_not_bound_to_https_where_there_is_none(make_http):
    assert "Strict-Transport-Security" not in make_http(public_url="http://127.0.0.1:8080").get("/").headers


def test_address_that_asks_too_often_is_told_when_to_come_back(make_http):
    http = make_http(requests_per_second=2)

    answers = [http.get("/healthz") for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[-1].headers["Retry-After"] == "1"


@pytest.mark.parametrize(
    ("method", "path", "told"),
    [
        pytest.param("GET", "/ims/oneroster/rostering/v1p2/users", "imsx_codeMajor", id="OneRoster"),
        pytest.param("GET", "/ims/oneroster/rostering/v1p2/nothing", "imsx_codeMajor", id="OneRoster, no endpoint"),
        pytest.param("POST", "/oauth2/token", "error_description", id="tokens"),
        pytest.param("GET", "/lti/contexts/x/memberships", "detail", id="NRPS"),
        pytest.param("GET", "/api/events", "detail", id="events"),
        pytest.param("POST", "/api/launches", "detail", id="launches handed in"),
        pytest.param("GET", "/api/memberships", "details", id="memberships in LTIAAS's shape"),
        pytest.param("GET", "/api/idtoken", "details", id="launches in LTIAAS's shape"),
        pytest.param("GET", "/.well-known/jwks.json", "detail", id="key set"),
        pytest.param("GET", "/nothing", "detail", id="nothing"),
    ],
)
def test_who_asks_too_often_is_told_so_in_the_protocols_words(make_http, method, path, told):
    http = make_http(requests_per_second=1)

    answers = (http.open(path, method=method) for _ in range(50))
    answer = next(answer for answer in answers if answer.status_code == 429)

    assert answer.headers["Retry-After"] == "1"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.get_json()[told]


@pytest.mark.parametrize(
    ("proxies", "statuses"),
    [
        pytest.param(0, [200, 429], id="no proxy, so nobody's word is taken"),
        pytest.param(1, [200, 200], id="a proxy of one's own"),
    ],
)
def test_sender_is_whom_ones_own_proxy_names(make_http, proxies, statuses):
    http = make_http(requests_per_second=1, proxies=proxies)

    answers = [http.get("/healthz", headers={"X-Forwarded-For": address}) for address in ("192.0.2.1", "192.0.2.2")]

    assert [answer.status_code for answer in answers] == statuses


def test_tokens_are_counted_for_all_workers_together(make_http):
    few = OneRoster(token_requests_per_minute=2)
    workers = [make_http(oneroster=few), make_http(oneroster=few)]

    answers = [worker.post("/oauth2/token", data={"grant_type": "x"}) for worker in (*workers, *workers)]

    assert [answer.status_code for answer in answers] == [401, 401, 429, 429]
    assert answers[-1].get_json()["error"] == "temporarily_unavailable"
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 60


@pytest.mark.parametrize(
    ("method", "path"),
    [
        pytest.param("POST", "//oauth2/token", id="two slashes"),
        pytest.param("post", "/oauth2/token", id="small letters"),
        pytest.param("GET", "//lti/register", id="registrations, two slashes"),
        pytest.param("get", "/lti/register", id="registrations, small letters"),
    ],
)
def test_requests_are_counted_however_they_are_spelt(make_http, method, path):
    app = make_http(oneroster=OneRoster(token_requests_per_minute=2), lti=Lti(registration="open")).application

    def ask():
        environ = EnvironBuilder().get_environ() | {"REQUEST_METHOD": method, "PATH_INFO": path}
        _, status, _ = run_wsgi_app(app, environ)
        return status[:3]

    statuses = [ask() for _ in range(2 * REGISTRATIONS_PER_MINUTE + 3)]

    assert statuses[0] == "400"
    assert set(statuses) == {"400", "429"}


@pytest.mark.parametrize("header", ["Content-Encoding", "Transfer-Encoding"])
def test_address_that_is_refused_for_its_bodies_is_counted(make_http, header):
    http = make_http(requests_per_second=2)

    answers = [http.post("/oauth2/token", data={"a": "b"}, headers={header: "gzip"}) for _ in range(50)]

    statuses = [answer.status_code for answer in answers]
    assert set(statuses) == {415, 429}
    assert statuses[:2] == [415, 415]


def test_tokens_of_a_client_are_counted_wherever_it_asks_from(tmp_path, make_http):
    http = make_http(oneroster=OneRoster(token_requests_per_minute=2), proxies=1)
    with Registry.open(tmp_path / "var" / "registry.sqlite") as registry:
        client, secret = registry.clients.add("consumer", scopes=["s"])

    def ask(address):
        return http.post(
            "/oauth2/token",
            data={"grant_type": "client_credentials"},
            auth=(client.client_id, secret),
            headers={"X-Forwarded-For": address},
        ).status_code

    assert [ask(f"192.0.2.{number}") for number in range(3)] == [200, 200, 429]


def test_registrations_from_one_address_are_few(make_http):
    http = make_http(lti=Lti(registration="open"))

    statuses = [http.get("/lti/register").status_code for _ in range(REGISTRATIONS_PER_MINUTE + 1)]

    assert statuses == [400] * REGISTRATIONS_PER_MINUTE + [429]


def test_large_body_is_refused_unread(make_http):
    answer = make_http().post("/lti/launch", data={"id_token": "x" * 2_000_000})

    assert answer.status_code in (400, 413)


def test_databases_that_others_can_read_are_reported_at_start(tmp_path, capfd):
    Served(tmp_path / "var").close()
    (tmp_path / "var").chmod(0o755)
    (tmp_path / "var" / "mirror.sqlite").chmod(0o644)

    app = create_app(Settings(storage=Storage(directory=tmp_path / "var"), log=Log(level="warning", format="json")))
    app.extensions["bridge"].close()

    written = capfd.readouterr()
    assert "readable_by_others" in written.out + written.err


def test_passphrase_that_others_can_read_is_reported_at_start(tmp_path, capfd):
    key_file = tmp_path / "passphrase"
    key_file.write_text("correct horse battery staple")
    key_file.chmod(0o644)
    storage = Storage(directory=tmp_path / "var", key_file=key_file)

    app = create_app(Settings(storage=storage, log=Log(level="warning", format="json")))
    app.extensions["bridge"].close()

    written = capfd.readouterr()
    assert "readable_by_others" in written.out + written.err


class TestOperatorsPages:
    """They are an application of their own, and kept to the same."""

    def test_address_that_asks_too_often_is_told_when_to_come_back(self, make_http):
        http = make_http(requests_per_second=1)
        answers = [http.get("/admin/sign-in") for _ in range(3)]

        assert [answers[0].status_code, answers[-1].status_code] == [200, 429]
        assert int(answers[-1].headers["Retry-After"]) >= 1

    def test_what_is_too_long_is_refused(self, make_http):
        http = make_http()

        assert http.get("/admin/sign-in?x=" + "y" * MAX_QUERY).status_code == 400
        assert http.get("/admin/sign-in", headers={"X-Long": "y" * MAX_HEADERS}).status_code == 400

    def test_browsers_are_bound_to_https_and_the_pages_keep_their_own_policy(self, make_http):
        headers = make_http().get("/admin/sign-in").headers

        assert headers["Strict-Transport-Security"] == "max-age=31536000"
        assert "script-src 'self'" in headers["Content-Security-Policy"]
        assert headers["Referrer-Policy"] == "same-origin"
