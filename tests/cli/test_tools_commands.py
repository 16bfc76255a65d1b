"""``bridge tools``."""

import pytest
from joserfc.jwk import RSAKey


@pytest.fixture(scope="module")
def key():
    return RSAKey.generate_key(2048, auto_kid=True)


@pytest.fixture
def pem(tmp_path, key):
    path = tmp_path / "public.pem"
    path.write_bytes(key.as_pem(private=False))
    return str(path)


@pytest.fixture
def added(bridge, pem):
    return bridge("tools", "add", "Reader", "--public-keys", pem, "--json").json()


def test_added_tool_comes_with_what_its_vendor_enters(bridge, added, key):
    assert added["kids"] == [key.thumbprint()]
    assert added["token_url"].endswith("/oauth2/token")
    assert added["memberships_url"].endswith("/lti/contexts/{classSourcedId}/memberships")
    assert (added["sources"], added["classes"], added["shares"]) == (None, None, ["email", "names"])


def test_text_says_the_same(bridge, added):
    shown = bridge("tools", "show", added["client_id"]).out

    assert added["client_id"] in shown
    assert "every class" in shown
    assert "id, roles, status, email, names" in shown


def test_tools_are_listed(bridge, added):
    assert [tool["client_id"] for tool in bridge("tools", "list", "--json").json()] == [added["client_id"]]
    assert added["client_id"] in bridge("tools", "list").out


def test_key_set_may_be_at_an_address(bridge):
    added = bridge("tools", "add", "Reader", "--jwks-url", "https://tool.example.org/jwks", "--json").json()

    assert (added["jwks_url"], added["kids"]) == ("https://tool.example.org/jwks", None)


@pytest.mark.parametrize(
    "keys", [(), ("--jwks-url", "https://tool.example.org/jwks", "--public-keys", "{pem}")], ids=["none", "two"]
)
def test_keys_are_in_one_place(bridge, pem, keys):
    ran = bridge("tools", "add", "Reader", *(word.format(pem=pem) for word in keys))

    assert (ran.code, "--public-keys" in ran.err) == (1, True)


def test_private_key_is_refused_and_not_shown(bridge, tmp_path, key):
    path = tmp_path / "private.pem"
    path.write_bytes(key.as_pem(private=True))
    ran = bridge("tools", "add", "Reader", "--public-keys", str(path))

    assert (ran.code, "private key" in ran.err) == (1, True)
    assert "BEGIN" not in ran.err


def test_unknown_source_is_refused(bridge, pem):
    ran = bridge("tools", "add", "Reader", "--public-keys", pem, "--source", "nowhere")

    assert (ran.code, "nowhere" in ran.err) == (1, True)


def test_what_is_set_takes_the_place_of_what_was(bridge, added):
    changed = bridge(
        *("tools", "set", added["client_id"], "--name", "Other", "--class", "c1"),
        *("--share", "picture", "--user-ids", "sourcedid", "--json"),
    ).json()

    assert (changed["name"], changed["classes"], changed["shares"]) == ("Other", ["c1"], ["picture"])
    assert changed["user_ids"] == "sourcedid"
    assert bridge("tools", "set", added["client_id"], "--every-class", "--json").json()["classes"] is None


def test_nothing_may_be_shared(bridge, added):
    assert bridge("tools", "set", added["client_id"], "--share", "nothing", "--json").json()["shares"] == []
    assert bridge("tools", "set", added["client_id"], "--share", "nothing", "--share", "names").code == 1


def test_key_is_changed(bridge, added):
    url = "https://tool.example.org/jwks"
    changed = bridge("tools", "rotate-key", added["client_id"], "--jwks-url", url, "--json").json()

    assert (changed["jwks_url"], changed["kids"]) == (url, None)


def test_revoked_tool_is_shown_as_such_and_removed_one_is_not_known(bridge, added):
    client_id = added["client_id"]
    assert bridge("tools", "revoke", client_id, "--json").json() == {"revoked": client_id}
    assert bridge("tools", "show", client_id, "--json").json()["revoked"] is not None
    assert bridge("tools", "remove", client_id, "--json").json() == {"removed": client_id}
    assert bridge("tools", "show", client_id).code == 1
