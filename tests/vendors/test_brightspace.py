"""Brightspace: one audience for all sites, and a class list that may hold only those who have launched."""

import pytest

from bridge.mirror.runs import Outcome
from tests.vendors.whole_way import COURSE, TEACHER, course_of


@pytest.fixture
def brightspace(beside):
    started = beside("brightspace", course_of(["ada", "ben"]))
    started.manners.known_users = {TEACHER, "ada"}
    return started


def test_tokens_are_asked_for_with_the_audience_of_all_sites(brightspace):
    brightspace.launch()

    assert brightspace.sync().outcome is Outcome.APPLIED


def test_another_audience_is_refused_and_the_message_says_what_to_check(beside):
    brightspace = beside("brightspace", course_of(["ada"]), token_audience="https://elsewhere.example.org/token")
    brightspace.launch()

    run = brightspace.sync()

    assert run.outcome is Outcome.REFUSED
    assert "error invalid_client: check the client id, the token audience" in run.message


def test_only_who_has_launched_is_listed_and_the_list_grows(brightspace):
    brightspace.launch()
    brightspace.sync()
    assert set(brightspace.roles()) == {TEACHER, "ada"}

    brightspace.manners.known_users.add("ben")
    brightspace.sync()

    assert set(brightspace.roles()) == {TEACHER, "ada", "ben"}


def test_whoever_is_missing_from_such_a_list_has_not_left(brightspace):
    brightspace.launch()
    brightspace.sync()
    brightspace.manners.known_users.discard("ada")

    run = brightspace.sync()

    assert (run.complete, run.removed) == (False, 0)
    assert brightspace.enrollments()["ada"]["status"] == "active"
    assert brightspace.standing().full_pull is None


def test_with_the_whole_class_list_switched_on_whoever_is_missing_has_left(beside):
    brightspace = beside("brightspace", course_of(["ada", "ben"]), complete_rosters=True)
    brightspace.manners.known_users = None
    brightspace.launch()
    brightspace.sync()
    brightspace.roster.drop(COURSE, "ada")

    run = brightspace.sync()

    assert (run.complete, run.removed) == (True, 1)
    assert brightspace.enrollments()["ada"]["status"] == "tobedeleted"
    assert brightspace.standing().full_pull is not None
