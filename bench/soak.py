"""``python -m bench.soak``: load on the API while hundreds of contexts reconcile with an LMS that misbehaves.

``bridge serve`` runs as in production, with its scheduler. Consumers crawl by ``Link`` and by counting offsets, poll
for changes, follow the events and take tokens; meanwhile one roster after another is asked for, by people and by
launches, from a practice LMS that hangs, cuts, refuses and shrinks. Nothing may be answered 5xx, and no crawl may lose
or repeat a record. Then the faults stop, what was held is approved, and the mirror must be what the LMS says, and each
poller's copy what is served.

Bounded, on loopback, and ends by itself; exits with 1 if anything was wrong.
"""

import argparse
import os
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from statistics import median

import requests

from bench.consumers import Consumer, Listener, Poller
from bench.installation import Installation, installation
from bench.serving import free_port
from bench.unrest import Unrest, UnrulyManners
from bridge.cli.processes import end, start_bridge
from bridge.mirror.mirror import Mirror
from bridge.mirror.runs import GOOD, Runs
from bridge.oneroster.scopes import ROSTER
from bridge.practice.people import INSTRUCTOR, invent_person
from bridge.roster.references import ROSTERING_PATH

_COLLECTIONS = ("enrollments", "users", "classes")
_LONG = 120.0
"""Seconds after which something has gone wrong."""
_WAITING = 60
"""Orders that wait at a time: enough to keep every worker busy."""

_ENVIRONMENT = {
    "BRIDGE_LOG_LEVEL": "error",
    "BRIDGE_OUTGOING_READ_TIMEOUT": "1",
    "BRIDGE_SYNC_CONCURRENCY": "12",
    "BRIDGE_SYNC_PLATFORM_CONCURRENCY": "12",
}


@dataclass(frozen=True, slots=True)
class Soaked:
    """What came of a run.

    :param rows: the report: name, figure, and what else there is to say.
    :param wrong: what must not have been.
    """

    rows: Sequence[tuple[str, str, str]]
    wrong: Sequence[str]


