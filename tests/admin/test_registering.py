"""Registering consumers and LMSs, and handing out links: secrets are shown once."""

import re
from datetime import timedelta

import pytest
from joserfc.jwk import RSAKey

from bridge.lti.guides import GUIDES, REGISTER_THEMSELVES, examples
from bridge.oneroster.scopes import ROSTER, ROSTER_CORE
from bridge.registry.registrations import NewPlatform
from bridge.registry.sources import RegisteredSource
from bridge.roster.privacy import PersonDetail
from bridge.roster.visibility import Visibility
from bridge.transport.client_secret import Auth, Credentials
from tests.admin.conftest import words

SCOPES = [ROSTER, ROSTER_CORE]
ALL = {"reach": "all"}
PUBLIC = {"privacy": "public", **ALL}
PLATFORM = {
    "vendor": "moodle",
    "issuer": "https://moodle.example.org",
    "client_id": "moodle-1",
    "auth_login_url": "https://moodle.example.org/mod/lti/auth.php",
    "token_url": "https://moodle.example.org/mod/lti/token.php",
    "jwks_url": "https://moodle.example.org/mod/lti/certs.php",
    "deployment_id": "7",
}

SIS = {
    "name": "district",
    "base_url": "https://sis.example.org/ims/oneroster/rostering/v1p2",
    "version": "1.2",
    "auth": "form",
    "token_url": "https://sis.example.org/token",
    "client_id": "bridge",
    "secret": "s3cret",
}


def only(*sources):
    """What the forms send for these sources alone."""
    return {"reach": "these", "sources": list(sources)}


def secret_in(page):
    return re.search(r"Client secret</dt><dd><code[^>]*>([^<]+)<", page.text)[1]


@pytest.fixture
def client(site, operator):
    operator.post("/admin/clients/new", name="SIS", scopes=SCOPES, body_style="strict", **PUBLIC)
    (client,) = site.wiring.registry.clients.all()
    return client


def test_registered_client_can_ask_for_tokens_with_the_secret_that_was_shown(site, operator, client):
    registry = site.wiring.registry

    assert registry.clients.authenticate(client.client_id, secret_in(operator.page)) == client
    assert client.body_style == "strict"
    assert secret_in(operator.page) not in operator.get(f"/admin/clients/{client.client_id}").text


def test_client_may_be_limited_to_sources(site, operator, context):
    operator.post("/admin/clients/new", name="SIS", scopes=SCOPES, body_style="", **PUBLIC | only("school"))

    (client,) = site.wiring.registry.clients.all()
    assert client.sources == {"school"}


def test_consumers_and_tools_may_be_limited_to_a_sis(site, operator):
    site.wiring.registry.sources.add(
        RegisteredSource(
            name="north",
            base_url="https://sis.example.org/v1p2",
            credentials=Credentials(
                client_id="bridge", secret="s3cret", token_url="https://sis.example.org/token", scopes=("roster",)
            ),
        )
    )
    operator.post("/admin/clients/new", name="SIS", scopes=SCOPES, body_style="", **PUBLIC | only("north"))

    (client,) = site.wiring.registry.clients.all()
    assert client.sources == {"north"}
    assert 'value="north"' in operator.get("/admin/tools/new").text


def test_every_limit_of_a_client_is_shown(site, operator, client):
    site.wiring.registry.clients.limit(
        client.client_id, Visibility(None, frozenset({"school-1"}), frozenset({"7a"}), PersonDetail.NAME_ONLY)
    )

    for path in ("/admin/clients/", f"/admin/clients/{client.client_id}"):
        assert "all; org school-1; class 7a; name_only" in words(operator.get(path))


@pytest.mark.parametrize(
    "fields",
    [
        {"name": ""},
        {"scopes": []},
        {"scopes": ["everything"]},
        only("nowhere"),
        {"privacy": "some"},
        {"orgs": "nowhere"},
        {"classes": "no-class"},
    ],
    ids=["name", "no scope", "unknown scope", "unknown source", "privacy", "orgs", "classes"],
)
def test_client_that_makes_no_sense_is_not_registered(site, operator, fields):
    operator.post("/admin/clients/new", **{"name": "SIS", "scopes": SCOPES, "body_style": "", **PUBLIC, **fields})

    assert site.wiring.registry.clients.all() == []


