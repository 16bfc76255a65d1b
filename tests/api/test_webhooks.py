"""Webhooks, with a real receiver: what it gets, how it can tell who sent it, and what happens while it fails."""

import base64
import hashlib
import hmac
import json
import re
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Response

from bridge.api.webhooks import Deliverer, secret_text
from bridge.mirror.purging import Keep, Purge
from bridge.roster.identity import LtiUserId, class_sourced_id, enrollment_sourced_id
from bridge.roster.model import COLLECTIONS
from bridge.transport.http import Http
from bridge.transport.policy import OutgoingPolicy
from tests.mirror.rosters_in_memory import Course

DOCUMENTATION = Path(__file__).parents[2] / "docs" / "events.md"

DAY = timedelta(days=1)
NEVER = timedelta(days=10_000)


class Receiver:
    """A subscriber.

    :ivar answers: with which statuses, one after the other; then always 200.
    """

    def __init__(self):
        self._server = HTTPServer(threaded=True)
        self._server.expect_request("/hook", method="POST").respond_with_handler(self._take)
        self._server.start()
        self.url = self._server.url_for("/hook")
        self.answers = []
        self.requests = []

    def _take(self, request):
        self.requests.append((request.headers, request.get_data()))
        return Response(status=self.answers.pop(0) if self.answers else 200)

    @property
    def messages(self):
        return [json.loads(body) for _, body in self.requests]

    @property
    def events(self):
        return [event for message in self.messages for event in message["data"]["events"]]

    def close(self):
        self._server.clear()
        self._server.stop()


@pytest.fixture
def make_receiver():
    made = []

    def make():
        made.append(Receiver())
        return made[-1]

    yield make
    for receiver in made:
        receiver.close()


@pytest.fixture
def receiver(make_receiver):
    return make_receiver()


@pytest.fixture
def add(wiring):
    def add(receiver, name="hook", sources=None, classes=(), collections=tuple(COLLECTIONS)):
        return wiring.registry.webhooks.add(
            name,
            receiver.url,
            sources=sources,
            classes=classes,
            collections=collections,
            epoch=wiring.outbox.epoch,
            position=wiring.outbox.latest().event,
        )

    return add


@pytest.fixture
def deliverer(wiring):
    http = Http(OutgoingPolicy(frozenset({"localhost"})), connect_timeout=5, read_timeout=5)
    yield Deliverer(
        wiring.registry.webhooks,
        wiring.outbox,
        wiring.event_seals,
        http,
        wiring.clock,
        give_up_after=3 * DAY,
        jitter=lambda: 1.0,
    )
    http.close()


def outbox(school):
    return school.mirror.db.execute("SELECT kind, collection, sourcedId FROM outbox ORDER BY event").fetchall()


def told(events):
    return [(event["kind"], event["collection"], event["sourcedId"]) for event in events]


def test_a_subscriber_is_told_of_every_change_in_order(school, biology, receiver, add, deliverer):
    add(receiver)
    for number in range(120):
        biology.enrol(f"extra-{number}")
    school.reconcile(biology)

    deliverer.deliver()

    assert told(receiver.events) == outbox(school)
    assert [len(message["data"]["events"]) for message in receiver.messages[:2]] == [100, 100]


def test_a_message_is_signed_and_says_when_it_was_sent(school, biology, receiver, add, deliverer):
    secret = add(receiver).secret
    school.reconcile(biology)

    deliverer.deliver()

    ((headers, body),) = receiver.requests
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    assert headers["webhook-timestamp"] == str(int(school.clock().timestamp()))
    assert headers["Content-Type"] == "application/json"
    assert base64.b64decode(secret_text(secret).removeprefix("whsec_")) == secret


def test_the_check_in_the_documentation_tells_genuine_messages_from_others(school, biology, receiver, add, deliverer):
    secret = secret_text(add(receiver).secret)
    school.reconcile(biology)
    deliverer.deliver()
    ((headers, body),) = receiver.requests
    documented: dict = {}

    exec(re.search(r"```python\n(.*?)```", DOCUMENTATION.read_text(), re.DOTALL)[1], documented)

    assert documented["is_genuine"](secret, headers, body)
    assert not documented["is_genuine"](secret, headers, body + b" ")
    assert not documented["is_genuine"](secret_text(b"another" * 5), headers, body)


