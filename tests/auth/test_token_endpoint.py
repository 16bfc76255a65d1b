"""``POST /oauth2/token``, as consumers meet it: RFC 6749 and RFC 6750."""

import base64
from urllib.parse import quote_plus

import pytest

from bridge.auth.bearer import authenticate
from bridge.oneroster.scopes import ONEROSTER_SCOPES, ROSTER, ROSTER_CORE, ROSTER_DEMOGRAPHICS

GRANT = {"grant_type": "client_credentials"}
FORMER_ROSTER = "https://purl.imsglobal.org/spec/or/v1p1/scope/roster.readonly"
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def ask(session, token_url, consumer):
    """Ask for a token as the consumer, with HTTP Basic unless told otherwise."""
    client, secret = consumer

    def ask(form=GRANT, **request):
        request.setdefault("auth", (client.client_id, secret))
        return session.post(token_url, data=form, timeout=10, **request)

    return ask


def basic(client_id, secret):
    return "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()


def test_basic_credentials_get_a_token_that_works(ask, registry, consumer):
    answer = ask()

    assert answer.status_code == 200
    body = answer.json()
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 3600)
    grant = authenticate(f"Bearer {body['access_token']}", registry)
    assert (grant.client_id, grant.scopes) == (consumer[0].client_id, set(ONEROSTER_SCOPES))


def test_credentials_in_the_form_get_a_token(ask, consumer):
    client, secret = consumer

    answer = ask({**GRANT, "client_id": client.client_id, "client_secret": secret}, auth=None)

    assert answer.status_code == 200


def test_credentials_encoded_before_basic_get_a_token(session, token_url, registry, consumer):
    client, secret = consumer
    # Every character escaped, as RFC 6749 section 2.3.1 allows.
    encoded = basic(*("".join(f"%{ord(letter):02X}" for letter in text) for text in (client.client_id, secret)))

    answer = session.post(token_url, data=GRANT, headers={"Authorization": encoded}, timeout=10)

    assert answer.status_code == 200
    assert quote_plus(secret) == secret


def test_scheme_is_read_in_any_case(session, token_url, consumer):
    client, secret = consumer
    header = basic(client.client_id, secret).replace("Basic", "bAsIc")

    assert session.post(token_url, data=GRANT, headers={"Authorization": header}, timeout=10).status_code == 200


def test_client_id_may_stand_in_the_form_beside_basic(ask, consumer):
    assert ask({**GRANT, "client_id": consumer[0].client_id}).status_code == 200


def test_charset_of_the_content_type_does_not_matter(ask):
    answer = ask("grant_type=client_credentials", headers={"Content-Type": f"{FORM}; charset=UTF-8"})

    assert answer.status_code == 200


def test_every_token_is_new(ask):
    assert ask().json()["access_token"] != ask().json()["access_token"]


def test_token_is_not_in_the_file(ask, registry_path):
    token = ask().json()["access_token"].encode()

    assert all(token not in file.read_bytes() for file in registry_path.parent.iterdir())


@pytest.mark.parametrize("form", [GRANT, {**GRANT, "scope": ""}], ids=["none", "empty"])
def test_who_asks_for_no_scope_gets_all_allowed(ask, form):
    assert set(ask(form).json()["scope"].split()) == set(ONEROSTER_SCOPES)


def test_who_asks_for_some_gets_those(ask):
    assert ask({**GRANT, "scope": ROSTER_CORE}).json()["scope"] == ROSTER_CORE


def test_unknown_scopes_are_passed_over(ask):
    assert ask({**GRANT, "scope": f"openid {ROSTER}  what"}).json()["scope"] == ROSTER


def test_scope_that_is_withheld_does_not_spoil_the_rest(ask, registry):
    client, secret = registry.clients.add("Canteen", scopes={ROSTER, ROSTER_CORE})

    answer = ask({**GRANT, "scope": " ".join(ONEROSTER_SCOPES)}, auth=(client.client_id, secret))

    assert answer.json()["scope"].split() == [ROSTER_CORE, ROSTER]


def test_former_name_of_a_scope_means_the_same_and_is_answered(ask, registry):
    body = ask({**GRANT, "scope": FORMER_ROSTER}).json()

    assert body["scope"] == FORMER_ROSTER
    assert authenticate(f"Bearer {body['access_token']}", registry).scopes == {ROSTER}


def refused(answer, status, error):
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert answer.json()["error_description"]
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Pragma"] == "no-cache"
    return True


def test_answer_is_not_to_be_stored(ask):
    assert ask().headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("scope", ["openid", FORMER_ROSTER.replace("v1p1", "v1p0")])