def test_what_a_client_may_see_is_changed(site, operator, client, context):
    site.wiring.sync(context)
    path = f"/admin/clients/{client.client_id}"

    classes = f"  {context.class_sourced_id}\n"
    operator.post(f"{path}/limits", classes=classes, privacy="name_only", **only("school"))

    seen = site.wiring.registry.clients.by_id(client.client_id).visibility
    assert seen == Visibility(
        frozenset({"school"}), frozenset(), frozenset({context.class_sourced_id}), PersonDetail.NAME_ONLY
    )
    assert context.class_sourced_id in operator.get(f"{path}/limits").text
    assert f"ada changed what may be seen by client {client.client_id}" in words(operator.get("/admin/activity"))


def test_client_limited_to_what_there_is_not_keeps_its_limits(site, operator, client):
    answer = operator.post(f"/admin/clients/{client.client_id}/limits", orgs="no-org", **PUBLIC)

    assert (answer.status_code, "no org has the sourcedId no-org" in words(answer)) == (400, True)
    assert site.wiring.registry.clients.by_id(client.client_id) == client


def test_new_secret_leaves_the_old_one_good_for_a_day(site, operator, client, clock):
    old = secret_in(operator.page)
    path = f"/admin/clients/{client.client_id}"

    operator.post(f"{path}/secret", shown_at=path, former="stays")

    clients = site.wiring.registry.clients
    assert clients.authenticate(client.client_id, secret_in(operator.page)) is not None
    assert clients.authenticate(client.client_id, old) is not None
    assert "Its former secret is good until in 24 hours" in words(operator.get(path))
    clock.turn(hours=25)
    assert clients.authenticate(client.client_id, old) is None


def test_new_secret_ends_the_old_one_where_somebody_else_has_it(site, operator, client):
    old = secret_in(operator.page)
    path = f"/admin/clients/{client.client_id}"

    operator.post(f"{path}/secret", shown_at=path, former="ends")

    registry = site.wiring.registry
    assert registry.clients.authenticate(client.client_id, old) is None
    assert registry.clients.authenticate(client.client_id, secret_in(operator.page)) is not None


def test_revoked_client_gets_nothing_more(site, operator, client):
    path = f"/admin/clients/{client.client_id}"

    operator.post(f"{path}/revoke", shown_at=path)

    assert site.wiring.registry.clients.by_id(client.client_id).revoked
    assert "New secret" not in words(operator.get(path))


def test_last_token_is_told(site, operator, client, clock):
    site.wiring.registry.tokens.add(b"x" * 32, client.client_id, [], timedelta(hours=1))
    clock.turn(minutes=5)

    assert "Last given a token 5 minutes ago" in words(operator.get(f"/admin/clients/{client.client_id}"))


def test_what_was_done_is_in_the_record(operator, client):
    assert f"ada registered client {client.client_id}" in words(operator.get("/admin/activity"))


@pytest.mark.parametrize("vendor", list(GUIDES))
def test_platform_of_every_vendor_is_registered(site, operator, vendor):
    operator.post("/admin/platforms/new", **{**PLATFORM, "vendor": vendor})

    (platform,) = site.wiring.registry.platforms.all()
    assert platform.vendor == vendor
    assert GUIDES[vendor] in operator.get("/admin/platforms/new?vendor=" + vendor).text


def test_platform_is_registered_and_told_what_to_do_next(site, operator):
    answer = operator.post("/admin/platforms/new", **PLATFORM)

    (platform,) = site.wiring.registry.platforms.all()
    assert (platform.tenant, platform.vendor) == ("moodle.example.org", "moodle")
    assert site.wiring.registry.deployments.of(platform) == {"7"}
    assert answer.url.endswith(f"/admin/platforms/{platform.id}")
    assert "Now open the bridge in the LMS" in words(answer)


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("token_url", "not a URL", "must be an absolute http or https URL"),
        ("tenant", "Not A Tenant", "must be 1 to 64 of a-z"),
        ("client_id", "", "This field is required"),
    ],
)
def test_platform_that_makes_no_sense_is_refused_at_its_field(site, operator, field, value, said):
    answer = operator.post("/admin/platforms/new", **{**PLATFORM, field: value})

    assert said in words(answer)
    assert site.wiring.registry.platforms.all() == []


