"""Launches as a Moodle 4.5 sent them, with their times, nonce and addresses of now."""

import json
import re
from datetime import timedelta
from pathlib import Path

import pytest

from bridge.roster.identity import context_key

SAMPLES = Path(__file__).parents[1] / "samples" / "moodle-4.5"
CLAIM = "https://purl.imsglobal.org/spec/lti/claim/"
PRIVATE = ("given_name", "family_name", "name", "email")


@pytest.fixture
def relaunch(tool, lms, add_platform, registry):
    """Launch as recorded; gives the page and the recorded claims."""

    def relaunch(name):
        recorded = json.loads((SAMPLES / f"launch-{name}.json").read_text(encoding="utf-8"))
        request, claims = recorded["step1_login_initiation"]["params"], recorded["id_token_claims"]
        lms.issuer, lms.client_id = request["iss"], request["client_id"]
        add_platform(vendor="moodle", tenant="moodle")
        target = f"{tool.url}/lti/launch"
        login = tool.login(**{**request, "target_link_uri": target})
        now = int(tool.clock().timestamp())
        claims |= {"nonce": login["nonce"], "iat": now, "exp": now + 60, CLAIM + "target_link_uri": target}
        return tool.post(login["state"], lms.sign(claims)), claims

    return relaunch


@pytest.mark.parametrize("name", ["teacher", "student", "manager", "nonediting", "admin", "private"])
def test_launch_registers_the_course_as_recorded(relaunch, registry, name):
    answer, claims = relaunch(name)

    assert answer.status_code == 200, answer.text
    (context,) = registry.contexts.all()
    assert (context.key, context.label) == (context_key("2"), "MIX101")
    assert context.memberships_url == claims[CLAIM + "custom"]["context_memberships_url"]
    assert registry.deployments.of(registry.platforms.all()[0]) == {claims[CLAIM + "deployment_id"]}


@pytest.mark.parametrize(
    ("name", "teaches"),
    [
        ("teacher", True),
        ("nonediting", True),  # a Learner in the roster, and an Instructor in her launch
        ("manager", True),
        ("admin", True),
        ("student", False),
        ("private", False),
    ],
)
def test_who_may_have_the_roster_read(relaunch, name, teaches):
    answer, _ = relaunch(name)

    assert ("Read the roster now" in answer.text) is teaches


def test_roles_of_a_launch_are_kept_beside_the_rosters(relaunch, registry, clock):
    relaunch("admin")

    launched = registry.launch_roles.since("moodle", context_key("2"), clock() - timedelta(minutes=1))
    assert launched == [("2", ("http://purl.imsglobal.org/vocab/lis/v2/membership#Instructor",))]


def test_launch_without_personal_data_is_told_how_to_share_them(relaunch):
    answer, claims = relaunch("private")

    assert not set(PRIVATE) & set(claims)
    assert "Share launcher&#39;s name with tool" in answer.text


@pytest.mark.parametrize("name", ["teacher", "admin"])
def test_page_repeats_nothing_personal(relaunch, name):
    answer, claims = relaunch(name)

    assert not [claims[key] for key in PRIVATE if re.search(rf"\b{re.escape(claims[key])}\b", answer.text)]
