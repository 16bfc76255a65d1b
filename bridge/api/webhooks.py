"""Telling subscribers of changes: signed messages, in order, each until it is accepted.

Signatures, headers and secrets are those of Standard Webhooks 1.0 (https://www.standardwebhooks.com), for which most
languages have a library that verifies them. The messages are described in ``docs/events.md``.
"""

import base64
import hashlib
import hmac
import random
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta

import msgspec
import structlog

from bridge.api.events import event_json
from bridge.clock import Clock, from_stamp, to_stamp
from bridge.errors import BridgeError
from bridge.mirror.outbox import Event, Outbox
from bridge.registry.webhooks import Webhook, Webhooks
from bridge.seals import Seals
from bridge.transport.http import Http

log = structlog.get_logger(__name__)

_MOST_EVENTS = 100
_ROUNDS = 20
"""Messages that one call sends to one subscriber, so that the scheduler looks up now and then."""
_AT_ONCE = 8
_FIRST_PAUSE = timedelta(seconds=10)
_LONGEST_PAUSE = timedelta(hours=1)
_GONE = 410


@dataclass(frozen=True, slots=True)
class Message:
    """One message to one subscriber.

    :param id: the same whenever it is tried again.
    :param last: the last event in it.
    """

    webhook: Webhook
    id: str
    body: bytes
    last: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a message.

    :param problem: why it was not accepted; ``None`` if it was.
    :param unwanted: whether the subscriber wants to hear no more.
    """

    problem: str | None
    unwanted: bool = False


def secret_text(secret: bytes) -> str:
    """A secret as it is shown and as verifying libraries take it."""
    return "whsec_" + base64.b64encode(secret).decode()


def signed_headers(secret: bytes, message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """What proves who sent a message and when.

    :param timestamp: seconds since 1970.
    """
    signed = f"{message_id}.{timestamp}.".encode() + body
    signature = base64.b64encode(hmac.digest(secret, signed, hashlib.sha256)).decode()
    return {
        "Content-Type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": f"v1,{signature}",
    }


class Deliverer:
    """Tells the subscribers what is new.

    :param http: with short timeouts: a slow subscriber makes the others wait.
    :param give_up_after: for how long a subscriber may fail.
    :param jitter: gives a factor for each pause, so that subscribers that failed together are not all tried at once.
    """

    def __init__(
        self,
        webhooks: Webhooks,
        outbox: Outbox,
        seals: Seals,
        http: Http,
        clock: Clock,
        *,
        give_up_after: timedelta,
        jitter: Callable[[], float] = lambda: random.uniform(0.5, 1.0),  # noqa: S311 - not for secrecy
    ) -> None:
        self._webhooks = webhooks
        self._outbox = outbox
        self._seals = seals
        self._http = http
        self._clock = clock
        self._give_up_after = give_up_after
        self._jitter = jitter

    def deliver(self) -> None:
        """Send what waits, to each subscriber in order, to all of them side by side."""
        if not self._webhooks.due():
            return
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="webhooks") as pool:
            for _ in range(_ROUNDS):
                # Databases are read and written by this thread; the others only post.
                messages = [message for each in self._webhooks.due() if (message := self._next(each)) is not None]
                if not messages:
                    return
                for message, answer in zip(messages, pool.map(self._post, messages), strict=True):
                    self._note(message, answer)

    def test(self, webhook: Webhook) -> Answer:
        """Send a message without events; a subscriber that was given up is told again if it accepts that."""
        message = self._message(webhook, "test", (), webhook.position)
        answer = self._post(message)
        if answer.problem is None:
            self._webhooks.revive(webhook.name)
        return answer

    def _next(self, webhook: Webhook) -> Message | None:
        epoch = self._outbox.epoch
        if webhook.epoch != epoch:
            webhook = self._webhooks.move(webhook.name, epoch=epoch, position=self._outbox.latest().event, gap=True)
        elif webhook.position < self._outbox.gone:
            webhook = self._webhooks.move(webhook.name, epoch=epoch, position=self._outbox.gone, gap=True)
        if webhook.gap:
            return self._message(webhook, "roster.gap", (), webhook.position)
        batch = self._outbox.read(
            webhook.position, webhook.visibility, webhook.collections, _MOST_EVENTS, until=webhook.attempted
        )
        if not batch.events:
            if batch.place.event > webhook.position:
                self._webhooks.move(webhook.name, epoch=epoch, position=batch.place.event, gap=False)
            return None
        last = batch.events[-1].number
        if webhook.attempted is None:
            self._webhooks.attempt(webhook.name, last)
        return self._message(webhook, "roster.changed", batch.events, last)

    def _message(self, webhook: Webhook, kind: str, events: Sequence[Event], last: int) -> Message:
        epoch = self._outbox.epoch
        stamp = events[-1].stamp if events else to_stamp(self._clock())
        body: Mapping[str, object] = {
            "type": kind,
            "timestamp": stamp,
            "data": {"events": [event_json(event, epoch, self._seals) for event in events]},
        }
        mark = self._seals.mark(f"message {webhook.name} {kind} {epoch} {webhook.position} {last}")
        return Message(webhook, f"msg_{mark}", msgspec.json.encode(body), last)

    def _post(self, message: Message) -> Answer:
        headers = signed_headers(message.webhook.secret, message.id, int(self._clock().timestamp()), message.body)
        try:
            status = self._http.post(message.webhook.url, message.body, headers=headers).status
        except BridgeError as error:
            return Answer(str(error))
        if 200 <= status < 300:
            return Answer(None)
        return Answer(f"it answers {status}", unwanted=status == _GONE)

    def _note(self, message: Message, answer: Answer) -> None:
        name = message.webhook.name
        if answer.problem is None:
            self._webhooks.accepted(name, message.last)
            return
        pause = min(_FIRST_PAUSE * 2 ** min(message.webhook.failures, 20), _LONGEST_PAUSE) * self._jitter()
        now = self._clock()
        self._webhooks.failed(name, answer.problem, now + pause)
        since = message.webhook.failing_since
        log.warning("webhook_failed", webhook=name, problem=answer.problem, failures=message.webhook.failures + 1)
        if answer.unwanted or (since is not None and now - from_stamp(since) >= self._give_up_after):
            self._webhooks.stop(name)
            log.error("webhook_stopped", webhook=name, problem=answer.problem)
