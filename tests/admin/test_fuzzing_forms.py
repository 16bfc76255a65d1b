"""Whatever is sent with any form of the operator's pages is taken or refused, and shown again as text."""

from collections.abc import Iterable
from html.parser import HTMLParser
from urllib.parse import quote_plus

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from bridge.oneroster.scopes import ROSTER
from bridge.registry.registrations import NewPlatform
from bridge.registry.sources import RegisteredSource
from bridge.transport.client_secret import Credentials
from tests.admin.conftest import Visitor
from tests.admin.walking import Form, addresses, read, walk

MARK = "xss-7f"
HOSTILE = st.one_of(
    st.sampled_from(
        [
            f"\"><{MARK} on{MARK}=1>'",
            f"</textarea></option></title><{MARK}>",
            f"'on{MARK}=1 \"on{MARK}=1 `on{MARK}=1 {{{{ 7*7 }}}} {{% raw %}}",
            f"javascript:{MARK}",
            f"//{MARK}.example.org/",
            "\0",
            "a\0b",
            "\u202egnp.exe\u2066",
            "a\r\nSet-Cookie: b=c\x1b[31m",
            "\u0663\u00b2",  # digits to some
            "-1",
            "9" * 400,
            "1e999",
            "a" * 300,
            "\U0001f469\u200d\U0001f680" * 200,
            "ä" * 40_000,
            "[" * 5_000,
        ]
    ).map(str.encode),
    st.text(st.characters(codec="utf-8"), max_size=40).map(str.encode),
    st.binary(max_size=40),  # among them halves of surrogates, and other text that is none
    st.just(b"\xed\xa0\x80"),
)
"""What a field is sent with, as bytes."""


class Broken(HTMLParser):
    """Finds what was sent as text and stands on a page as something else."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        values = [value or "" for name, value in attrs if name in {"href", "src", "action"}]
        if tag == MARK or any(name == f"on{MARK}" for name, _ in attrs):
            self.found.append(self.get_starttag_text() or tag)
        self.found += [value for value in values if value.startswith(("javascript:", "//"))]


def usual(form: Form, name: str) -> list[bytes]:
    """What a field is sent with by somebody who means well."""
    plain = "https://peer.example.org/x" if name.endswith("url") or name == "issuer" else "7"
    found = form.choices.get(name) or [*form.shown.get(name, []), plain]
    return [value.encode() for value in found if value]


@st.composite
def filled(draw: st.DrawFn, form: Form, odd: str | None) -> bytes:
    """The form filled in.

    :param odd: the field that holds whatever comes, the others what they are meant to; ``None`` if all of them do.
    """
    pairs = []
    for name in form.names:
        meant = st.sampled_from(usual(form, name))
        several = st.lists(HOSTILE | meant, max_size=2) if odd is None else st.tuples(HOSTILE if name == odd else meant)
        pairs += [f"{quote_plus(name)}={quote_plus(each)}" for each in draw(several)]
    return "&".join(pairs).encode()


@pytest.fixture
def full(site, context, held):
    """A bridge with something of all that forms are about."""
    registry = site.wiring.registry
    registry.clients.add("consumer", scopes=[ROSTER])
    registry.tools.add("quiz", jwks_url="https://tool.example.org/jwks")
    credentials = Credentials(client_id="bridge", secret="s3cret", token_url="http://127.0.0.1:9/token")
    registry.sources.add(RegisteredSource(name="district", base_url="http://127.0.0.1:9/", credentials=credentials))
    registry.registrations.add(
        NewPlatform(
            issuer="https://new.example.org",
            client_id="c",
            deployment_id=None,
            auth_login_url="https://new.example.org/auth",
            token_url="https://new.example.org/token",
            token_audience=None,
            jwks_url="https://new.example.org/jwks",
            vendor="generic",
            product="practice 1",
        )
    )
    return site


@pytest.fixture
def start(full):
    """Where the walk begins: what routes there are, and what nothing but a form leads to."""
    registry = full.wiring.registry
    (client,), (tool,) = registry.clients.all(), registry.tools.all()
    return ["/admin/", *(path for id_ in (client.client_id, tool.client_id)
                         for _, path in addresses(full.admin, client_id=id_))]  # fmt: skip


def send_each(visitor: Visitor, forms: Iterable[Form], rounds: int) -> None:
    """Send each form with each of its fields odd, and with all of them."""
    each = [(form, odd) for form in forms for odd in (None, *form.names)]
    token = each[0][0].shown["csrf_token"][0].encode()

    @settings(max_examples=rounds, deadline=None, derandomize=True, database=None, phases=[Phase.generate],
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(data=st.data())
    def send(data: st.DataObject) -> None:
        for form, odd in each:
            body = b"csrf_token=%b&%b" % (token, data.draw(filled(form, odd)))
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
            answer = visitor.session.post(f"{visitor.root}{form.action}", data=body, headers=headers, timeout=60)
            assert answer.status_code < 500, (form.action, body)
            assert Broken(answer.text).found == [], (form.action, body)
            assert all("b=c" not in str(one.headers) for one in (*answer.history, answer)), (form.action, body)

    send()


def test_whatever_a_form_is_sent_with_is_taken_or_refused_and_shown_as_text(full, operator, start):
    forms = {(form.action, form.names): form for page in walk(operator, start) for form in page.forms if form.names}
    assert {form.action for form in forms.values()} >= {"/admin/clients/new", "/admin/personal", "/admin/held/"}

    send_each(operator, forms.values(), rounds=2)
    full.carry_out()

    shown = set()
    for page in walk(operator, start):
        assert page.answer.status_code < 500, page.path
        assert Broken(page.answer.text).found == [], page.path
        shown |= {page.path} if f"&lt;{MARK}" in page.answer.text else set()
    assert shown  # so what is sent is stored, and shown again


def test_whoever_is_nobody_sends_whatever_she_likes(stranger):
    (form,) = read("/admin/sign-in", stranger.get("/admin/sign-in")).forms

    send_each(stranger, [form], rounds=2)

    assert not stranger.is_in