def test_nothing_left_of_the_scopes_is_invalid_scope(ask, scope):
    assert refused(ask({**GRANT, "scope": scope}), 400, "invalid_scope")


def test_scope_of_others_is_invalid_scope(ask, registry):
    client, secret = registry.clients.add("Canteen", scopes={ROSTER_CORE})

    answer = ask({**GRANT, "scope": ROSTER_DEMOGRAPHICS}, auth=(client.client_id, secret))

    assert refused(answer, 400, "invalid_scope")


@pytest.mark.parametrize(
    "credentials",
    [
        pytest.param(lambda id_, secret: basic(id_, "wrong"), id="wrong secret"),
        pytest.param(lambda id_, secret: basic("nobody", secret), id="unknown client"),
        pytest.param(lambda id_, secret: basic("", ""), id="empty"),
        pytest.param(lambda id_, secret: f"Bearer {secret}", id="other scheme"),
        pytest.param(lambda id_, secret: "Basic", id="nothing after the scheme"),
        pytest.param(lambda id_, secret: "Basic !!!", id="not base64"),
        pytest.param(lambda id_, secret: "Basic " + base64.b64encode(b"\xff:\xff").decode(), id="not utf-8"),
        pytest.param(lambda id_, secret: "Basic " + base64.b64encode(id_.encode()).decode(), id="no colon"),
    ],
)
def test_wrong_credentials_are_invalid_client(session, token_url, consumer, credentials):
    client, secret = consumer
    header = {"Authorization": credentials(client.client_id, secret)}

    answer = session.post(token_url, data=GRANT, headers=header, timeout=10)

    assert refused(answer, 401, "invalid_client")
    assert answer.headers["WWW-Authenticate"].startswith("Basic realm=")


@pytest.mark.parametrize("extra", [{}, {"client_id": "somebody"}, {"client_secret": "something"}])
def test_missing_credentials_are_invalid_client(ask, extra):
    answer = ask({**GRANT, **extra}, auth=None)

    assert refused(answer, 401, "invalid_client")
    assert "WWW-Authenticate" in answer.headers


def test_revoked_client_is_invalid_client(ask, registry, consumer):
    registry.clients.revoke(consumer[0].client_id)

    assert refused(ask(), 401, "invalid_client")


@pytest.mark.parametrize(
    "extra", [{"client_secret": "again"}, {"client_id": "somebody-else"}], ids=["secret", "other id"]
)
def test_credentials_in_both_places_are_an_invalid_request(ask, extra):
    assert refused(ask({**GRANT, **extra}), 400, "invalid_request")


@pytest.mark.parametrize("form", [{}, {"grant_type": ""}, {"scope": ROSTER}], ids=["empty", "blank", "left out"])
def test_missing_grant_type_is_an_invalid_request(ask, form):
    answer = ask(form, headers={"Content-Type": FORM})

    assert refused(answer, 400, "invalid_request")
    assert "grant_type" in answer.json()["error_description"]


@pytest.mark.parametrize("grant", ["password", "CLIENT_CREDENTIALS", "authorization_code"])
def test_other_grants_are_unsupported(ask, grant):
    assert refused(ask({"grant_type": grant}), 400, "unsupported_grant_type")


@pytest.mark.parametrize("name", ["grant_type", "scope", "anything"])
def test_repeated_parameter_is_an_invalid_request(ask, name):
    answer = ask([*GRANT.items(), (name, "client_credentials"), (name, "client_credentials")])

    assert refused(answer, 400, "invalid_request")
    assert name in answer.json()["error_description"]


@pytest.mark.parametrize("content_type", ["application/json", "multipart/form-data; boundary=x", "text/plain", ""])
def test_other_content_types_are_an_invalid_request(ask, content_type):
    answer = ask("grant_type=client_credentials", headers={"Content-Type": content_type})

    assert refused(answer, 400, "invalid_request")
    assert FORM in answer.json()["error_description"]


def test_huge_body_is_an_invalid_request(ask):
    assert refused(ask({**GRANT, "scope": "x" * 20_000}), 400, "invalid_request")


def test_parameters_in_the_query_string_do_not_count(session, token_url, consumer):
    client, secret = consumer
    url = f"{token_url}?grant_type=client_credentials"

    answer = session.post(url, headers={"Content-Type": FORM}, auth=(client.client_id, secret), timeout=10)

    assert refused(answer, 400, "invalid_request")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_other_methods_are_not_allowed(session, token_url, method):
    answer = session.request(method, token_url, timeout=10)

    assert refused(answer, 405, "invalid_request")
    assert answer.headers["Allow"] == "POST"
