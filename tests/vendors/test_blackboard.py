"""Blackboard Learn: a membership URL with a query of its own, and one client id for every institution there is."""

import pytest

from bridge.mirror.runs import Outcome
from bridge.practice.people import INSTRUCTOR, LEARNER, TEACHING_ASSISTANT, TEST_USER
from bridge.roster.identity import LtiUserId, context_key, person_key, user_sourced_id
from bridge.roster.memberships import Context
from tests.vendors.whole_way import COURSE, TEACHER, course_of, person


@pytest.fixture
def blackboard(beside):
    return beside("blackboard", course_of(["ada", "ben"]))


def test_the_urls_own_query_stays_on_every_page(blackboard):
    blackboard.launch()
    blackboard.manners.page_size = 1

    run = blackboard.sync()

    assert blackboard.context().memberships_url.endswith("?placement_id=_1_1")
    assert (run.outcome, blackboard.roles()) == (
        Outcome.APPLIED,
        {TEACHER: "teacher", "ada": "student", "ben": "student"},
    )


def test_an_odd_query_stays_as_it_is(beside):
    blackboard = beside("blackboard", course_of(["ada", "ben"]), page_limit=2)
    blackboard.manners.query = "placement_id=_1_1&flag=&a=1&a=2"
    blackboard.launch()
    blackboard.sync()

    assert len(blackboard.roles()) == 3


def test_whoever_is_unavailable_is_served_as_tobedeleted(blackboard):
    blackboard.launch()
    blackboard.sync()
    blackboard.roster.change_status(COURSE, "ada", "Inactive")
    blackboard.sync()

    ada = blackboard.enrollments()["ada"]
    assert (ada["status"], ada["metadata"]["lti.status"]) == ("tobedeleted", "Inactive")


def test_assistants_are_instructors_unless_somebody_has_mapped_them(blackboard):
    blackboard.roster.enroll(COURSE, person("tina"), [TEACHING_ASSISTANT])
    blackboard.launch()
    blackboard.sync()

    assert blackboard.roles()["tina"] == "teacher"
    assert blackboard.told_roles()["tina"] == [INSTRUCTOR]


def test_a_preview_user_without_another_role_is_nobody(blackboard):
    blackboard.roster.enroll(COURSE, person("preview"), [TEST_USER])
    blackboard.launch()
    blackboard.sync()

    assert "preview" not in blackboard.users()


class TestOneClientForManyInstitutions:
    @pytest.fixture
    def neighbour(self, blackboard):
        """The same course and user ids at another institution, which is another deployment of the same client id."""
        blackboard.launch()
        registry = blackboard.wiring.registry
        return registry.contexts.add(
            blackboard.platform,
            context_key(COURSE, "9"),
            Context(context_id=COURSE),
            memberships_url=blackboard.lms.memberships_url(COURSE),
        )

    def test_each_has_its_own_class_and_its_own_people(self, blackboard, neighbour):
        own = next(one for one in blackboard.wiring.registry.contexts.all() if one.key != neighbour.key)
        for context in (own, neighbour):
            blackboard.wiring.sync(context)

        assert len(blackboard.served("classes")) == 2
        assert len(blackboard.served("enrollments")) == 6
        ada = [one for one in blackboard.served("users") if one["metadata"]["lti.userId"] == "ada"]
        assert {one["sourcedId"] for one in ada} == {
            user_sourced_id("school", person_key(LtiUserId("ada"), deployment))
            for deployment in (blackboard.deployment_id, "9")
        }

    def test_whoever_leaves_one_stays_in_the_other(self, blackboard, neighbour):
        own = next(one for one in blackboard.wiring.registry.contexts.all() if one.key != neighbour.key)
        for context in (own, neighbour):
            blackboard.wiring.sync(context)
        blackboard.roster.drop(COURSE, "ada")
        blackboard.wiring.sync(own)

        ada = [one for one in blackboard.served("users") if one["metadata"]["lti.userId"] == "ada"]
        assert sorted(one["status"] for one in ada) == ["active", "tobedeleted"]

    def test_an_institution_may_be_alone_by_the_operators_word(self, beside):
        options = {"people_by_deployment": False, "contexts_by_deployment": False}
        blackboard = beside("blackboard", course_of(["ada"]), **options)
        blackboard.launch()
        blackboard.sync()

        assert blackboard.users()["ada"]["sourcedId"] == user_sourced_id("school", LtiUserId("ada"))


def test_a_resource_link_message_that_is_no_list_harms_nobody(blackboard):
    blackboard.roster.enroll(COURSE, person("cyd"), [LEARNER])
    blackboard.manners.also = {"message": {"message_type": "LtiResourceLinkRequest"}}
    blackboard.launch()

    run = blackboard.sync()

    assert (run.quarantined, len(blackboard.roles())) == (0, 4)
