"""Public keys of tools, as operators paste them."""

import json

import pytest
from joserfc.jwk import ECKey, RSAKey

from bridge.auth.tool_keys import kids_in, parse_public_keys
from bridge.errors import InvalidRequest


@pytest.fixture(scope="module")
def key():
    return RSAKey.generate_key(2048, {"kid": "k1"})


@pytest.mark.parametrize(
    "wrap", [lambda jwk: {"keys": [jwk]}, lambda jwk: jwk, lambda jwk: [jwk]], ids=["set", "one key", "list"]
)
def test_json_is_read(key, wrap):
    assert kids_in(parse_public_keys(json.dumps(wrap(key.as_dict(private=False))))) == ["k1"]


def test_pem_is_read_and_named_by_its_thumbprint(key):
    assert kids_in(parse_public_keys(key.as_pem(private=False).decode())) == [key.thumbprint()]


def test_keys_of_no_use_are_left_out(key):
    other = ECKey.generate_key("secp256k1", auto_kid=True).as_dict(private=False)
    listed = [key.as_dict(private=False), other, {"kty": "oct"}]

    assert kids_in(parse_public_keys(json.dumps({"keys": listed}))) == ["k1"]


@pytest.mark.parametrize("form", ["JWK", "PEM"])
def test_private_key_is_refused(key, form):
    text = json.dumps(key.as_dict(private=True)) if form == "JWK" else key.as_pem(private=True).decode()

    with pytest.raises(InvalidRequest, match="private key"):
        parse_public_keys(text)


@pytest.mark.parametrize(
    "text",
    ["", "x", "{}", "[]", "7", "null", '{"keys": {}}', '{"keys": [7]}', "-----BEGIN PUBLIC KEY-----\nx"],
)
def test_what_holds_no_usable_key_is_refused(text):
    with pytest.raises(InvalidRequest):
        parse_public_keys(text)


def test_key_without_a_name_is_refused(key):
    nameless = {name: value for name, value in key.as_dict(private=False).items() if name != "kid"}

    with pytest.raises(InvalidRequest, match="kid"):
        parse_public_keys(json.dumps(nameless))
