"""The algorithms of signatures: each key serves one, whatever a token says of itself."""

import base64
import json

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from joserfc import jws, jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from bridge.auth.tool_keys import kids_in, parse_public_keys
from bridge.lti.public_keys import ALGORITHMS, usable_keys

CURVES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}


@pytest.fixture(scope="module")
def rsa():
    return RSAKey.generate_key(2048, auto_kid=True)


@pytest.fixture
def make_key(rsa):
    def make(algorithm):
        return ECKey.generate_key(CURVES[algorithm], auto_kid=True) if algorithm in CURVES else rsa

    return make


@pytest.fixture
def publish(lms):
    """Makes a key the platform's only one; with ``alg``, it says what it is for."""

    def publish(key, **members):
        lms.published = [{**key.as_dict(private=False), **members}]

    return publish


@pytest.fixture
def launch(tool, add_platform):
    """Launches with a token that the test makes of a header and good claims."""

    add_platform()

    def launch(key, alg, *, sign=None, **header):
        login = tool.login()
        claims = tool.claims(login["nonce"])
        make = sign or (lambda header, claims: jwt.encode(header, claims, key, algorithms=[alg]))
        return tool.post(login["state"], make({"alg": alg, "kid": key.kid, **header}, claims))

    return launch


def segment(value):
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_launch_signed_as_its_key_says_is_accepted(publish, launch, make_key, algorithm):
    key = make_key(algorithm)
    publish(key, alg=algorithm)

    assert launch(key, algorithm).status_code == 200


@pytest.mark.parametrize(
    ("kind", "algorithm"),
    [
        pytest.param("RS256", "RS256", id="RSA is for RS256"),
        pytest.param("ES256", "ES256", id="P-256 is for ES256"),
        pytest.param("ES384", "ES384", id="P-384 is for ES384"),
        pytest.param("ES512", "ES512", id="P-521 is for ES512"),
    ],
)
def test_key_that_says_nothing_is_for_one_algorithm(publish, launch, make_key, kind, algorithm):
    key = make_key(kind)
    publish(key)

    assert launch(key, algorithm).status_code == 200


@pytest.mark.parametrize(
    ("published", "signed"),
    [
        pytest.param({}, "RS384", id="a longer hash than the default"),
        pytest.param({}, "PS256", id="another padding than the default"),
        pytest.param({"alg": "RS512"}, "RS256", id="the default, which is not the key's"),
        pytest.param({"alg": "PS256"}, "RS256", id="the weaker padding"),
        pytest.param({"alg": "RS256"}, "PS256", id="the stronger padding"),
    ],
)
def test_token_does_not_choose_the_algorithm(publish, launch, check_of, rsa, published, signed):
    publish(rsa, **published)

    assert check_of(launch(rsa, signed)) == "alg"


@pytest.mark.parametrize(
    "members",
    [
        pytest.param({"alg": "HS256"}, id="a shared secret's"),
        pytest.param({"alg": "none"}, id="none"),
        pytest.param({"alg": "ES256"}, id="a curve's"),
        pytest.param({"alg": "RSA-OAEP"}, id="for encryption"),
        pytest.param({"alg": None}, id="null"),
        pytest.param({"alg": ["RS256"]}, id="a list"),
        pytest.param({"use": "enc"}, id="key for encryption"),
    ],
)
def test_key_for_something_else_is_none(publish, launch, check_of, rsa, members):
    publish(rsa, **members)

    assert check_of(launch(rsa, "RS256")) == "key"


@pytest.mark.parametrize(
    "members",
    [
        pytest.param({"crv": "P-384"}, id="another curve's name"),
        pytest.param({"crv": "secp256k1"}, id="a curve that is not used"),
        pytest.param({"crv": ["P-256"]}, id="a list of curves"),
        pytest.param({"alg": "ES384"}, id="another curve's algorithm"),
        pytest.param({"alg": "HS256"}, id="a shared secret's algorithm"),
        pytest.param({"y": "AAAA"}, id="a point beside the curve"),
        pytest.param({"x": None}, id="half a point"),
        pytest.param({"x": 7}, id="a number for a point"),
    ],
)
def test_elliptic_key_that_is_not_in_order_is_none(members):
    key = ECKey.generate_key("P-256", auto_kid=True)

    assert usable_keys([{**key.as_dict(private=False), **members}]) == {}


