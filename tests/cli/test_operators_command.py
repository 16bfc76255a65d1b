"""``bridge operators``."""

import io

import pytest

PASSWORD = "correct horse battery staple"


@pytest.fixture
def typed(monkeypatch):
    def typed(text):
        monkeypatch.setattr("sys.stdin", io.StringIO(text))

    return typed


def test_account_is_made_and_can_sign_in(bridge, typed):
    typed(f"{PASSWORD}\n")

    ran = bridge("operators", "add", "ada", "--password-stdin", "--json")

    assert (ran.code, ran.json()["url"]) == (0, "http://127.0.0.1:8080/admin/")
    with bridge.registry() as registry:
        assert registry.operators.authenticate("ada", PASSWORD)


def test_password_is_in_no_output(bridge, typed):
    typed(f"{PASSWORD}\n")
    ran = bridge("operators", "add", "ada", "--password-stdin")

    listed = bridge("operators", "list")

    assert PASSWORD not in ran.out + ran.err + listed.out
    assert "ada" in listed.out
    assert "never" in listed.out


def test_short_password_is_refused(bridge, typed):
    typed("short\n")

    ran = bridge("operators", "add", "ada", "--password-stdin")

    assert (ran.code, "12 to 1024 characters" in ran.err) == (1, True)
    assert bridge("operators", "list", "--json").json() == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("add", "Ada"), "there is an operator Ada already"),
        (("add", " "), "must be 1 to 64 characters"),
        (("passwd", "bob"), "there is no operator bob"),
    ],
    ids=["a name that is taken", "a name that cannot be used", "a name that nobody has"],
)
def test_no_password_is_asked_for_in_vain(bridge, typed, arguments, said):
    typed(f"{PASSWORD}\n")
    bridge("operators", "add", "ada", "--password-stdin")
    typed("")

    ran = bridge("operators", *arguments)

    assert (ran.code, said in ran.err, "Password" in ran.err) == (1, True, False)


def test_password_is_changed(bridge, typed):
    typed(f"{PASSWORD}\n")
    bridge("operators", "add", "ada", "--password-stdin")
    typed("another good long password\n")

    assert bridge("operators", "passwd", "ada", "--password-stdin").code == 0

    with bridge.registry() as registry:
        assert registry.operators.authenticate("ada", PASSWORD) is None


def test_account_is_removed(bridge, typed):
    typed(f"{PASSWORD}\n")
    bridge("operators", "add", "ada", "--password-stdin")

    assert bridge("operators", "remove", "ada").code == 0
    assert bridge("operators", "remove", "ada").code == 1


def test_account_is_limited_and_let_see_everything_again(bridge, typed):
    lms = "https://lms.example.org"
    urls = [f"--auth-login-url={lms}/auth", f"--token-url={lms}/token", f"--jwks-url={lms}/jwks"]
    bridge("platforms", "add", "--issuer", lms, "--client-id", "bridge", "--tenant", "north", *urls)
    typed(f"{PASSWORD}\n")
    made = bridge("operators", "add", "ada", "--password-stdin", "--source", "north", "--no-personal-data")
    assert made.code == 0, made.err

    limited = bridge("operators", "list", "--json").json()
    said = bridge("operators", "list").out
    widened = bridge("operators", "set", "ada", "--all-sources", "--personal-data", "--json").json()

    assert [(one["sources"], one["unmasks"]) for one in limited] == [(["north"], False)]
    assert "north; no personal data" in said
    assert (widened["sources"], widened["unmasks"]) == (None, True)


def test_account_of_a_source_that_nobody_knows_is_not_made(bridge, typed):
    typed(f"{PASSWORD}\n")

    ran = bridge("operators", "add", "ada", "--password-stdin", "--source", "nowhere")

    assert ran.code == 1
    assert "nowhere" in ran.err
    assert bridge("operators", "list", "--json").json() == []
