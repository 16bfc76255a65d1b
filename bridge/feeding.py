"""The scheduler's share in what LTI tools hand in: it waits in the inbox, and is written here.

The web writes no mirror. What a tool has handed in about one context is taken up together, in one write transaction.
"""

import threading
from collections import defaultdict
from functools import partial

import structlog

from bridge.errors import UnknownObject
from bridge.mirror.feeding import feed
from bridge.registry.inbox import FED, Item
from bridge.roster.fed import join_words
from bridge.roster.identity import ContextKey, class_sourced_id
from bridge.sync.fair_queue import FairQueue, Job
from bridge.wiring import Wiring

log = structlog.get_logger(__name__)

_LANE = 0
"""Of no platform: nothing is asked of any."""
_AT_ONCE = 1


class Feeding:
    """One process's share of it.

    :param wiring: gives each thread its own connections.
    """

    def __init__(self, wiring: Wiring, queue: FairQueue) -> None:
        self._wiring = wiring
        self._queue = queue
        self._lock = threading.Lock()
        self._waiting: dict[tuple[str, ContextKey], list[Item]] = defaultdict(list)

    def put(self, items: list[Item]) -> list[Item]:
        """Let what was handed in wait in the queue; gives back the other items."""
        for item in items:
            if item.kind != FED:
                continue
            tenant, key = item.payload["tenant"], ContextKey(item.payload["context"])
            with self._lock:
                self._waiting[tenant, key].append(item)
            name = f"fed {class_sourced_id(tenant, key)}"
            self._queue.put(Job(name, _LANE, _AT_ONCE, urgent=True, work=partial(self._take_up, tenant, key)))
        return [item for item in items if item.kind != FED]

    def _take_up(self, tenant: str, key: ContextKey) -> None:
        with self._lock:
            items = self._waiting.pop((tenant, key), [])
        words: dict[str, bytes] = {}
        for item in items:
            if (person := item.payload.get("person")) is not None:
                word = item.payload["word"].encode()
                words[person] = join_words(words[person], word) if person in words else word
        try:
            wiring, erased = self._wiring, self._wiring.registry.erased
            derivation = wiring.fed_derivation(tenant, key)
            records = feed(wiring.mirror, tenant, key, words, derivation, wiring.clock, erased=erased.among)
        except UnknownObject:
            records = 0  # forgotten since
        # What cannot be written now, because an option is wrong or the file is in use, is handed out again.
        self._wiring.registry.inbox.done(items)
        log.info("fed", class_=class_sourced_id(tenant, key), people=len(words), records=records)