def test_platform_is_not_registered_twice(operator):
    operator.post("/admin/platforms/new", **PLATFORM)

    assert "is registered at" in words(operator.post("/admin/platforms/new", **PLATFORM))


def test_registration_link_works_once_and_is_shown_once(site, operator):
    shown = words(operator.post("/admin/setup/", tenant="school", days="7"))

    code = re.search(r"/lti/register/([\w-]+)", shown)[1]
    assert site.wiring.registry.invitations.take(code).tenant == "school"
    assert site.wiring.registry.invitations.take(code) is None
    assert code not in operator.get("/admin/setup/").text


@pytest.mark.parametrize("vendor", ["canvas", "moodle", "blackboard", "brightspace", "sakai", "openedx", "generic"])
def test_guide_holds_this_bridge_s_own_addresses(operator, vendor):
    assert "http://127.0.0.1:1/lti/login" in words(operator.get(f"/admin/setup/{vendor}"))


@pytest.mark.parametrize("vendor", sorted(REGISTER_THEMSELVES))
def test_guide_makes_a_registration_link(site, operator, vendor):
    shown = words(operator.post(f"/admin/setup/{vendor}", tenant="school", days="7"))

    code = re.search(r"/lti/register/([\w-]+)", shown)[1]
    assert site.wiring.registry.invitations.take(code).tenant == "school"


def test_guide_to_an_lms_that_cannot_use_a_link_offers_none(operator):
    assert "Make a registration link" not in operator.get("/admin/setup/openedx").text


@pytest.mark.parametrize("vendor", list(GUIDES))
def test_form_of_a_vendor_shows_what_its_addresses_look_like(operator, vendor):
    page = operator.get(f"/admin/platforms/new?vendor={vendor}").text

    assert f'<option selected value="{vendor}">' in page
    assert [url for url in examples(vendor).values() if f'placeholder="{url}"' not in page] == []


def test_sis_is_registered(site, operator):
    answer = operator.post("/admin/setup/sis/", **SIS)

    (source,) = site.wiring.registry.sources.all()
    assert (source.name, source.credentials.secret, source.credentials.auth) == ("district", "s3cret", Auth.FORM)
    assert source.credentials.scopes == (ROSTER_CORE, ROSTER)
    assert answer.url.endswith("/admin/sources/district/")
    assert "s3cret" not in answer.text
    assert "ada registered source district" in words(operator.get("/admin/activity"))


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        pytest.param("base_url", "http://sis.example.org/v1p2", "allowed_hosts", id="plain http"),
        pytest.param("base_url", "nonsense", "https", id="no address"),
        pytest.param("token_url", "", "must be an absolute", id="nowhere to ask for a token"),
        pytest.param("name", "Not A Name", "must be 1 to 64 of a-z", id="an impossible name"),
        pytest.param("secret", "", "This field is required", id="no secret"),
    ],
)
def test_sis_that_makes_no_sense_is_refused_at_its_field(site, operator, field, value, said):
    answer = operator.post("/admin/setup/sis/", **{**SIS, field: value})

    assert said in words(answer)
    assert "s3cret" not in answer.text
    assert site.wiring.registry.sources.all() == []


def test_guide_to_an_unknown_vendor_is_not_found(operator):
    assert operator.get("/admin/setup/abacus").status_code == 404


@pytest.fixture
def waiting(site):
    return site.wiring.registry.registrations.add(
        NewPlatform(
            issuer="https://lms.example.org",
            client_id="c",
            deployment_id=None,
            auth_login_url="https://lms.example.org/auth",
            token_url="https://lms.example.org/token",
            token_audience=None,
            jwks_url="https://lms.example.org/jwks",
            vendor="generic",
            product="practice 1",
        )
    )


def test_lms_that_waits_is_let_in(site, operator, waiting):
    operator.post(f"/admin/platforms/pending/{waiting}", shown_at="/admin/setup/", decision="accept", tenant="school")

    (platform,) = site.wiring.registry.platforms.all()
    assert platform.tenant == "school"
    assert site.wiring.registry.registrations.all() == []


def test_lms_that_waits_is_turned_away(site, operator, waiting):
    operator.post(f"/admin/platforms/pending/{waiting}", shown_at="/admin/setup/", decision="reject")

    assert site.wiring.registry.platforms.all() == []
    assert site.wiring.registry.registrations.all() == []


