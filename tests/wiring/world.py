"""What the tests of the wiring and of the scheduling share, beside the fixtures."""

import json
from datetime import UTC, datetime, timedelta

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from bridge.mirror.runs import Runs
from bridge.scheduling import Scheduling


class TurnedClock:
    def __init__(self):
        self.now = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)

    def __call__(self):
        return self.now

    def turn(self, **by):
        self.now += timedelta(**by)


class Lms:
    """Gives a token to anybody, and to everybody who asks the members of a course as the test has set them.

    :ivar members: by context id; no entry is a course that answers 500.
    :ivar gone: context ids that are answered 404.
    :ivar meanwhile: called while a roster is asked for.
    """

    def __init__(self, server: HTTPServer):
        self.url = server.url_for("").rstrip("/")
        self.members = {}
        self.gone = set()
        self.asked = []
        self.meanwhile = lambda: None
        server.expect_request("/token").respond_with_json({"access_token": "t", "expires_in": 3600})
        server.expect_request("/members", method="GET").respond_with_handler(self._answer)

    def _answer(self, request: Request) -> Response:
        self.asked.append(request.query_string.decode())
        self.meanwhile()
        if request.args["course"] in self.gone:
            return Response(status=404)
        members = self.members.get(request.args["course"])
        return Response(status=500) if members is None else Response(json.dumps({"members": members}))


def runs(wiring):
    return Runs(wiring.mirror, wiring.clock)


def outcomes(wiring):
    return [run.outcome for run in runs(wiring).latest()]


def due(wiring):
    """The contexts that the scheduler would read."""
    return [context for context, verdict in Scheduling(wiring).verdicts().items() if verdict.due]


def work(wiring, *begin):
    """Let the scheduler begin things, and wait until all is done."""
    scheduling = Scheduling(wiring)
    with scheduling.workers():
        for each in begin or (Scheduling.take_inbox,):
            each(scheduling)
            scheduling.wait()


def refresh(wiring):
    work(wiring, Scheduling.refresh)


def take_inbox(wiring):
    work(wiring, Scheduling.take_inbox)


def ask(wiring, context, kind="sync", **more):
    """Put into the inbox what the web would."""
    wiring.registry.inbox.put(kind, {"tenant": context.tenant, "context": context.key, **more})
