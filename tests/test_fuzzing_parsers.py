"""Whatever a peer or a file says is read or refused, by one of the errors that the reader names, and by no other."""

import io
import json
from contextlib import suppress
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from urllib3 import HTTPHeaderDict

from bridge.auth.tool_keys import parse_public_keys
from bridge.clock import utc_now
from bridge.errors import InvalidRequest, LaunchRefused, SourceRefused, SourceUnavailable
from bridge.lti.id_token import check_audience, check_times, unverified_claims, verify_id_token
from bridge.lti.platform import Platform
from bridge.lti.public_keys import usable_keys
from bridge.nrps.containers import member_user_id, parse_container
from bridge.nrps.schemas import InvalidMember, load_member
from bridge.oneroster.csv.archive import Archive
from bridge.oneroster.csv.manifest import parse_manifest
from bridge.oneroster.csv.rows import read_rows
from bridge.oneroster.csv.sets import CsvSet
from bridge.oneroster.csv.tables import TABLES
from bridge.seals import Seals
from bridge.transport.http import Answer
from bridge.transport.links import parse_links
from bridge.transport.oauth2 import fields_in, lifetime_in, token_in
from bridge.transport.policy import OutgoingPolicy
from bridge.transport.retry import retry_after
from tests.exchange.csv_sets import write_zip

_ANY = st.text(st.characters(), max_size=40)
_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([10**400, -(10**4000), 2**63, 2**64])
    | st.floats()
    | _ANY
)
_JSON = st.recursive(
    _SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_ANY, inner, max_size=4), max_leaves=12
)
_OF_MEMBERS = [
    "user_id",
    "roles",
    "status",
    "name",
    "given_name",
    "email",
    "picture",
    "lis_person_sourcedid",
    "message",
]
_KEYS = st.fixed_dictionaries(
    {},
    optional={
        "kid": _JSON | st.just("k"),
        "kty": st.sampled_from(["RSA", "EC", "oct", "OKP"]) | _JSON,
        "crv": st.sampled_from(["P-256", "P-384", "secp256k1"]) | _JSON,
        "alg": st.sampled_from(["RS256", "ES256", "none"]) | _JSON,
        "use": st.sampled_from(["sig", "enc"]) | _JSON,
        **dict.fromkeys(("n", "e", "x", "y"), st.text("AQ_-=é", max_size=400) | _JSON),
    },
)
_CLAIMS = st.dictionaries(st.sampled_from(["iss", "aud", "azp", "exp", "iat", "nonce", "sub"]), _JSON)


def as_bytes(document):
    return json.dumps(document).encode()


@pytest.fixture(scope="module")
def platform():
    address = "https://lms.example.org"
    return Platform(
        id=1,
        tenant="school",
        issuer=address,
        client_id="bridge",
        auth_login_url=address,
        token_url=address,
        jwks_url=address,
    )


class NoKeys:
    """A key set that holds nothing, whatever is asked for."""

    def find(self, _url, _kid):
        return usable_keys([{"kid": "k", "kty": "RSA", "n": "_" * 342, "e": "AQAB"}])["k"]


@given(st.binary(max_size=200) | _JSON.map(as_bytes))
def test_any_container_is_read_or_refused(body):
    with suppress(SourceRefused, SourceUnavailable):
        parse_container(body, 10)


@given(_JSON | st.dictionaries(st.sampled_from(_OF_MEMBERS), _JSON))
def test_any_member_is_read_or_refused(member):
    raw = as_bytes(member)
    with suppress(InvalidMember):
        loaded = load_member(raw)
        assert member_user_id(raw) == loaded.user_id


@given(st.lists(_JSON | _KEYS, max_size=4))
def test_any_key_set_is_read(listed):
    assert isinstance(usable_keys(listed), dict)