@pytest.mark.parametrize("characters", [341, 2732, 400_000])
def test_rsa_key_of_no_usual_size_is_none(rsa, characters):
    assert usable_keys([{**rsa.as_dict(private=False), "n": "_" * characters}]) == {}


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "nOnE", "", "HS256", "HS512", "EdDSA", "ES256K", "RSA-OAEP"])
def test_other_algorithms_are_refused_by_name(publish, launch, check_of, rsa, alg):
    publish(rsa)

    def sign(header, claims):
        return f"{segment(header)}.{segment(claims)}."

    assert check_of(launch(rsa, alg, sign=sign)) == "alg"


@pytest.mark.parametrize("alg", [None, 7, ["RS256"], {"RS256": 1}], ids=repr)
def test_algorithm_that_is_no_text_is_refused(publish, launch, check_of, rsa, alg):
    publish(rsa)

    def sign(header, claims):
        return f"{segment({**header, 'alg': alg})}.{segment(claims)}.{segment(b'x' * 256)}"

    assert check_of(launch(rsa, "RS256", sign=sign)) == "alg"


def test_public_key_is_no_shared_secret_whatever_its_kind(publish, launch, check_of, make_key):
    for algorithm in ("RS256", "ES256"):
        key = make_key(algorithm)
        publish(key)
        secret = OctKey.import_key(key.as_pem(private=False).hex())

        def sign(header, claims, secret=secret):
            return jwt.encode(header, claims, secret, algorithms=["HS256"])

        assert check_of(launch(key, "HS256", sign=sign)) == "alg"


@pytest.mark.parametrize(
    "signature",
    [
        pytest.param(bytes(64), id="zeros"),
        pytest.param(b"", id="nothing"),
        pytest.param(b"\x01" * 63, id="too short"),
        pytest.param(b"\x01" * 65, id="too long"),
        pytest.param(b"\xff" * 64, id="beyond the curve's order"),
    ],
)
def test_forged_elliptic_signature_is_refused(publish, launch, check_of, make_key, signature):
    key = make_key("ES256")
    publish(key)

    def sign(header, claims):
        return f"{segment(header)}.{segment(claims)}.{segment(signature)}"

    assert check_of(launch(key, "ES256", sign=sign)) == "signature"


def test_elliptic_signature_in_another_encoding_is_refused(publish, launch, check_of, make_key):
    key = make_key("ES256")
    publish(key)

    def sign(header, claims):
        signed = f"{segment(header)}.{segment(claims)}"
        return f"{signed}.{segment(key.private_key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))}"

    assert check_of(launch(key, "ES256", sign=sign)) == "signature"


def test_of_two_keys_with_one_kid_the_one_for_the_algorithm_counts(lms, launch, rsa):
    curve = ECKey.generate_key("P-256", {"kid": rsa.kid})
    lms.published = [key.as_dict(private=False) for key in (rsa, curve)]

    assert launch(curve, "ES256").status_code == 200
    assert launch(rsa, "RS256").status_code == 200


@pytest.mark.parametrize(
    "wrap",
    [
        pytest.param(lambda token: f"{token}.x.y", id="five parts"),
        pytest.param(lambda token: f"{token}.", id="four parts"),
        pytest.param(lambda token: token.rpartition(".")[0], id="two parts"),
        pytest.param(lambda token: f"{token}\n{token}", id="two tokens"),
    ],
)
def test_other_forms_of_a_token_are_refused(publish, launch, check_of, rsa, wrap):
    publish(rsa)

    def sign(header, claims):
        return wrap(jwt.encode(header, claims, rsa))

    assert check_of(launch(rsa, "RS256", sign=sign)) in ("id_token", "signature")


def test_json_form_of_a_signature_is_refused(publish, launch, check_of, rsa):
    publish(rsa)

    def sign(header, claims):
        member = {"protected": {"alg": "RS256"}, "header": {"kid": rsa.kid}}
        return json.dumps(jws.serialize_json([member], json.dumps(claims), rsa))

    assert check_of(launch(rsa, "RS256", sign=sign)) == "id_token"


def test_pasted_key_keeps_its_algorithm(rsa):
    pasted = parse_public_keys(json.dumps({**rsa.as_dict(private=False), "alg": "PS384"}))

    assert json.loads(pasted)["keys"][0]["alg"] == "PS384"


def test_pasted_elliptic_key_of_pem_is_read():
    key = ECKey.generate_key("P-384")

    pasted = parse_public_keys(key.as_pem(private=False).decode())

    assert kids_in(pasted) == [key.thumbprint()]
    assert json.loads(pasted)["keys"][0]["alg"] == "ES384"