def test_a_message_holds_no_name(school, biology, receiver, add, deliverer):
    add(receiver)
    school.reconcile(biology)

    deliverer.deliver()

    ((_, body),) = receiver.requests
    assert b"Abara" not in body
    assert b"ann" not in body


def test_ids_are_those_of_the_feed(school, biology, receiver, add, deliverer, reader):
    add(receiver)
    school.reconcile(biology)

    deliverer.deliver()

    assert receiver.events == reader().read_all()[0]


def test_what_was_accepted_is_not_sent_again(school, biology, receiver, add, deliverer):
    add(receiver)
    school.reconcile(biology)

    deliverer.deliver()
    deliverer.deliver()

    assert len(receiver.requests) == 1


def test_what_was_before_it_was_added_is_not_sent(school, biology, receiver, add, deliverer):
    school.reconcile(biology)
    add(receiver)

    deliverer.deliver()

    assert receiver.requests == []


def test_a_message_that_is_not_accepted_is_sent_again_unchanged_before_what_came_later(
    school, biology, receiver, add, deliverer
):
    add(receiver)
    school.reconcile(biology)
    receiver.answers = [500]
    deliverer.deliver()
    biology.leave("ann")
    school.reconcile(biology)
    school.clock.turn(seconds=10)

    deliverer.deliver()

    (first, first_body), (again, again_body), _ = receiver.requests
    assert (again["webhook-id"], again_body) == (first["webhook-id"], first_body)
    assert told(receiver.events[len(receiver.messages[0]["data"]["events"]) :]) == outbox(school)


def test_a_failing_subscriber_is_left_alone_for_longer_and_longer(school, biology, receiver, add, deliverer, wiring):
    add(receiver)
    school.reconcile(biology)
    receiver.answers = [503] * 20

    pauses = []
    for _ in range(12):
        deliverer.deliver()
        failed_at = school.clock()
        deliverer.deliver()
        while not wiring.registry.webhooks.due():
            school.clock.turn(seconds=10)
        pauses.append((school.clock() - failed_at).total_seconds())

    assert len(receiver.requests) == 12
    assert pauses == [10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600, 3600]


def test_state_says_what_is_wrong_and_since_when(school, biology, receiver, add, deliverer, wiring):
    add(receiver)
    school.reconcile(biology)
    receiver.answers = [503]

    deliverer.deliver()

    (state,) = wiring.registry.webhooks.all()
    assert (state.failures, state.problem) == (1, "it answers 503")
    assert state.failing_since == "2026-11-20T08:00:00.000Z"
    assert state.stopped is None


def test_a_subscriber_that_fails_for_too_long_is_given_up(school, biology, receiver, add, deliverer, wiring):
    add(receiver)
    school.reconcile(biology)
    receiver.answers = [503] * 100
    deliverer.deliver()
    school.clock.turn(days=3)

    deliverer.deliver()
    school.clock.turn(days=30)
    deliverer.deliver()

    assert len(receiver.requests) == 2
    assert wiring.registry.webhooks.get("hook").stopped is not None


def test_a_subscriber_that_answers_gone_is_given_up_at_once(school, biology, receiver, add, deliverer, wiring):
    add(receiver)
    school.reconcile(biology)
    receiver.answers = [410]

    deliverer.deliver()

    assert wiring.registry.webhooks.get("hook").stopped is not None


def test_a_subscriber_that_was_given_up_goes_on_where_it_was_once_it_accepts_a_test(
    school, biology, receiver, add, deliverer, wiring
):
    add(receiver)
    school.reconcile(biology)
    receiver.answers = [410]
    deliverer.deliver()

    answer = deliverer.test(wiring.registry.webhooks.get("hook"))
    deliverer.deliver()

    assert answer.problem is None
    assert [message["type"] for message in receiver.messages] == ["roster.changed", "test", "roster.changed"]
    assert receiver.messages[2] == receiver.messages[0]


