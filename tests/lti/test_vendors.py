"""Vendor profiles: their options, how an operator overrides them, and that docs/vendors.md tells them as they are."""

import re
from dataclasses import fields, replace
from pathlib import Path

import pytest

from bridge.errors import InvalidRequest
from bridge.lti.options import OPTIONS as READERS
from bridge.lti.options import change_options, parse_options
from bridge.lti.platform import Platform
from bridge.lti.vendors import OPTIONS, PROFILES, VendorProfile, audience_of, profile_of

DOCUMENT = Path(__file__).parents[2] / "docs" / "vendors.md"
BRIGHTSPACE = "https://api.brightspace.com/auth/token"


def make_platform(vendor="generic", **changes):
    return Platform(
        id=1,
        tenant="school",
        issuer="https://lms.example.org",
        client_id="bridge-7",
        auth_login_url="https://lms.example.org/auth",
        token_url="https://lms.example.org/token",
        jwks_url="https://lms.example.org/jwks",
        vendor=vendor,
        **changes,
    )


def test_generic_platform_is_taken_by_its_word():
    profile = profile_of(make_platform())

    assert (profile.escaped_names, profile.complete_rosters, profile.page_limit) == (False, True, None)
    assert not profile.contexts_by_deployment


def test_moodle_escapes_names_and_is_read_in_one_page():
    profile = profile_of(make_platform("moodle"))

    assert (profile.escaped_names, profile.page_limit, profile.complete_rosters) == (True, 0, True)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        pytest.param("escaped_names", False, id="escaped-names"),
        pytest.param("complete_rosters", False, id="complete-rosters"),
        pytest.param("contexts_by_deployment", True, id="contexts-by-deployment"),
        pytest.param("page_limit", 50, id="page-limit"),
    ],
)
def test_operator_overrides_the_profile(option, value):
    assert getattr(profile_of(make_platform("moodle", options={option: value})), option) == value


def test_overriding_one_option_leaves_the_others():
    assert profile_of(make_platform("moodle", options={"page_limit": 50})) == replace(PROFILES["moodle"], page_limit=50)


def test_options_of_the_configuration_are_none_of_the_profiles():
    assert profile_of(make_platform(options={"role_mapping": "ext", "school_name": "Hillside"})) == VendorProfile()


@pytest.mark.parametrize("vendor", ["Moodle", "canvas-beta", ""])
def test_unknown_vendor_is_refused_with_those_that_there_are(vendor):
    with pytest.raises(InvalidRequest) as refused:
        profile_of(make_platform(vendor))

    assert str(refused.value) == f"vendor: must be one of {', '.join(sorted(PROFILES))}"


def test_option_that_cannot_be_used_is_refused():
    with pytest.raises(InvalidRequest, match="page_limit must be 50, not '50'"):
        profile_of(make_platform(options={"page_limit": "50"}))


@pytest.mark.parametrize("option", OPTIONS)
def test_every_option_can_be_set_by_an_operator(option):
    present = getattr(VendorProfile(), option)
    kind = int if present is None else type(present)  # a page limit, which nothing is set for
    text = {bool: "true", int: "50", str: "https://lms.example.org/audience"}[kind]

    assert type(parse_options([f"{option}={text}"])[option]) is kind


@pytest.mark.parametrize("vendor", PROFILES)
def test_every_profile_can_be_used_as_it_is(vendor):
    assert profile_of(make_platform(vendor)) == PROFILES[vendor]


def test_people_are_told_apart_by_deployment_only_where_contexts_are():
    with pytest.raises(InvalidRequest, match="people_by_deployment needs contexts_by_deployment"):
        profile_of(make_platform(options={"people_by_deployment": True}))


@pytest.mark.parametrize(
    ("vendor", "changes", "audience"),
    [
        pytest.param("generic", {}, "https://lms.example.org/token", id="token-url"),
        pytest.param("brightspace", {}, BRIGHTSPACE, id="vendor"),
        pytest.param("brightspace", {"token_audience": "https://a.example"}, "https://a.example", id="registered"),
        pytest.param(
            "brightspace",
            {"token_audience": "https://a.example", "options": {"token_audience": "https://b.example"}},
            "https://b.example",
            id="option",
        ),
    ],
)
@pytest.mark.clause("Security Framework 1.0 4.1.1")
def test_the_audience_is_each_registrations_own(vendor, changes, audience):
    assert audience_of(make_platform(vendor, **changes)) == audience


def test_options_are_set_and_taken_back():
    present = {"page_limit": 50, "renew_on_403": False}

    assert change_options(present, ["page_limit=", "differences=no"]) == {"renew_on_403": False, "differences": False}


@pytest.mark.parametrize("text", ["page_limits=5", "page_limits=", "page_limit", "page_limit=many"])
def test_what_is_no_option_is_refused(text):
    with pytest.raises(InvalidRequest, match="option: "):
        change_options({}, [text])


class TestDocument:
    @pytest.fixture
    def tables(self):
        """The rows of all tables of the document, by their first cell without backquotes."""
        rows = [
            [cell.strip() for cell in line.strip("|").split("|")]
            for line in DOCUMENT.read_text(encoding="utf-8").splitlines()
            if line.startswith("|")
        ]
        return {re.sub("`", "", row[0]): row[1:] for row in rows}

    def test_names_every_vendor(self, tables):
        assert tables["vendor option"] == [f"`{vendor}`" for vendor in PROFILES]

    @pytest.mark.parametrize("option", fields(VendorProfile), ids=lambda field: field.name)
    def test_tells_each_option_as_it_is(self, tables, option):
        def written(value):
            told = {"": "token URL", "None": "as configured"}
            text = str(value).lower() if isinstance(value, bool) else told.get(str(value), str(value))
            return text if value == option.default else f"**{text}**"

        assert tables[option.name] == [written(getattr(profile, option.name)) for profile in PROFILES.values()]

    def test_explains_every_option_of_a_platform(self):
        text = DOCUMENT.read_text(encoding="utf-8")

        assert [name for name in READERS if f"- `{name}`" not in text] == []
