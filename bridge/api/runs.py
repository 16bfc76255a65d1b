"""``GET /api/runs``: what reconciliations did, and what each changed, with before and after.

A client sees the runs of its sources, and of their changes those of records that its OneRoster scopes let it read. Run
numbers count over all sources, so a run goes by a name that tells nothing; the number, the message and who decided are
for clients that may see every source. Described in ``docs/http.md``.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, jsonify

from bridge.api.paging import asked_cursor, asked_limit, asked_once, seal_cursor
from bridge.api.problems import problem
from bridge.api.scopes import RUNS_READ
from bridge.auth.bearer import Grant, require
from bridge.clock import Clock
from bridge.errors import InvalidRequest, RequestError, UnknownObject
from bridge.mirror.changes import Change, Changes
from bridge.mirror.mirror import Mirror
from bridge.mirror.runs import Outcome, Run, Runs
from bridge.oneroster.scopes import ONEROSTER_SCOPES, readable_collections
from bridge.roster.identity import class_sourced_id
from bridge.roster.records import WHOLE_SOURCE
from bridge.roster.visibility import Visibility
from bridge.seals import Seals

_RUN = "run"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunsLog:
    """Serves the runs.

    :param authenticate: who asks the present request, or raises.
    :param mirror: gives this thread's mirror, to read.
    :param seals: gives what names runs and seals cursors.
    """

    authenticate: Callable[[], Grant]
    mirror: Callable[[], Mirror]
    seals: Callable[[], Seals]
    clock: Clock

    def blueprint(self) -> Blueprint:
        """The routes, and the shape of their errors."""
        blueprint = Blueprint("runs", __name__)
        blueprint.add_url_rule("/api/runs", "runs", self.runs, methods=["GET"])
        blueprint.add_url_rule("/api/runs/<name>", "run", self.run, methods=["GET"])
        blueprint.add_url_rule("/api/runs/<name>/changes", "changes", self.changes, methods=["GET"])
        blueprint.register_error_handler(RequestError, problem)
        return blueprint

    def runs(self) -> Response:
        """The runs that the client may see, newest first."""
        grant = self._granted()
        limit, outcome, class_id = asked_limit(), _outcome(), asked_once("class")
        mirror = self.mirror()
        binding = f"runs {grant.client_id} {outcome} {class_id}"
        before = asked_cursor(self.seals(), mirror.epoch, binding)
        found = Runs(mirror, self.clock).page(
            grant.visibility, limit + 1, before=before, outcome=outcome, class_sourced_id=class_id
        )
        body: dict[str, Any] = {"runs": [self._shown(mirror, run, grant) for run in found[:limit]]}
        if len(found) > limit:
            body["next"] = seal_cursor(self.seals(), mirror.epoch, found[limit - 1].id, binding)
        return _answer(body)

    def run(self, name: str) -> Response:
        """One run."""
        grant = self._granted()
        mirror = self.mirror()
        return _answer({"run": self._shown(mirror, self._named(mirror, name, grant), grant)})

    def changes(self, name: str) -> Response:
        """What one run changed, in the order in which it was done."""
        grant = self._granted()
        require(grant, any_of=ONEROSTER_SCOPES)
        limit = asked_limit()
        mirror = self.mirror()
        run = self._named(mirror, name, grant)
        binding = f"changes {grant.client_id} {run.id}"
        after = asked_cursor(self.seals(), mirror.epoch, binding) or 0
        found = Changes(mirror).page_of_run(
            run.id, limit + 1, after=after, collections=readable_collections(grant.scopes)
        )
        body: dict[str, Any] = {"changes": [_change(change) for change in found[:limit]]}
        if len(found) > limit:
            body["next"] = seal_cursor(self.seals(), mirror.epoch, found[limit - 1].id, binding)
        return _answer(body)

    def _granted(self) -> Grant:
        grant = self.authenticate()
        require(grant, any_of=[RUNS_READ])
        return grant

    def _named(self, mirror: Mirror, name: str, grant: Grant) -> Run:
        number = self.seals().number(name, f"{_RUN} {mirror.epoch}")
        run = None if number is None else Runs(mirror, self.clock).get(number)
        if run is None or not sees(grant.visibility, run.source):
            raise UnknownObject("there is no such run, or it is of a source that this client may not see")
        return run

    def _shown(self, mirror: Mirror, run: Run, grant: Grant) -> Mapping[str, Any]:
        return run_json(mirror, self.seals(), run, grant.visibility)


def run_json(mirror: Mirror, seals: Seals, run: Run, visibility: Visibility) -> Mapping[str, Any]:
    """A run as a client sees it."""
    shown: dict[str, Any] = {
        "id": seals.name(run.id, f"{_RUN} {mirror.epoch}"),
        "source": run.source,
        "class": None if run.context == WHOLE_SOURCE else class_sourced_id(run.source, run.context),
        "started": run.started,
        "finished": run.finished,
        "outcome": run.outcome,
        "complete": run.complete,
        "members": {
            "added": run.added,
            "changed": run.changed,
            "removed": run.removed,
            "unchanged": run.unchanged,
            "quarantined": run.quarantined,
        },
        "records": run.records,
    }
    if visibility.sources is None:
        shown |= {"number": run.id, "message": run.message, "decidedBy": run.decided_by}
    return shown


def sees(visibility: Visibility, source: str) -> bool:
    """Whether a source is among those that may be seen."""
    return visibility.sources is None or source in visibility.sources


def _change(change: Change) -> Mapping[str, Any]:
    return {
        "collection": change.collection,
        "sourcedId": change.sourced_id,
        "kind": change.kind,
        "dateLastModified": change.stamp,
        "before": change.before,
        "after": change.after,
    }


def _outcome() -> Outcome | None:
    text = asked_once("outcome")
    if text is None:
        return None
    if text not in list(Outcome):
        raise InvalidRequest("outcome", f"must be one of {', '.join(Outcome)}")
    return Outcome(text)


def _answer(body: Mapping[str, Any]) -> Response:
    response = jsonify(body)
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["Vary"] = "Authorization"
    return response