def test_a_failing_subscriber_keeps_no_other_waiting(school, biology, make_receiver, add, deliverer):
    bad, good = make_receiver(), make_receiver()
    add(bad, "bad")
    add(good, "good")
    bad.answers = [500] * 10
    school.reconcile(biology)

    deliverer.deliver()

    assert told(good.events) == outbox(school)


def test_a_subscriber_is_told_of_its_sources_and_collections_only(school, biology, receiver, add, deliverer):
    south = Course("history", "History", source="south")
    south.enrol("sue")
    add(receiver, sources=["south"], collections=["enrollments"])
    school.reconcile(biology)
    school.reconcile(south)

    deliverer.deliver()

    ((kind, collection, sourced_id),) = told(receiver.events)
    assert (kind, collection) == ("added", "enrollments")
    assert (
        sourced_id
        == school.mirror.db.execute(
            "SELECT sourcedId FROM enrollments JOIN sources ON sources.id = source WHERE name = 'south'"
        ).fetchone()[0]
    )


def test_a_subscriber_of_one_class_is_told_of_no_other(school, biology, receiver, add, deliverer):
    history = Course("history", "History")
    history.enrol("hal")
    class_id = class_sourced_id("north", history.key)
    add(receiver, sources=None, classes=[class_id], collections=["classes", "enrollments"])
    school.reconcile(biology)
    school.reconcile(history)

    deliverer.deliver()

    assert {(collection, sourced_id) for _, collection, sourced_id in told(receiver.events)} == {
        ("classes", class_id),
        ("enrollments", enrollment_sourced_id("north", history.key, LtiUserId("hal"))),
    }


def test_events_that_were_purged_unsent_are_told_of_as_a_gap(school, biology, receiver, add, deliverer, wiring):
    add(receiver)
    school.reconcile(biology)
    receiver.answers = [410]
    deliverer.deliver()
    school.clock.turn(days=31)
    Purge(
        school.mirror, Keep(tombstones=NEVER, facts=NEVER, changes=NEVER, events=30 * DAY, runs=NEVER), school.clock
    ).do()
    biology.leave("ann")
    school.reconcile(biology)
    deliverer.test(wiring.registry.webhooks.get("hook"))

    deliverer.deliver()

    assert [message["type"] for message in receiver.messages] == [
        "roster.changed",
        "test",
        "roster.gap",
        "roster.changed",
    ]
    assert told(receiver.messages[3]["data"]["events"]) == outbox(school)


def test_after_a_restore_it_is_told_of_a_gap_and_of_what_comes(school, biology, receiver, add, deliverer):
    add(receiver)
    school.reconcile(biology)
    school.mirror.db.execute("UPDATE meta SET value = lower(hex(randomblob(16))) WHERE key = 'epoch'")

    deliverer.deliver()
    biology.leave("ann")
    school.reconcile(biology)
    deliverer.deliver()

    assert [message["type"] for message in receiver.messages] == ["roster.gap", "roster.changed"]
    assert [event["kind"] for event in receiver.events] == ["removed", "removed"]


def test_a_subscriber_at_a_private_address_is_not_asked_unless_the_operator_allows_it(
    school, biology, receiver, add, wiring
):
    add(receiver)
    school.reconcile(biology)
    http = Http(OutgoingPolicy())

    Deliverer(
        wiring.registry.webhooks, wiring.outbox, wiring.event_seals, http, wiring.clock, give_up_after=DAY
    ).deliver()

    http.close()
    assert receiver.requests == []
    assert "outgoing.allowed_hosts" in wiring.registry.webhooks.get("hook").problem


def test_messages_to_several_subscribers_are_posted_side_by_side(school, biology, make_receiver, add, deliverer):
    meeting = threading.Barrier(2)

    class Waiting(Receiver):
        def _take(self, request):
            meeting.wait(10)
            return super()._take(request)

    receivers = [Waiting(), Waiting()]
    for number, each in enumerate(receivers):
        add(each, f"hook-{number}")
    school.reconcile(biology)

    deliverer.deliver()

    assert [len(each.requests) for each in receivers] == [1, 1]
    for each in receivers:
        each.close()