@given(_ANY | _JSON.map(json.dumps) | _KEYS.map(json.dumps) | _ANY.map("-----BEGIN PUBLIC KEY-----\n{}".format))
def test_any_pasted_key_is_read_or_refused(text):
    with suppress(InvalidRequest):
        parse_public_keys(text)


@given(_ANY | st.lists(st.text("eyJhbGciOiJSUzI1NiJ9_-.=", max_size=60), max_size=6).map(".".join))
def test_any_token_is_read_or_refused(platform, token):
    with suppress(LaunchRefused):
        verify_id_token(token, platform, NoKeys())
    with suppress(LaunchRefused):
        unverified_claims(token)


@given(_CLAIMS)
def test_any_claims_are_judged(platform, claims):
    with suppress(LaunchRefused):
        check_audience(claims, platform, {"bridge"})
    with suppress(LaunchRefused):
        check_times(claims, utc_now(), timedelta(seconds=60))


@given(st.lists(st.text("<>;,=\"'/ rel next\\é", max_size=60) | _ANY, max_size=3))
def test_any_link_header_is_read(lines):
    assert isinstance(parse_links(lines, "https://lms.example.org/members"), list)


@given(_ANY | st.text("https:/[]@#%.:\\0127 lms", max_size=40))
def test_any_url_is_judged(url):
    with suppress(SourceRefused):
        OutgoingPolicy().check_url(url)
    with suppress(SourceRefused):
        OutgoingPolicy(frozenset({"lms"})).check_url_of_peer(url, [url])


@given(st.binary(max_size=200) | _JSON.map(as_bytes), _ANY)
def test_any_answer_of_a_token_endpoint_is_read_or_refused(body, wait):
    answer = Answer(200, "https://lms.example.org/token", HTTPHeaderDict({"Retry-After": wait}), body)
    fields = fields_in(answer)

    assert lifetime_in(fields) >= 0
    assert (retry_after(answer, utc_now()) or 0) >= 0
    with suppress(SourceRefused):
        token_in(fields, "lms.example.org")


@given(_ANY | st.binary(max_size=80).map(lambda raw: raw.hex()), st.booleans())
def test_any_sealed_text_is_opened_or_refused(text, caseless):
    with pytest.raises(ValueError):
        Seals(bytes(32), caseless=caseless).open(text, "walk")
    assert Seals(bytes(32), caseless=caseless).number(text, "run") is None


@settings(deadline=None)
@given(st.data())
def test_any_csv_file_is_read_or_refused(data):
    table = TABLES[data.draw(st.sampled_from(sorted(TABLES)))]
    cells = st.lists(_ANY | st.sampled_from(['"', "active", "tobedeleted", "2026-01-01", ",", "\0"]), max_size=12)
    lines = data.draw(st.lists(cells.map(",".join), max_size=5))
    header = ",".join(column.name for column in table.columns) if data.draw(st.booleans()) else ""
    with suppress(SourceRefused):
        _, rows = read_rows(table, io.StringIO("\n".join([header, *lines])))
        assert all(row.line > 0 for row in rows)


@given(st.lists(_ANY | st.sampled_from(["propertyName,value", "file.orgs,bulk", "manifest.version,1.0"]), max_size=6))
def test_any_manifest_is_read_or_refused(lines):
    with suppress(SourceRefused):
        parse_manifest(io.StringIO("\n".join(lines), newline=""))


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_any_damage_to_a_zip_is_refused_or_does_no_harm(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("zip") / "in.zip"
    files = {"orgs.csv": b"sourcedId\n1\n" * 9, "users.csv": b"sourcedId\n2\n"}
    packed = bytearray(write_zip(path, files).read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        packed[data.draw(st.integers(0, len(packed) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(packed[: data.draw(st.integers(0, len(packed)))] if data.draw(st.booleans()) else packed)

    with suppress(SourceRefused, UnicodeDecodeError), Archive(path) as archive:
        CsvSet(archive)
        for name in archive.names:
            with archive.open(name) as text:
                text.read()
