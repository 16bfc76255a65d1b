"""From an LMS that drops somebody to consumers who hear of it, and back: the feed, a webhook, undoing."""

import json

import pytest
from pytest_httpserver import HTTPServer

from bridge.roster.model import COLLECTIONS
from bridge.scheduling import Scheduling
from bridge.sync.policy import Reason
from bridge.upkeep import Subscribers, undo_run


@pytest.fixture
def course(bridge, lms):
    """Launched once, and read."""
    bridge.register_at(lms, "school")
    bridge.take_up(lms)
    return bridge.wiring.registry.contexts.find("Course-1")


def drop_somebody(lms):
    member = lms.roster.members("Course-1")[-1]
    lms.roster.drop("Course-1", member.person.user_id)
    return member.person.user_id


def feed(bridge, consumer, **parameters):
    answer = consumer.get(f"{bridge.url}/api/events", **parameters)
    assert answer.status_code == 200, answer.text
    return answer.json()


def records(events):
    return {(event["kind"], event["collection"], event["sourcedId"]) for event in events}


def test_consumer_follows_the_feed_from_a_full_read_through_a_drop_and_its_undoing(bridge, lms, course):
    consumer = bridge.consumer()
    cursor = feed(bridge, consumer, after="latest")["next"]
    before = consumer.everything()
    drop_somebody(lms)

    run = bridge.sync()
    dropped = feed(bridge, consumer, after=cursor)
    undone = undo_run(bridge.wiring, run.id, "operator").undone
    restored = feed(bridge, consumer, after=dropped["next"])

    assert {kind for kind, _, _ in records(dropped["events"])} == {"removed"}
    assert {kind for kind, _, _ in records(restored["events"])} == {"restored"}
    assert {each[1:] for each in records(dropped["events"])} == {each[1:] for each in records(restored["events"])}
    assert {each[1:] for each in records(restored["events"])} == set(undone.restored)
    after = consumer.everything()
    for record in (record for records in (*before.values(), *after.values()) for record in records):
        del record["dateLastModified"]
    assert after == before


def test_an_undone_course_is_left_alone_until_resumed_and_then_read_at_once(bridge, lms, course):
    drop_somebody(lms)
    undo_run(bridge.wiring, bridge.sync().id, "operator")
    scheduling = Scheduling(bridge.wiring)
    paused = scheduling.verdicts()[course]

    bridge.wiring.registry.pauses.resume_context(course.tenant, course.key)

    assert (paused.due, paused.reason) == (False, Reason.PAUSED)
    assert scheduling.verdicts()[course].due
    assert bridge.sync().removed == 1


def test_a_webhook_hears_of_what_the_scheduler_reads(bridge, lms, course):
    wiring = bridge.wiring
    with HTTPServer() as receiver:
        receiver.expect_request("/hook", method="POST").respond_with_data("")
        wiring.registry.webhooks.add(
            "library",
            receiver.url_for("/hook"),
            sources=["school"],
            collections=list(COLLECTIONS),
            epoch=wiring.outbox.epoch,
            position=wiring.outbox.latest().event,
        )
        drop_somebody(lms)
        bridge.sync()
        subscribers = Subscribers(wiring)

        subscribers.deliver()

        subscribers.close()
        ((request, _),) = receiver.log
    told = json.loads(request.get_data())["data"]["events"]
    assert told == feed(bridge, bridge.consumer(), limit=1000)["events"][-len(told) :]
    assert {event["kind"] for event in told} == {"removed"}


def test_an_error_of_the_feed_has_the_shape_of_the_interface(bridge):
    answer = bridge.consumer().get(f"{bridge.url}/api/events", after="nonsense")

    assert (answer.status_code, set(answer.json())) == (400, {"error", "detail"})
