"""``POST /api/classes/{sourcedId}/sync`` and ``/api/sources/{source}/sync``: have rosters read now.

The answer is 202, with the address at which to look how it goes. What waits already is asked for once, so asking again
does no harm. The scheduler takes it up within a second. A SIS is read as a whole, so only its source can be asked for.
Described in ``docs/http.md``.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, jsonify, request, url_for

from bridge.api.problems import problem
from bridge.api.runs import run_json, sees
from bridge.api.scopes import SYNC
from bridge.auth.bearer import Grant, require
from bridge.auth.rate_limit import RateLimit
from bridge.clock import Clock
from bridge.errors import RequestError, UnknownObject
from bridge.mirror.mirror import Mirror
from bridge.mirror.runs import Runs
from bridge.registry.contexts import RegisteredContext
from bridge.registry.registry import Registry
from bridge.registry.rosters import Roster
from bridge.registry.sources import RegisteredSource
from bridge.seals import Seals

SYNCS_PER_SECOND = 5
"""Requests that a client may make here: enough to ask for one class after another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Syncs:
    """Serves the requests.

    :param authenticate: who asks the present request, or raises.
    :param mirror: gives this thread's mirror, to read.
    :param seals: gives what names runs.
    :param scheduler_runs: whether somebody takes up what is asked for.
    :param rate_limit: how many requests a client may make.
    """

    authenticate: Callable[[], Grant]
    registry: Callable[[], Registry]
    mirror: Callable[[], Mirror]
    seals: Callable[[], Seals]
    clock: Clock
    public_url: str
    scheduler_runs: Callable[[], bool]
    rate_limit: RateLimit

    def blueprint(self) -> Blueprint:
        """The routes, and the shape of their errors."""
        blueprint = Blueprint("syncs", __name__)
        rule = blueprint.add_url_rule
        rule("/api/classes/<path:sourced_id>/sync", "of_class", self.of_class, methods=["GET", "POST"])
        rule("/api/sources/<path:source>/sync", "of_source", self.of_source, methods=["GET", "POST"])
        blueprint.register_error_handler(RequestError, problem)
        return blueprint

    def of_class(self, sourced_id: str) -> Response:
        """One context, by its class."""
        grant = self._granted()
        found = [each for each in self.registry().contexts.all() if each.class_sourced_id == sourced_id]
        if not found or not sees(grant.visibility, found[0].tenant):
            raise UnknownObject("no roster is read for such a class, or this client may not see its source")
        (context,) = found
        location = url_for("syncs.of_class", sourced_id=sourced_id)
        return self._serve(grant, found, location, lambda: self._state_of_class(grant, context))

    def of_source(self, source: str) -> Response:
        """Every context of a source, or the SIS that it is."""
        grant = self._granted()
        found = self._rosters_of(source) if sees(grant.visibility, source) else []
        if not found:
            raise UnknownObject("no roster is read from such a source, or this client may not see it")
        location = url_for("syncs.of_source", source=source)
        return self._serve(grant, found, location, lambda: self._state_of_source(grant, source, found))

    def _rosters_of(self, source: str) -> Sequence[Roster]:
        try:
            return [self.registry().sources.get(source)]
        except UnknownObject:
            return self.registry().contexts.all(source)

    def _granted(self) -> Grant:
        grant = self.authenticate()
        require(grant, any_of=[SYNC])
        self.rate_limit.take(grant.client_id)
        return grant

    def _serve(
        self, grant: Grant, rosters: Sequence[Roster], location: str, state: Callable[[], Mapping[str, Any]]
    ) -> Response:
        asked = request.method == "POST"
        if asked:
            self.registry().orders.sync_all(rosters, f"client {grant.client_id}")
        response = jsonify(state())
        response.headers["Cache-Control"] = "private, no-store"
        response.headers["Vary"] = "Authorization"
        if asked:
            response.status_code = 202
            response.headers["Location"] = f"{self.public_url}{location}"
        return response

    def _state_of_class(self, grant: Grant, context: RegisteredContext) -> Mapping[str, Any]:
        return {"class": context.class_sourced_id, **self._state_of(grant, context)}

    def _state_of_source(self, grant: Grant, source: str, rosters: Sequence[Roster]) -> Mapping[str, Any]:
        if isinstance(rosters[0], RegisteredSource):
            return {"source": source, **self._state_of(grant, rosters[0])}
        keys = {context.key for context in rosters}
        waiting = {order.context for order in self.registry().orders.open() if order.tenant == source} & keys
        return {
            "source": source,
            "state": "waiting" if waiting else "idle",
            "scheduler": self._scheduler(),
            "classes": len(rosters),
            "waiting": len(waiting),
        }

    def _state_of(self, grant: Grant, roster: Roster) -> Mapping[str, Any]:
        registry, mirror = self.registry(), self.mirror()
        latest = Runs(mirror, self.clock).latest(1, context=(roster.tenant, roster.key))
        reading = registry.leases.held(roster.lease) is not None
        waiting = registry.inbox.holds({"tenant": roster.tenant, "context": roster.key})
        return {
            "state": "reading" if reading else "waiting" if waiting else "idle",
            "scheduler": self._scheduler(),
            "lastRun": run_json(mirror, self.seals(), latest[0], grant.visibility) if latest else None,
        }

    def _scheduler(self) -> str:
        return "running" if self.scheduler_runs() else "not running"
