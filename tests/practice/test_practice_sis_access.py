"""Who may read the practice SIS: client credentials for both versions, and signatures for OneRoster 1.1."""

import time
from datetime import timedelta

import pytest

from bridge.clock import utc_now
from bridge.practice.sis_clients import EVERY_SCOPE
from bridge.practice.sis_districts import make_district
from bridge.practice.sis_server import PracticeSis
from bridge.practice.sis_signatures import signature
from tests.practice.sis_consumer import EVERY_SCOPE_1P1, EVERY_SCOPE_1P2, Consumer

CORE = EVERY_SCOPE_1P2.split()[0]


def assert_refused(response, status, error, reason):
    assert (response.status_code, response.json()["error"]) == (status, error)
    assert reason in response.json()["error_description"]


@pytest.mark.clause("RFC 6749 section 4.4")
@pytest.mark.parametrize("way", ["basic", "form"])
def test_credentials_are_taken_in_both_ways(consumer, way):
    client_id, client_secret = consumer.credentials
    if way == "basic":
        response = consumer.ask_token(auth=consumer.credentials)
    else:
        response = consumer.ask_token(client_id=client_id, client_secret=client_secret)

    assert response.status_code == 200
    body = response.json()
    assert (body["token_type"], body["expires_in"], body["scope"]) == ("Bearer", 3600, EVERY_SCOPE_1P2)
    assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.clause("RFC 6749 section 5.2")
def test_bad_credentials_are_refused(consumer):
    client_id, client_secret = consumer.credentials

    response = consumer.ask_token(auth=(client_id, "wrong"))
    assert_refused(response, 401, "invalid_client", "no such consumer")
    assert response.headers["WWW-Authenticate"].startswith("Basic")
    assert_refused(consumer.ask_token(auth=("nobody", client_secret)), 401, "invalid_client", "no such consumer")
    assert_refused(consumer.ask_token(), 401, "invalid_client", "no such consumer")
    twice = consumer.ask_token(auth=consumer.credentials, client_id=client_id, client_secret=client_secret)
    assert_refused(twice, 400, "invalid_request", "one way only")


@pytest.mark.parametrize(
    ("form", "error", "reason"),
    [
        ({"grant_type": "password"}, "unsupported_grant_type", "grant_type"),
        ({"grant_type": None}, "unsupported_grant_type", "grant_type"),
        ({"grant_type": ["client_credentials"] * 2}, "invalid_request", "given once"),
        ({"scope": None}, "invalid_scope", "scopes asked for"),
        ({"scope": "everything"}, "invalid_scope", "scopes asked for"),
    ],
    ids=["another grant", "no grant", "two grants", "no scope", "unknown scope"],
)
def test_a_bad_form_is_refused(consumer, form, error, reason):
    assert_refused(consumer.ask_token(auth=consumer.credentials, **form), 400, error, reason)


def test_what_is_granted_is_what_was_asked_for_and_may_be_had(sis, consumer):
    registration = sis.register_consumer([CORE])

    response = consumer.ask_token(auth=(registration["client_id"], registration["client_secret"]))

    assert response.json()["scope"] == CORE


def test_a_consumer_may_be_refused_for_a_scope_too_many(sis, consumer):
    registration = sis.register_consumer([CORE])
    sis.manners.all_scopes_or_none = True

    response = consumer.ask_token(auth=(registration["client_id"], registration["client_secret"]))

    assert_refused(response, 400, "invalid_scope", "scopes asked for")


def test_the_token_answer_has_its_manners(sis, consumer):
    sis.manners.scope_told = "absent"
    sis.manners.expires_in = "1800"
    sis.manners.token_type = "bearer"
    sis.manners.scope_required = False

    body = consumer.ask_token(auth=consumer.credentials, scope=None).json()

    assert body == {"access_token": body["access_token"], "token_type": "bearer", "expires_in": "1800"}
    assert consumer.get("orgs", token=body["access_token"]).status_code == 200


@pytest.mark.parametrize(("way", "other"), [("basic", "form"), ("form", "basic")])
def test_credentials_may_be_taken_in_one_way_only(sis, consumer, way, other):
    client_id, client_secret = consumer.credentials
    ways = {"basic": {"auth": consumer.credentials}, "form": {"client_id": client_id, "client_secret": client_secret}}
    sis.manners.client_authentication = way

    assert consumer.ask_token(**ways[way]).status_code == 200
    assert consumer.ask_token(**ways[other]).status_code == 401


@pytest.mark.clause("RFC 6750 section 3.1")
def test_a_request_without_a_good_token_is_refused(sis, consumer):
    response = consumer.session.get(f"{sis.base_url()}/orgs", timeout=10)
    assert (response.status_code, response.headers["WWW-Authenticate"]) == (401, 'Bearer realm="practice"')
    minor = response.json()["imsx_CodeMinor"]["imsx_codeMinorField"][0]
    assert minor["imsx_codeMinorFieldValue"] == "unauthorisedrequest"

    response = consumer.get("orgs", token="stale")
    assert (response.status_code, "invalid_token" in response.headers["WWW-Authenticate"]) == (401, True)


