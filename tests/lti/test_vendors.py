import pytest

from bridge.errors import InvalidRequest
from bridge.lti.platform import Platform
from bridge.lti.vendors import PROFILES, VendorProfile, profile_of


def make_platform(vendor="generic", **options):
    return Platform(
        id=1,
        tenant="school",
        issuer="https://lms.example.org",
        client_id="bridge-1",
        auth_login_url="https://lms.example.org/auth",
        token_url="https://lms.example.org/token",
        jwks_url="https://lms.example.org/jwks",
        vendor=vendor,
        options=options,
    )


def test_generic_platform_is_taken_by_its_word():
    assert profile_of(make_platform()) == VendorProfile(
        escaped_names=False, complete_rosters=True, contexts_by_deployment=False, page_limit=0
    )


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
    assert getattr(profile_of(make_platform("moodle", **{option: value})), option) == value


def test_overriding_one_option_leaves_the_others():
    assert profile_of(make_platform("moodle", page_limit=50)) == VendorProfile(escaped_names=True, page_limit=50)


def test_options_of_the_configuration_are_none_of_the_profiles():
    assert profile_of(make_platform(role_mapping="ext", school_name="Hillside")) == VendorProfile()


@pytest.mark.parametrize("vendor", ["Moodle", "canvas-beta", ""])
def test_unknown_vendor_is_refused_with_those_that_there_are(vendor):
    with pytest.raises(InvalidRequest) as refused:
        profile_of(make_platform(vendor))

    assert str(refused.value) == f"vendor: must be one of {', '.join(sorted(PROFILES))}"


def test_option_that_cannot_be_used_is_refused():
    with pytest.raises(InvalidRequest, match="page_limit must be 50, not '50'"):
        profile_of(make_platform(page_limit="50"))