@pytest.fixture
def tool(site, operator):
    operator.post("/admin/tools/new", name="Seating plan", jwks_url="https://tool.example.org/jwks", **TOOL)
    (tool,) = site.wiring.registry.tools.all()
    return tool


TOOL = {"shares": ["names"], "user_ids": "lms", **ALL}


def test_registered_tool_is_shown_with_what_it_needs(operator, tool):
    page = words(operator.get(f"/admin/tools/{tool.client_id}"))

    assert tool.client_id in page
    assert "http://127.0.0.1:1/oauth2/token" in page
    assert "roles, status, names" in page
    assert "Seating plan" in words(operator.get("/admin/tools/"))


@pytest.mark.parametrize(
    "keys",
    [
        {},
        {"jwks_url": "https://tool.example.org/jwks", "key_set": "{}"},
        {"jwks_url": "nonsense"},
        {"key_set": '{"keys": []}'},
    ],
    ids=["no keys", "both", "no URL", "a key set without keys"],
)
def test_tool_without_usable_keys_is_not_registered(site, operator, keys):
    answer = operator.post("/admin/tools/new", name="Seating plan", **TOOL, **keys)

    assert answer.status_code == 400
    assert site.wiring.registry.tools.all() == []


def test_tool_s_keys_may_be_pasted(site, operator):
    key = RSAKey.generate_key(2048, auto_kid=True)

    operator.post("/admin/tools/new", name="Seating plan", key_set=key.as_pem(private=False).decode(), **TOOL)

    (tool,) = site.wiring.registry.tools.all()
    assert key.kid in tool.key_set


def test_what_a_tool_may_see_and_is_told_is_changed(site, operator, tool, context):
    site.wiring.sync(context)
    path = f"/admin/tools/{tool.client_id}/limits"

    shown = {"shares": ["email"], "user_ids": "sourcedid"}
    operator.post(path, classes=context.class_sourced_id, **shown, **only("school"))

    changed = site.wiring.registry.tools.get(tool.client_id)
    assert (changed.sources, changed.classes) == ({"school"}, {context.class_sourced_id})
    assert (changed.privacy.shares, changed.user_ids) == ({"email"}, "sourcedid")
    assert changed.version > tool.version


def test_limits_of_a_tool_are_taken_away(site, operator, tool, context):
    site.wiring.sync(context)
    site.wiring.registry.tools.set(tool.client_id, sources=["school"], classes=[context.class_sourced_id], shares=[])

    operator.post(f"/admin/tools/{tool.client_id}/limits", classes="", user_ids="lms", **ALL)

    changed = site.wiring.registry.tools.get(tool.client_id)
    assert (changed.sources, changed.classes, changed.privacy.shares) == (None, None, frozenset())


def test_tool_is_given_other_keys(site, operator, tool):
    path = f"/admin/tools/{tool.client_id}"

    operator.post(f"{path}/keys", shown_at=path, jwks_url="https://tool.example.org/new")

    assert site.wiring.registry.tools.get(tool.client_id).jwks_url == "https://tool.example.org/new"


def test_tool_s_keys_stay_when_the_new_ones_cannot_be_used(site, operator, tool):
    path = f"/admin/tools/{tool.client_id}"

    assert operator.post(f"{path}/keys", shown_at=path).status_code == 400
    assert site.wiring.registry.tools.get(tool.client_id) == tool


def test_revoked_tool_gets_nothing_more(site, operator, tool):
    path = f"/admin/tools/{tool.client_id}"

    operator.post(f"{path}/revoke", shown_at=path)

    assert site.wiring.registry.tools.get(tool.client_id).revoked
    assert "Other keys" not in words(operator.get(path))


def test_unknown_client_and_tool_are_not_found(operator):
    assert [operator.get(f"/admin/{each}/nobody").status_code for each in ("clients", "tools")] == [404, 404]


@pytest.mark.parametrize(
    "days", ["9" * 400, "-" + "9" * 400, "0" * 19 + "7", "\u0663" * 30], ids=["high", "low", "zeros", "other"]
)
def test_number_of_days_beyond_reason_is_refused(operator, days):
    answer = operator.post("/admin/setup/", days=days)

    assert answer.status_code == 400
    assert "This is no number of a sensible size." in words(answer)