def test_tokens_can_be_ended_while_they_are_out(sis, consumer):
    token = consumer.token()

    sis.expire_tokens()

    assert consumer.get("orgs", token=token).status_code == 401
    assert consumer.get("orgs", token=consumer.token()).status_code == 200


def test_tokens_end_by_the_clock():
    ahead = timedelta()
    with PracticeSis(make_district(schools=1), clock=lambda: utc_now() + ahead) as sis:
        consumer = Consumer(sis)
        token = consumer.token()
        ahead = timedelta(hours=1, seconds=1)

        assert consumer.get("orgs", token=token).status_code == 401
        consumer.session.close()


def test_a_token_may_be_handed_out_without_the_asking(sis, consumer):
    assert consumer.get("orgs", token=sis.issue_token()).status_code == 200


def test_an_unknown_scope_is_no_consumers():
    with PracticeSis(make_district(schools=1)) as sis, pytest.raises(ValueError, match="no scope everything"):
        sis.register_consumer(["everything"])


@pytest.mark.clause("RFC 5849 section 1.2")
def test_the_signature_is_that_of_the_standards_example():
    parameters = {
        "oauth_consumer_key": "dpf43f3p2l4k3l03",
        "oauth_signature_method": "HMAC-SHA1",
        "oauth_timestamp": "137131200",
        "oauth_nonce": "wIjqoS",
        "oauth_callback": "http://printer.example.com/ready",
    }

    signed = signature(
        "POST", "https://photos.example.net/initiate", parameters.items(), "kd94hf93k423kf44", "HMAC-SHA1"
    )

    assert signed == "74KNZJeDHnMBp0EMJ9ZHt/XKycU="


@pytest.mark.parametrize("way", ["HMAC-SHA1", "HMAC-SHA256"])
@pytest.mark.parametrize(
    "path",
    ["orgs", "orgs?limit=2&offset=1", "users?filter=familyName%3D%27O%27%27Neil%20%2B%27&limit=3", "orgs/district"],
    ids=["plain", "with a query", "with a filter", "one record"],
)
def test_the_older_version_takes_signatures(consumer, way, path):
    assert consumer.signed(path, way=way).status_code == 200


@pytest.mark.clause("RFC 5849 section 3.2")
@pytest.mark.parametrize(
    "changes",
    [
        {"oauth_consumer_key": "nobody"},
        {"oauth_timestamp": "1"},
        {"oauth_timestamp": "soon"},
        {"oauth_timestamp": None},
        {"oauth_nonce": None},
        {"oauth_version": "2.0"},
        {"oauth_signature_method": "PLAINTEXT"},
        {"secret": "wrong"},
    ],
    ids=str,
)
def test_a_bad_signature_is_refused(consumer, changes):
    response = consumer.signed("orgs", **changes)

    assert (response.status_code, response.headers["WWW-Authenticate"]) == (401, 'OAuth realm="practice"')


def test_a_signature_is_good_for_one_request(consumer):
    now = str(int(time.time()))

    answers = [consumer.signed("orgs", oauth_nonce=nonce, oauth_timestamp=now) for nonce in ("once", "once", "twice")]

    assert [answer.status_code for answer in answers] == [200, 401, 200]


def test_a_signature_covers_the_query(sis, consumer):
    good = consumer.signed("orgs?limit=1")

    changed = consumer.session.get(
        f"{sis.base_url('1.1')}/orgs?limit=2",
        headers={"Authorization": good.request.headers["Authorization"]},
        timeout=10,
    )

    assert (changed.status_code, changed.json()["statusInfoSet"][0]["imsx_description"]) == (
        401, "oauth_signature does not verify",
    )  # fmt: skip


def test_the_newer_version_takes_no_signatures(sis, consumer):
    header = consumer.signed("orgs").request.headers["Authorization"]

    response = consumer.session.get(f"{sis.base_url()}/orgs", headers={"Authorization": header}, timeout=10)

    assert response.status_code == 401


def test_the_older_version_may_take_signatures_only(sis, consumer):
    sis.manners.oauth2_for_1p1 = False

    assert consumer.get("orgs", version="1.1").headers["WWW-Authenticate"].startswith("OAuth")
    assert consumer.signed("orgs").status_code == 200


def test_the_older_version_may_take_tokens_only(sis, consumer):
    sis.manners.oauth1 = frozenset()

    assert consumer.signed("orgs").status_code == 401
    assert consumer.get("orgs", version="1.1", token=consumer.token(EVERY_SCOPE_1P1)).status_code == 200


def test_there_are_six_scopes():
    assert set(EVERY_SCOPE) == {*EVERY_SCOPE_1P1.split(), *EVERY_SCOPE_1P2.split()}
