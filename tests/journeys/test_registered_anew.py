"""The bridge is registered anew at the same LMS: nobody may get another id, and nothing may seem to have gone."""

import pytest

from bridge.mirror.runs import Outcome
from tests.journeys.running_bridge import without_metadata


@pytest.fixture
def taken_up(bridge, lms):
    bridge.register_at(lms, "school")
    bridge.take_up(lms)
    return bridge


@pytest.fixture
def registered_anew(taken_up, lms):
    """The new client id, put under the old tenant."""
    client_id = taken_up.register_tool(lms)["client_id"]
    taken_up.wiring.registry.platforms.replace("school", client_id=client_id)
    return client_id


def dates(records):
    return {record["sourcedId"]: record["dateLastModified"] for record in records}


def test_nothing_changes_but_metadata_that_names_the_deployment(taken_up, lms, registered_anew):
    consumer = taken_up.consumer()
    before = consumer.everything()

    taken_up.sync()
    without_deployment = consumer.everything()
    assert taken_up.launch(lms, client_id=registered_anew).status_code == 200
    taken_up.sync()
    after = consumer.everything()

    assert without_metadata(without_deployment, "lti.deploymentId") == without_metadata(before, "lti.deploymentId")
    assert without_metadata(after, "lti.deploymentId") == without_metadata(before, "lti.deploymentId")
    assert {each["metadata"]["lti.deploymentId"] for each in after["enrollments"]} != {
        each["metadata"]["lti.deploymentId"] for each in before["enrollments"]
    }
    for name in ("users", "orgs", "academicSessions", "courses"):
        assert dates(after[name]) == dates(before[name])


def test_nobody_is_tombstoned_or_added(taken_up, lms, registered_anew):
    run = taken_up.sync()

    assert run.outcome is Outcome.APPLIED  # the deployment is not known until the next launch
    assert (run.added, run.changed, run.removed, run.unchanged) == (0, 0, 0, 41)
    assert run.records == {"classes": {"changed": 1}, "enrollments": {"changed": 37}}


def test_contexts_are_the_same_before_and_after_a_launch(taken_up, lms, registered_anew):
    contexts = taken_up.wiring.registry.contexts
    (before,) = contexts.all()

    taken_up.launch(lms, client_id=registered_anew)

    (after,) = contexts.all()
    assert (after.key, after.class_sourced_id, after.memberships_url) == (
        before.key,
        before.class_sourced_id,
        before.memberships_url,
    )
    assert (before.deployment_id, after.deployment_id is not None) == (None, True)


def test_launch_through_the_former_registration_is_refused(taken_up, lms, registered_anew):
    former = next(tool.client_id for tool in lms.lms.tools.all() if tool.client_id != registered_anew)

    assert taken_up.launch(lms, client_id=former).status_code == 400


def test_second_registration_beside_the_first_knows_the_same_people(taken_up, lms):
    consumer = taken_up.consumer()
    before = consumer.everything()
    second = taken_up.register_at(lms, "school")

    assert taken_up.launch(lms, client_id=second.client_id).status_code == 200
    taken_up.sync()

    assert without_metadata(consumer.everything(), "lti.deploymentId") == without_metadata(before, "lti.deploymentId")
