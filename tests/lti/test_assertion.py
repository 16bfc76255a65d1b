from datetime import UTC, datetime

import pytest
from joserfc import jws, jwt
from joserfc.errors import BadSignatureError
from joserfc.jwk import RSAKey

from bridge.lti.assertion import sign_assertion
from bridge.lti.platform import Platform

NOW = datetime(2026, 11, 20, 21, 0, 0, 700_000, tzinfo=UTC)


@pytest.fixture(scope="module")
def key():
    return RSAKey.generate_key(2048, parameters={"kid": "bridge-1"})


def make_platform(**changes):
    return Platform(
        id=1,
        tenant="school",
        issuer="https://lms.example.org",
        client_id="bridge-7",
        auth_login_url="https://lms.example.org/auth",
        token_url="https://lms.example.org/token",
        jwks_url="https://lms.example.org/jwks",
        **changes,
    )


def public(key):
    return RSAKey.import_key(key.as_dict(private=False))


def claims_of(assertion, key):
    return jwt.decode(assertion, public(key), algorithms=["RS256"]).claims


def test_public_key_verifies_the_assertion(key):
    assert claims_of(sign_assertion(make_platform(), key, NOW), key)["sub"] == "bridge-7"


def test_another_key_does_not_verify_it(key):
    another = RSAKey.generate_key(2048, parameters={"kid": "bridge-1"})

    with pytest.raises(BadSignatureError):
        claims_of(sign_assertion(make_platform(), key, NOW), another)


def test_header_names_algorithm_key_and_type(key):
    header = jws.extract_compact(sign_assertion(make_platform(), key, NOW).encode()).headers()

    assert header == {"alg": "RS256", "kid": "bridge-1", "typ": "JWT"}


def test_client_vouches_for_itself_to_the_token_endpoint(key):
    claims = claims_of(sign_assertion(make_platform(), key, NOW), key)

    assert (claims["iss"], claims["sub"], claims["aud"]) == ("bridge-7", "bridge-7", "https://lms.example.org/token")


def test_registered_audience_takes_the_place_of_the_token_url(key):
    platform = make_platform(token_audience="https://api.example.org/auth/token")

    assert claims_of(sign_assertion(platform, key, NOW), key)["aud"] == "https://api.example.org/auth/token"


def test_times_are_whole_numbers_a_little_in_the_past_and_five_minutes_ahead(key):
    claims = claims_of(sign_assertion(make_platform(), key, NOW), key)
    second = int(NOW.timestamp())

    assert (claims["iat"], claims["exp"]) == (second - 5, second + 300)
    assert type(claims["iat"]) is type(claims["exp"]) is int


def test_every_assertion_has_an_id_of_its_own(key):
    ids = {claims_of(sign_assertion(make_platform(), key, NOW), key)["jti"] for _ in range(3)}

    assert len(ids) == 3


def test_deployment_is_named_where_it_is_known(key):
    claim = "https://purl.imsglobal.org/spec/lti/claim/deployment_id"

    assert claims_of(sign_assertion(make_platform(), key, NOW, "3"), key)[claim] == "3"
    assert claim not in claims_of(sign_assertion(make_platform(), key, NOW), key)


def test_key_without_an_id_is_not_used():
    with pytest.raises(ValueError, match="kid"):
        sign_assertion(make_platform(), RSAKey.generate_key(2048), NOW)
