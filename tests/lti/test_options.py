import json
from dataclasses import fields

import pytest

from bridge.errors import ConfigError, InvalidRequest
from bridge.lti.options import OPTIONS, check_options, parse_options
from bridge.lti.vendors import VendorProfile


@pytest.fixture
def role_table(tmp_path):
    path = tmp_path / "roles.toml"
    path.write_text('[context]\n"Mentor" = { rank = 80, enrollment = "proctor" }\n')
    return path


@pytest.mark.parametrize(
    ("text", "options"),
    [
        pytest.param("escaped_names=true", {"escaped_names": True}, id="true"),
        pytest.param("escaped_names=Yes", {"escaped_names": True}, id="yes"),
        pytest.param("complete_rosters=off", {"complete_rosters": False}, id="off"),
        pytest.param("contexts_by_deployment=1", {"contexts_by_deployment": True}, id="one"),
        pytest.param("page_limit=50", {"page_limit": 50}, id="count"),
        pytest.param("page_limit=0", {"page_limit": 0}, id="none"),
        pytest.param("freshness_hours=6", {"freshness_hours": 6}, id="target"),
        pytest.param("learn_deployments=any", {"learn_deployments": "any"}, id="learning"),
        pytest.param("role_mapping=ext", {"role_mapping": "ext"}, id="mapping"),
        pytest.param("school_name=Grundschule = am Bach", {"school_name": "Grundschule = am Bach"}, id="equals-sign"),
    ],
)
def test_option_is_read(text, options):
    assert parse_options([text]) == options


def test_options_are_read_together_and_the_last_one_counts():
    texts = ["trust_admin_roles=true", "keep_test_users=true", "trust_admin_roles=false"]

    assert parse_options(texts) == {"trust_admin_roles": False, "keep_test_users": True}


def test_role_table_is_kept_by_its_absolute_path(role_table, monkeypatch):
    monkeypatch.chdir(role_table.parent)

    assert parse_options(["role_table=roles.toml"]) == {"role_table": str(role_table)}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("escaped_names", "option: 'escaped_names' is not NAME=VALUE", id="no-value"),
        pytest.param(
            "escaped_name=true",
            "option: 'escaped_name' is not an option of a platform; did you mean escaped_names?",
            id="misspelt",
        ),
        pytest.param("escaped_names=maybe", "option: escaped_names must be true or false", id="flag"),
        pytest.param("page_limit=-1", "option: page_limit must be a whole number from 0 to 999999", id="negative"),
        pytest.param("page_limit=1_000", "option: page_limit must be a whole number from 0 to 999999", id="underscore"),
        pytest.param("page_limit=٣", "option: page_limit must be a whole number from 0 to 999999", id="other-digits"),
        pytest.param("concurrency=0", "option: concurrency must be a whole number from 1 to 999999", id="nothing"),
        pytest.param("role_mapping=extended", "option: role_mapping must be one of compat, ext", id="mapping"),
        pytest.param(
            "learn_deployments=all", "option: learn_deployments must be one of none, first, any", id="learning"
        ),
        pytest.param("school_name= ", "option: school_name must not be empty", id="blank-name"),
    ],
)
def test_bad_option_is_refused_in_words_that_help(text, message):
    with pytest.raises(InvalidRequest) as refused:
        parse_options([text])

    assert str(refused.value) == message


def test_nonsense_is_answered_with_all_that_there_is():
    with pytest.raises(InvalidRequest, match=r"they are escaped_names, .*, requests_per_minute$"):
        parse_options(["zzz=1"])


def test_role_table_that_is_not_there_is_refused_at_once(tmp_path):
    with pytest.raises(ConfigError, match=r"none\.toml: cannot be read: No such file"):
        parse_options([f"role_table={tmp_path}/none.toml"])


def test_role_table_with_mistakes_is_refused_at_once(role_table):
    role_table.write_text('[context]\n"Mentor" = { user_role = "boss" }\n')

    with pytest.raises(ConfigError, match='"Mentor": user_role must be one of'):
        parse_options([f"role_table={role_table}"])


def test_what_was_read_can_be_stored_and_is_good_when_it_comes_back(role_table):
    texts = ["escaped_names=on", "page_limit=7", "role_mapping=ext", "school_name=50", f"role_table={role_table}"]

    check_options(json.loads(json.dumps(parse_options(texts))))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param({"colour": "red"}, "option: 'colour' is not an option of a platform; they are ", id="unknown"),
        pytest.param({"escaped_names": "true"}, "option: escaped_names must be True, not 'true'", id="text-for-flag"),
        pytest.param({"escaped_names": 1}, "option: escaped_names must be True, not 1", id="number-for-flag"),
        pytest.param({"page_limit": "50"}, "option: page_limit must be 50, not '50'", id="text-for-number"),
        pytest.param({"page_limit": True}, "option: page_limit must be a whole number", id="flag-for-number"),
        pytest.param({"page_limit": 50.0}, "option: page_limit must be text, a number, or", id="fraction"),
        pytest.param({"page_limit": -1}, "option: page_limit must be a whole number", id="negative"),
        pytest.param({"role_mapping": "weird"}, "option: role_mapping must be one of compat, ext", id="mapping"),
        pytest.param({"school_name": None}, "option: school_name must be text, a number, or true or false", id="null"),
        pytest.param({"school_name": ["a"]}, "option: school_name must be text, a number, or true or false", id="list"),
    ],
)
def test_bad_stored_options_are_refused(options, message):
    with pytest.raises(InvalidRequest) as refused:
        check_options(options)

    assert str(refused.value).startswith(message)


def test_every_option_of_a_vendor_profile_can_be_set():
    assert {field.name for field in fields(VendorProfile)} <= OPTIONS.keys()
