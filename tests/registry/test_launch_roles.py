"""The roles of each person's latest launch."""

from datetime import timedelta

import pytest

from bridge.roster.identity import LtiUserId, context_key
from bridge.roster.memberships import Context

ADA, BEN = LtiUserId("ada"), LtiUserId("ben")
KEY = context_key("2")


@pytest.fixture
def platform(registry, add_platform):
    platform = add_platform(tenant="school")
    registry.contexts.add(platform, KEY, Context(context_id="2"), memberships_url="https://lms.example.org/members")
    return platform


@pytest.fixture
def recent(registry, platform, clock):
    """The launches of the last day."""
    return lambda: registry.launch_roles.since("school", KEY, clock() - timedelta(days=1))


def test_each_persons_latest_launch_is_told(registry, recent):
    registry.launch_roles.note("school", KEY, BEN, ["Learner"])
    registry.launch_roles.note("school", KEY, ADA, ["Learner"])
    registry.launch_roles.note("school", KEY, ADA, ["Instructor", "Mentor"])

    assert recent() == [("ada", ("Instructor", "Mentor")), ("ben", ("Learner",))]


def test_older_launches_are_not_told(registry, recent, clock):
    registry.launch_roles.note("school", KEY, ADA, ["Instructor"])
    clock.turn(days=1)
    registry.launch_roles.note("school", KEY, BEN, ["Learner"])

    assert recent() == [("ben", ("Learner",))]


def test_those_of_a_context_that_is_read_no_more_are_forgotten(registry, recent):
    registry.launch_roles.note("school", KEY, ADA, ["Instructor"])
    registry.contexts.remove("school", KEY)

    assert recent() == []