def soak(*, contexts: int, members: int, seconds: float, workers: int = 2, limit: int = 100) -> Soaked:
    """Run it.

    :param members: of each context, at the beginning.
    :param seconds: how long load and faults last; what comes before and after takes its own time.
    :param limit: records on a page of those who crawl.
    """
    port = free_port()
    people = max(members * 2, contexts * members // 5)
    manners = UnrulyManners(page_size=max(2, members // 2), hang_for=1.5)
    with installation(
        contexts=contexts, members=members, people=people, port=port, manners=manners, awkward_every=0
    ) as bridge:
        unrest = Unrest(bridge.lms.roster, [invent_person(number, every=0) for number in range(people)])
        url = f"http://127.0.0.1:{port}"
        consumers = [_consumer(bridge, url, *about, limit) for about in _LOADS]
        with _served(bridge, url, workers):
            try:
                _load(bridge, unrest, consumers, seconds)
                manners.calm_down()
                rounds = _settle(bridge)
                wrong = [] if rounds else ["some contexts cannot be reconciled though the LMS is well again"]
                wrong += _compare(bridge, consumers)
            finally:
                for consumer in consumers:
                    consumer.close()
            wrong += [each for consumer in consumers for each in consumer.tally.wrong]
            wrong += [
                f"{consumer.name}: has done nothing" for consumer in consumers if not consumer.tally.statuses[200]
            ]
            return Soaked([*_report(bridge, unrest, manners, consumers)], wrong)


# What loads the API: each consumer's name, and what it does over and over.


def _crawl_by_link(consumer: Consumer, mirror: Mirror, collection: str) -> None:
    consumer.crawl_by_link(collection, lambda name: _known(mirror, name))


def _crawl_by_offset(consumer: Consumer, mirror: Mirror, collection: str) -> None:
    consumer.crawl_by_offset(collection, lambda name: _known(mirror, name))


def _poll(consumer: Consumer, _mirror: Mirror, collection: str) -> None:
    assert isinstance(consumer, Poller)
    consumer.poll(collection)


def _listen(consumer: Consumer, _mirror: Mirror, _collection: str) -> None:
    assert isinstance(consumer, Listener)
    consumer.listen()


def _take_tokens(consumer: Consumer, _mirror: Mirror, _collection: str) -> None:
    for _ in range(10):
        consumer.take_token()


_Work = Callable[[Consumer, Mirror, str], None]
_WORK: dict[str, tuple[type[Consumer], _Work]] = {
    "crawls by Link": (Consumer, _crawl_by_link),
    "crawls by offset": (Consumer, _crawl_by_offset),
    "polls for changes": (Poller, _poll),
    "follows events": (Listener, _listen),
    "takes tokens": (Consumer, _take_tokens),
}
_LOADS = [
    ("crawls by Link", 1),
    ("crawls by Link", 2),
    ("crawls by offset", 1),
    ("crawls by offset", 2),
    ("polls for changes", 1),
    ("polls for changes", 2),
    ("follows events", 1),
    ("takes tokens", 1),
]


def _consumer(bridge: Installation, url: str, kind: str, number: int, limit: int) -> Consumer:
    client, secret = bridge.wiring.registry.clients.add(f"{kind} {number}", scopes=[ROSTER])
    return _WORK[kind][0](kind, url, client.client_id, secret, limit)


def _known(mirror: Mirror, collection: str) -> set[str]:
    return {sourced_id for (sourced_id,) in mirror.db.execute(f'SELECT sourcedId FROM "{collection}"')}


def _load(bridge: Installation, unrest: Unrest, consumers: Sequence[Consumer], seconds: float) -> None:
    stop = threading.Event()
    threads = [threading.Thread(target=_consume, args=(bridge, each, stop), name=each.name) for each in consumers]
    for thread in threads:
        thread.start()
    dice = random.Random(3)
    inbox, orders = bridge.wiring.registry.inbox, bridge.wiring.registry.orders
    deadline = time.monotonic() + seconds
    try:
        while time.monotonic() < deadline:
            unrest.change()
            if inbox.waiting() < _WAITING:
                context = dice.choice(bridge.contexts)
                if dice.random() < 0.2:
                    payload = {"tenant": context.tenant, "context": context.key, "user": str(dice.randrange(10_000))}
                    inbox.put("launch", payload)
                else:
                    orders.sync(context, "soak")
            stop.wait(0.01)
    finally:
        stop.set()
        for thread in threads:
            thread.join(_LONG)


def _consume(bridge: Installation, consumer: Consumer, stop: threading.Event) -> None:
    _, work = _WORK[consumer.name]
    with closing(Mirror.open_read_only(bridge.wiring.settings.storage.mirror)) as mirror:
        while not stop.is_set():
            consumer.take_token()
            for collection in _COLLECTIONS:
                if not stop.is_set():
                    work(consumer, mirror, collection)


# How it ends.


def _settle(bridge: Installation) -> int:
    """Have every roster read whole, and approve what was held; after how many rounds all agree, 0 if they never do."""
    wiring = bridge.wiring
    orders, runs = wiring.registry.orders, Runs(wiring.mirror, wiring.clock)
    for number in range(1, 4):
        for context in bridge.contexts:
            orders.sync(context, "soak", full=True)
        _done(bridge)
        for run in runs.waiting():
            orders.approve(run.source, run.context, run.id, "soak")
        _done(bridge)
        latest = runs.latest_by_context()
        if all(latest[context.tenant, context.key].outcome in GOOD for context in bridge.contexts):
            return number
    return 0


def _done(bridge: Installation) -> None:
    deadline = time.monotonic() + _LONG
    while bridge.wiring.registry.orders.open():
        assert time.monotonic() < deadline, "the scheduler does not carry out what is ordered"
        time.sleep(0.1)


def _compare(bridge: Installation, consumers: Sequence[Consumer]) -> Iterator[str]:
    """Hold what is served to what the LMS says, and each copy to what is served."""
    reader = consumers[0]
    reader.take_token()
    served: Counter[tuple[str, str, str]] = Counter()
    for enrollment in reader.walk(f"{ROSTERING_PATH}/enrollments", limit=10_000, filter="status='active'"):
        person = enrollment["metadata"]["lti.userId"]
        served[enrollment["class"]["sourcedId"], person, enrollment["role"]] += 1
    true: Counter[tuple[str, str, str]] = Counter(
        (context.class_sourced_id, member.person.user_id, "teacher" if member.roles == (INSTRUCTOR,) else "student")
        for context in bridge.contexts
        for member in bridge.lms.roster.members(context.context_id)
        if member.status != "Inactive"
    )
    for what, differing in (("missing", true - served), ("invented", served - true)):
        if differing:
            yield f"{differing.total()} of {true.total()} memberships are {what}"
    for consumer in consumers:
        consumer.take_token()
        if isinstance(consumer, Poller):
            for collection in _COLLECTIONS:
                consumer.compare(collection)
        elif isinstance(consumer, Listener):
            consumer.listen()
            unheard = {("enrollments", one) for one in _known(bridge.wiring.mirror, "enrollments")} - consumer.heard
            if unheard:
                yield f"{len(unheard)} enrollments of which no event told"


def _report(
    bridge: Installation, unrest: Unrest, manners: UnrulyManners, consumers: Sequence[Consumer]
) -> Iterator[tuple[str, str, str]]:
    for name in _WORK:
        tallies = [consumer.tally for consumer in consumers if consumer.name == name]
        seconds = sorted(each for tally in tallies for each in tally.seconds)
        statuses = sum((tally.statuses for tally in tallies), Counter[int]())
        late = seconds[int(len(seconds) * 0.99)] if seconds else 0
        walked = f"{sum(tally.walks for tally in tallies)} walks, {sum(tally.records for tally in tallies)} records"
        took = f"median {median(seconds) * 1000:.0f} ms, 99 of 100 within {late * 1000:.0f} ms" if seconds else "none"
        yield name, f"{len(seconds)} answers", f"{walked}; statuses {_listed(statuses)}; {took}"
    rows = bridge.wiring.mirror.db.execute("SELECT outcome, count(*) FROM runs GROUP BY outcome ORDER BY outcome")
    outcomes = dict(rows.fetchall())
    yield "reconciliations", f"{sum(outcomes.values())} runs", _listed(outcomes)
    yield "changes at the LMS", str(unrest.changes.total()), _listed(unrest.changes)
    yield "faults of the LMS", str(manners.given.total()), _listed(manners.given)


def _listed(counts: Mapping[str, int] | Mapping[int, int]) -> str:
    return ", ".join(f"{name}: {count}" for name, count in counts.items() if count) or "none"


@contextmanager
def _served(bridge: Installation, url: str, workers: int) -> Iterator[None]:
    """``bridge serve``, with its scheduler."""
    environment = {**os.environ, **bridge.environment, **_ENVIRONMENT}
    child = start_bridge("serve", "--workers", str(workers), environ=environment)
    try:
        deadline = time.monotonic() + _LONG
        while not _is_ready(url):
            assert time.monotonic() < deadline, "the bridge has not begun to serve"
            time.sleep(0.1)
        yield
    finally:
        end(child, 30)


def _is_ready(url: str) -> bool:
    try:
        return bool(requests.get(f"{url}/readyz", timeout=5).json()["scheduler"] == "running")
    except requests.RequestException:
        return False


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=3, help="how long load and faults last (default 3)")
    parser.add_argument("--contexts", type=int, default=300)
    parser.add_argument("--members", type=int, default=30, help="members of each context (default 30)")
    parser.add_argument("--workers", type=int, default=2, help="web workers (default 2)")
    options = parser.parse_args()
    soaked = soak(
        contexts=options.contexts, members=options.members, seconds=options.minutes * 60, workers=options.workers
    )
    width = max(len(name) for name, _, _ in soaked.rows)
    for name, figure, note in soaked.rows:
        print(f"{name:<{width}}  {figure:>14}  {note}")
    for each in soaked.wrong:
        print(f"WRONG: {each}")
    print(f"{len(soaked.wrong)} things wrong" if soaked.wrong else "nothing lost, repeated or broken")
    sys.exit(bool(soaked.wrong))


if __name__ == "__main__":
    main()
