"""Platforms' key sets, from real servers, and our own."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from bridge.errors import LaunchRefused


def ids(found):
    return [each.key.thumbprint() for each in found]


def test_key_is_found_by_its_kid(lms, keys, key_pairs):
    lms.published = [key.as_dict(private=False) for key in key_pairs]

    for key in key_pairs:
        assert ids(keys.find(lms.jwks_url, key.kid)) == [key.thumbprint()]


def test_key_set_is_fetched_once(lms, keys, key_pairs):
    for _ in range(3):
        keys.find(lms.jwks_url, key_pairs[0].kid)

    assert lms.asked == 1


@pytest.mark.parametrize(
    ("cache_control", "kept", "expired"),
    [
        pytest.param("public, max-age=600", 599, 601, id="as stated"),
        pytest.param("max-age=0", 59, 61, id="at least a minute"),
        pytest.param('s-maxage=5, Max-Age="300"', 299, 301, id="odd spelling"),
        pytest.param("max-age=31536000", 86_399, 86_401, id="at most a day"),
        pytest.param("no-cache", 3599, 3601, id="an hour when not stated"),
    ],
)
def test_key_set_is_kept_for_its_max_age(lms, keys, key_pairs, clock, cache_control, kept, expired):
    lms.headers = {"Cache-Control": cache_control}
    keys.find(lms.jwks_url, key_pairs[0].kid)

    clock.turn(seconds=kept)
    keys.find(lms.jwks_url, key_pairs[0].kid)
    assert lms.asked == 1
    clock.turn(seconds=expired - kept)
    keys.find(lms.jwks_url, key_pairs[0].kid)
    assert lms.asked == 2


def test_new_key_is_found_by_asking_again(lms, keys, key_pairs, clock):
    old, new = key_pairs
    keys.find(lms.jwks_url, old.kid)
    lms.published = [key.as_dict(private=False) for key in key_pairs]
    clock.turn(seconds=31)

    assert ids(keys.find(lms.jwks_url, new.kid)) == [new.thumbprint()]
    assert lms.asked == 2


def test_unknown_kid_asks_again_once_per_cool_down(lms, keys, key_pairs, clock):
    keys.find(lms.jwks_url, key_pairs[0].kid)
    clock.turn(seconds=31)

    for _ in range(5):
        with pytest.raises(LaunchRefused) as refusal:
            keys.find(lms.jwks_url, "no such key")

    assert refusal.value.check == "key"
    assert lms.asked == 2


def test_platform_that_fails_is_asked_once_per_cool_down(lms, keys, key_pairs):
    lms.status = 503

    for _ in range(5):
        with pytest.raises(LaunchRefused):
            keys.find(lms.jwks_url, key_pairs[0].kid)

    assert lms.asked == 1


@pytest.mark.parametrize(
    ("hours", "counts"), [pytest.param(23, True, id="for a day"), pytest.param(25, False, id="and no longer")]
)
def test_old_key_set_counts_while_no_new_one_can_be_had(lms, keys, key_pairs, clock, hours, counts):
    keys.find(lms.jwks_url, key_pairs[0].kid)
    lms.status = 503
    clock.turn(hours=hours)

    if counts:
        assert keys.find(lms.jwks_url, key_pairs[0].kid)
    else:
        with pytest.raises(LaunchRefused):
            keys.find(lms.jwks_url, key_pairs[0].kid)
    assert lms.asked == 2


def test_launches_that_come_at_once_fetch_the_key_set_once(lms, keys, key_pairs):
    with lms.slow() as slow, ThreadPoolExecutor(4) as pool:
        found = [pool.submit(keys.find, lms.jwks_url, key_pairs[0].kid) for _ in range(4)]
        assert slow.arrivals.get(timeout=10)
        slow.go_on.set()

        assert all(each.result(10) for each in found)
    assert lms.asked == 1


def test_slow_key_set_holds_up_no_launch_that_has_its_key(lms, keys, key_pairs, clock):
    keys.find(lms.jwks_url, key_pairs[0].kid)
    clock.turn(hours=2)
    with lms.slow() as slow, ThreadPoolExecutor(1) as pool:
        renewing = pool.submit(keys.find, lms.jwks_url, key_pairs[0].kid)
        assert slow.arrivals.get(timeout=10)

        assert keys.find(lms.jwks_url, key_pairs[0].kid)
        assert not renewing.done()
        slow.go_on.set()


def test_slow_key_sets_hold_only_a_few_threads(lms, make_keys, key_pairs):
    keys = make_keys(most_waiting=2)
    with lms.slow() as slow, ThreadPoolExecutor(2) as pool:
        held = [pool.submit(keys.find, f"{lms.jwks_url}?{number}", key_pairs[0].kid) for number in range(2)]
        for _ in held:
            assert slow.arrivals.get(timeout=10)

        with pytest.raises(LaunchRefused, match="launch again"):
            keys.find(f"{lms.jwks_url}?another", key_pairs[0].kid)
        slow.go_on.set()
    assert keys.find(f"{lms.jwks_url}?another", key_pairs[0].kid)


def test_key_that_is_withdrawn_is_not_found_after_the_next_fetch(lms, keys, key_pairs, clock):
    old, new = key_pairs
    keys.find(lms.jwks_url, old.kid)
    lms.published = [new.as_dict(private=False)]
    clock.turn(hours=2)

    with pytest.raises(LaunchRefused):
        keys.find(lms.jwks_url, old.kid)


def test_two_keys_with_one_kid_are_both_given(lms, keys, key_pairs):
    lms.published = [key.as_dict(private=False, kid="same") for key in key_pairs]

    assert ids(keys.find(lms.jwks_url, "same")) == [key.thumbprint() for key in key_pairs]


def test_key_sets_are_kept_apart_by_url(lms, keys, key_pairs):
    keys.find(lms.jwks_url, key_pairs[0].kid)
    keys.find(f"{lms.jwks_url}?another", key_pairs[0].kid)

    assert lms.asked == 2


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"use": "enc"}, id="for encryption"),
        pytest.param({"alg": "ES256"}, id="for an algorithm of other keys"),
        pytest.param({"kty": "oct", "k": "c2VjcmV0"}, id="shared secret"),
        pytest.param({"n": "AQAB"}, id="far too short"),
        pytest.param({"n": None}, id="no modulus"),
        pytest.param({"n": "!" * 400}, id="not base64"),
        pytest.param({"e": "AA"}, id="impossible exponent"),
        pytest.param({"kid": 7}, id="kid is no text"),
    ],
)
def test_unusable_key_does_not_spoil_the_others(lms, keys, key_pairs, change):
    good, other = key_pairs
    unnamed = ECKey.generate_key("P-256").as_dict(private=False)
    spoilt = {**other.as_dict(private=False), **change}
    lms.published = [spoilt, unnamed, "nonsense", good.as_dict(private=False)]

    assert ids(keys.find(lms.jwks_url, good.kid)) == [good.thumbprint()]
    with pytest.raises(LaunchRefused):
        keys.find(lms.jwks_url, other.kid)


@pytest.mark.parametrize("body", ["", "<html>", "[]", '{"keys": {}}', "[" * 100_000], ids=len)
def test_answer_that_is_no_key_set_is_refused_without_repeating_it(lms, keys, key_pairs, body):
    lms.body = body

    with pytest.raises(LaunchRefused, match=r"127\.0\.0\.1") as refusal:
        keys.find(lms.jwks_url, key_pairs[0].kid)
    assert refusal.value.check == "key"
    assert "<html>" not in str(refusal.value)


@pytest.mark.parametrize("status", [204, 302, 404, 500])
def test_answer_other_than_200_is_refused_and_not_kept(lms, keys, key_pairs, clock, status):
    lms.status = status
    with pytest.raises(LaunchRefused, match=str(status)):
        keys.find(lms.jwks_url, key_pairs[0].kid)

    lms.status = 200
    clock.turn(seconds=31)
    assert keys.find(lms.jwks_url, key_pairs[0].kid)


def test_key_set_on_a_host_that_is_not_allowed_is_refused(keys):
    with pytest.raises(LaunchRefused, match="plain http"):
        keys.find("http://internal.example.org/jwks", "kid")


def test_our_key_set_publishes_current_and_next(tool, registry):
    answer = tool.browser.get(f"{tool.url}/.well-known/jwks.json", timeout=10)

    assert [key["kid"] for key in answer.json()["keys"]] == [key.kid for key in registry.keys.published()]
    assert answer.headers["Cache-Control"] == "public, max-age=3600"
    assert answer.headers["Content-Type"] == "application/json"


def test_our_key_set_holds_public_members_only(tool):
    for key in tool.browser.get(f"{tool.url}/.well-known/jwks.json", timeout=10).json()["keys"]:
        assert set(key) == {"kty", "kid", "use", "alg", "n", "e"}
        assert (key["kty"], key["use"], key["alg"]) == ("RSA", "sig", "RS256")


def test_what_we_sign_is_verified_by_our_key_set(tool, registry, lms, keys):
    signing = registry.keys.current()
    token = lms.sign({"iss": "bridge"}, key=signing.rsa)
    published = tool.browser.get(f"{tool.url}/.well-known/jwks.json", timeout=10).json()
    lms.body = json.dumps(published)

    (key,) = keys.find(lms.jwks_url, signing.kid)

    assert jwt.decode(token, key.key, algorithms=[key.algorithm]).claims == {"iss": "bridge"}


def test_our_key_set_follows_a_rotation(tool, registry):
    old = registry.keys.current()
    registry.keys.rotate()

    kids = [key["kid"] for key in tool.browser.get(f"{tool.url}/.well-known/jwks.json", timeout=10).json()["keys"]]

    assert kids == [old.kid, *(key.kid for key in registry.keys.published()[1:])]
    assert len(kids) == 3
