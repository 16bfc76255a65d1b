"""Showing a provider who is asking: client credentials, in either place, and signed requests."""

import json

import pytest
from oauthlib.oauth1 import RequestValidator, SignatureOnlyEndpoint
from werkzeug import Response

from bridge.errors import SourceRefused, SourceUnavailable
from bridge.roster.model import ORGS
from bridge.transport.client_secret import Auth
from tests.sources.scripted_sis import SECRET, basic, make_client, org


def read(sis, waits, account):
    return [record for page in make_client(waits).read(account).pages(ORGS, "status='active'") for record in page]


def test_basic_shows_the_secret_in_the_header_alone(sis, waits):
    sis.has("orgs", org())

    read(sis, waits, sis.account())

    assert sis.authorizations[:2] == [basic(f"bridge:{SECRET}"), "Bearer t"]
    assert sis.forms == [{"grant_type": "client_credentials", "scope": "roster"}]


def test_form_shows_it_in_the_form_alone(sis, waits):
    read(sis, waits, sis.account(auth=Auth.FORM))

    assert sis.authorizations[0] == ""
    assert sis.forms[0] | {"client_id": "bridge", "client_secret": SECRET} == sis.forms[0]


def test_odd_secret_is_encoded_first_and_sent_plainly_if_that_is_refused(sis, waits):
    sis.token_answers = [Response(json.dumps({"error": "invalid_client"}), status=401)]

    read(sis, waits, sis.account(secret="a:b+c"))

    assert sis.authorizations[:2] == [basic("bridge:a%3Ab%2Bc"), basic("bridge:a:b+c")]


def test_token_is_asked_for_once(sis, waits):
    client = make_client(waits)

    for _ in range(3):
        client.check(sis.account())

    assert len(sis.forms) == 1


def test_expired_token_is_renewed_once(sis, waits):
    sis.has("orgs", org())
    answers = [Response(status=401)]
    sis.answers = lambda *_: answers.pop() if answers else None

    assert len(read(sis, waits, sis.account())) == 1
    assert len(sis.forms) == 2


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (Response('{"error": "invalid_client"}', status=401), "check the client id and the secret"),
        (Response('{"error": "invalid_scope"}', status=400), "check the scopes"),
        (Response("<html>", status=404), "check the token URL"),
        (Response("{}", status=200), "holds no access token"),
    ],
    ids=["client", "scope", "not found", "no token"],
)
def test_refused_token_says_what_to_check_and_no_secret(sis, waits, answer, says):
    sis.token_answers = [answer]

    with pytest.raises(SourceRefused, match=says) as refusal:
        read(sis, waits, sis.account())

    assert SECRET not in str(refusal.value)


def test_busy_token_endpoint_is_unavailable_for_as_long_as_it_says(sis, waits):
    sis.token_answers = [Response(status=503, headers={"Retry-After": "9999"})]

    with pytest.raises(SourceUnavailable) as refusal:
        read(sis, waits, sis.account())

    assert refusal.value.retry_after == 9999


def test_secret_is_in_no_representation(sis):
    assert SECRET not in repr(sis.account())


class _Provider(RequestValidator):
    """What oauthlib asks of a provider that verifies signatures."""

    enforce_ssl = False

    def check_client_key(self, client_key):
        return True

    def check_nonce(self, nonce):
        return True

    def validate_client_key(self, client_key, request):
        return client_key == "bridge"

    def validate_timestamp_and_nonce(self, *_args, **_kwargs):
        return True

    def get_client_secret(self, client_key, request):
        return SECRET

    @property
    def dummy_client(self):
        return "nobody"


@pytest.mark.parametrize("auth", [Auth.OAUTH1_SHA256, Auth.OAUTH1_SHA1], ids=str)
def test_signed_request_verifies_with_its_query(sis, waits, auth):
    sis.has("orgs", org())

    read(sis, waits, sis.signed_account(auth))

    url, header = f"{sis.origin}{sis.asked[0]}", sis.authorizations[0]
    endpoint = SignatureOnlyEndpoint(_Provider())
    assert endpoint.validate_request(url, "GET", None, {"Authorization": header})[0]
    assert not endpoint.validate_request(f"{url}0", "GET", None, {"Authorization": header})[0]
    assert sis.forms == []
